//! The turns being run by this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::{
    ConversationId, ConversationName, CursorOutOfRange, MessageId, SessionKey, Turn, TurnLog, TurnUpdate,
};

/// All of them, up to a limit.
#[derive(Debug)]
pub(super) struct Running {
    places: Arc<Semaphore>,
    turns: Mutex<HashMap<MessageId, Arc<RunningTurn>>>,
    inserted: Notify,
}

/// How long the task that has opened a turn may take to say that it runs it.
const OPENING: Duration = Duration::from_millis(200);

/// A place among the running turns, kept as long as the turn runs.
#[derive(Debug)]
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
}

/// A turn being run.
#[derive(Debug)]
pub(super) struct RunningTurn {
    pub(super) session: SessionKey,
    pub(super) conversation: ConversationId,
    pub(super) answer: MessageId,
    pub(super) log: Arc<TurnLog>,
    pub(super) stopped: CancellationToken,
    _place: Place,
}

impl Running {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS))),
            turns: Mutex::default(),
            inserted: Notify::new(),
        }
    }

    /// A place for one more turn; `None` if all are taken.
    pub(super) fn reserve(&self) -> Option<Place> {
        let permit = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Place { _permit: permit })
    }

    pub(super) fn insert(&self, turn: &Arc<RunningTurn>) {
        self.lock().insert(turn.answer, Arc::clone(turn));
        self.inserted.notify_waiters();
    }

    pub(super) fn remove(&self, answer: MessageId) {
        self.lock().remove(&answer);
    }

    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    /// The turn that writes this answer.
    pub(super) fn find(&self, answer: MessageId) -> Option<Arc<RunningTurn>> {
        self.lock().get(&answer).cloned()
    }

    /// The turn that writes this answer, which the store has already and this process may be about to run.
    pub(super) async fn find_soon(&self, answer: MessageId) -> Option<Arc<RunningTurn>> {
        let until = Instant::now() + OPENING;
        loop {
            let inserted = self.inserted.notified();
            if let Some(turn) = self.find(answer) {
                return Some(turn);
            }
            timeout_at(until, inserted).await.ok()?;
        }
    }

    /// The turn that is run for this conversation.
    pub(super) fn find_named(&self, name: &ConversationName) -> Option<Arc<RunningTurn>> {
        self.lock().values().find(|turn| turn.is_of(name)).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<MessageId, Arc<RunningTurn>>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RunningTurn {
    pub(super) fn begin(
        session: SessionKey,
        conversation: ConversationId,
        answer: MessageId,
        place: Place,
    ) -> Arc<Self> {
        let (log, stopped) = (TurnLog::start(), CancellationToken::new());
        Arc::new(Self { session, conversation, answer, log, stopped, _place: place })
    }

    /// Whether it belongs to this conversation.
    pub(super) fn is_of(&self, name: &ConversationName) -> bool {
        match name {
            ConversationName::Id(site, id) => (self.session.site, self.conversation) == (*site, *id),
            ConversationName::Session(session) => self.session == *session,
        }
    }

    /// The turn, for a reader that has the first `cursor` bytes already.
    pub(super) fn turn(&self, cursor: usize) -> Result<Turn, CursorOutOfRange> {
        let reader = self.log.reader(cursor)?;
        Ok(Turn { conversation: self.conversation, answer: self.answer, repeated: false, reader })
    }

    /// Waits until readers have been told its end.
    pub(super) async fn ended(&self) {
        let Ok(mut reader) = self.log.reader(0) else { return };
        while let TurnUpdate::Text { .. } = reader.next().await {}
    }

    pub(super) fn stop(&self) {
        self.stopped.cancel();
    }
}
