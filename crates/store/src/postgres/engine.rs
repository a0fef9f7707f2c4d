use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use frontdesk_core::StoreError;
use futures_util::future::try_join;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_postgres::Row;
use tracing::warn;

use super::abandoned::Abandoned;
use super::connection::{Connection, Connector, Values};
use super::error::{Failure, Remedy};
use super::pool::Pool;
use super::readers::Readers;

/// How long anybody waits for the database in all, so that a visitor is told within two seconds.
const LIMIT: Duration = Duration::from_millis(1500);

/// How many connections units of work have to themselves.
const WRITERS: usize = 8;

/// How often a connection is given up for another one.
const RECONNECTS: u32 = 3;

/// How often what was undone for others' sake is tried.
const TRIES: u32 = 10;

/// Whether a unit of work of which nobody knows whether it was committed may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Repeating it changes nothing, or it finds out by itself that it was done.
    Harmless,
    /// It would be done twice.
    Doubles,
}

/// A failure, and whether the unit may have been committed for all that.
#[derive(Debug)]
pub(super) struct Undone {
    pub(super) failure: Failure,
    pub(super) may_be_done: bool,
}

/// The connections, and how work is done over them.
pub(super) struct Engine {
    pool: Pool,
    readers: Readers,
    /// Turns of which nobody knows whether they were opened.
    pub(super) abandoned: Abandoned,
}

impl Engine {
    pub(super) fn new(connector: Arc<Connector>) -> Self {
        Self {
            pool: Pool::new(Arc::clone(&connector), WRITERS),
            readers: Readers::new(connector),
            abandoned: Abandoned::default(),
        }
    }

    /// Reads with one statement, which shows one state of the data.
    pub(super) async fn read(&self, sql: &'static str, values: Values<'_>) -> Result<Vec<Row>, StoreError> {
        let deadline = Instant::now() + LIMIT;
        let mut tries = Tries::default();
        loop {
            let mut reader = None;
            let reading = async {
                let connection = reader.insert(self.readers.get().await?);
                connection.query(sql, values).await
            };
            let failure = match timeout_at(deadline, reading).await {
                Ok(Ok(rows)) => return Ok(rows),
                Ok(Err(failure)) => failure,
                Err(_) => Failure::TimedOut,
            };
            if let Some(connection) = reader.filter(|_| !failure.leaves_connection()) {
                connection.condemn();
            }
            tries.again(failure.remedy()).ok_or(failure)?.wait(deadline).await;
        }
    }

    /// Does one statement as a unit.
    pub(super) async fn execute(
        &self,
        repeat: Repeat,
        sql: &'static str,
        values: Values<'_>,
    ) -> Result<u64, StoreError> {
        let deadline = Instant::now() + LIMIT;
        let mut tries = Tries::default();
        loop {
            let is_sent = AtomicBool::new(false);
            let executing = async {
                let connection = self.pool.take().await?;
                connection.prepare(sql).await?;
                is_sent.store(true, Ordering::Relaxed);
                let result = connection.execute(sql, values).await;
                if result.as_ref().err().is_none_or(Failure::leaves_connection) {
                    connection.give_back();
                }
                result
            };
            let failure = match timeout_at(deadline, executing).await {
                Ok(Ok(count)) => return Ok(count),
                Ok(Err(failure)) => failure,
                Err(_) => Failure::TimedOut,
            };
            self.look_after_pool(&failure);
            let may_be_done = is_sent.into_inner() && matches!(failure, Failure::Disconnected(_));
            let remedy = match repeat {
                Repeat::Doubles if may_be_done => Remedy::None,
                _ => failure.remedy(),
            };
            tries.again(remedy).ok_or(failure)?.wait(deadline).await;
        }
    }

    /// Does some statements as a unit. `work` is called once for each try, within a transaction.
    pub(super) async fn transact<T, F>(
        &self,
        repeat: Repeat,
        work: impl Fn(Arc<Connection>) -> F,
    ) -> Result<T, Undone>
    where
        F: Future<Output = Result<T, Failure>> + Send,
    {
        let deadline = Instant::now() + LIMIT;
        let mut tries = Tries::default();
        let mut may_be_done = false;
        loop {
            let is_sent = AtomicBool::new(false);
            let failure = match timeout_at(deadline, self.try_once(&work, &is_sent)).await {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(failure)) => failure,
                Err(_) => Failure::TimedOut,
            };
            self.look_after_pool(&failure);
            // A server that refuses to commit says so; what is not answered may have been done.
            may_be_done |= is_sent.into_inner() && !failure.leaves_connection();
            let remedy = match repeat {
                Repeat::Doubles if may_be_done => Remedy::None,
                _ => failure.remedy(),
            };
            match tries.again(remedy) {
                Some(pause) => pause.wait(deadline).await,
                None => return Err(Undone { failure, may_be_done }),
            }
        }
    }

    async fn try_once<T, F>(
        &self,
        work: impl Fn(Arc<Connection>) -> F,
        is_sent: &AtomicBool,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>> + Send,
    {
        let connection = self.pool.take().await?;
        // The beginning is not waited for: it goes ahead of the first statement on the same wire.
        match try_join(connection.run("BEGIN"), work(connection.share())).await {
            Ok(((), value)) => {
                is_sent.store(true, Ordering::Relaxed);
                connection.run("COMMIT").await?;
                connection.give_back();
                Ok(value)
            }
            Err(failure) => {
                if failure.leaves_connection() {
                    connection.run("ROLLBACK").await?;
                    connection.give_back();
                }
                Err(failure)
            }
        }
    }

    fn look_after_pool(&self, failure: &Failure) {
        if !failure.leaves_connection() {
            self.pool.close_idle();
        }
        if failure.remedy() == Remedy::Reconnect || matches!(failure, Failure::TimedOut) {
            warn!(%failure, "the database does not do its work");
        }
    }
}

/// Counts what was tried.
#[derive(Default)]
struct Tries {
    reconnects: u32,
    tries: u32,
}

/// The time to let pass before the next try.
struct Wait(Duration);

impl Tries {
    /// Whether there is to be another try, after a wait.
    fn again(&mut self, remedy: Remedy) -> Option<Wait> {
        match remedy {
            Remedy::None => None,
            Remedy::Again => {
                self.tries += 1;
                (self.tries < TRIES).then(|| Wait(Duration::from_millis(u64::from(self.tries - 1) * 3)))
            }
            Remedy::Reconnect => {
                self.reconnects += 1;
                (self.reconnects < RECONNECTS).then(|| Wait(Duration::from_millis(60) * self.reconnects))
            }
        }
    }
}

impl Wait {
    async fn wait(self, deadline: Instant) {
        // What comes after the deadline would not be waited for anyway.
        let _ = timeout_at(deadline, sleep(self.0)).await;
    }
}
