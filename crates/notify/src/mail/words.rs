//! What visitors write, made fit for a mail: it says what it said, and can be nothing else.

/// A text as one line of at most so many characters, for a subject or within a sentence.
pub(super) fn one_line(text: &str, most: usize) -> String {
    let mut line = String::new();
    for word in text.split(|character| is_break(character) || is_gap(character)) {
        let word: String = word.chars().filter(|character| is_shown(*character)).collect();
        if !word.is_empty() {
            line.extend([if line.is_empty() { "" } else { " " }, &word]);
        }
    }
    // What looks like an encoded word (RFC 2047) would be decoded by whoever reads the mail.
    cut(&line.replace("=?", "= ?"), most)
}

/// A text with a mark before each line, so that it is seen which words are the visitor's.
pub(super) fn quoted(text: &str) -> String {
    let lines = text.replace("\r\n", "\n");
    let lines = lines.trim().split(is_break).map(|line| {
        let line: String =
            line.chars().map(|c| if is_gap(c) { ' ' } else { c }).filter(|c| is_shown(*c)).collect();
        format!("> {line}").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What somebody could take for the end of a line.
fn is_break(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{B}' | '\u{C}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_gap(character: char) -> bool {
    character.is_whitespace() || character.is_control()
}

/// Not the marks that turn the order of what follows around: they make one address look like another.
fn is_shown(character: char) -> bool {
    !character.is_control()
        && !matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

/// The first so many characters, with a mark if there are more.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", text[..at].trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_written_a_line_is_a_line() {
        for (text, line) in [
            ("Calm Otter", "Calm Otter"),
            ("  Ana\r\nBcc: all@shop.example\r\n\r\nhello ", "Ana Bcc: all@shop.example hello"),
            ("a\rb\nc\u{85}d\u{2028}e\u{2029}f\0g\tgap\u{A0}h", "a b c d e f g gap h"),
            ("safe\u{202E}elpmaxe.pohs", "safeelpmaxe.pohs"),
            ("=?utf-8?b?QmNjOg==?=", "= ?utf-8?b?QmNjOg== ?="),
            ("👩‍👩‍👧 Grüße", "👩‍👩‍👧 Grüße"),
            ("", ""),
            ("\r\n", ""),
        ] {
            assert_eq!(one_line(text, 100), line, "{text:?}");
        }
        assert_eq!(one_line("abcdef", 3), "abc…");
        assert_eq!(one_line("äöü", 3), "äöü");
    }

    #[test]
    fn every_line_of_a_visitor_is_marked() {
        let text = "Hello\r\nFrom: boss\r.\r\n\u{2028}-- \nlast\u{202E}\n";
        assert_eq!(quoted(text), "> Hello\n> From: boss\n> .\n>\n> --\n> last");
        assert_eq!(quoted(" "), ">");
    }
}
