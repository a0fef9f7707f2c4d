use std::fs::{File, TryLockError};
use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use thiserror::Error;

use crate::{OpenError, StoreUrl, sqlite};

/// Keeps other processes from running answers on the same file, as long as it is held.
#[derive(Debug)]
pub struct ApiLock {
    _file: File,
}

/// Why the data could not be taken for one process.
#[derive(Debug, Error)]
pub enum LockError {
    /// Another process has it.
    #[error("another frontdesk serves the API on this data ({place})")]
    Taken {
        /// The file of the lock.
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

/// Takes the data for one process's answers, if it is a file: at its start that process ends those that another one has left
/// unfinished. `None` where several processes share the data: see [`frontdesk_core::NodeStore`].
pub fn lock_for_api(url: &StoreUrl) -> Result<Option<ApiLock>, LockError> {
    match url {
        StoreUrl::Sqlite(path) => {
            sqlite::prepare_folder(path).map_err(OpenError::from)?;
            let path = path.with_extension("lock");
            let failed = |source| LockError::File { path: path.clone(), source };
            let file = File::create(&path).map_err(failed)?;
            match lock_soon(&file) {
                Ok(()) => Ok(Some(ApiLock { _file: file })),
                Err(TryLockError::WouldBlock) => Err(LockError::Taken { place: path.display().to_string() }),
                Err(TryLockError::Error(error)) => Err(failed(error)),
            }
        }
        StoreUrl::Postgres(_) | StoreUrl::Convex(_) => Ok(None),
    }
}

/// Takes a file's lock. A child process holds what its parent has just let go of until its own program begins, so one
/// refusal says little.
fn lock_soon(file: &File) -> Result<(), TryLockError> {
    for _ in 0..10 {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(20)),
            taken => return taken,
        }
    }
    file.try_lock()
}
