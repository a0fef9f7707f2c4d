use thiserror::Error;

/// The longest comment on an answer, in UTF-16 code units.
pub const MAX_COMMENT_UNITS: usize = 1000;

/// Whether an answer helped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rating {
    /// It helped.
    Up,
    /// It did not.
    Down,
}

impl Rating {
    /// The name used on the wire and in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }

    /// The rating of that name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Up, Self::Down].into_iter().find(|rating| rating.as_str() == text)
    }
}

/// Why an answer did not help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FeedbackReason {
    /// It was not correct.
    Incorrect,
    /// It was out of date.
    Outdated,
    /// It did not answer.
    Unanswered,
    /// It was hard to follow.
    Unclear,
}

impl FeedbackReason {
    const ALL: [Self; 4] = [Self::Incorrect, Self::Outdated, Self::Unanswered, Self::Unclear];

    /// The name used on the wire and in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Incorrect => "incorrect",
            Self::Outdated => "outdated",
            Self::Unanswered => "unanswered",
            Self::Unclear => "unclear",
        }
    }

    /// The reason of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

/// What a visitor says of an answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Feedback {
    /// Whether it helped.
    pub rating: Rating,
    /// Why it did not.
    pub reason: Option<FeedbackReason>,
    /// More, in the visitor's own words: see [`check_comment`].
    pub comment: Option<String>,
}

impl std::fmt::Debug for Feedback {
    /// Says how long the comment is, so that what people write does not end up in logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let comment = self.comment.as_ref().map(String::len);
        write!(f, "Feedback({:?}, {:?}, {comment:?} bytes)", self.rating, self.reason)
    }
}

/// Why a text is not a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidComment {
    /// It has more than [`MAX_COMMENT_UNITS`] UTF-16 units.
    #[error("must have at most 1000 UTF-16 code units")]
    TooLong,
    /// It has a NUL character, which PostgreSQL's text cannot hold.
    #[error("must not contain U+0000")]
    Nul,
}

/// Checks a comment on an answer. A blank one is none.
pub fn check_comment(text: String) -> Result<Option<String>, InvalidComment> {
    if text.encode_utf16().count() > MAX_COMMENT_UNITS {
        Err(InvalidComment::TooLong)
    } else if text.contains('\0') {
        Err(InvalidComment::Nul)
    } else {
        Ok((!text.trim().is_empty()).then_some(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_value() {
        for reason in FeedbackReason::ALL {
            assert_eq!(FeedbackReason::parse(reason.as_str()), Some(reason));
        }
        for rating in [Rating::Up, Rating::Down] {
            assert_eq!(Rating::parse(rating.as_str()), Some(rating));
        }
        assert_eq!((Rating::parse("Up"), FeedbackReason::parse("")), (None, None));
    }

    #[test]
    fn a_comment_is_short_and_a_blank_one_is_none() {
        assert_eq!(check_comment(" \n".to_owned()), Ok(None));
        assert_eq!(check_comment(" no ".to_owned()), Ok(Some(" no ".to_owned())));
        assert!(check_comment("😀".repeat(500)).is_ok());
        assert_eq!(check_comment("😀".repeat(501)), Err(InvalidComment::TooLong));
        assert_eq!(check_comment("a\0".to_owned()), Err(InvalidComment::Nul));
    }

    #[test]
    fn what_people_write_is_not_in_debug_output() {
        let comment = Some("secret".to_owned());
        let feedback = Feedback { rating: Rating::Down, reason: Some(FeedbackReason::Unclear), comment };
        assert_eq!(format!("{feedback:?}"), "Feedback(Down, Some(Unclear), Some(6) bytes)");
    }
}
