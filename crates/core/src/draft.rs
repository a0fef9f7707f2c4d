//! What operators have begun to write.

use crate::OperatorName;

/// The most drafts that a conversation has, of all operators together.
pub const MAX_DRAFTS: u32 = 20;

/// What a draft is to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DraftKind {
    /// A message to the visitor.
    Reply,
    /// A note to the team.
    Note,
}

impl DraftKind {
    const ALL: [Self; 2] = [Self::Reply, Self::Note];

    /// The name used on the wire and in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::Note => "note",
        }
    }

    /// The kind of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A text that an operator has begun to write in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Who.
    pub operator: OperatorName,
    /// What it is to become.
    pub kind: DraftKind,
    /// What there is of it: as a [`crate::MessageText`] may be.
    pub text: String,
}

/// What one operator has begun to write in a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drafts {
    /// To the visitor.
    pub reply: Option<String>,
    /// To the team.
    pub note: Option<String>,
}

impl FromIterator<(DraftKind, String)> for Drafts {
    fn from_iter<I: IntoIterator<Item = (DraftKind, String)>>(drafts: I) -> Self {
        let mut all = Self::default();
        for (kind, text) in drafts {
            match kind {
                DraftKind::Reply => all.reply = Some(text),
                DraftKind::Note => all.note = Some(text),
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_value() {
        for kind in DraftKind::ALL {
            assert_eq!(DraftKind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(DraftKind::parse("message"), None);
    }
}
