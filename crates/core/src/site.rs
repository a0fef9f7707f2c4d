use crate::{KeyId, SiteId, Timestamp};

/// What a key opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// Stands in every page that embeds the widget, so it is no secret: it names the site.
    Public,
    /// Opens the admin API.
    Admin,
}

impl KeyKind {
    /// The name used in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Admin => "admin",
        }
    }

    /// The kind of that name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Public, Self::Admin].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A document that a site has one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SiteDocument {
    /// What the site's owner has set for the widget, as JSON.
    WidgetConfig,
    /// When somebody of the team is there, as JSON: [`OfficeHours`](crate::OfficeHours). None means always.
    OfficeHours,
    /// What operators have ready to send, as JSON: [`CannedReplies`](crate::CannedReplies).
    CannedReplies,
}

impl SiteDocument {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::WidgetConfig, Self::OfficeHours, Self::CannedReplies];

    /// The name used in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WidgetConfig => "widget_config",
            Self::OfficeHours => "office_hours",
            Self::CannedReplies => "canned_replies",
        }
    }
}

/// A key as a store holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// Names the key.
    pub id: KeyId,
    /// The site it belongs to.
    pub site: SiteId,
    /// What it opens.
    pub kind: KeyKind,
    /// The SHA-256 of its text.
    pub sha256: [u8; 32],
    /// Its text: kept for public keys only, which are shown wherever the widget is installed.
    pub text: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl std::fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StoredKey({}, {})", self.id, self.kind.as_str())
    }
}
