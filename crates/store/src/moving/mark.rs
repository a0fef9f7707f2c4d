use std::fmt;

use frontdesk_core::{ConversationId, SiteId};

use crate::exported::Place;

/// The setting that a store has as long as a move to it is not finished. It is never moved itself.
pub(crate) const MARK: &str = "unfinished_move";

/// How far a move has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// What is moved.
    pub(crate) from: String,
    /// Everything up to here is there.
    pub(crate) after: Option<Place>,
}

impl Mark {
    /// Reads what was kept.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut words = text.splitn(3, ' ');
        let (site, conversation, from) = (words.next()?, words.next()?, words.next()?.to_owned());
        if (site, conversation) == ("-", "-") {
            return Some(Self { from, after: None });
        }
        let place = Place { site: SiteId::parse(site)?, conversation: ConversationId::parse(conversation)? };
        Some(Self { from, after: Some(place) })
    }
}

impl fmt::Display for Mark {
    /// The form in which it is kept.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.after {
            None => write!(f, "- - {}", self.from),
            Some(place) => write!(f, "{} {} {}", place.site, place.conversation, self.from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_kept() {
        let place = Place { site: SiteId::DEFAULT, conversation: ConversationId::from_bytes([7; 16]) };
        for after in [None, Some(place)] {
            let mark = Mark { from: "sqlite:/a folder/test.db".to_owned(), after };
            assert_eq!(Mark::parse(&mark.to_string()), Some(mark));
        }
        for broken in ["", "- -", "x y z", "- 0 a"] {
            assert_eq!(Mark::parse(broken), None, "{broken}");
        }
    }
}
