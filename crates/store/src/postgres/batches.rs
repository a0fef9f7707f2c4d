use std::sync::{Arc, Weak};

use frontdesk_core::{CloseTurn, SavePartial, StoreError, StoreErrorKind};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::answers;
use super::connection::Connection;
use super::engine::{Engine, Repeat};
use super::error::Failure;

/// How many changes may wait; more of them wait to be let in.
const QUEUE: usize = 1024;

/// How many changes share a commit at most. Each may have an answer of 256 KiB.
const BATCH: usize = 64;

/// What became of a change of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is stored.
    Stored,
    /// The answer has ended, and not like this.
    Overtaken,
    /// There is no such answer.
    Missing,
}

/// A change of an answer that can be stored together with those of others.
pub(super) trait Change: Clone + Send + Sync + Sized + 'static {
    /// Stores changes, and says what became of each. Storing them again changes nothing.
    fn store(
        connection: Arc<Connection>,
        changes: Arc<[Self]>,
    ) -> BoxFuture<'static, Result<Vec<Outcome>, Failure>>;
}

impl Change for SavePartial {
    fn store(
        connection: Arc<Connection>,
        changes: Arc<[Self]>,
    ) -> BoxFuture<'static, Result<Vec<Outcome>, Failure>> {
        answers::save_partials(connection, changes).boxed()
    }
}

impl Change for CloseTurn {
    fn store(
        connection: Arc<Connection>,
        changes: Arc<[Self]>,
    ) -> BoxFuture<'static, Result<Vec<Outcome>, Failure>> {
        answers::close(connection, changes).boxed()
    }
}

type Waiting<C> = (C, oneshot::Sender<Result<Outcome, StoreError>>);

/// Stores together what comes together: while one commit is on its way, the changes for the next one gather.
pub(super) struct Batches<C> {
    queue: mpsc::Sender<Waiting<C>>,
}

impl<C: Change> Batches<C> {
    pub(super) fn start(engine: Weak<Engine>, runtime: &Handle) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        runtime.spawn(store_all(engine, waiting));
        Self { queue }
    }

    /// Stores a change, and says what became of it.
    pub(super) async fn store(&self, change: C) -> Result<Outcome, StoreError> {
        let (reply, result) = oneshot::channel();
        self.queue.send((change, reply)).await.map_err(|_| gone())?;
        result.await.unwrap_or_else(|_| Err(gone()))
    }
}

fn gone() -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "the store is closed")
}

async fn store_all<C: Change>(engine: Weak<Engine>, mut waiting: mpsc::Receiver<Waiting<C>>) {
    let mut batch = Vec::with_capacity(BATCH);
    while waiting.recv_many(&mut batch, BATCH).await > 0 {
        let Some(engine) = engine.upgrade() else { return };
        let (changes, replies): (Vec<C>, Vec<_>) = batch.drain(..).unzip();
        let results = store_batch(&engine, &changes).await;
        for (reply, result) in replies.into_iter().zip(results) {
            // Whoever no longer waits does not care.
            let _ = reply.send(result);
        }
    }
}

async fn store_batch<C: Change>(engine: &Engine, changes: &[C]) -> Vec<Result<Outcome, StoreError>> {
    let failure = match store_together(engine, changes).await {
        Ok(found) => return found.into_iter().map(Ok).collect(),
        Err(failure) => failure,
    };
    if failure.kind() == StoreErrorKind::Unavailable || changes.len() == 1 {
        let (kind, why) = (failure.kind(), failure.to_string());
        return changes.iter().map(|_| Err(StoreError::new(kind, why.clone()))).collect();
    }
    // One that cannot be stored does not spoil the others.
    let mut results = Vec::with_capacity(changes.len());
    for change in changes {
        let stored = store_together(engine, std::slice::from_ref(change)).await;
        let outcome = stored.map(|outcomes| outcomes.first().copied().unwrap_or(Outcome::Missing));
        results.push(outcome.map_err(StoreError::from));
    }
    results
}

async fn store_together<C: Change>(engine: &Engine, changes: &[C]) -> Result<Vec<Outcome>, Failure> {
    let changes: Arc<[C]> = changes.into();
    let storing = engine.transact(Repeat::Harmless, |connection| C::store(connection, Arc::clone(&changes)));
    storing.await.map_err(|undone| undone.failure)
}
