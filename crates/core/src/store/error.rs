use std::error::Error;

use thiserror::Error;

/// What kind of failure a store met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreErrorKind {
    /// The engine cannot be reached or cannot work now; trying again later may help.
    Unavailable,
    /// The call does not fit what is stored, and would not if it were repeated.
    Conflict,
    /// What is stored makes no sense.
    Corrupt,
    /// There is no room left.
    Full,
}

/// A store's failure. No driver's type leaks through it; the cause is for the log.
#[derive(Debug, Error)]
#[error("the store failed ({kind:?})")]
pub struct StoreError {
    /// What kind of failure it is.
    pub kind: StoreErrorKind,
    #[source]
    cause: Box<dyn Error + Send + Sync>,
}

impl StoreError {
    /// A failure of that kind.
    pub fn new(kind: StoreErrorKind, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind, cause: cause.into() }
    }
}
