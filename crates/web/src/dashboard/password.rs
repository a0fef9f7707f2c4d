//! The dashboard's password.

use std::fmt;
use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use frontdesk_core::Store;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use thiserror::Error;
use tokio::sync::Semaphore;

use crate::{ApiError, Code};

/// How many passwords are hashed at once; each takes 19 MiB for a moment.
const HASHING: usize = 2;

/// How many more may wait for that.
const WAITING: usize = 8;

/// A password that the settings fix.
#[derive(Clone)]
pub enum Password {
    /// The password itself, as its SHA-256. A slow hash would protect nothing: the settings have it in plain.
    Plain([u8; 32]),
    /// Its Argon2id hash in PHC form.
    Hash(String),
}

/// The text is not a password's hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be an Argon2id hash in PHC form, as `frontdesk hash-password` prints it")]
pub struct InvalidPasswordHash;

/// The password could not be hashed.
#[derive(Debug, Error)]
#[error("the password could not be hashed: {0}")]
pub struct HashPasswordError(argon2::password_hash::Error);

impl Password {
    /// A password in plain.
    pub fn plain(text: &str) -> Self {
        Self::Plain(Sha256::digest(text.as_bytes()).into())
    }

    /// A password by its hash.
    pub fn hash(phc: &str) -> Result<Self, InvalidPasswordHash> {
        let parsed = PasswordHash::new(phc).map_err(|_| InvalidPasswordHash)?;
        if parsed.algorithm.as_str() == "argon2id" {
            Ok(Self::Hash(phc.to_owned()))
        } else {
            Err(InvalidPasswordHash)
        }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// Hashes a password for storing: Argon2id with the parameters of OWASP's Password Storage Cheat Sheet (19 MiB, two
/// passes, one lane), which are the library's own.
pub fn hash_password(password: &str) -> Result<String, HashPasswordError> {
    let hash = Argon2::default().hash_password(password.as_bytes()).map_err(HashPasswordError)?;
    Ok(hash.to_string())
}

/// Compares passwords, a few at a time.
#[derive(Debug)]
pub(super) struct Verifier {
    fixed: Option<Password>,
    waiting: Semaphore,
    hashing: Semaphore,
}

impl Verifier {
    pub(super) fn new(fixed: Option<Password>) -> Self {
        Self { fixed, waiting: Semaphore::new(HASHING + WAITING), hashing: Semaphore::new(HASHING) }
    }

    /// The password in force; `None` if there is none, and so no way in.
    pub(super) async fn current(&self, store: &Arc<dyn Store>) -> Result<Option<Password>, ApiError> {
        match &self.fixed {
            Some(password) => Ok(Some(password.clone())),
            None => Ok(store.operator_password().await?.map(Password::Hash)),
        }
    }

    /// Whether `given` is the password.
    pub(super) async fn verify(&self, password: &Password, given: String) -> Result<bool, ApiError> {
        let phc = match password {
            Password::Plain(sha256) => {
                let given: [u8; 32] = Sha256::digest(given.as_bytes()).into();
                return Ok(given.ct_eq(sha256).into());
            }
            Password::Hash(phc) => phc.clone(),
        };
        let _waiting = self.waiting.try_acquire().map_err(|_| Code::TooManyLogins)?;
        let _hashing = self.hashing.acquire().await.map_err(|_| Code::ShuttingDown)?;
        let verify = move || {
            PasswordHash::new(&phc)
                .is_ok_and(|hash| Argon2::default().verify_password(given.as_bytes(), &hash).is_ok())
        };
        tokio::task::spawn_blocking(verify)
            .await
            .map_err(|error| ApiError::new(Code::Internal).because(error))
    }
}

/// Ties a session to the password it was opened with. Made with the session's token, so that what is stored says
/// nothing of the password.
pub(super) fn fingerprint(token: &str, password: &Password) -> [u8; 32] {
    let material: &[u8] = match password {
        Password::Plain(sha256) => sha256,
        Password::Hash(phc) => phc.as_bytes(),
    };
    Sha256::new().chain_update(token.as_bytes()).chain_update([0]).chain_update(material).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_told_from_others_in_both_forms() {
        let verifier = Verifier::new(None);
        let phc = hash_password("correct horse").unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        for password in [Password::plain("correct horse"), Password::hash(&phc).unwrap()] {
            assert!(verifier.verify(&password, "correct horse".to_owned()).await.unwrap());
            for wrong in ["", "correct horse ", "Correct horse"] {
                assert!(!verifier.verify(&password, wrong.to_owned()).await.unwrap(), "{wrong:?}");
            }
            assert_eq!(format!("{password:?}"), "Password(..)");
        }
    }

    #[tokio::test]
    async fn a_flood_of_guesses_waits_in_a_short_queue() {
        let verifier = Verifier::new(None);
        let password = Password::hash(&hash_password("x").unwrap()).unwrap();
        let guesses = (0..20).map(|n| verifier.verify(&password, n.to_string()));
        let results = futures_util::future::join_all(guesses).await;
        let refused = results.iter().filter(|result| result.is_err()).count();
        assert_eq!(refused, 20 - HASHING - WAITING);
    }

    #[test]
    fn only_argon2id_hashes_are_taken() {
        for bad in ["", "x", "$2b$12$abc", "$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNo"] {
            assert_eq!(Password::hash(bad).unwrap_err(), InvalidPasswordHash, "{bad}");
        }
    }

    #[test]
    fn a_fingerprint_changes_with_the_password_and_with_the_session() {
        let print = |token, password| fingerprint(token, &Password::plain(password));
        assert_eq!(print("t", "a"), print("t", "a"));
        assert_ne!(print("t", "a"), print("t", "b"));
        assert_ne!(print("t", "a"), print("u", "a"));
    }
}
