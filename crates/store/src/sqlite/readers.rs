use std::path::Path;
use std::thread::{self, Builder, JoinHandle};
use std::time::Duration;

use frontdesk_core::{StoreError, StoreErrorKind};
use rusqlite::Connection;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::error::Failure;
use super::{OpenSqliteError, connection};

/// How many readings may wait; more of them wait to be let in...
const QUEUE: usize = 1024;

/// ...for so long, and are refused then.
const PATIENCE: Duration = Duration::from_secs(2);

type Reading = Box<dyn FnOnce(&Connection) + Send>;

/// The threads that read, each with a connection of its own.
#[derive(Debug)]
pub(super) struct Readers {
    /// `None` only while being dropped.
    queue: Option<flume::Sender<Reading>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    pub(super) fn start(path: &Path) -> Result<Self, OpenSqliteError> {
        let (queue, waiting) = flume::bounded::<Reading>(QUEUE);
        let count = thread::available_parallelism().map_or(2, usize::from).clamp(2, 4);
        let threads = (0..count).map(|n| start_one(n, path, waiting.clone()));
        Ok(Self { threads: threads.collect::<Result<_, _>>()?, queue: Some(queue) })
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, result) = oneshot::channel();
        let reading: Reading = Box::new(move |connection| {
            // Whoever no longer waits is not read for.
            if !reply.is_closed() {
                let _ = reply.send(in_one_state(connection, work).map_err(StoreError::from));
            }
        });
        let queue = self.queue.as_ref().ok_or_else(gone)?;
        timeout(PATIENCE, queue.send_async(reading)).await.map_err(|_| crowded())?.map_err(|_| gone())?;
        result.await.unwrap_or_else(|_| Err(gone()))
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        drop(self.queue.take());
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn start_one(
    n: usize,
    path: &Path,
    waiting: flume::Receiver<Reading>,
) -> Result<JoinHandle<()>, OpenSqliteError> {
    let connection = connection::open(path)?;
    let read_all = move || waiting.iter().for_each(|reading| reading(&connection));
    Builder::new().name(format!("sqlite-reader-{n}")).spawn(read_all).map_err(OpenSqliteError::Thread)
}

/// A transaction shows one state of the data however much is written meanwhile.
fn in_one_state<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let transaction = connection.unchecked_transaction()?;
    let result = work(&transaction)?;
    transaction.commit()?;
    Ok(result)
}

fn gone() -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "the readers have ended")
}

fn crowded() -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "too many readings are waiting")
}
