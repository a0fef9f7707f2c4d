//! What visitors are called: what their site says, or a name that is made up.

use frontdesk_core::{SessionId, VisitorIdentity};
use sha2::{Digest as _, Sha256};

const QUALITIES: [&str; 48] = [
    "Amber", "Ancient", "Autumn", "Azure", "Blithe", "Bold", "Brave", "Bright", "Brisk", "Calm", "Clever",
    "Copper", "Coral", "Crimson", "Curious", "Dapper", "Eager", "Early", "Fair", "Gentle", "Golden", "Happy",
    "Humble", "Ivory", "Jolly", "Keen", "Kind", "Lively", "Lucky", "Mellow", "Merry", "Misty", "Nimble",
    "Noble", "Olive", "Patient", "Plain", "Proud", "Quick", "Quiet", "Rapid", "Silver", "Slow", "Spry",
    "Steady", "Swift", "Tidy", "Witty",
];

const ANIMALS: [&str; 48] = [
    "Badger", "Beaver", "Bison", "Bittern", "Crane", "Curlew", "Deer", "Dolphin", "Dove", "Eagle", "Egret",
    "Falcon", "Ferret", "Finch", "Fox", "Gecko", "Goose", "Grouse", "Gull", "Hare", "Hawk", "Heron", "Ibex",
    "Jay", "Kestrel", "Kite", "Lark", "Lynx", "Magpie", "Marten", "Mole", "Moose", "Otter", "Owl", "Panda",
    "Petrel", "Plover", "Puffin", "Quail", "Raven", "Robin", "Seal", "Sparrow", "Stoat", "Swan", "Tern",
    "Thrush", "Wren",
];

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
        let name = if let Some(known) = identity {
            known.name().or(known.email()).unwrap_or(known.id()).to_owned()
        } else {
            let quality = QUALITIES[usize::from(hash[0]) % QUALITIES.len()];
            let animal = ANIMALS[usize::from(hash[1]) % ANIMALS.len()];
            format!("{quality} {animal}")
        };
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
    fn a_session_keeps_its_name() {
        let name = |session: &str| Pseudonym::of(&SessionId::parse(session).unwrap(), None);
        assert_eq!(name("my-session-id"), name("my-session-id"));
        let names: std::collections::HashSet<_> = (0..100).map(|n| name(&format!("s{n}")).name).collect();
        assert!(names.len() > 85, "{} of 100 names differ", names.len());
        assert_eq!(name("a").initials.len(), 2);
    }

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

    #[test]
    fn no_word_is_there_twice() {
        for words in [QUALITIES, ANIMALS] {
            assert!(words.is_sorted_by(|a, b| a < b));
        }
    }
}
