//! Answers that other nodes write, as they are followed here.

use std::collections::HashMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use tracing::debug;

use super::end_of;
use crate::{
    AnswerNews, ConversationId, ConversationName, Message, MessageId, MessageStatus, Relay, SiteId, Store,
    TurnEnd, TurnFailure, TurnLog,
};

/// How often the store is asked for more of an answer where nothing else tells of it. Whoever writes it stores it every second.
const ASK_EVERY: Duration = Duration::from_millis(400);

/// How long nothing may be told of an answer before the store is asked.
const ASK_AFTER: Duration = Duration::from_secs(1);

/// How many changes are read to find the end of an answer. Before it ends, nothing else of its conversation changes.
const CHANGES: u32 = 4;

/// What readers are told of an answer that is not there any more: another one has taken its place.
pub(super) const REPLACED: TurnEnd = TurnEnd {
    status: MessageStatus::Interrupted,
    finish: None,
    failure: Some(TurnFailure::Restarted),
    retry_after: None,
    usage: None,
};

/// A copy of each answer that is followed here and written elsewhere: a log like that of an answer which is written here. It
/// grows by what is told and by what is stored, each in its place, and ends when the end is stored.
#[derive(Debug)]
pub(super) struct Mirrors {
    store: Arc<dyn Store>,
    pub(super) relay: Option<Arc<dyn Relay>>,
    logs: Mutex<HashMap<MessageId, Weak<TurnLog>>>,
    /// Nobody waits for these: they end when nobody reads any more.
    pub(super) tasks: TaskTracker,
}

/// One of them, as its task sees it.
struct Mirror {
    mirrors: Arc<Mirrors>,
    log: Arc<TurnLog>,
    answer: MessageId,
    conversation: ConversationName,
    /// The change before the one that began the answer.
    before: u32,
}

impl Mirrors {
    pub(super) fn new(store: Arc<dyn Store>, relay: Option<Arc<dyn Relay>>) -> Arc<Self> {
        Arc::new(Self { store, relay, logs: Mutex::default(), tasks: TaskTracker::new() })
    }

    /// The log of an answer that is being written elsewhere, with at least the text that the message has.
    pub(super) fn follow(
        self: &Arc<Self>,
        site: SiteId,
        conversation: ConversationId,
        message: &Message,
    ) -> Arc<TurnLog> {
        let mut logs = self.lock();
        if let Some(log) = logs.get(&message.id).and_then(Weak::upgrade) {
            log.append_at(0, &message.text);
            return log;
        }
        let log = TurnLog::start();
        log.append_at(0, &message.text);
        logs.insert(message.id, Arc::downgrade(&log));
        let mirror = Mirror {
            mirrors: Arc::clone(self),
            log: Arc::clone(&log),
            answer: message.id,
            conversation: ConversationName::Id(site, conversation),
            before: message.revision.saturating_sub(1),
        };
        self.tasks.spawn(mirror.run());
        log
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<MessageId, Weak<TurnLog>>> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mirror {
    async fn run(self) {
        let mut news = match &self.mirrors.relay {
            Some(relay) => Some(relay.follow(self.answer).await),
            None => None,
        };
        self.catch_up().await;
        while !self.is_left() {
            let patience = if news.is_some() { ASK_AFTER } else { ASK_EVERY };
            let is_over = match timeout(patience, next(&mut news)).await {
                Ok(Some(AnswerNews::Text { from, text })) => {
                    if !self.log.append_at(from, &text) {
                        self.catch_up().await;
                    }
                    false
                }
                Ok(None) => {
                    news = None;
                    false
                }
                Ok(Some(AnswerNews::End)) | Err(_) => self.ask_store().await,
            };
            if is_over {
                self.mirrors.lock().remove(&self.answer);
                return;
            }
        }
    }

    /// Whether nobody reads it any more. Then it is gone for whoever comes later.
    fn is_left(&self) -> bool {
        let mut logs = self.mirrors.lock();
        let is_left = Arc::strong_count(&self.log) == 1;
        if is_left {
            logs.remove(&self.answer);
        }
        is_left
    }

    /// Takes in what was told before.
    async fn catch_up(&self) {
        if let Some(relay) = &self.mirrors.relay
            && let Some(text) = relay.text(self.answer).await
        {
            self.log.append_at(0, &text);
        }
    }

    /// Takes in what is stored, and says whether that is the end.
    async fn ask_store(&self) -> bool {
        let changes = match self.mirrors.store.changes(&self.conversation, self.before, CHANGES).await {
            Ok(changes) => changes,
            Err(error) => {
                debug!(answer = %self.answer, error = &error as &dyn std::error::Error, "cannot ask how far an answer is");
                return false;
            }
        };
        let messages =
            changes.into_iter().flat_map(|changes| changes.messages.into_iter().chain(changes.writing));
        let end = match messages.into_iter().find(|message| message.id == self.answer) {
            Some(message) => {
                self.log.append_at(0, &message.text);
                end_of(&message)
            }
            None => Some(REPLACED),
        };
        end.map(|end| self.log.finish(end)).is_some()
    }
}

async fn next(news: &mut Option<mpsc::Receiver<AnswerNews>>) -> Option<AnswerNews> {
    match news {
        Some(news) => news.recv().await,
        None => pending().await,
    }
}
