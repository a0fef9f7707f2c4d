//! The service that runs turns.
//!
//! A turn is one visitor message and its answer. The answer is written by a task that belongs to the conversation, not
//! to whoever asked: it goes on when the visitor leaves, and ends when it is finished, stopped, or the server shuts down.

mod feed;
mod inbox;
mod mirrors;
mod nodes;
mod presence;
mod running;
mod settings;
mod site_feed;
mod stop;
mod typing;
mod watchers;
mod write;

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::feed::{Feed, FeedCursor, FeedEvent, Feeds, InvalidFeedCursor};
pub use self::inbox::{
    AskForPerson, Asked, ConversationEdit, DraftPlace, Edited, HandBack, Inbox, Noted, Reply, TakeOver,
};
pub use self::settings::ChatSettings;
pub use self::site_feed::{SiteFeed, SiteNews};
pub use self::typing::{Typing, Typist};
use crate::{
    Clock, ConversationId, ConversationName, CursorOutOfRange, DeliveredMessage, IdempotencyKey, Message,
    MessageId, MessageStatus, MessageText, Model, NodeId, Notifier, OpenTurn, OpenedTurn, Random, RateAnswer,
    RatedAnswer, Relay, RepeatedTurn, SecretHash, SessionKey, SiteId, Store, StoreError, StoreErrorKind,
    Timestamp, TurnEnd, TurnFailure, TurnIds, TurnLog, TurnOpening, TurnReader, Visit, VisitorIdentity,
};
use mirrors::Mirrors;
use running::{Running, RunningTurn};

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
    /// What is told of conversations, and what is known of the turns that are run.
    feeds: Feeds,
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
    pub text: MessageText,
    /// The client's own name for the message.
    pub idempotency_key: Option<IdempotencyKey>,
    /// Who the visitor is, if the site vouches for it.
    pub identity: Option<VisitorIdentity>,
    /// What the visitor's browser says of the visit.
    pub visit: Visit,
}

/// What became of a visitor's message.
#[derive(Debug)]
pub enum Sent {
    /// It is answered.
    Answered(Turn),
    /// An operator has the conversation, and reads it.
    Delivered(DeliveredMessage),
}

