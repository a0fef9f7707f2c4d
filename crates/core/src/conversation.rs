//! What operators make of a conversation, and what is known of its visitor's visit.

use std::fmt;

use thiserror::Error;

use crate::{EmailAddress, OperatorName, Timestamp};

/// Whether somebody has to look at a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ConversationStatus {
    /// It goes on.
    #[default]
    Open,
    /// The visitor has asked for a person, and none has come yet.
    NeedsPerson,
    /// An operator has closed it. The visitor's next message opens it again.
    Closed,
}

impl ConversationStatus {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Open, Self::NeedsPerson, Self::Closed];

    /// The name used on the wire and in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::NeedsPerson => "needs_person",
            Self::Closed => "closed",
        }
    }

    /// The status of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// What operators make of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConversationState {
    /// Whether somebody has to look at it.
    pub status: ConversationStatus,
    /// Who answers in place of the AI, which is silent as long as this is somebody.
    pub answering: Option<Answering>,
    /// Whose concern it is.
    pub assignee: Option<OperatorName>,
    /// In their order, each once, at most [`MAX_TAGS`].
    pub tags: Vec<Tag>,
    /// Where the visitor wants to be written to.
    pub contact: Option<EmailAddress>,
}

/// A person who has taken a conversation over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answering {
    /// Who it is.
    pub operator: OperatorName,
    /// Since when.
    pub since: Timestamp,
}

impl ConversationState {
    /// Whether the AI answers.
    pub const fn is_answered_by_ai(&self) -> bool {
        self.answering.is_none()
    }
}

/// The most tags that a conversation has.
pub const MAX_TAGS: usize = 20;

/// A word that operators put on a conversation: 1 to 32 characters in lower case, without commas and control characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(String);

/// The text is not a [`Tag`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must have 1 to 32 characters, no commas and no control characters")]
pub struct InvalidTag;

impl Tag {
    /// Takes white space off the ends, puts it into lower case, and checks it.
    pub fn parse(text: &str) -> Result<Self, InvalidTag> {
        let text = text.trim().to_lowercase();
        let is_allowed = |character: char| character != ',' && !character.is_control();
        if (1..=32).contains(&text.chars().count()) && text.chars().all(is_allowed) {
            Ok(Self(text))
        } else {
            Err(InvalidTag)
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a visitor's browser says of the visit. Each text is what anybody may have sent: it is short and without control
/// characters, and nothing more is known of it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Visit {
    /// The address of the page that the chat is on, without its fragment.
    pub page: Option<String>,
    /// The address of the page before that.
    pub referrer: Option<String>,
    /// What the browser calls itself.
    pub user_agent: Option<String>,
    /// The languages that the visitor prefers.
    pub language: Option<String>,
}

/// The longest text of a [`Visit`], in characters.
const MAX_VISIT_TEXT: usize = 500;

impl Visit {
    /// Makes a text one of a visit: cuts it, and leaves out control characters. `None` if nothing is left.
    pub fn text(text: &str) -> Option<String> {
        let kept: String = text.trim().chars().filter(|it| !it.is_control()).take(MAX_VISIT_TEXT).collect();
        (!kept.is_empty()).then_some(kept)
    }

    /// What is said later counts more; what is not said stays.
    #[must_use]
    pub fn or(self, earlier: Self) -> Self {
        Self {
            page: self.page.or(earlier.page),
            referrer: self.referrer.or(earlier.referrer),
            user_agent: self.user_agent.or(earlier.user_agent),
            language: self.language.or(earlier.language),
        }
    }
}

impl fmt::Debug for Visit {
    /// Says nothing, so that where people are does not end up in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Visit(..)")
    }
}

/// Something that happened in a conversation and is a part of it. Its name is the text of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// An operator took it over.
    Joined,
    /// The operator gave it back to the AI.
    Left,
    /// The visitor asked for a person.
    Asked,
    /// The visitor asked for a person, and nobody is there now.
    Away,
    /// An operator closed it.
    Closed,
    /// It was opened again.
    Reopened,
}

impl EventKind {
    const ALL: [Self; 6] = [Self::Joined, Self::Left, Self::Asked, Self::Away, Self::Closed, Self::Reopened];

    /// The name used on the wire and in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Joined => "joined",
            Self::Left => "left",
            Self::Asked => "asked",
            Self::Away => "away",
            Self::Closed => "closed",
            Self::Reopened => "reopened",
        }
    }

    /// The event of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_value() {
        for status in ConversationStatus::ALL {
            assert_eq!(ConversationStatus::parse(status.as_str()), Some(status));
        }
        for event in EventKind::ALL {
            assert_eq!(EventKind::parse(event.as_str()), Some(event));
        }
    }

    #[test]
    fn a_tag_is_one_short_word_in_lower_case() {
        assert_eq!(Tag::parse("  Refund Norway ").unwrap().as_str(), "refund norway");
        assert!(Tag::parse(&"é".repeat(32)).is_ok());
        for bad in ["", "   ", "a,b", "a\nb", "a\0", &"x".repeat(33)] {
            assert_eq!(Tag::parse(bad), Err(InvalidTag), "{bad:?}");
        }
    }

    #[test]
    fn what_a_browser_says_is_cut_and_has_no_control_characters() {
        assert_eq!(Visit::text(" /a\0b\r\nc ").as_deref(), Some("/abc"));
        assert_eq!(Visit::text("\n"), None);
        assert_eq!(Visit::text(&"é".repeat(900)).map(|text| text.chars().count()), Some(500));
    }
}
