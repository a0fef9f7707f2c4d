//! The service that runs turns.
//!
//! A turn is one visitor message and its answer. The answer is written by a task that belongs to the conversation, not
//! to whoever asked: it goes on when the visitor leaves, and ends when it is finished, stopped, or the server shuts down.

mod feed;
mod mirrors;
mod nodes;
mod running;
mod settings;
mod watchers;
mod write;

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::feed::{Feed, FeedCursor, FeedEvent, Feeds, InvalidFeedCursor};
pub use self::settings::ChatSettings;
use crate::{
    AnswerFacts, Clock, CloseTurn, ConversationId, ConversationName, CursorOutOfRange, IdempotencyKey,
    Message, MessageId, MessageStatus, Model, NodeId, NodeNews, OpenTurn, OpenedTurn, Random, RateAnswer,
    RatedAnswer, Relay, RepeatedTurn, SecretHash, SessionKey, SiteId, Store, StoreError, StoreErrorKind,
    Timestamp, TurnEnd, TurnFailure, TurnIds, TurnLog, TurnOpening, TurnReader, VisitorIdentity, VisitorText,
};
use mirrors::Mirrors;
use running::{Running, RunningTurn};
use watchers::Watchers;

/// What the service reaches the world through.
#[derive(Clone, Debug)]
pub struct ChatPorts {
    /// Where conversations are kept.
    pub store: Arc<dyn Store>,
    /// Who answers.
    pub model: Arc<dyn Model>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub random: Arc<dyn Random>,
}

/// Runs turns. Cheap to clone; all clones are the same service.
#[derive(Clone, Debug)]
pub struct Chat {
    service: Arc<Service>,
}

#[derive(Debug)]
struct Service {
    ports: ChatPorts,
    settings: ChatSettings,
    /// The name of this process among those that share the store.
    node: NodeId,
    /// Whether other processes run turns on the same store.
    is_shared: bool,
    running: Arc<Running>,
    watchers: Arc<Watchers>,
    mirrors: Arc<Mirrors>,
    /// Places for storing partial answers, so that what visitors wait for is not behind all of those.
    saving: Semaphore,
    tasks: TaskTracker,
    /// Cancelled when the server is about to be shut down.
    ending: CancellationToken,
    /// Cancelled when no new turns are taken.
    draining: CancellationToken,
    /// Cancelled when running turns must end now.
    halted: CancellationToken,
}

/// A visitor's message.
#[derive(Clone, Debug)]
pub struct SendMessage {
    /// Whose message it is.
    pub session: SessionKey,
    /// The message.
    pub text: VisitorText,
    /// The client's own name for the message.
    pub idempotency_key: Option<IdempotencyKey>,
    /// Who the visitor is, if the site vouches for it.
    pub identity: Option<VisitorIdentity>,
}

/// A turn, and a reader of its answer.
#[derive(Debug)]
pub struct Turn {
    /// The conversation.
    pub conversation: ConversationId,
    /// The answer.
    pub answer: MessageId,
    /// Whether the message was sent again after it had been accepted, so that nothing new was stored.
    pub repeated: bool,
    /// Reads the answer.
    pub reader: TurnReader,
}

/// Why a message was not accepted. Nothing was stored.
#[derive(Debug, Error)]
pub enum SendError {
    /// Another answer of the conversation is still being written.
    #[error("another answer of this conversation is still being written")]
    Busy,
    /// Another message was accepted before under the same idempotency key.
    #[error("another message was accepted before under this idempotency key")]
    Mismatch,
    /// As many answers are being written as this server takes on.
    #[error("as many answers are being written as this server takes on")]
    Overloaded,
    /// The server is being shut down.
    #[error("the server is being shut down")]
    ShuttingDown,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The task that accepts messages broke: a defect of our own.
    #[error("the task that accepts messages broke")]
    Broken,
}

