//! SQLite: one file, one thread that writes, some that read.
//!
//! Write-ahead logging with `synchronous=FULL`: a commit is on disk when it returns. The writer takes everything that is
//! waiting into one transaction, so that many messages share the price of one flush.

mod connection;
mod conversations;
mod error;
mod migrations;
mod operators;
#[cfg(test)]
mod power_cut;
mod readers;
mod rows;
mod sites;
mod turns;
mod writer;

use std::path::Path;

use frontdesk_core::{Clock, StoreError};
use rusqlite::Connection;

pub(crate) use connection::prepare_folder;
use error::Failure;
pub use error::OpenSqliteError;
use readers::Readers;
use writer::Writer;

/// A store in a file.
#[derive(Debug)]
pub(crate) struct SqliteStore {
    // In this order, because fields are dropped in it: the connection that is closed last tidies the files up.
    readers: Readers,
    writer: Writer,
}

impl SqliteStore {
    /// Opens the file, making it and its folder if they are missing, and brings its schema up to date.
    pub(crate) fn open(path: &Path, clock: &dyn Clock) -> Result<Self, OpenSqliteError> {
        prepare_folder(path)?;
        let mut connection = connection::open(path)?;
        migrations::run(&mut connection, clock)?;
        let readers = Readers::start(path)?;
        Ok(Self { readers, writer: Writer::start(connection)? })
    }

    /// Does some reading, all of it on one state of the data.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.read(work).await
    }

    /// Does some writing as one unit. When this returns, it is on disk.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.write(work).await
    }
}
