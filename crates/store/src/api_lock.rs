use std::fs::{File, TryLockError};
use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::postgres::PostgresLock;
use crate::{OpenError, StoreUrl, sqlite};

/// Keeps other processes from running answers on the same data, as long as it is held.
#[derive(Debug)]
pub struct ApiLock {
    _held: Held,
}

#[derive(Debug)]
#[expect(dead_code, reason = "they are held, and nothing else")]
enum Held {
    File(File),
    Server(PostgresLock),
    /// A deployment of Convex cannot be taken: its operator has to see to it that one process serves it.
    Nothing,
}

/// Why the data could not be taken for one process.
#[derive(Debug, Error)]
pub enum LockError {
    /// Another process has it.
    #[error("another frontdesk serves the API on this data ({place})")]
    Taken {
        /// The file of the lock, or the server without the password.
        place: String,
    },
    /// The file of the lock cannot be made.
    #[error("cannot lock {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The store cannot be reached.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// Takes the data for one process's answers: at its start it ends those that another one has left unfinished.
pub fn lock_for_api(url: &StoreUrl) -> Result<ApiLock, LockError> {
    match url {
        StoreUrl::Sqlite(path) => {
            sqlite::prepare_folder(path).map_err(OpenError::from)?;
            let path = path.with_extension("lock");
            let failed = |source| LockError::File { path: path.clone(), source };
            let file = File::create(&path).map_err(failed)?;
            match file.try_lock() {
                Ok(()) => Ok(ApiLock { _held: Held::File(file) }),
                Err(TryLockError::WouldBlock) => Err(LockError::Taken { place: path.display().to_string() }),
                Err(TryLockError::Error(error)) => Err(failed(error)),
            }
        }
        StoreUrl::Postgres(url) => match PostgresLock::take(url).map_err(OpenError::from)? {
            Some(lock) => Ok(ApiLock { _held: Held::Server(lock) }),
            None => Err(LockError::Taken { place: url.to_string() }),
        },
        StoreUrl::Convex(_) => Ok(ApiLock { _held: Held::Nothing }),
    }
}
