//! Following a whole conversation: what is said in it, by whom, and how far each answer has come.

mod cursor;

use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

pub use self::cursor::{FeedCursor, InvalidFeedCursor};
use super::mirrors::Mirrors;
use super::presence;
use super::running::Running;
use super::watchers::{Happening, Presence, Subscription, Watchers};
use super::{ChatSettings, LOOK_EVERY, LOOK_IN_SPITE};
use crate::{
    Changes, ConversationId, ConversationName, ConversationState, Message, MessageId, MessageStatus,
    NodeNews, Relay, Role, SessionKey, Store, StoreError, ThreadPage, TurnLog, TurnReader, TurnUpdate,
    Typing,
};

/// How many changed messages are read at once.
const PAGE: u32 = 20;

/// Opens feeds. Cheap to clone; all clones are the same service.
#[derive(Clone, Debug)]
pub struct Feeds {
    pub(super) store: Arc<dyn Store>,
    pub(super) running: Arc<Running>,
    pub(super) watchers: Arc<Watchers>,
    pub(super) mirrors: Arc<Mirrors>,
    /// How often to look whether another process has changed something; `None` where none can have.
    pub(super) look_every: Option<Duration>,
    /// How often the text of an answer that is being written is stored.
    pub(super) save_every: Duration,
    /// Cancelled when feeds are to end.
    pub(super) closing: CancellationToken,
}

/// What a feed tells.
///
/// It tells states, not history: a message that has changed several times since the reader's cursor comes once, as it
/// is now. Whoever applies the events in order holds what is stored, and whoever comes back with the last cursor gets
/// exactly what was missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedEvent {
    /// The cursor is not a place in this conversation: everything follows from the beginning, and what the reader has
    /// is to be forgotten.
    Reset,
    /// A message is new or has changed. It takes the place of the one with the same [`Message::seq`].
    Message {
        /// The message as it is now; of an answer that is being written, with its text so far.
        message: Message,
        /// The reader's cursor after this event.
        cursor: FeedCursor,
    },
    /// An answer that the reader knows has more text.
    Text {
        /// The answer.
        answer: MessageId,
        /// What is to be appended to its text.
        text: String,
        /// The reader's cursor after this event.
        cursor: FeedCursor,
    },
    /// The reader has everything there is now. Told once at the beginning, and whenever it becomes different who is answering
    /// or what operators make of the conversation.
    State {
        /// The conversation; `None` if there is none yet.
        conversation: Option<ConversationId>,
        /// The answer that is being written.
        answering: Option<MessageId>,
        /// What operators make of it.
        state: ConversationState,
        /// The reader's cursor; `None` if nothing was said yet.
        cursor: Option<FeedCursor>,
    },
    /// The person who answers has read the visitor's messages up to this one, or it is no longer the last such message, as none
    /// is when the AI answers again. Told to the visitor alone: who looks on while the AI answers is nobody's business.
    Seen {
        /// One of the visitor's messages, which the reader has.
        message: Message,
        /// Whether it is the last one that was read.
        is_last: bool,
        /// The reader's cursor.
        cursor: FeedCursor,
    },
    /// Somebody types, or has ceased to.
    Typing(Typing),
}

/// Follows a conversation.
#[derive(Debug)]
pub struct Feed {
    feeds: Feeds,
    name: ConversationName,
    /// The conversation, once there is one.
    conversation: Option<ConversationId>,
    subscription: Subscription,
    /// Says that the visitor is there, if it is theirs.
    presence: Option<Presence>,
    cursor: Option<FeedCursor>,
    /// What was read and not told yet.
    pending: VecDeque<FeedEvent>,
    /// The answer that is being written in this process.
    following: Option<(MessageId, TurnReader)>,
    /// An answer that has ended and is not stored yet: there is nothing more of it to follow.
    ended: Option<MessageId>,
    /// What was last told of the state.
    told: Option<Told>,
    /// How many messages the person who answers had read when that was last looked at.
    read_count: u32,
    /// The place of the visitor's message that was last told as read.
    seen: Option<u32>,
    /// Whether everything that was stored has been read.
    is_current: bool,
    /// Whether the conversation is no more, and cannot begin again under this name.
    is_gone: bool,
}