/// Why an answer cannot be followed.
#[derive(Debug, Error)]
pub enum FollowError {
    /// The cursor is not a place in the answer.
    #[error(transparent)]
    Cursor(#[from] CursorOutOfRange),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Chat {
    /// The service over these ports, the only one on its store.
    pub fn new(ports: ChatPorts, settings: ChatSettings) -> Self {
        Self::over(ports, settings, None, false)
    }

    /// The service as one node of several on the same store: see [`Self::live_among_nodes`]. Without a relay it finds what the
    /// others write in the store, a second later.
    ///
    /// Has to be called within a runtime.
    pub fn among_nodes(ports: ChatPorts, settings: ChatSettings, relay: Option<Arc<dyn Relay>>) -> Self {
        let chat = Self::over(ports, settings, relay.clone(), true);
        if let Some(relay) = relay {
            chat.service.mirrors.tasks.spawn(nodes::listen(relay, Arc::downgrade(&chat.service)));
        }
        chat
    }

    fn over(
        ports: ChatPorts,
        settings: ChatSettings,
        relay: Option<Arc<dyn Relay>>,
        is_shared: bool,
    ) -> Self {
        Self {
            service: Arc::new(Service {
                node: NodeId::mint(&*ports.clock, &*ports.random),
                is_shared,
                running: Arc::new(Running::new(settings.max_running)),
                watchers: Arc::default(),
                mirrors: Mirrors::new(Arc::clone(&ports.store), relay),
                saving: Semaphore::new(SAVES),
                ports,
                settings,
                tasks: TaskTracker::new(),
                ending: CancellationToken::new(),
                draining: CancellationToken::new(),
                halted: CancellationToken::new(),
            }),
        }
    }

    /// Accepts a visitor's message and begins its answer. When this returns, the message is stored.
    ///
    /// Losing the future loses nothing: what was begun goes on.
    pub async fn send(&self, message: SendMessage) -> Result<Turn, SendError> {
        let service = Arc::clone(&self.service);
        let accepting = self.service.tasks.spawn(service.accept(message));
        accepting.await.unwrap_or(Err(SendError::Broken))
    }

    /// Follows an answer from a cursor on, whether it is still being written or not, for whoever knows the secret of its
    /// session.
    ///
    /// Of an answer that a crash interrupted the last words that were shown may not be stored. A cursor past its end
    /// begins at the end then, which the reader's cursor says.
    ///
    /// `None` if there is no such answer under that secret.
    pub async fn follow(
        &self,
        site: SiteId,
        secret: SecretHash,
        answer: MessageId,
        cursor: usize,
    ) -> Result<Option<Turn>, FollowError> {
        if let Some(running) = self.service.running.find(answer)
            && (running.session.site, running.session.secret) == (site, Some(secret))
        {
            return Ok(Some(running.turn(cursor)?));
        }
        let stored = self.service.ports.store.session_answer(site, Some(secret), answer).await?;
        let Some((conversation, message)) = stored else { return Ok(None) };
        let Some(log) = ended_log(&message) else {
            let log = self.service.mirrors.follow(site, conversation, &message);
            let reader = log.reader_ahead(cursor)?;
            return Ok(Some(Turn { conversation, answer, repeated: false, reader }));
        };
        let is_cut_back = message.facts.failure == Some(TurnFailure::Restarted);
        let cursor = if is_cut_back { cursor.min(message.text.len()) } else { cursor };
        Ok(Some(Turn { conversation, answer, repeated: false, reader: log.reader(cursor)? }))
    }

    /// Follows conversations, whose turns this service or another one runs.
    pub fn feeds(&self) -> Feeds {
        let look_every = if self.service.mirrors.relay.is_some() { LOOK_IN_SPITE } else { LOOK_EVERY };
        Feeds {
            store: Arc::clone(&self.service.ports.store),
            running: Arc::clone(&self.service.running),
            watchers: Arc::clone(&self.service.watchers),
            mirrors: Arc::clone(&self.service.mirrors),
            look_every: self.service.is_shared.then_some(look_every),
            closing: self.service.draining.clone(),
        }
    }

    /// Stops the answer being written for a session, or only the given one, and says whether there was one to stop.
    ///
    /// The text that has arrived is kept; readers see the end as soon as it is stored. Where another node writes it and does
    /// not stop at a word, it is ended in the store, with the text that is stored.
    pub async fn stop(&self, session: &SessionKey, answer: Option<MessageId>) -> Result<bool, StoreError> {
        let service = &self.service;
        let running = match answer {
            Some(answer) => service.running.find(answer).filter(|turn| turn.session == *session),
            None => service.running.find_any(session),
        };
        if let Some(running) = running {
            running.stop();
            return Ok(true);
        }
        if !service.is_shared {
            return Ok(false);
        }
        let Some(written) = service.written_elsewhere(session, answer).await? else { return Ok(false) };
        if let Some(relay) = &service.mirrors.relay {
            relay.tell(NodeNews::Stop(written.1.id)).await;
            for _ in 0..STOP_LOOKS {
                sleep(STOP_LOOK_EVERY).await;
                if service.written_elsewhere(session, Some(written.1.id)).await?.is_none() {
                    return Ok(true);
                }
            }
        }
        // What was shown until now is stored by then.
        sleep(service.settings.save_every + STOP_LOOK_EVERY).await;
        if let Some(written) = service.written_elsewhere(session, Some(written.1.id)).await? {
            service.stop_in_store(session, written).await?;
        }
        Ok(true)
    }

    /// Keeps what a visitor says of an answer, and tells everybody who follows its conversation. `None` if there is no such
    /// answer under that secret.
    pub async fn rate(&self, rating: RateAnswer) -> Result<Option<RatedAnswer>, StoreError> {
        let (site, secret) = (rating.site, Some(rating.secret));
        let rated = self.service.ports.store.rate_answer(rating).await?;
        if let Some(RatedAnswer::Kept { conversation, session }) = &rated {
            self.service.tell_change(&SessionKey { site, session: session.clone(), secret }, *conversation);
        }
        Ok(rated)
    }

    /// Deletes a conversation, and says whether there was one. An answer that is being written for it is stopped first.
    ///
    /// Losing the future loses nothing: what was begun goes on.
    pub async fn delete(&self, name: ConversationName) -> Result<bool, StoreError> {
        let deleting = self.service.tasks.spawn(Arc::clone(&self.service).delete(name));
        let broken = |_| Err(StoreError::new(StoreErrorKind::Unavailable, "the task that deletes broke"));
        deleting.await.unwrap_or_else(broken)
    }

    /// Says that a shutdown is near, so that nobody sends new visitors here. Turns are still taken.
    pub fn announce_end(&self) {
        self.service.ending.cancel();
    }

    /// Whether a shutdown is near, or has begun.
    pub fn is_ending(&self) -> bool {
        self.service.ending.is_cancelled()
    }

    /// Takes no new turns from here on. Running ones go on, and can be followed and stopped.
    pub fn drain(&self) {
        self.announce_end();
        self.service.draining.cancel();
        self.service.tasks.close();
    }

    /// Whether new turns are no longer taken.
    pub fn is_draining(&self) -> bool {
        self.service.draining.is_cancelled()
    }

    /// How many answers are being written.
    pub fn running(&self) -> usize {
        self.service.running.count()
    }

    /// Takes no new turns, waits for `window` that running ones finish, then ends them as interrupted and keeps what
    /// they have. Says whether all of it was stored.
    pub async fn shut_down(&self, window: Duration) -> bool {
        self.drain();
        if timeout(window, self.service.tasks.wait()).await.is_ok() {
            return true;
        }
        self.service.halted.cancel();
        timeout(self.service.settings.halt_limit, self.service.tasks.wait()).await.is_ok()
    }
}

impl Service {
    async fn accept(self: Arc<Self>, message: SendMessage) -> Result<Turn, SendError> {
        if self.draining.is_cancelled() {
            return Err(SendError::ShuttingDown);
        }
        let place = self.running.reserve().ok_or(SendError::Overloaded)?;
        let started = self.ports.clock.elapsed();
        let session = message.session.clone();
        match self.ports.store.open_turn(self.open_turn(message)).await? {
            TurnOpening::Opened(opened) => {
                let OpenedTurn { conversation, answer, history, .. } = opened;
                let running = RunningTurn::begin(session, conversation, answer, place);
                self.running.insert(&running);
                self.tell_change(&running.session, conversation);
                if let Some(relay) = &self.mirrors.relay {
                    self.mirrors.tasks.spawn(nodes::tell_text(Arc::clone(relay), Arc::clone(&running)));
                }
                let turn = running.turn(0).map_err(|_| SendError::Broken)?;
                let writing = write::Writing { service: Arc::clone(&self), running, started };
                self.tasks.spawn(writing.run(history));
                Ok(turn)
            }
            TurnOpening::Repeated(repeated) => self.repeat(&session, repeated).await,
            TurnOpening::Mismatch => Err(SendError::Mismatch),
            TurnOpening::Busy { .. } => Err(SendError::Busy),
        }
    }

