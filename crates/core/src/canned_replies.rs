//! Replies that operators have ready.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{InvalidText, MessageText};

/// How many there may be.
const MOST: usize = 200;

/// The longest shortcut, in characters.
const LONGEST_SHORTCUT: usize = 32;

/// Replies that the operators of a site have ready, in the order in which they are shown: at most 200.
///
/// Its JSON form is a list: `[{ "shortcut": "hello", "text": "Hello! How can I help?" }]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<CannedReply>", into = "Vec<CannedReply>")]
pub struct CannedReplies(Vec<CannedReply>);

/// A reply that is ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CannedReply {
    /// What to type for it: 1 to 32 of the characters `a-z 0-9 -`. No other reply has the same.
    pub shortcut: String,
    /// What is sent: 1 to 4000 UTF-16 code units with something to read in them, as any message.
    pub text: String,
}

/// Why something is not [`CannedReplies`], as a sentence for whoever wrote it. Places count from 1.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidCannedReplies {
    /// It is not JSON, or not of that form.
    #[error("canned replies must be a JSON list of objects with shortcut and text: {0}")]
    Json(String),
    /// There are too many.
    #[error("there may be at most {MOST} canned replies")]
    TooMany,
    /// A shortcut is none.
    #[error("reply {place}: shortcut must be 1 to {LONGEST_SHORTCUT} of the characters a-z 0-9 -")]
    Shortcut {
        /// The reply's place.
        place: usize,
    },
    /// Two replies have the same shortcut.
    #[error("reply {place}: another reply has the shortcut {shortcut} too")]
    Taken {
        /// The reply's place.
        place: usize,
        /// The shortcut.
        shortcut: String,
    },
    /// A text is none.
    #[error("reply {place}: text {rule}")]
    Text {
        /// The reply's place.
        place: usize,
        /// What is wrong with the text.
        rule: InvalidText,
    },
}

impl CannedReplies {
    /// Checks a list against the rules above.
    pub fn new(replies: Vec<CannedReply>) -> Result<Self, InvalidCannedReplies> {
        if replies.len() > MOST {
            return Err(InvalidCannedReplies::TooMany);
        }
        let mut shortcuts = HashSet::new();
        for (place, CannedReply { shortcut, text }) in (1..).zip(&replies) {
            if !is_shortcut(shortcut) {
                return Err(InvalidCannedReplies::Shortcut { place });
            }
            if !shortcuts.insert(shortcut) {
                return Err(InvalidCannedReplies::Taken { place, shortcut: shortcut.clone() });
            }
            MessageText::parse(text.clone()).map_err(|rule| InvalidCannedReplies::Text { place, rule })?;
        }
        Ok(Self(replies))
    }

    /// Reads the JSON form.
    pub fn parse_json(text: &str) -> Result<Self, InvalidCannedReplies> {
        let replies =
            serde_json::from_str(text).map_err(|error| InvalidCannedReplies::Json(error.to_string()))?;
        Self::new(replies)
    }

    /// The JSON form.
    pub fn to_json(&self) -> String {
        // Strings in a list can always be written.
        serde_json::to_string(&self.0).unwrap_or_default()
    }

    /// The replies in order.
    pub fn as_slice(&self) -> &[CannedReply] {
        &self.0
    }
}

fn is_shortcut(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=LONGEST_SHORTCUT).contains(&text.len()) && text.bytes().all(allowed)
}

impl TryFrom<Vec<CannedReply>> for CannedReplies {
    type Error = InvalidCannedReplies;

    fn try_from(replies: Vec<CannedReply>) -> Result<Self, InvalidCannedReplies> {
        Self::new(replies)
    }
}

impl From<CannedReplies> for Vec<CannedReply> {
    fn from(replies: CannedReplies) -> Self {
        replies.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(shortcut: &str, text: &str) -> CannedReply {
        CannedReply { shortcut: shortcut.to_owned(), text: text.to_owned() }
    }

    fn refused(replies: Vec<CannedReply>) -> String {
        CannedReplies::new(replies).unwrap_err().to_string()
    }

    #[test]
    fn the_json_form_is_written_as_it_is_read() {
        let json = r#"[{"shortcut":"b-1","text":"Hello!\n👋"},{"shortcut":"a","text":"<b>"}]"#;
        let replies = CannedReplies::parse_json(json).unwrap();
        assert_eq!(replies.as_slice(), [reply("b-1", "Hello!\n👋"), reply("a", "<b>")]);
        assert_eq!(replies.to_json(), json);
        assert_eq!(serde_json::from_str::<CannedReplies>(json).unwrap(), replies);
        assert_eq!(CannedReplies::parse_json("[]").unwrap(), CannedReplies::default());
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for bad in ["", "Hello", "a b", "é", "a_b", &"x".repeat(33)] {
            assert!(
                refused(vec![reply("ok", "x"), reply(bad, "x")])
                    .starts_with("reply 2: shortcut must be 1 to 32")
            );
        }
        assert_eq!(
            refused(vec![reply("a", "x"), reply("a", "y")]),
            "reply 2: another reply has the shortcut a too"
        );
        assert_eq!(refused(vec![reply("a", "")]), "reply 1: text must not be empty");
        assert_eq!(refused(vec![reply("a", " \n")]), "reply 1: text must not be blank");
        assert_eq!(refused(vec![reply("a", "\0")]), "reply 1: text must not contain U+0000");
        assert_eq!(
            refused(vec![reply("a", &"x".repeat(4001))]),
            "reply 1: text must have at most 4000 UTF-16 code units"
        );
        let many: Vec<_> = (0..201).map(|n| reply(&n.to_string(), "x")).collect();
        assert!(CannedReplies::new(many[1..].to_vec()).is_ok());
        assert_eq!(refused(many), "there may be at most 200 canned replies");
        for bad in ["", "{}", "[1]", r#"[{"shortcut":"a"}]"#, r#"[{"shortcut":"a","text":"x","more":1}]"#] {
            let error = CannedReplies::parse_json(bad).unwrap_err().to_string();
            assert!(error.starts_with("canned replies must be a JSON list"), "{bad}: {error}");
        }
    }
}