/// The conversation, the answer that is being written, and what operators make of it.
type Told = (Option<ConversationId>, Option<MessageId>, ConversationState);

impl Feeds {
    /// Feeds in a process that runs no turns: it hears from a relay what others write, or looks for it.
    ///
    /// With a relay it has to be called within a runtime.
    pub fn of_store(store: Arc<dyn Store>, relay: Option<Arc<dyn Relay>>) -> Self {
        let watchers: Arc<Watchers> = Arc::default();
        let mirrors = Mirrors::new(Arc::clone(&store), relay.clone());
        let look_every = if relay.is_some() { LOOK_IN_SPITE } else { LOOK_EVERY };
        if let Some(relay) = relay {
            mirrors.tasks.spawn(listen(Arc::clone(&relay), Arc::downgrade(&watchers)));
            mirrors.tasks.spawn(presence::tell(relay, Arc::downgrade(&watchers)));
        }
        Self {
            store,
            running: Arc::new(Running::new(0)),
            watchers,
            mirrors,
            look_every: Some(look_every),
            save_every: ChatSettings::default().save_every,
            closing: CancellationToken::new(),
        }
    }

    /// Tells the readers of a conversation, here and in other processes, that it has changed.
    pub(super) fn tell_change(&self, session: &SessionKey, conversation: ConversationId) {
        self.watchers.tell(session, conversation);
        self.relay(NodeNews::Changed { session: session.clone(), conversation });
    }

    /// Tells the readers of a conversation, here and in other processes, that somebody types or has ceased to.
    pub(super) fn tell_typing(&self, session: SessionKey, conversation: ConversationId, typing: Typing) {
        self.watchers.tell_typing(&session, conversation, &typing);
        self.relay(NodeNews::Typing { session, conversation, typing });
    }

    /// Tells other processes, and nobody waits for it.
    fn relay(&self, news: NodeNews) {
        if let Some(relay) = self.mirrors.relay.clone() {
            self.mirrors.tasks.spawn(async move { relay.tell(news).await });
        }
    }

    /// Follows a conversation from a cursor on, or from its beginning.
    ///
    /// A session in which nothing was said yet can be followed; of an id that is not there, it is `None`.
    pub async fn open(
        &self,
        name: ConversationName,
        cursor: Option<FeedCursor>,
    ) -> Result<Option<Feed>, StoreError> {
        let mut feed = Feed {
            feeds: self.clone(),
            subscription: self.watchers.subscribe(name.clone()),
            name,
            presence: None,
            conversation: None,
            cursor,
            pending: VecDeque::new(),
            following: None,
            ended: None,
            told: None,
            read_count: 0,
            seen: None,
            is_current: false,
            is_gone: false,
        };
        let exists = feed.look().await?;
        let may_begin = matches!(feed.name, ConversationName::Session(_));
        Ok((exists || may_begin).then_some(feed))
    }
}