    async fn delete(self: Arc<Self>, name: ConversationName) -> Result<bool, StoreError> {
        if let Some(turn) = self.running.find_named(&name) {
            turn.stop();
            // Whoever reads it is told its end, if the store takes it soon. It is deleted either way.
            let _ = timeout(STOPPING, turn.ended()).await;
        }
        let Some(deleted) = self.ports.store.delete_conversation(&name).await? else { return Ok(false) };
        // A message may have come in between.
        let name = ConversationName::Id(deleted.session.site, deleted.conversation);
        if let Some(turn) = self.running.find_named(&name) {
            turn.stop();
        }
        self.tell_change(&deleted.session, deleted.conversation);
        Ok(true)
    }

    fn open_turn(&self, message: SendMessage) -> OpenTurn {
        let ChatPorts { clock, random, .. } = &self.ports;
        let now = clock.now();
        let history_since = match message.session.secret {
            Some(_) => Timestamp::from_millis(i64::MIN),
            None => now.minus(self.settings.history_without_secret),
        };
        OpenTurn {
            session: message.session,
            text: message.text,
            idempotency_key: message.idempotency_key,
            ids: TurnIds {
                conversation: ConversationId::mint(&**clock, &**random),
                visitor_message: MessageId::mint(&**clock, &**random),
                answer: MessageId::mint(&**clock, &**random),
            },
            node: self.node,
            now,
            history_limit: self.settings.max_history_messages,
            history_since,
            identity: message.identity,
        }
    }

