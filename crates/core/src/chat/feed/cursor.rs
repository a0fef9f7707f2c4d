use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::{ConversationId, MessageStatus, Thread};

/// A place in a conversation's feed: how much of the conversation a reader has.
///
/// Its text form, `4b1c2d3e.12.340`, is opaque to clients. It is no secret and opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedCursor {
    /// The end of the conversation's id, so that the cursor of another conversation is seen to be one.
    pub(super) tag: u32,
    /// The number of the last change that the reader knows.
    pub(super) revision: u32,
    pub(super) length: usize,
}

/// The text is not one that a [`FeedCursor`] has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be a cursor that this feed or a page of messages has given")]
pub struct InvalidFeedCursor;

impl FeedCursor {
    /// The place before everything.
    pub(super) const fn begin(conversation: ConversationId) -> Self {
        let id = conversation.as_bytes();
        Self { tag: u32::from_be_bytes([id[12], id[13], id[14], id[15]]), revision: 0, length: 0 }
    }

    /// The place of a reader that has read the newest page of a conversation.
    pub fn after(page: &Thread) -> Self {
        let writing = page.messages.iter().find(|message| message.status == MessageStatus::Streaming);
        let length = writing.map_or(0, |answer| answer.text.len());
        Self { revision: page.conversation.revision, length, ..Self::begin(page.conversation.id) }
    }

    /// How many bytes (UTF-8) the reader has of the answer that is being written.
    pub const fn length(self) -> usize {
        self.length
    }

    /// Whether it can be a place in a conversation that has come this far.
    pub(super) const fn is_within(self, conversation: ConversationId, revision: u32) -> bool {
        self.tag == Self::begin(conversation).tag && self.revision <= revision
    }
}

impl fmt::Display for FeedCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}.{}.{}", self.tag, self.revision, self.length)
    }
}

impl FromStr for FeedCursor {
    type Err = InvalidFeedCursor;

    fn from_str(text: &str) -> Result<Self, InvalidFeedCursor> {
        let parse = || {
            let mut parts = text.split('.');
            let (tag, revision, length) = (parts.next()?, parts.next()?, parts.next()?);
            let cursor = Self {
                tag: u32::from_str_radix(tag, 16).ok()?,
                revision: revision.parse().ok()?,
                length: length.parse().ok()?,
            };
            // There is one way to write a place: no signs, no leading zeros, nothing behind it.
            (cursor.to_string() == text).then_some(cursor)
        };
        parse().ok_or(InvalidFeedCursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_its_text_form() {
        let cursor = FeedCursor {
            revision: 12,
            length: 340,
            ..FeedCursor::begin(ConversationId::from_bytes([7; 16]))
        };
        assert_eq!(cursor.to_string(), "07070707.12.340");
        assert_eq!("07070707.12.340".parse(), Ok(cursor));
    }

    #[test]
    fn other_texts_are_refused() {
        for bad in [
            "",
            "1",
            "07070707.12",
            "07070707.12.340.",
            "07070707.12.340.1",
            "07070707.-1.0",
            "07070707.+1.0",
            "07070707.01.0",
            "7070707.1.0",
            "0707070Z.1.0",
            "07070707.4294967296.0",
            "07070707.1.ü",
        ] {
            assert_eq!(bad.parse::<FeedCursor>(), Err(InvalidFeedCursor), "{bad}");
        }
    }
}
