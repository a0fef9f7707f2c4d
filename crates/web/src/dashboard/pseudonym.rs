//! What visitors are called: what their site says, or a name that is made up.

use frontdesk_core::{SessionId, VisitorIdentity, visitor_name};
use sha2::{Digest as _, Sha256};

/// A name, initials and a colour that a session always has, unless the site knows a better name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pseudonym {
    pub(super) name: String,
    pub(super) initials: String,
    /// One of the six colours of avatars.
    pub(super) colour: u8,
    /// Whether it is the site that says so.
    pub(super) is_from_site: bool,
}

impl Pseudonym {
    pub(super) fn of(session: &SessionId, identity: Option<&VisitorIdentity>) -> Self {
        let hash = Sha256::digest(session.as_str().as_bytes());
        let name = visitor_name(session, identity);
        Self { initials: initials(&name), name, colour: hash[2] % 6, is_from_site: identity.is_some() }
    }
}

/// The first letters of the first two words of a name.
pub(super) fn initials(name: &str) -> String {
    name.split_whitespace().filter_map(|word| word.chars().next()).take(2).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_site_says_goes_first() {
        let session = SessionId::parse("a").unwrap();
        let of = |name: Option<&str>, email: Option<&str>| {
            let text = |text: Option<&str>| text.map(str::to_owned);
            let known = VisitorIdentity::new("user-42".to_owned(), text(name), text(email)).unwrap();
            let called = Pseudonym::of(&session, Some(&known));
            (called.name, called.initials)
        };
        let pair = |name: &str, initials: &str| (name.to_owned(), initials.to_owned());
        assert_eq!(of(Some("Ana de la Ñ"), Some("a@b.example")), pair("Ana de la Ñ", "Ad"));
        assert_eq!(of(None, Some("a@b.example")), pair("a@b.example", "a"));
        assert_eq!(of(None, None), pair("user-42", "u"));
    }
}
