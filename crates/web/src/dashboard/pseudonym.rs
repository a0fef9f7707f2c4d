//! Names for visitors who have given none.

use frontdesk_core::SessionId;
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

/// A name, initials and a colour that a session always has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pseudonym {
    pub(super) name: String,
    pub(super) initials: String,
    /// One of the six colours of avatars.
    pub(super) colour: u8,
}

impl Pseudonym {
    pub(super) fn of(session: &SessionId) -> Self {
        let hash = Sha256::digest(session.as_str().as_bytes());
        let quality = QUALITIES[usize::from(hash[0]) % QUALITIES.len()];
        let animal = ANIMALS[usize::from(hash[1]) % ANIMALS.len()];
        let initials = [quality, animal].iter().filter_map(|word| word.chars().next()).collect();
        Self { name: format!("{quality} {animal}"), initials, colour: hash[2] % 6 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_keeps_its_name() {
        let name = |session: &str| Pseudonym::of(&SessionId::parse(session).unwrap());
        assert_eq!(name("my-session-id"), name("my-session-id"));
        let names: std::collections::HashSet<_> = (0..100).map(|n| name(&format!("s{n}")).name).collect();
        assert!(names.len() > 85, "{} of 100 names differ", names.len());
        assert_eq!(name("a").initials.len(), 2);
    }

    #[test]
    fn no_word_is_there_twice() {
        for words in [QUALITIES, ANIMALS] {
            assert!(words.is_sorted_by(|a, b| a < b));
        }
    }
}