    /// Attaches to the answer of a message that was accepted before.
    async fn repeat(&self, session: &SessionKey, repeated: RepeatedTurn) -> Result<Turn, SendError> {
        let RepeatedTurn { conversation, mut answer, .. } = repeated;
        // The store and the list of running turns are not looked at in one moment: an answer may begin or end in between.
        for _ in 0..LOOKS {
            if let Some(log) = ended_log(&answer) {
                let reader = log.reader(0).map_err(|_| SendError::Broken)?;
                return Ok(Turn { conversation, answer: answer.id, repeated: true, reader });
            }
            if let Some(running) = self.running.find_soon(answer.id).await {
                let turn = running.turn(0).map_err(|_| SendError::Broken)?;
                return Ok(Turn { repeated: true, ..turn });
            }
            if self.is_shared {
                let log = self.mirrors.follow(session.site, conversation, &answer);
                let reader = log.reader(0).map_err(|_| SendError::Broken)?;
                return Ok(Turn { conversation, answer: answer.id, repeated: true, reader });
            }
            match self.ports.store.session_answer(session.site, session.secret, answer.id).await? {
                Some((_, message)) => answer = message,
                None => break,
            }
        }
        Err(SendError::Busy)
    }
}

/// Stopping what another node writes.
impl Service {
    /// The answer that is being written for a session, if it is this one, and its conversation.
    async fn written_elsewhere(
        &self,
        session: &SessionKey,
        answer: Option<MessageId>,
    ) -> Result<Option<(ConversationId, Message)>, StoreError> {
        let name = ConversationName::Session(session.clone());
        let changes = self.ports.store.changes(&name, u32::MAX, 1).await?;
        let written = changes.and_then(|changes| Some((changes.conversation, changes.writing?)));
        Ok(written.filter(|(_, message)| answer.is_none_or(|answer| answer == message.id)))
    }

    async fn stop_in_store(
        &self,
        session: &SessionKey,
        (conversation, message): (ConversationId, Message),
    ) -> Result<(), StoreError> {
        let close = CloseTurn {
            site: session.site,
            answer: message.id,
            status: MessageStatus::Stopped,
            text: message.text,
            facts: AnswerFacts::default(),
            now: self.ports.clock.now(),
        };
        self.ports.store.close_turn(close).await?;
        self.tell_change(session, conversation);
        if let Some(relay) = &self.mirrors.relay {
            relay.tell_end(message.id).await;
        }
        Ok(())
    }
}

/// How often a feed looks whether another node has changed something, where nothing else tells...
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// ...and where a relay does: it may lose something.
const LOOK_IN_SPITE: Duration = Duration::from_secs(5);

/// How often it is looked whether another node has stopped...
const STOP_LOOKS: u32 = 10;

/// ...and how long apart.
const STOP_LOOK_EVERY: Duration = Duration::from_millis(80);

/// How many partial answers are being stored at once.
const SAVES: usize = 8;

/// How long the end of an answer is waited for whose conversation is to be deleted.
const STOPPING: Duration = Duration::from_secs(2);

/// How often an answer is looked for that is neither ended nor run here.
const LOOKS: usize = 3;

/// The log of an answer that has ended; `None` if it has not.
fn ended_log(answer: &Message) -> Option<Arc<TurnLog>> {
    end_of(answer).map(|end| TurnLog::ended(answer.text.clone(), end))
}

/// How an answer has ended; `None` if it has not.
fn end_of(answer: &Message) -> Option<TurnEnd> {
    let end = TurnEnd {
        status: answer.status,
        finish: answer.facts.finish,
        failure: answer.facts.failure,
        retry_after: None,
        usage: answer.facts.usage,
    };
    (answer.status != MessageStatus::Streaming).then_some(end)
}

#[cfg(test)]
mod interleavings;
#[cfg(test)]
mod tests;
