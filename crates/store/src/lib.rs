//! Engines behind the ports of `frontdesk-core`.
//!
//! [`open`] picks one: SQLite, for a single machine, or Convex. What an engine has to do is written down at
//! [`frontdesk_core::Store`] and held by the conformance suite there.

mod backup_error;
mod convex;
mod new_file;
mod sqlite;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use frontdesk_core::{Clock, Store, SystemRandom, Timestamp};
use thiserror::Error;

pub use backup_error::BackupError;
pub use convex::{ConvexKey, ConvexSettings, ConvexUrl, InvalidConvexKey, InvalidConvexUrl, OpenConvexError};
pub use new_file::NewFile;
pub use sqlite::{Backup, Contents, ExportedRow, ExportedSite, OpenSqliteError, Restored};

/// Where a deployment keeps its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreUrl {
    /// A file of this machine.
    Sqlite(PathBuf),
    /// A deployment of Convex.
    Convex(Box<ConvexSettings>),
}

/// The text is not a URL of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be sqlite: and a path, for example sqlite:data/frontdesk.db")]
pub struct InvalidStoreUrl;

impl StoreUrl {
    /// Reads a URL: `sqlite:relative/path.db`, `sqlite:/absolute/path.db` or `sqlite:///absolute/path.db`.
    pub fn parse(url: &str) -> Result<Self, InvalidStoreUrl> {
        let path = url.strip_prefix("sqlite:").ok_or(InvalidStoreUrl)?;
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path.contains(['?', '\0']) || path.starts_with(':') {
            return Err(InvalidStoreUrl);
        }
        Ok(Self::Sqlite(PathBuf::from(path)))
    }
}

/// Why a store could not be opened. Written for whoever starts the server.
#[derive(Debug, Error)]
pub enum OpenError {
    /// A file.
    #[error(transparent)]
    Sqlite(#[from] OpenSqliteError),
    /// A deployment of Convex.
    #[error(transparent)]
    Convex(#[from] OpenConvexError),
}

/// Makes the folder in which a database's file is kept, closed to other users, if it is not there.
///
/// Fails also if it is on a file system on which SQLite cannot work.
pub fn make_folder(path: &Path) -> Result<(), OpenSqliteError> {
    sqlite::prepare_folder(path)
}

/// Opens a store, making and migrating it as needed.
///
/// Blocks until that is done, which is at the start of a process or of a test.
pub fn open(url: &StoreUrl, clock: &dyn Clock) -> Result<Arc<dyn Store>, OpenError> {
    match url {
        StoreUrl::Sqlite(path) => Ok(Arc::new(sqlite::SqliteStore::open(path, clock)?)),
        StoreUrl::Convex(settings) => {
            Ok(Arc::new(convex::ConvexStore::open(settings, Arc::new(SystemRandom))?))
        }
    }
}

/// Backs the data up to a file that does not exist yet, whether a server works with it or not; without a file, to a new
/// one in the folder `backups` beside the data.
///
/// The file has its name only when it is whole, on disk and found to be sound.
pub fn back_up(url: &StoreUrl, file: Option<&Path>, now: Timestamp) -> Result<Backup, BackupError> {
    sqlite::back_up(file_of(url)?, file, now)
}

/// Puts a backup in the place of the data, which no process may have open. What was there is put aside, and only with
/// `replace` if there are conversations in it or it cannot be read.
///
/// Whenever this is interrupted, either the old data is in place or the new.
pub fn restore(url: &StoreUrl, file: &Path, replace: bool, now: Timestamp) -> Result<Restored, BackupError> {
    sqlite::restore(file_of(url)?, file, replace, now)
}

/// Hands out everything that is data and no secret, row by row and all of one state, whether a server works with it or
/// not: each site, its keys, and its conversations, each with its messages.
pub fn export(
    url: &StoreUrl,
    take: &mut dyn FnMut(ExportedRow) -> io::Result<()>,
) -> Result<(), BackupError> {
    sqlite::export(file_of(url)?, take)
}

/// The database's file; a service has none, and tools of its own.
fn file_of(url: &StoreUrl) -> Result<&Path, BackupError> {
    match url {
        StoreUrl::Sqlite(path) => Ok(path),
        StoreUrl::Convex(_) => Err(BackupError::OfConvex),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_file() {
        for (url, path) in [
            ("sqlite:data/frontdesk.db", "data/frontdesk.db"),
            ("sqlite:/var/lib/frontdesk.db", "/var/lib/frontdesk.db"),
            ("sqlite:///var/lib/frontdesk.db", "/var/lib/frontdesk.db"),
        ] {
            assert_eq!(StoreUrl::parse(url), Ok(StoreUrl::Sqlite(PathBuf::from(path))));
        }
        for url in ["", "sqlite:", "sqlite://", "sqlite::memory:", "mysql://x", "data.db", "sqlite:a?mode=ro"]
        {
            assert_eq!(StoreUrl::parse(url), Err(InvalidStoreUrl), "{url}");
        }
    }
}
