//! Engines behind the ports of `frontdesk-core`.
//!
//! [`open`] picks one by its settings: SQLite, for a single machine, PostgreSQL, or Convex. What an engine has to do is written down at
//! [`frontdesk_core::Store`] and held by the conformance suite there.

mod api_lock;
mod backup_error;
mod convex;
mod exported;
mod filtering;
mod hex;
mod moving;
mod new_file;
mod origin;
mod postgres;
mod sqlite;
#[cfg(test)]
mod upgrading;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, io};

use frontdesk_core::{Clock, Store, SystemRandom, Timestamp};
use thiserror::Error;

pub use api_lock::{ApiLock, LockError, lock_for_api};
pub use backup_error::BackupError;
pub use convex::{ConvexKey, ConvexSettings, ConvexUrl, InvalidConvexKey, InvalidConvexUrl, OpenConvexError};
pub use exported::{ExportedConversation, ExportedDocument, ExportedRow, ExportedSetting, ExportedSite};
pub use moving::{
    Comparison, Contents as MovedContents, Counts, MoveError, Step, compare_stores, move_store,
};
pub use new_file::NewFile;
pub use origin::{Imported, Skipped, import_origin};
pub use postgres::{OpenPostgresError, PostgresUrl};
pub use sqlite::{Backup, Contents, OpenSqliteError, Restored};

/// Where a deployment keeps its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreUrl {
    /// A file of this machine.
    Sqlite(PathBuf),
    /// A database of a server.
    Postgres(Box<PostgresUrl>),
    /// A deployment of Convex.
    Convex(Box<ConvexSettings>),
}

/// The text is not a URL of a store. Says what is right, and nothing of the text: there may be a password in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidStoreUrl {
    /// It is of no kind that there is.
    #[error(
        "must be sqlite: and a path, for example sqlite:data/frontdesk.db, or postgres://user:password@host:5432/database"
    )]
    Unknown,
    /// It is of PostgreSQL, but not in order.
    #[error("{0}")]
    Postgres(&'static str),
}

impl StoreUrl {
    /// Reads a URL: `sqlite:relative/path.db`, `sqlite:/absolute/path.db` or `sqlite:///absolute/path.db`; or
    /// `postgres://user:password@host:5432/database`, also with `postgresql:`.
    pub fn parse(url: &str) -> Result<Self, InvalidStoreUrl> {
        let schemes = ["postgres://", "postgresql://"];
        if let Some(rest) = schemes.into_iter().find_map(|scheme| url.strip_prefix(scheme)) {
            return Ok(Self::Postgres(Box::new(PostgresUrl::parse(rest)?)));
        }
        let path = url.strip_prefix("sqlite:").ok_or(InvalidStoreUrl::Unknown)?;
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path.contains(['?', '\0']) || path.starts_with(':') {
            return Err(InvalidStoreUrl::Unknown);
        }
        Ok(Self::Sqlite(PathBuf::from(path)))
    }
}

impl fmt::Display for StoreUrl {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => url.fmt(f),
            Self::Convex(settings) => write!(f, "Convex at {}", settings.url),
        }
    }
}

/// Why a store could not be opened. Written for whoever starts the server.
#[derive(Debug, Error)]
pub enum OpenError {
    /// A file.
    #[error(transparent)]
    Sqlite(#[from] OpenSqliteError),
    /// A server.
    #[error(transparent)]
    Postgres(#[from] OpenPostgresError),
    /// A deployment of Convex.
    #[error(transparent)]
    Convex(#[from] OpenConvexError),
}

/// Opens a store, making and migrating it as needed.
///
/// Blocks until that is done, which is at the start of a process or of a test.
pub fn open(url: &StoreUrl, clock: &dyn Clock) -> Result<Arc<dyn Store>, OpenError> {
    match url {
        StoreUrl::Sqlite(path) => Ok(Arc::new(sqlite::SqliteStore::open(path, clock)?)),
        StoreUrl::Postgres(url) => Ok(Arc::new(postgres::PostgresStore::open(url, clock)?)),
        StoreUrl::Convex(settings) => {
            Ok(Arc::new(convex::ConvexStore::open(settings, Arc::new(SystemRandom))?))
        }
    }
}

/// Backs the data up to a file that does not exist yet, whether a server works with it or not; without a file, to a new
/// one in the folder `backups` beside the data.
///
/// The file has its name only when it is whole, on disk and found to be sound. Servers have tools of their own: for them
/// it fails and says which.
pub fn back_up(url: &StoreUrl, file: Option<&Path>, now: Timestamp) -> Result<Backup, BackupError> {
    match url {
        StoreUrl::Sqlite(path) => sqlite::back_up(path, file, now),
        StoreUrl::Postgres(url) => Err(BackupError::OfServer { command: url.dump_command() }),
        StoreUrl::Convex(_) => Err(BackupError::OfConvex),
    }
}

/// Puts a backup in the place of the data, which no process may have open. What was there is put aside, and only with
/// `replace` if there are conversations in it or it cannot be read.
///
/// Whenever this is interrupted, either the old data is in place or the new. Servers have tools of their own: for them it
/// fails and says which.
pub fn restore(url: &StoreUrl, file: &Path, replace: bool, now: Timestamp) -> Result<Restored, BackupError> {
    match url {
        StoreUrl::Sqlite(path) => sqlite::restore(path, file, replace, now),
        StoreUrl::Postgres(url) => Err(BackupError::OfServer { command: url.restore_command() }),
        StoreUrl::Convex(_) => Err(BackupError::OfConvex),
    }
}

/// Hands out everything that is data, row by row, whether a server works with it or not: settings, and each site with its
/// documents, its keys and its conversations, each with its messages. All of it is of one state, but for Convex, where a call sees one.
///
/// Among it are hashes of secrets: whoever writes rows for others leaves them out.
pub fn export(
    url: &StoreUrl,
    take: &mut dyn FnMut(ExportedRow) -> io::Result<()>,
) -> Result<(), BackupError> {
    export_after(url, None, take)
}

/// The same, of the conversations only those after a place.
fn export_after(
    url: &StoreUrl,
    after: Option<exported::Place>,
    take: &mut dyn FnMut(ExportedRow) -> io::Result<()>,
) -> Result<(), BackupError> {
    match url {
        StoreUrl::Sqlite(path) => sqlite::export(path, after, take),
        StoreUrl::Postgres(url) => postgres::export(url, after, take),
        StoreUrl::Convex(settings) => convex::export(settings, after, take),
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
            assert_eq!(StoreUrl::parse(url), Err(InvalidStoreUrl::Unknown), "{url}");
        }
    }
}
