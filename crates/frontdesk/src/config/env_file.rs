//! Files of variables, one `NAME=value` a line.
//!
//! They mean what they meant to the origin, whose reader took a value as it stands: a `$` is a `$`, because passwords and
//! their hashes have some, and spaces need no quotes. The usual readers of such files for Rust expand the one and refuse the
//! other.

use std::collections::HashMap;

use thiserror::Error;

/// A line is not a variable. It is not shown: it may be secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("line {line} is not NAME=value")]
pub(crate) struct InvalidLine {
    /// Which line, counted from 1.
    pub(crate) line: usize,
}

/// Reads such a file. Of two lines for one variable the later one counts.
///
/// Empty lines, lines that begin with `#`, and what follows ` #` are left out. Within quotes (`'`, `"` or a backtick) a value may
/// have all that and go over several lines; within `"` also `\n` for a line's end.
pub(super) fn read(text: &str) -> Result<HashMap<String, String>, InvalidLine> {
    let text = text.trim_start_matches('\u{feff}');
    let mut variables = HashMap::new();
    let mut rest = text;
    while !rest.is_empty() {
        let invalid = InvalidLine { line: text[..text.len() - rest.len()].matches('\n').count() + 1 };
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            rest = after;
            continue;
        }
        let (name, value) = rest.split_once('=').ok_or(invalid)?;
        let name = name.trim().strip_prefix("export ").unwrap_or(name).trim();
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(invalid);
        }
        let value = value.trim_start_matches([' ', '\t']);
        let (value, after) = match value.chars().next() {
            Some(quote @ ('\'' | '"' | '`')) => quoted(quote, &value[1..]).ok_or(invalid)?,
            _ => plain(value),
        };
        variables.insert(name.to_owned(), value);
        rest = after;
    }
    Ok(variables)
}

/// A value up to its closing quote, and what follows its last line.
fn quoted(quote: char, text: &str) -> Option<(String, &str)> {
    let (value, behind) = text.split_once(quote)?;
    let (behind, after) = behind.split_once('\n').unwrap_or((behind, ""));
    let behind = behind.trim_start();
    let value = if quote == '"' { value.replace("\\n", "\n") } else { value.to_owned() };
    (behind.is_empty() || behind.starts_with('#')).then_some((value, after))
}

/// A value up to the end of its line, and what follows that.
fn plain(text: &str) -> (String, &str) {
    let (value, after) = text.split_once('\n').unwrap_or((text, ""));
    (without_comment(value).trim().to_owned(), after)
}

fn without_comment(value: &str) -> &str {
    let comment = value.match_indices('#').find(|(at, _)| *at == 0 || value[..*at].ends_with([' ', '\t']));
    comment.map_or(value, |(at, _)| &value[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(line: &str) -> String {
        read(line).unwrap().remove("A").unwrap()
    }

    #[test]
    fn a_value_is_taken_as_it_stands() {
        let hash = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$aGFzaA";
        assert_eq!(value(&format!("A={hash}")), hash);
        assert_eq!(value("A=https://a.example, https://b.example"), "https://a.example, https://b.example");
        assert_eq!(value("A = x=y \r\n"), "x=y");
        assert_eq!(value("A=p#ss ${HOME} # a comment"), "p#ss ${HOME}");
        assert_eq!(value("A="), "");
        assert_eq!(value("A= # nothing"), "");
        assert_eq!(value("export A=1\nA=2"), "2");
    }

    #[test]
    fn quotes_keep_what_is_in_them() {
        assert_eq!(value("A=' a # b ' # comment"), " a # b ");
        assert_eq!(value(r#"A="one\ntwo""#), "one\ntwo");
        assert_eq!(value("A='one\ntwo'\nB=3"), "one\ntwo");
        assert_eq!(value("A=`it's \"so\"`"), "it's \"so\"");
    }

    #[test]
    fn empty_lines_and_comments_are_passed_over() {
        let variables = read("\u{feff}\n# A=1\n  # B=2\nC=3\n\n").unwrap();
        assert_eq!(variables, HashMap::from([("C".to_owned(), "3".to_owned())]));
    }

    #[test]
    fn a_line_that_is_no_variable_is_named_by_its_number() {
        for (text, line) in
            [("A=1\nsk-secret\n", 2), ("A B=1", 1), ("=1", 1), ("\nA='open", 2), ("A='x' y", 1)]
        {
            assert_eq!(read(text), Err(InvalidLine { line }), "{text}");
        }
    }
}