impl Feed {
    /// Waits for the next event; `None` when the server is being shut down and there is nothing more to tell, and when the
    /// conversation is no more: a session may begin another one, but an id stays that of the one.
    ///
    /// Losing the future loses nothing. After an error the feed goes on where it was.
    pub async fn next(&mut self) -> Result<Option<FeedEvent>, StoreError> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return Ok(Some(event));
            }
            if self.is_gone {
                return Ok(None);
            }
            if !self.is_current {
                self.look().await?;
                continue;
            }
            let update = tokio::select! {
                biased;
                () = self.feeds.closing.cancelled(), if self.following.is_none() => return Ok(None),
                happening = self.subscription.next() => match happening {
                    Happening::Change => None,
                    Happening::Typing(typing) => return Ok(Some(FeedEvent::Typing(typing))),
                },
                () = pause(self.feeds.look_every) => None,
                update = follow(&mut self.following) => Some(update),
            };
            match update {
                Some((answer, TurnUpdate::Text { text, cursor: length })) => {
                    if let Some(cursor) = &mut self.cursor {
                        cursor.length = length;
                        return Ok(Some(FeedEvent::Text { answer, text, cursor: *cursor }));
                    }
                }
                Some((answer, TurnUpdate::End(_))) => {
                    self.ended = Some(answer);
                    self.following = None;
                    self.is_current = false;
                }
                None => self.is_current = false,
            }
        }
    }

    /// Reads what has changed since the cursor. Says whether there is such a conversation.
    async fn look(&mut self) -> Result<bool, StoreError> {
        self.subscription.forget();
        let after = self.cursor.map_or(0, |cursor| cursor.revision);
        let changes = self.feeds.store.changes(&self.name, after, PAGE).await?;
        self.is_gone = changes.is_none() && matches!(self.name, ConversationName::Id(..));
        let is_foreign = |cursor: FeedCursor| match &changes {
            Some(changes) => !cursor.is_within(changes.conversation, changes.revision),
            None => true,
        };
        if self.cursor.is_some_and(is_foreign) {
            self.pending.push_back(FeedEvent::Reset);
            (self.cursor, self.following, self.told) = (None, None, None);
            (self.read_count, self.seen) = (0, None);
            return Ok(changes.is_some());
        }
        let exists = changes.is_some();
        if let Some(changes) = changes {
            let (conversation, read_count) = (changes.conversation, changes.read_count);
            let is_with_a_person = changes.state.answering.is_some();
            self.take(changes);
            if self.is_current {
                self.tell_seen(conversation, if is_with_a_person { read_count } else { 0 }).await?;
            }
        } else {
            self.is_current = true;
            self.tell_state((None, None, ConversationState::default()));
        }
        Ok(exists)
    }

    fn take(&mut self, changes: Changes) {
        let Changes { conversation, revision, state, read_count: _, messages, has_more, writing } = changes;
        if self.conversation.replace(conversation) != Some(conversation)
            && let ConversationName::Session(session) = &self.name
        {
            self.presence = Some(self.feeds.watchers.enter(session.site, conversation));
        }
        let mut cursor = self.cursor.unwrap_or(FeedCursor::begin(conversation));
        let known = cursor.revision;
        if writing.as_ref().is_none_or(|answer| answer.revision > known) {
            cursor.length = 0;
        }
        for mut message in messages {
            cursor.revision = message.revision;
            if message.status == MessageStatus::Streaming {
                message.text = self.attach(&message);
                cursor.length = message.text.len();
            }
            self.pending.push_back(FeedEvent::Message { message, cursor });
        }
        if !has_more {
            cursor.revision = revision;
            self.is_current = true;
            match &writing {
                // What was touched since has been told whole.
                Some(answer) if answer.revision <= known => self.take_rest(answer, &mut cursor),
                Some(_) => {}
                None => self.following = None,
            }
            self.cursor = Some(cursor);
            self.tell_state((Some(conversation), writing.map(|answer| answer.id), state));
        }
        self.cursor = Some(cursor);
    }

    /// Tells a visitor which of their messages was read last, if it has become another one, or none.
    async fn tell_seen(&mut self, conversation: ConversationId, read_count: u32) -> Result<(), StoreError> {
        let (ConversationName::Session(session), Some(cursor)) = (&self.name, self.cursor) else {
            return Ok(());
        };
        if read_count == self.read_count {
            return Ok(());
        }
        let newest = read_count.max(self.seen.unwrap_or_default());
        let page = ThreadPage { before: Some(newest.saturating_add(1)), limit: PAGE };
        let thread = self.feeds.store.thread(session.site, conversation, page).await?;
        self.read_count = read_count;
        let mut messages = thread.map(|thread| thread.messages).unwrap_or_default();
        messages.retain(|message| message.role == Role::Visitor);
        let is_read = |message: &&Message| message.seq <= read_count;
        let last = messages.iter().rfind(is_read).map(|message| message.seq);
        // What stands further back than a page is still the last one.
        if last == self.seen || (last.is_none() && read_count > 0) {
            return Ok(());
        }
        let before = std::mem::replace(&mut self.seen, last);
        messages.retain(|message| [last, before].contains(&Some(message.seq)));
        let events = messages.into_iter().map(|message| FeedEvent::Seen {
            is_last: last == Some(message.seq),
            message,
            cursor,
        });
        self.pending.extend(events);
        Ok(())
    }

    /// Begins to follow an answer from its present end on, and gives its text up to there.
    fn attach(&mut self, answer: &Message) -> String {
        self.following = None;
        let Some(log) = self.log_of(answer) else { return answer.text.clone() };
        let text = log.text();
        self.following = log.reader(text.len()).ok().map(|reader| (answer.id, reader));
        text
    }

    /// The log of an answer that is written here, or elsewhere if that is told.
    fn log_of(&self, answer: &Message) -> Option<Arc<TurnLog>> {
        if let Some(running) = self.feeds.running.find(answer.id) {
            return Some(Arc::clone(&running.log));
        }
        let (site, conversation) = (self.name.site(), self.conversation?);
        let is_told = self.feeds.mirrors.relay.is_some();
        is_told.then(|| self.feeds.mirrors.follow(site, conversation, answer))
    }

    /// Goes on with an answer of which the reader has a part.
    fn take_rest(&mut self, answer: &Message, cursor: &mut FeedCursor) {
        if self.following.as_ref().is_some_and(|(followed, _)| *followed == answer.id)
            || self.ended == Some(answer.id)
        {
            return;
        }
        let text = self.attach(answer);
        let had = cursor.length;
        // What is stored of an answer that is written elsewhere, or has ended since the store was asked, is behind what
        // the reader was shown. It is about to change, or to grow past that.
        if text.len() < had && self.feeds.running.find(answer.id).is_none() {
            let ahead = self.log_of(answer).and_then(|log| log.reader_ahead(had).ok());
            self.following = ahead.map(|reader| (answer.id, reader));
            return;
        }
        cursor.length = text.len();
        match text.get(had..) {
            Some("") => {}
            Some(rest) => self.pending.push_back(FeedEvent::Text {
                answer: answer.id,
                text: rest.to_owned(),
                cursor: *cursor,
            }),
            // The reader's place is not one of this text.
            None => {
                let message = Message { text, ..answer.clone() };
                self.pending.push_back(FeedEvent::Message { message, cursor: *cursor });
            }
        }
    }

    fn tell_state(&mut self, state: Told) {
        if self.told.as_ref() != Some(&state) {
            self.told = Some(state.clone());
            let (conversation, answering, state) = state;
            self.pending.push_back(FeedEvent::State { conversation, answering, state, cursor: self.cursor });
        }
    }
}

/// Passes on what other nodes tell, as long as there is somebody to tell it to.
async fn listen(relay: Arc<dyn Relay>, watchers: Weak<Watchers>) {
    let mut news = relay.listen();
    loop {
        let heard = news.recv().await;
        let Some(watchers) = watchers.upgrade() else { return };
        match heard {
            Ok(NodeNews::Changed { session, conversation }) => watchers.tell(&session, conversation),
            Ok(NodeNews::Typing { session, conversation, typing }) => {
                watchers.tell_typing(&session, conversation, &typing);
            }
            Ok(NodeNews::Presence { site, here, gone }) => watchers.hear_presence(site, &here, &gone),
            Ok(NodeNews::Missed) | Err(RecvError::Lagged(_)) => watchers.tell_all(),
            Ok(NodeNews::Stop(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

async fn follow(following: &mut Option<(MessageId, TurnReader)>) -> (MessageId, TurnUpdate) {
    match following {
        Some((answer, reader)) => (*answer, reader.next().await),
        None => pending().await,
    }
}

/// Waits for so long; for ever, if it is not said.
async fn pause(span: Option<Duration>) {
    match span {
        Some(span) => sleep(span).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests;
