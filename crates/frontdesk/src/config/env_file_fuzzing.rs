//! What hostile bytes must not do to the reader of `.env`. The fuzzer takes this file in as it is (`fuzz/targets/env_file.rs`).

use super::env_file::read;

/// A file of variables.
///
/// Names have to be names, a fault has to be on one of the file's lines, what is added behind a file must not change what
/// stands before it, and every value has to come back from quotes as it went in.
pub(super) fn env_file(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match read(&text) {
        Ok(mut variables) => {
            for (name, value) in &variables {
                assert!(!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
                let is_unescaped = text.contains(value.as_str());
                assert!(is_unescaped || value.contains('\n'), "{value:?} is not in the file");
            }
            variables.insert("ADDED".to_owned(), "a # b".to_owned());
            assert_eq!(read(&format!("{text}\nADDED='a # b'")), Ok(variables));
        }
        Err(invalid) => assert!((1..=text.split('\n').count()).contains(&invalid.line)),
    }

    for quote in ['\'', '`'] {
        let value = text.replace(quote, "");
        let variables = read(&format!("export A = {quote}{value}{quote} # {quote}\nB=1")).unwrap_or_default();
        assert_eq!(variables.get("A"), Some(&value));
        assert_eq!(variables.get("B").map(String::as_str), Some("1"));
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_hostile_file_of_variables_breaks_nothing() {
        frontdesk_testkit::hostile_bytes("env_file", super::env_file);
    }
}
