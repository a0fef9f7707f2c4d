use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::Timestamp;

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
}
