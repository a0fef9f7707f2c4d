use frontdesk_core::{ConversationId, ConversationSummary, KeyId, KeyKind, Message, SiteId, Timestamp};

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

/// One thing of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportedRow {
    /// A site. Its keys and conversations follow.
    Site(ExportedSite),
    /// A key, without anything that could be used as one.
    Key {
        /// Names it.
        id: KeyId,
        /// The site it belongs to.
        site: SiteId,
        /// What it opens.
        kind: KeyKind,
        /// When it was made.
        created_at: Timestamp,
    },
    /// A conversation. Its messages follow.
    Conversation(SiteId, ConversationSummary),
    /// A message.
    Message(ConversationId, Message),
}
