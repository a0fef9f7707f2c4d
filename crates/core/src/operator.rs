use std::fmt;

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::Timestamp;

/// What an operator is called: 1 to 40 characters on one line. Visitors see it, and operators are told apart by it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperatorName(String);

/// The text is not an [`OperatorName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must have 1 to 40 characters and no control characters")]
pub struct InvalidOperatorName;

impl OperatorName {
    /// Takes white space off the ends, and checks the rest.
    pub fn parse(text: &str) -> Result<Self, InvalidOperatorName> {
        let text = text.trim();
        if (1..=40).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidOperatorName)
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for OperatorName {
    /// For an operator who has given no name.
    fn default() -> Self {
        Self("Support".to_owned())
    }
}

impl fmt::Display for OperatorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The SHA-256 of a token that a browser holds. The token itself is never kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Hashes a token.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
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

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(..)")
    }
}

/// A browser in which an operator is signed in to the dashboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorSession {
    /// The hash of the browser's token.
    pub token: TokenHash,
    /// Of the password it was opened with: a session ends when the password changes.
    pub password_fingerprint: [u8; 32],
    /// When the operator signed in.
    pub created_at: Timestamp,
    /// When the browser was last seen, to the minute.
    pub last_seen_at: Timestamp,
    /// What the browser called itself, shortened.
    pub user_agent: String,
    /// What the operator is called.
    pub name: OperatorName,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operators_name_is_short_and_on_one_line() {
        assert_eq!(OperatorName::parse("  Maya Ñ ").unwrap().as_str(), "Maya Ñ");
        for bad in ["", "  ", "a\nb", "a\0", &"x".repeat(41)] {
            assert_eq!(OperatorName::parse(bad), Err(InvalidOperatorName), "{bad:?}");
        }
        assert_eq!(OperatorName::parse(OperatorName::default().as_str()), Ok(OperatorName::default()));
    }
}
