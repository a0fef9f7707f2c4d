use frontdesk_core::{
    ConversationId, ConversationSummary, Draft, Message, SecretHash, SessionKey, SiteId, StoredKey, Timestamp,
};

/// A setting that is kept with the data, such as the hash of the dashboard's password.
#[derive(Clone, PartialEq, Eq)]
pub struct ExportedSetting {
    /// Names it.
    pub name: String,
    /// What it is set to: secret.
    pub value: String,
}

impl std::fmt::Debug for ExportedSetting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ExportedSetting({})", self.name)
    }
}

/// A site, as it is exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportedSite {
    /// Names it.
    pub id: SiteId,
    /// What people call it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A document that a site has one of, as it is exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportedDocument {
    /// The site.
    pub site: SiteId,
    /// Names it.
    pub name: String,
    /// All of it.
    pub text: String,
}

/// A conversation without its messages, as it is exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportedConversation {
    /// The site it belongs to.
    pub site: SiteId,
    /// The hash of the visitor's secret: secret too.
    pub secret: Option<SecretHash>,
    /// Everything else that is said of it.
    pub summary: ConversationSummary,
    /// What operators have begun to write, by their names and then by what it is.
    pub drafts: Vec<Draft>,
}

impl ExportedConversation {
    /// The session whose next message belongs to it.
    pub fn session(&self) -> SessionKey {
        SessionKey { site: self.site, session: self.summary.session.clone(), secret: self.secret }
    }
}

/// One thing of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportedRow {
    /// A setting. All of them come first.
    Setting(ExportedSetting),
    /// A site. Its documents, keys and conversations follow.
    Site(ExportedSite),
    /// A document of a site.
    Document(ExportedDocument),
    /// A key, with its hash.
    Key(StoredKey),
    /// A conversation. Its messages follow.
    Conversation(Box<ExportedConversation>),
    /// A message.
    Message(ConversationId, Message),
}

/// A place in an export: behind a conversation and its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) site: SiteId,
    pub(crate) conversation: ConversationId,
}

impl Place {
    /// Where a site's conversations begin that come after this place: behind that id. `None` if it has none.
    pub(crate) fn within(after: Option<Self>, site: SiteId) -> Option<ConversationId> {
        let before_all = Some(ConversationId::from_bytes([0; 16]));
        match after {
            Some(place) if site < place.site => None,
            Some(place) if site == place.site => Some(place.conversation),
            _ => before_all,
        }
    }
}
