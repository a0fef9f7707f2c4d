use std::fmt;

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::SiteId;

/// A visitor's session as the client names it: 1 to 128 of the characters `A-Z a-z 0-9 . _ : -`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(Box<str>);

/// The text is not a [`SessionId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be 1 to 128 of the characters A-Z a-z 0-9 . _ : -")]
pub struct InvalidSessionId;

impl SessionId {
    /// Checks `text` against the rule above.
    pub fn parse(text: &str) -> Result<Self, InvalidSessionId> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
        if (1..=128).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidSessionId)
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The SHA-256 of a visitor's session secret. The secret itself is never kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretHash([u8; 32]);

/// The text is not a session secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be 43 base64url characters")]
pub struct InvalidSecret;

impl SecretHash {
    /// Hashes a secret: 43 characters of base64url, which is 256 bits.
    pub fn of(secret: &str) -> Result<Self, InvalidSecret> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        if secret.len() == 43 && secret.bytes().all(allowed) {
            Ok(Self(Sha256::digest(secret.as_bytes()).into()))
        } else {
            Err(InvalidSecret)
        }
    }

    /// The hash of these bytes, as read back from a store.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The thirty-two bytes of the hash.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

/// What a conversation belongs to: a site, a session, and the secret that only this visitor has.
///
/// Without a secret the session is a lane of its own. Whoever merely knows a visitor's session id reaches that empty
/// lane, and nothing tells them that another exists.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionKey {
    /// The site the visitor is on.
    pub site: SiteId,
    /// The session as the client names it.
    pub session: SessionId,
    /// Proof that the client is the one that began the session; `None` for plain clients that send none.
    pub secret: Option<SecretHash>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_ids_are_plain_and_short() {
        for good in ["a", "my-session-id", "__proto__", "..", "A.b_c:d-9", &"x".repeat(128)] {
            assert_eq!(SessionId::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", &"x".repeat(129), "a b", "a/b", "a\n", "é", "a\0"] {
            assert_eq!(SessionId::parse(bad), Err(InvalidSessionId), "{bad:?}");
        }
    }

    #[test]
    fn secrets_are_43_base64url_characters_and_stay_out_of_debug_output() {
        let secret = "A".repeat(43);
        assert_eq!(format!("{:?}", SecretHash::of(&secret).unwrap()), "SecretHash(..)");
        for bad in ["", &"A".repeat(42), &"A".repeat(44), &format!("{}=", "A".repeat(42))] {
            assert_eq!(SecretHash::of(bad), Err(InvalidSecret), "{bad:?}");
        }
    }
}
