use serde_json::value::RawValue;

/// Puts an answer's words together from the JSON strings of its events.
///
/// Servers that count in UTF-16 may cut an emoji in two: one event then ends in half of a surrogate pair, and the next
/// one begins with the other half. Neither is a string that Rust's parsers take, but together they are.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// The first half of a pair, whose second half has not come yet.
    half: Option<u16>,
}

impl Words {
    /// Adds the words of a JSON string to `text`; what is no string has none.
    pub(super) fn add(&mut self, json: Option<&RawValue>, text: &mut String) {
        let Some(string) = json.and_then(|json| json.get().strip_prefix('"')?.strip_suffix('"')) else {
            return;
        };
        let mut rest = string;
        while let Some(at) = rest.find('\\') {
            self.add_plain(&rest[..at], text);
            rest = self.add_escape(&rest[at + 1..], text);
        }
        self.add_plain(rest, text);
    }

    /// Ends the words: half a pair stays half.
    pub(super) fn end(&mut self, text: &mut String) {
        if self.half.take().is_some() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }

    fn add_plain(&mut self, plain: &str, text: &mut String) {
        if !plain.is_empty() {
            self.end(text);
            text.push_str(plain);
        }
    }

    /// Reads what follows a backslash (RFC 8259, section 7), and gives back the rest.
    fn add_escape<'a>(&mut self, escape: &'a str, text: &mut String) -> &'a str {
        let (letter, rest) = escape.split_at_checked(1).unwrap_or((escape, ""));
        let character = match letter {
            "u" => {
                let (digits, rest) = rest.split_at_checked(4).unwrap_or((rest, ""));
                self.add_unit(u16::from_str_radix(digits, 16).unwrap_or(0xFFFD), text);
                return rest;
            }
            "b" => "\u{8}",
            "f" => "\u{C}",
            "n" => "\n",
            "r" => "\r",
            "t" => "\t",
            itself => itself,
        };
        self.add_plain(character, text);
        rest
    }

    fn add_unit(&mut self, unit: u16, text: &mut String) {
        if let (Some(first), 0xDC00..=0xDFFF) = (self.half, unit) {
            self.half = None;
            text.extend(
                char::decode_utf16([first, unit]).map(|pair| pair.unwrap_or(char::REPLACEMENT_CHARACTER)),
            );
            return;
        }
        self.end(text);
        match char::from_u32(u32::from(unit)) {
            Some(character) => text.push(character),
            None if unit < 0xDC00 => self.half = Some(unit),
            None => text.push(char::REPLACEMENT_CHARACTER),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn join(strings: &[&str]) -> String {
        let (mut words, mut text) = (Words::default(), String::new());
        for string in strings {
            let json: Box<RawValue> = serde_json::from_str(string).unwrap();
            words.add(Some(&json), &mut text);
        }
        words.end(&mut text);
        text
    }

    #[test]
    fn an_emoji_that_was_cut_in_two_is_whole_again() {
        assert_eq!(join(&[r#""K\u00f6ln. \ud83d""#, r#""\udce6""#]), "Köln. 📦");
        assert_eq!(join(&[r#""\ud83d""#, r#""""#, r#""\udce6!""#]), "📦!");
        assert_eq!(join(&[r#""\ud83d\udce6""#]), "📦");
    }

    #[test]
    fn half_an_emoji_stays_a_visible_hole() {
        for strings in [&[r#""a\ud83d""#, r#""b""#][..], &[r#""a\udce6b""#], &[r#""a\ud83d\n""#, r#""b""#]] {
            let text = join(strings).replace('\n', "");
            assert_eq!(text, "a\u{FFFD}b", "{strings:?}");
        }
        assert_eq!(join(&[r#""a\ud83d\ud83d\udce6""#]), "a\u{FFFD}📦");
        assert_eq!(join(&[r#""a\ud83d""#]), "a\u{FFFD}");
    }

    #[test]
    fn what_is_no_string_has_no_words() {
        assert_eq!(join(&["null", "1", "[\"a\"]", "{\"a\":\"b\"}"]), "");
    }

    proptest! {
        #[test]
        fn strings_are_read_as_json_means_them(strings in proptest::collection::vec(".{0,20}", 0..5)) {
            let json: Vec<_> = strings.iter().map(|string| serde_json::to_string(string).unwrap()).collect();
            let json: Vec<_> = json.iter().map(String::as_str).collect();
            prop_assert_eq!(join(&json), strings.concat());
        }
    }
}
