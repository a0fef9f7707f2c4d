use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::connection::{Connection, Connector};
use super::error::Failure;

/// Connections that units of work have to themselves, at most so many.
pub(super) struct Pool {
    connector: Arc<Connector>,
    places: Semaphore,
    /// Those that nobody uses, the last one used last.
    idle: Mutex<Vec<Arc<Connection>>>,
}

impl Pool {
    pub(super) fn new(connector: Arc<Connector>, most: usize) -> Self {
        Self { connector, places: Semaphore::new(most), idle: Mutex::default() }
    }

    /// A connection that nobody else uses, as soon as there is one.
    pub(super) async fn take(&self) -> Result<Taken<'_>, Failure> {
        let ended = |_| Failure::Disconnected("the store is closed".to_owned());
        let place = self.places.acquire().await.map_err(ended)?;
        while let Some(connection) = self.pop() {
            if connection.is_sound() {
                return Ok(Taken { pool: self, connection, _place: place });
            }
        }
        let connection = Arc::new(self.connector.connect().await?);
        Ok(Taken { pool: self, connection, _place: place })
    }

    /// Closes those that nobody uses: where one does not answer, the others will not either.
    pub(super) fn close_idle(&self) {
        drop(std::mem::take(&mut *self.idle()));
    }

    fn pop(&self) -> Option<Arc<Connection>> {
        self.idle().pop()
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Connection>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection out of the pool. Unless it is given back it is closed, because nobody knows in what state it is.
pub(super) struct Taken<'a> {
    pool: &'a Pool,
    connection: Arc<Connection>,
    _place: SemaphorePermit<'a>,
}

impl Taken<'_> {
    /// Gives the connection back, with no transaction open on it.
    pub(super) fn give_back(self) {
        self.pool.idle().push(Arc::clone(&self.connection));
    }

    /// The connection, to be shared with a unit of work.
    pub(super) fn share(&self) -> Arc<Connection> {
        Arc::clone(&self.connection)
    }
}

impl Deref for Taken<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}
