use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use frontdesk_core::{StoreError, StoreErrorKind};
use rusqlite::{Connection, ErrorCode, ffi};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tracing::error;

use super::OpenSqliteError;
use super::error::{Failure, kind};

/// How many units of work may wait; more of them wait to be let in...
const QUEUE: usize = 1024;

/// ...for so long. Who has waited in vain is refused, and nothing was done for them.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many units of work share a commit at most.
const BATCH: usize = 256;

/// The one thread that writes.
#[derive(Debug)]
pub(super) struct Writer {
    /// `None` only while being dropped.
    queue: Option<mpsc::Sender<Box<dyn Work>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(connection: Connection) -> Result<Self, OpenSqliteError> {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let thread = Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || write_all(&connection, Waiting(waiting)))
            .map_err(OpenSqliteError::Thread)?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, result) = oneshot::channel();
        let unit = Unit { work: Some(work), result: None, reply };
        let queue = self.queue.as_ref().ok_or_else(gone)?;
        let place = timeout(PATIENCE, queue.reserve()).await.map_err(|_| crowded())?;
        place.map_err(|_| gone())?.send(Box::new(unit));
        result.await.unwrap_or_else(|_| Err(gone()))
    }
}

impl Drop for Writer {
    /// Waits until everything that was let in is written.
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn gone() -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "the writer has ended")
}

fn crowded() -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "too much is waiting to be written")
}

/// A unit of work, and who waits for it.
trait Work: Send {
    /// Does the work, and says whether to keep it.
    fn run(&mut self, connection: &Connection) -> bool;
    /// Tells who waits, now that the transaction is on disk or is lost.
    fn settle(self: Box<Self>, lost: Option<&Lost>);
}

/// Why a transaction was lost with everything in it.
struct Lost {
    kind: StoreErrorKind,
    why: String,
}

impl From<rusqlite::Error> for Lost {
    fn from(error: rusqlite::Error) -> Self {
        Self { kind: kind(&error), why: error.to_string() }
    }
}

struct Unit<F, T> {
    work: Option<F>,
    result: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<F, T> Work for Unit<F, T>
where
    F: FnOnce(&Connection) -> Result<T, Failure> + Send,
    T: Send,
{
    fn run(&mut self, connection: &Connection) -> bool {
        let Some(work) = self.work.take() else { return false };
        let result = work(connection);
        let keep = result.is_ok();
        self.result = Some(result.map_err(StoreError::from));
        keep
    }

    fn settle(self: Box<Self>, lost: Option<&Lost>) {
        let result = match (lost, self.result) {
            // What failed by itself says more than that it was lost with the others.
            (_, Some(Err(error))) => Err(error),
            (Some(lost), _) => Err(StoreError::new(lost.kind, lost.why.clone())),
            (None, Some(result)) => result,
            (None, None) => Err(gone()),
        };
        // Whoever no longer waits does not care.
        let _ = self.reply.send(result);
    }
}

/// What is let in, as the writer's thread takes it.
struct Waiting(mpsc::Receiver<Box<dyn Work>>);

impl Drop for Waiting {
    /// Who had a place already when the writer ended may put a unit there after the queue is emptied, where nobody would
    /// ever tell them. So this waits until every place is given back.
    fn drop(&mut self) {
        self.0.close();
        while self.0.blocking_recv().is_some() {}
    }
}

fn write_all(connection: &Connection, mut waiting: Waiting) {
    let mut batch = Vec::with_capacity(BATCH);
    while waiting.0.blocking_recv_many(&mut batch, BATCH) > 0 {
        let lost = write_batch(connection, &mut batch).err();
        let must_end = lost.as_ref().is_some_and(|(_, flush_failed)| *flush_failed);
        for work in batch.drain(..) {
            work.settle(lost.as_ref().map(|(lost, _)| lost));
        }
        if must_end {
            // After a failed flush nobody knows what is on disk, and asking again does not tell (Rebello et al., "Can
            // Applications Recover from fsync Failures?", 2020). Opening the database anew does.
            error!("the disk failed to flush; no more is written until the server is started again");
            return;
        }
    }
}

/// Runs the units in one transaction. Says why if it was lost, and whether the reason was a failed flush.
fn write_batch(connection: &Connection, batch: &mut [Box<dyn Work>]) -> Result<(), (Lost, bool)> {
    let result = transact(connection, batch);
    if let Err(error) = &result {
        error!(%error, "a transaction was lost");
        // Some failures roll back by themselves; then there is nothing left to undo.
        if !connection.is_autocommit() {
            let _ = connection.execute_batch("ROLLBACK");
        }
    }
    result.map_err(|error| {
        let flush_failed = is_failed_flush(&error);
        (Lost::from(error), flush_failed)
    })
}

fn transact(connection: &Connection, batch: &mut [Box<dyn Work>]) -> rusqlite::Result<()> {
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    for work in batch {
        connection.prepare_cached("SAVEPOINT unit")?.execute([])?;
        if !work.run(connection) {
            if connection.is_autocommit() {
                let code = ffi::Error::new(ffi::SQLITE_ABORT_ROLLBACK);
                return Err(rusqlite::Error::SqliteFailure(code, None));
            }
            connection.prepare_cached("ROLLBACK TO unit")?.execute([])?;
        }
        connection.prepare_cached("RELEASE unit")?.execute([])?;
    }
    connection.prepare_cached("COMMIT")?.execute([])?;
    Ok(())
}

fn is_failed_flush(error: &rusqlite::Error) -> bool {
    let extended = error.sqlite_error().map(|error| error.extended_code);
    error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure)
        && matches!(extended, Some(ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use tokio::task::JoinSet;
    use tokio::time::Instant;

    use super::*;

    fn writer() -> Writer {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (a INTEGER PRIMARY KEY)").unwrap();
        Writer::start(connection).unwrap()
    }

    fn insert(a: i64) -> impl FnOnce(&Connection) -> Result<(), Failure> + Send {
        move |connection| {
            connection.execute("INSERT INTO t VALUES (?)", [a])?;
            Ok(())
        }
    }

    async fn count(writer: &Writer) -> i64 {
        let count = |connection: &Connection| {
            Ok(connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0))?)
        };
        writer.write(count).await.unwrap()
    }

