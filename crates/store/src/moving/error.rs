use std::io;

use thiserror::Error;

use super::Comparison;
use crate::{BackupError, LockError, OpenError};

/// Why data was not moved, or not imported. Written for whoever asked for it.
#[derive(Debug, Error)]
pub enum MoveError {
    /// There is nothing to move.
    #[error("that is one and the same store")]
    Same,
    /// What is to be moved cannot be read.
    #[error(transparent)]
    Read(#[from] BackupError),
    /// The store to write to cannot be opened.
    #[error(transparent)]
    Open(Box<OpenError>),
    /// Somebody serves what is to be moved.
    #[error("what is to be moved must not change meanwhile: stop the server ({0})")]
    SourceInUse(Box<LockError>),
    /// Somebody serves the store to write to.
    #[error("nobody may work with the store that is written to: stop its server ({0})")]
    TargetInUse(Box<LockError>),
    /// There is something else already.
    #[error("there is data in {store} already ({what}): name an empty one")]
    NotEmpty {
        /// The store, without the password.
        store: String,
        /// What of it is there.
        what: &'static str,
    },
    /// Another move was begun.
    #[error("a move of {from} to {store} was begun and not finished: finish it, or name an empty store")]
    OtherMove {
        /// The store, without the password.
        store: String,
        /// What is being moved there.
        from: String,
    },
    /// It cannot be written to.
    #[error("cannot write to {store}: {why}")]
    Write {
        /// The store, without the password.
        store: String,
        /// Why.
        why: String,
    },
    /// The copy is not the same.
    #[error(
        "the copy differs: {difference}. Was something changed since the move was begun? Empty the store that is written to \
         and begin anew; the other one is as it was"
    )]
    Differs {
        /// What differs first.
        difference: String,
        /// What is on both sides.
        comparison: Box<Comparison>,
    },
    /// A thread cannot be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] io::Error),
}

impl From<OpenError> for MoveError {
    fn from(error: OpenError) -> Self {
        Self::Open(Box::new(error))
    }
}
