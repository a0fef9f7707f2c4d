use std::io;
use std::path::PathBuf;

use frontdesk_core::{StoreError, StoreErrorKind};
use rusqlite::{ErrorCode, ffi};
use thiserror::Error;

use crate::BackupError;

/// Why a store could not be opened. Written for whoever starts the server.
#[derive(Debug, Error)]
pub enum OpenSqliteError {
    /// The folder of the file cannot be made.
    #[error("cannot make the folder {path}: {source}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be made, or not opened for writing.
    #[error("cannot write {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file lies on a file system that does not share memory between processes, as write-ahead logging must.
    #[error("{path} is on a network file system ({kind}), where SQLite loses data; use a local disk")]
    NetworkFileSystem {
        /// The file.
        path: PathBuf,
        /// The type of the file system.
        kind: String,
    },
    /// SQLite cannot open the file or work with it.
    #[error("cannot open the database {path}: {source}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// There is no room for the files that SQLite keeps beside the database.
    #[error("cannot open the database {path}: the disk is full")]
    Full {
        /// The database's file.
        path: PathBuf,
    },
    /// What is there has to be backed up before its schema is changed, and could not be. Nothing was changed.
    #[error("cannot back the database up before its schema is changed: {0}")]
    Backup(BackupError),
    /// A migration failed. It was undone.
    #[error("cannot bring the database's schema up to date ({name}): {source}")]
    Migration {
        /// The migration.
        name: &'static str,
        /// Why.
        source: rusqlite::Error,
    },
    /// The database was made by a newer version of this program.
    #[error(
        "the database was made by a newer version (its schema is {found}, this program knows {known}): upgrade"
    )]
    Newer {
        /// The database's schema.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// A migration that was applied is not the one this program has.
    #[error(
        "the database's schema {version} is not the one this program knows: was it made by a development build?"
    )]
    Foreign {
        /// The schema.
        version: i64,
    },
    /// Data was being moved here.
    #[error(
        "a move to this database was not finished: run frontdesk migrate-store again, or begin with an empty one"
    )]
    Unfinished,
    /// A thread cannot be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] io::Error),
}

/// What can go wrong in a unit of work.
#[derive(Debug, Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error("{0}")]
    Conflict(&'static str),
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Sqlite(error) => Self::new(kind(&error), error),
            Failure::Conflict(why) => Self::new(StoreErrorKind::Conflict, why),
        }
    }
}

/// Whether there was no room on the disk, also for what is shared in memory: that is a file too.
pub(super) fn is_full(error: &rusqlite::Error) -> bool {
    let extended = error.sqlite_error().map(|error| error.extended_code);
    matches!(extended, Some(ffi::SQLITE_FULL | ffi::SQLITE_IOERR_SHMSIZE))
}

pub(super) fn kind(error: &rusqlite::Error) -> StoreErrorKind {
    if is_full(error) {
        return StoreErrorKind::Full;
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => StoreErrorKind::Conflict,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::TypeMismatch) => {
            StoreErrorKind::Corrupt
        }
        Some(_) => StoreErrorKind::Unavailable,
        // Not from SQLite: a value that does not fit the type it is read into.
        None => StoreErrorKind::Corrupt,
    }
}