    #[tokio::test]
    async fn one_bad_unit_does_not_spoil_the_others_of_its_batch() {
        let writer = writer();
        let (first, same, other) =
            tokio::join!(writer.write(insert(1)), writer.write(insert(1)), writer.write(insert(2)));
        assert!(first.is_ok() && other.is_ok());
        assert_eq!(same.unwrap_err().kind, StoreErrorKind::Conflict);
        assert_eq!(count(&writer).await, 2);
    }

    #[tokio::test]
    async fn a_failed_unit_leaves_nothing_behind() {
        let writer = writer();
        let half = writer.write(|connection: &Connection| {
            connection.execute("INSERT INTO t VALUES (1)", [])?;
            Err::<(), _>(Failure::Conflict("after all"))
        });
        assert!(half.await.is_err());
        assert_eq!(count(&writer).await, 0);
    }

    /// Has the writer stand still until what is returned is dropped, with nothing else in the transaction.
    async fn stand_still(writer: &Arc<Writer>) -> (mpsc::Sender<()>, JoinSet<Result<(), StoreError>>) {
        let (go_on, stands_still) = mpsc::channel();
        let (begins, has_begun) = oneshot::channel();
        let own = Arc::clone(writer);
        let mut waiting = JoinSet::new();
        waiting.spawn(async move {
            let work = move |_: &Connection| {
                begins.send(()).unwrap();
                let _ = stands_still.recv();
                Ok(())
            };
            own.write(work).await
        });
        has_begun.await.unwrap();
        (go_on, waiting)
    }

    #[tokio::test]
    async fn a_lost_transaction_fails_every_unit_in_it() {
        let writer = Arc::new(writer());
        let roll_back = writer.write(|connection: &Connection| {
            connection.execute_batch("ROLLBACK")?;
            Err::<(), _>(Failure::Conflict("as a full disk does"))
        });
        // What waits while the writer is busy goes into one transaction.
        let (go_on, waiting) = stand_still(&writer).await;
        let (before, lost, ()) =
            tokio::join!(biased; writer.write(insert(1)), roll_back, async { drop(go_on) });
        assert!(waiting.join_all().await.iter().all(Result::is_ok));
        assert_eq!(before.unwrap_err().kind, StoreErrorKind::Unavailable);
        assert!(lost.is_err());
        assert_eq!(count(&writer).await, 0);
        writer.write(insert(1)).await.unwrap();
    }

    #[tokio::test]
    async fn a_writer_that_stands_still_refuses_after_a_while_and_goes_on_with_what_it_let_in() {
        let writer = Arc::new(writer());
        let (go_on, mut waiting) = stand_still(&writer).await;
        for a in 0..i64::try_from(QUEUE).unwrap() {
            let own = Arc::clone(&writer);
            waiting.spawn(async move { own.write(insert(a)).await });
        }
        while writer.queue.as_ref().unwrap().capacity() > 0 {
            tokio::task::yield_now().await;
        }
        let began = Instant::now();
        let refused = writer.write(insert(-1)).await.unwrap_err();
        assert_eq!(refused.kind, StoreErrorKind::Unavailable);
        assert!(began.elapsed() >= PATIENCE, "{:?}", began.elapsed());
        drop(go_on);
        assert!(waiting.join_all().await.iter().all(Result::is_ok));
        assert_eq!(count(&writer).await, i64::try_from(QUEUE).unwrap());
    }

    #[tokio::test]
    async fn who_had_a_place_when_the_writer_ended_is_told() {
        let writer = writer();
        let queue = writer.queue.as_ref().unwrap();
        let place = queue.reserve().await.unwrap();
        let ends = writer.write::<()>(|_| panic!("as a defect does"));
        assert_eq!(ends.await.unwrap_err().kind, StoreErrorKind::Unavailable);
        queue.closed().await;
        let (reply, result) = oneshot::channel();
        place.send(Box::new(Unit { work: Some(insert(1)), result: None, reply }));
        let told = timeout(Duration::from_secs(20), result).await.expect("nobody is told");
        assert!(told.is_err());
        assert_eq!(writer.write(insert(2)).await.unwrap_err().kind, StoreErrorKind::Unavailable);
    }

    #[tokio::test]
    async fn what_was_let_in_is_written_before_the_writer_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("CREATE TABLE t (a INTEGER PRIMARY KEY)").unwrap();
        let writer = Writer::start(connection).unwrap();
        {
            let writing = writer.write(insert(1));
            tokio::pin!(writing);
            // One poll lets it in; nobody waits for the result.
            let _ = std::future::Future::poll(
                writing.as_mut(),
                &mut std::task::Context::from_waker(std::task::Waker::noop()),
            );
        }
        drop(writer);
        let connection = Connection::open(&path).unwrap();
        let rows: i64 = connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 1);
    }
}
