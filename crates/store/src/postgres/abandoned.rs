use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use frontdesk_core::{
    AnswerFacts, CloseTurn, MessageId, MessageStatus, SiteId, StoreErrorKind, Timestamp, TurnFailure,
};
use tokio::time::sleep;
use tracing::info;

use super::answers;
use super::batches::Outcome;
use super::engine::{Engine, Repeat};

/// How often they are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// After so many looks that found nothing there is nothing to come: by then the server has ended the transaction.
const LOOKS: u32 = 20;

/// Turns whose commit was never answered. Whoever wanted them was told that they failed, so nobody writes their answers;
/// if they were stored after all, the answers have to end.
#[derive(Default)]
pub(super) struct Abandoned {
    turns: Mutex<HashMap<MessageId, Turn>>,
}

#[derive(Clone, Copy)]
struct Turn {
    site: SiteId,
    now: Timestamp,
    looks: u32,
}

impl Abandoned {
    pub(super) fn add(&self, site: SiteId, answer: MessageId, now: Timestamp) {
        self.lock().insert(answer, Turn { site, now, looks: 0 });
    }

    /// Whether nobody writes this answer.
    pub(super) fn has(&self, answer: MessageId) -> bool {
        self.lock().contains_key(&answer)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<MessageId, Turn>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends abandoned answers, for as long as there is a store.
pub(super) async fn end_all(engine: Weak<Engine>) {
    loop {
        sleep(LOOK_EVERY).await;
        let Some(engine) = engine.upgrade() else { return };
        let turns: Vec<_> = engine.abandoned.lock().iter().map(|(answer, turn)| (*answer, *turn)).collect();
        for (answer, turn) in turns {
            end(&engine, answer, turn).await;
        }
    }
}

async fn end(engine: &Engine, answer: MessageId, turn: Turn) {
    let facts = AnswerFacts { failure: Some(TurnFailure::Storage), ..AnswerFacts::default() };
    let close = CloseTurn {
        site: turn.site,
        answer,
        status: MessageStatus::Failed,
        text: String::new(),
        facts,
        now: turn.now,
    };
    let close: Arc<[_]> = Arc::new([close]);
    let closed =
        engine.transact(Repeat::Harmless, |connection| answers::close(connection, Arc::clone(&close))).await;
    let mut turns = engine.abandoned.lock();
    match closed.as_deref() {
        Ok([Outcome::Stored | Outcome::Overtaken]) => {
            info!(%answer, "a message was stored although its sender was told that it was not; its answer is ended");
            turns.remove(&answer);
        }
        Ok(_) => {
            let looks = turns.get_mut(&answer).map_or(LOOKS, |turn| {
                turn.looks += 1;
                turn.looks
            });
            if looks >= LOOKS {
                turns.remove(&answer);
            }
        }
        Err(undone) if undone.failure.kind() == StoreErrorKind::Unavailable => {}
        Err(_) => {
            turns.remove(&answer);
        }
    }
}
