use std::fmt;

use thiserror::Error;

/// The longest address, in characters (RFC 5321, section 4.5.3.1.3, less the angle brackets around it).
const LONGEST: usize = 254;

/// The longest part before the `@`, in characters (RFC 5321, section 4.5.3.1.1).
const LONGEST_LOCAL_PART: usize = 64;

/// An e-mail address as people have them and browsers take them in `<input type="email">`: a dot-atom, one `@`, a host name,
/// all in ASCII (RFC 5322, section 3.4.1), at most 254 characters.
///
/// Without quoted parts, comments, address literals, letters beyond ASCII, and what looks like an encoded word (`=?`, RFC
/// 2047). So it is one word without white space, control characters, angle brackets, commas or quotation marks, and can
/// stand in a mail's header as it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailAddress(Box<str>);

/// The text is not an [`EmailAddress`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be an e-mail address such as ana@shop.example, with at most 254 characters")]
pub struct InvalidEmailAddress;

impl EmailAddress {
    /// Checks `text` against the rule above. Nothing is trimmed.
    pub fn parse(text: &str) -> Result<Self, InvalidEmailAddress> {
        let is_address = text.len() <= LONGEST
            && text.split_once('@').is_some_and(|(local, host)| is_local_part(local) && is_host(host));
        if is_address { Ok(Self(text.into())) } else { Err(InvalidEmailAddress) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A dot-atom (RFC 5322, section 3.2.3).
fn is_local_part(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    text.len() <= LONGEST_LOCAL_PART
        && !text.contains("=?")
        && text.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(allowed))
}

/// Labels of letters, digits and hyphens (RFC 1123, section 2.1).
fn is_host(text: &str) -> bool {
    text.split('.').all(|label| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    })
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EmailAddress {
    /// Says nothing, so that who people are does not end up in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_people_have_are_addresses() {
        let longest = format!("a@{}.example", ["x".repeat(63).as_str(); 3].join(".") + "." + &"x".repeat(52));
        assert_eq!(longest.len(), 254);
        for good in [
            "ana@shop.example",
            "o'neill+news@shop.example",
            "first.last@mail.shop.example",
            "x@xn--bcher-kva.example",
            "root@localhost",
            "A_b-c{d}|~@9.example",
            &format!("{}@b.example", "a".repeat(64)),
            &longest,
        ] {
            assert_eq!(EmailAddress::parse(good).unwrap().as_str(), good);
        }
    }

    #[test]
    fn what_could_be_more_than_an_address_in_a_header_is_none() {
        let too_long =
            format!("a@{}.examples", ["x".repeat(63).as_str(); 3].join(".") + "." + &"x".repeat(52));
        for bad in [
            "",
            "@",
            "ana",
            "ana@",
            "@shop.example",
            "a@b@shop.example",
            "ana@shop.example\r\nBcc: everybody@shop.example",
            "ana@shop.example\n",
            " ana@shop.example",
            "ana @shop.example",
            "ana@shop.example, bo@shop.example",
            "Ana <ana@shop.example>",
            "<ana@shop.example>",
            "ana@shop.example>",
            "\"ana\"@shop.example",
            "ana(x)@shop.example",
            "ana;x@shop.example",
            "ana\\@shop.example",
            "ana\0@shop.example",
            "ana\t@shop.example",
            "ana@shop..example",
            "ana@.example",
            "ana@shop.example.",
            ".ana@shop.example",
            "ana.@shop.example",
            "a..b@shop.example",
            "ana@-shop.example",
            "ana@shop-.example",
            "ana@shop_.example",
            "ana@[127.0.0.1]",
            "añá@shop.example",
            "ana@bücher.example",
            "ana\u{202E}@shop.example",
            "ana\u{2028}@shop.example",
            "=?utf-8?q?ana=40x?=@shop.example?",
            &format!("{}@b.example", "a".repeat(65)),
            &format!("a@{}.example", "x".repeat(64)),
            &too_long,
        ] {
            assert_eq!(EmailAddress::parse(bad), Err(InvalidEmailAddress), "{bad:?}");
        }
    }

    #[test]
    fn who_people_are_is_not_in_debug_output() {
        let address = EmailAddress::parse("ana@shop.example").unwrap();
        assert_eq!(
            (format!("{address:?}"), address.to_string()),
            ("EmailAddress(..)".to_owned(), "ana@shop.example".to_owned())
        );
    }
}