impl Sent {
    /// The turn, if the message is answered.
    pub fn turn(self) -> Option<Turn> {
        match self {
            Self::Answered(turn) => Some(turn),
            Self::Delivered(_) => None,
        }
    }
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
            let Feeds { mirrors, watchers, .. } = &chat.service.feeds;
            mirrors.tasks.spawn(presence::tell(Arc::clone(&relay), Arc::downgrade(watchers)));
            mirrors.tasks.spawn(nodes::listen(relay, Arc::downgrade(&chat.service)));
        }
        chat
    }

    fn over(
        ports: ChatPorts,
        settings: ChatSettings,
        relay: Option<Arc<dyn Relay>>,
        is_shared: bool,
    ) -> Self {
        let look_every = if relay.is_some() { LOOK_IN_SPITE } else { LOOK_EVERY };
        let draining = CancellationToken::new();
        Self {
            service: Arc::new(Service {
                node: NodeId::mint(&*ports.clock, &*ports.random),
                feeds: Feeds {
                    store: Arc::clone(&ports.store),
                    running: Arc::new(Running::new(settings.max_running)),
                    watchers: Arc::default(),
                    look_every: is_shared.then_some(look_every),
                    save_every: settings.save_every,
                    mirrors: Mirrors::new(Arc::clone(&ports.store), relay),
                    closing: draining.clone(),
                },
                saving: Semaphore::new(SAVES),
                ports,
                settings,
                tasks: TaskTracker::new(),
                ending: CancellationToken::new(),
                draining,
                halted: CancellationToken::new(),
            }),
        }
    }

    /// Accepts a visitor's message, and begins its answer unless an operator has the conversation. When this returns, the
    /// message is stored.
    ///
    /// Losing the future loses nothing: what was begun goes on.
    pub async fn send(&self, message: SendMessage) -> Result<Sent, SendError> {
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
        if let Some(running) = self.service.feeds.running.find(answer)
            && (running.session.site, running.session.secret) == (site, Some(secret))
        {
            return Ok(Some(running.turn(cursor)?));
        }
        let stored = self.service.ports.store.session_answer(site, Some(secret), answer).await?;
        let Some((conversation, message)) = stored else { return Ok(None) };
        let Some(log) = ended_log(&message) else {
            let log = self.service.feeds.mirrors.follow(site, conversation, &message);
            let reader = log.reader_ahead(cursor)?;
            return Ok(Some(Turn { conversation, answer, repeated: false, reader }));
        };
        let is_cut_back = message.facts.failure == Some(TurnFailure::Restarted);
        let cursor = if is_cut_back { cursor.min(message.text.len()) } else { cursor };
        Ok(Some(Turn { conversation, answer, repeated: false, reader: log.reader(cursor)? }))
    }

    /// Follows conversations, whose turns this service or another one runs.
    pub fn feeds(&self) -> Feeds {
        self.service.feeds.clone()
    }

    /// What operators do with conversations.
    pub fn inbox(&self, notifier: Option<Arc<dyn Notifier>>) -> Inbox {
        let ChatPorts { clock, random, .. } = &self.service.ports;
        Inbox::new(self.feeds(), Arc::clone(clock), Arc::clone(random), notifier)
    }

    /// Stops the answer being written for a session, or only the given one, and says whether there was one to stop.
    ///
    /// The text that has arrived is kept; readers see the end as soon as it is stored. Where another node writes it and does
    /// not stop at a word, it is ended in the store, with the text that is stored.
    pub async fn stop(&self, session: &SessionKey, answer: Option<MessageId>) -> Result<bool, StoreError> {
        let name = ConversationName::Session(session.clone());
        self.service.feeds.stop(&name, answer, &*self.service.ports.clock).await
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
        self.service.feeds.running.count()
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
    async fn accept(self: Arc<Self>, message: SendMessage) -> Result<Sent, SendError> {
        if self.draining.is_cancelled() {
            return Err(SendError::ShuttingDown);
        }
        let place = self.feeds.running.reserve().ok_or(SendError::Overloaded)?;
        let started = self.ports.clock.elapsed();
        let session = message.session.clone();
        match self.ports.store.open_turn(self.open_turn(message)).await? {
            TurnOpening::Opened(opened) => {
                let OpenedTurn { conversation, answer, history, .. } = opened;
                let running = RunningTurn::begin(session, conversation, answer, place);
                self.feeds.running.insert(&running);
                self.tell_change(&running.session, conversation);
                if let Some(relay) = &self.feeds.mirrors.relay {
                    self.feeds.mirrors.tasks.spawn(nodes::tell_text(Arc::clone(relay), Arc::clone(&running)));
                }
                let turn = running.turn(0).map_err(|_| SendError::Broken)?;
                let writing = write::Writing { service: Arc::clone(&self), running, started };
                self.tasks.spawn(writing.run(history));
                Ok(Sent::Answered(turn))
            }
            TurnOpening::Delivered(delivered) => {
                if !delivered.repeated {
                    self.tell_change(&session, delivered.conversation);
                }
                Ok(Sent::Delivered(delivered))
            }
            TurnOpening::Repeated(repeated) => self.repeat(&session, repeated).await.map(Sent::Answered),
            TurnOpening::Mismatch => Err(SendError::Mismatch),
            TurnOpening::Busy { .. } => Err(SendError::Busy),
        }
    }

    async fn delete(self: Arc<Self>, name: ConversationName) -> Result<bool, StoreError> {
        self.feeds.delete(&name, &*self.ports.clock).await
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
            visit: message.visit,
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
            if let Some(running) = self.feeds.running.find_soon(answer.id).await {
                let turn = running.turn(0).map_err(|_| SendError::Broken)?;
                return Ok(Turn { repeated: true, ..turn });
            }
            if self.feeds.look_every.is_some() {
                let log = self.feeds.mirrors.follow(session.site, conversation, &answer);
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

/// How often a feed looks whether another node has changed something, where nothing else tells...
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// ...and where a relay does: it may lose something.
const LOOK_IN_SPITE: Duration = Duration::from_secs(5);

/// How long who is told that somebody types takes that for true.
pub const TYPING_LASTS: Duration = Duration::from_secs(8);

/// How many partial answers are being stored at once.
const SAVES: usize = 8;

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
