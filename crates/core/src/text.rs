use std::fmt;

use thiserror::Error;

/// The longest message somebody may send, in UTF-16 code units (what JavaScript's `length` counts).
pub const MAX_MESSAGE_UNITS: usize = 4000;

/// The longest preview of a message kept with its conversation, in UTF-16 code units.
pub const PREVIEW_UNITS: usize = 500;

/// What a visitor or an operator wrote: 1 to [`MAX_MESSAGE_UNITS`] UTF-16 units, with something to read in it, and without NUL.
///
/// Kept exactly as it was sent: nothing is trimmed or normalised.
#[derive(Clone, PartialEq, Eq)]
pub struct MessageText(String);

/// Why a text is not a [`MessageText`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidText {
    /// It has no characters.
    #[error("must not be empty")]
    Empty,
    /// It has only white space, control or invisible characters.
    #[error("must not be blank")]
    Blank,
    /// It has more than [`MAX_MESSAGE_UNITS`] UTF-16 units.
    #[error("must have at most 4000 UTF-16 code units")]
    TooLong,
    /// It has a NUL character, which PostgreSQL's text cannot hold.
    #[error("must not contain U+0000")]
    Nul,
}

impl MessageText {
    /// Checks `text` against the rules above.
    pub fn parse(text: String) -> Result<Self, InvalidText> {
        if text.is_empty() {
            Err(InvalidText::Empty)
        } else if text.encode_utf16().count() > MAX_MESSAGE_UNITS {
            Err(InvalidText::TooLong)
        } else if text.contains('\0') {
            Err(InvalidText::Nul)
        } else if text.chars().all(is_invisible) {
            Err(InvalidText::Blank)
        } else {
            Ok(Self(text))
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for MessageText {
    /// Says how long it is, so that what people write does not end up in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageText({} bytes)", self.0.len())
    }
}

/// White space, controls, and the format characters that draw nothing (Unicode's default ignorables people meet).
fn is_invisible(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || matches!(
            character,
            '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
        )
}

/// The first [`PREVIEW_UNITS`] UTF-16 units of `text`, cut between characters.
pub fn preview(text: &str) -> &str {
    let mut units = 0;
    for (at, character) in text.char_indices() {
        units += character.len_utf16();
        if units > PREVIEW_UNITS {
            return &text[..at];
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_counts_utf16_units_as_a_browser_does() {
        assert!(MessageText::parse("a".repeat(4000)).is_ok());
        assert_eq!(MessageText::parse("a".repeat(4001)), Err(InvalidText::TooLong));
        assert!(MessageText::parse("😀".repeat(2000)).is_ok());
        assert_eq!(MessageText::parse("😀".repeat(2001)), Err(InvalidText::TooLong));
    }

    #[test]
    fn text_without_anything_to_read_is_blank() {
        for text in [" ", "\u{A0}\u{A0}", "\u{200B}", "\r\n\t", "\u{FEFF} \u{2060}"] {
            assert_eq!(MessageText::parse(text.to_owned()), Err(InvalidText::Blank), "{text:?}");
        }
        assert_eq!(MessageText::parse(String::new()), Err(InvalidText::Empty));
    }

    #[test]
    fn odd_but_readable_text_is_kept_as_sent() {
        for text in ["  hi  ", "a\u{202E}b", "\u{7}x", "e\u{301}", "<script>", "'; DROP TABLE", "{\"a\":1}"] {
            assert_eq!(MessageText::parse(text.to_owned()).unwrap().as_str(), text);
        }
        assert_eq!(MessageText::parse("a\0b".to_owned()), Err(InvalidText::Nul));
    }

    #[test]
    fn a_preview_is_cut_between_characters() {
        assert_eq!(preview("short"), "short");
        assert_eq!(preview(&"a".repeat(600)).len(), 500);
        let emoji = format!("a{}", "😀".repeat(300));
        assert_eq!(preview(&emoji).encode_utf16().count(), 499);
    }

    #[test]
    fn what_people_write_is_not_in_debug_output() {
        assert_eq!(format!("{:?}", MessageText::parse("secret".to_owned()).unwrap()), "MessageText(6 bytes)");
    }
}
