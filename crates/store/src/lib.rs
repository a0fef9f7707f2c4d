//! Engines behind the ports of `frontdesk-core`.
//!
//! [`open`] picks one by URL. Today there is one: SQLite, for a single machine. What an engine has to do is written down
//! at [`frontdesk_core::Store`] and held by the conformance suite there.

mod sqlite;

use std::path::PathBuf;
use std::sync::Arc;

use frontdesk_core::{Clock, Store};
use thiserror::Error;

pub use sqlite::OpenSqliteError;

/// Where a deployment keeps its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreUrl {
    /// A file of this machine.
    Sqlite(PathBuf),
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

/// Makes the folder in which the store keeps its files, closed to other users, if it is not there.
///
/// Fails also if it is on a file system on which the store cannot work.
pub fn make_folder(url: &StoreUrl) -> Result<(), OpenSqliteError> {
    let StoreUrl::Sqlite(path) = url;
    sqlite::prepare_folder(path)
}

/// Opens a store, making and migrating it as needed.
///
/// Blocks until that is done, which is at the start of a process or of a test.
pub fn open(url: &StoreUrl, clock: &dyn Clock) -> Result<Arc<dyn Store>, OpenSqliteError> {
    match url {
        StoreUrl::Sqlite(path) => Ok(Arc::new(sqlite::SqliteStore::open(path, clock)?)),
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
