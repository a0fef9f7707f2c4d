use sha2::{Digest as _, Sha256};

use crate::{SessionId, VisitorIdentity};

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

/// What a visitor is called: what the site says, or a name of two words that is made up and that the session always has.
pub fn visitor_name(session: &SessionId, identity: Option<&VisitorIdentity>) -> String {
    if let Some(known) = identity {
        return known.name().or(known.email()).unwrap_or(known.id()).to_owned();
    }
    let hash = Sha256::digest(session.as_str().as_bytes());
    let quality = QUALITIES[usize::from(hash[0]) % QUALITIES.len()];
    let animal = ANIMALS[usize::from(hash[1]) % ANIMALS.len()];
    format!("{quality} {animal}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_session_keeps_its_name_and_most_have_another() {
        let name = |session: &str| visitor_name(&SessionId::parse(session).unwrap(), None);
        assert_eq!(name("my-session-id"), name("my-session-id"));
        let names: BTreeSet<_> = (0..100).map(|n| name(&format!("s{n}"))).collect();
        assert!(names.len() > 85, "{} of 100 names differ", names.len());
    }

    #[test]
    fn no_word_is_there_twice() {
        for words in [QUALITIES, ANIMALS] {
            assert!(words.is_sorted_by(|a, b| a < b));
        }
    }
}
