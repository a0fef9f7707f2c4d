//! API keys.

use std::fmt;

use frontdesk_core::{KeyKind, SiteId, StoredKey};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// The keys in force. Only their hashes are held.
#[derive(Clone, Default)]
pub struct KeyRing {
    keys: Vec<Key>,
}

#[derive(Clone)]
struct Key {
    site: SiteId,
    kind: KeyKind,
    sha256: [u8; 32],
}

impl KeyRing {
    /// Adds a key by its text, as settings have it.
    #[must_use]
    pub fn with_text(mut self, site: SiteId, kind: KeyKind, text: &str) -> Self {
        self.keys.push(Key { site, kind, sha256: Self::hash(text) });
        self
    }

    /// Adds a key by its hash, as the store has it.
    #[must_use]
    pub fn with_stored(mut self, key: &StoredKey) -> Self {
        self.keys.push(Key { site: key.site, kind: key.kind, sha256: key.sha256 });
        self
    }

    /// The hash by which a key is known.
    pub fn hash(text: &str) -> [u8; 32] {
        Sha256::digest(text.as_bytes()).into()
    }

    /// Whether there is any key of that kind.
    pub fn has(&self, kind: KeyKind) -> bool {
        self.keys.iter().any(|key| key.kind == kind)
    }

    /// The site that a key of that kind opens. Takes the same time whichever key it is compared with.
    pub(crate) fn site(&self, kind: KeyKind, text: &[u8]) -> Option<SiteId> {
        let hash: [u8; 32] = Sha256::digest(text).into();
        let mut found = None;
        for key in self.keys.iter().filter(|key| key.kind == kind) {
            if bool::from(key.sha256.ct_eq(&hash)) {
                found = Some(key.site);
            }
        }
        found
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRing({} keys)", self.keys.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_opens_what_it_is_for() {
        let ring = KeyRing::default()
            .with_text(SiteId::DEFAULT, KeyKind::Public, "old")
            .with_text(SiteId::DEFAULT, KeyKind::Public, "new")
            .with_text(SiteId::DEFAULT, KeyKind::Admin, "admin");
        for key in ["old", "new"] {
            assert_eq!(ring.site(KeyKind::Public, key.as_bytes()), Some(SiteId::DEFAULT));
            assert_eq!(ring.site(KeyKind::Admin, key.as_bytes()), None);
        }
        for key in ["", "old ", "OLD", "admin"] {
            assert_eq!(ring.site(KeyKind::Public, key.as_bytes()), None, "{key:?}");
        }
        assert_eq!(format!("{ring:?}"), "KeyRing(3 keys)");
    }
}
