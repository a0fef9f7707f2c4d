use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a backup, a restore or an export did not come about. Written for whoever asked for it.
#[derive(Debug, Error)]
pub enum BackupError {
    /// There is nothing of that name.
    #[error("there is no database at {path}")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The name is taken.
    #[error("{path} exists already: give another name, or move it away")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be written.
    #[error("cannot write {path}: {why}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// SQLite cannot read the file, for a reason that is not in the file.
    #[error("cannot read {path}: {why}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// What is in the file makes no sense.
    #[error("{path} is damaged: {why}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The file is something else.
    #[error("{path} is not a database of Frontdesk")]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// The database was made by a newer version of this program.
    #[error(
        "{path} was made by a newer version (its schema is {found}, this program knows {known}): upgrade first"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The database's schema.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// The database was last opened by an older version of this program.
    #[error(
        "{path} was made by an older version (its schema is {found}, this program reads {known}): start the server once"
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// The database's schema.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// Its schema is not one of ours.
    #[error(
        "the schema {version} of {path} is not the one this program knows: was it made by a development build?"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The schema.
        version: i64,
    },
    /// Another process works with the database.
    #[error("{path} is in use by another process: stop the server, and the dashboard if it runs by itself")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// There are conversations where the backup is to go.
    #[error("there are conversations in {path} ({conversations}): with --replace it is put aside")]
    HasConversations {
        /// The file.
        path: PathBuf,
        /// How many.
        conversations: u64,
    },
    /// The data is on a server, which has tools of its own for that.
    #[error("the data is in PostgreSQL, whose own tools do this: {command}")]
    OfServer {
        /// What to run instead.
        command: String,
    },
    /// The server that has the data cannot be read.
    #[error("cannot read {server}: {why}")]
    Server {
        /// The server, without the password.
        server: String,
        /// Why.
        why: String,
    },
    /// The data is in Convex, which has tools of its own for that.
    #[error(
        "the data is in Convex, whose own tools do this: npx convex export and npx convex import, in the folder convex"
    )]
    OfConvex,
    /// Whoever takes the export takes no more.
    #[error("cannot write the export: {why}")]
    Export {
        /// Why.
        why: io::Error,
    },
}
