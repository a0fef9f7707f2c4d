//! A conversation's feed as a stream of events, for its visitor and for operators.

use axum::response::Response;
use bytes::Bytes;
use frontdesk_core::{
    ConversationId, ConversationState, EmailAddress, Feed, FeedCursor, FeedEvent as CoreEvent,
    InvalidFeedCursor, MessageId, OperatorName, Role, StoreError, Tag, Typing, Typist,
};
use futures_util::{StreamExt as _, stream};
use http::HeaderMap;
use serde::Serialize;
use tokio::time::{Instant, timeout_at};
use tracing::warn;
use utoipa::ToSchema;

use crate::api::VisibleMessage;
use crate::extract::{Query, single};
use crate::stream::{Framing, HEARTBEAT};
use crate::{ApiError, Code};

/// An event of a conversation's feed. Clients ignore members and types that they do not know.
///
/// Events tell states: whoever applies them in order holds what is stored.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum FeedEvent {
    /// The cursor that was sent is not a place in this conversation. Forget what you have: all of it follows.
    Reset,
    /// A message is new or has changed, or one of the visitor's was seen. It takes the place of the one with the same `place`.
    #[serde(rename_all = "camelCase")]
    Message {
        /// The message as it is now; an answer that is being written, with its text so far.
        message: VisibleMessage,
        /// The number of the change. Each change of a conversation has the next one; a number that does not come was
        /// that of a change which a later one of the same message has overtaken.
        revision: u32,
        /// What to come back with.
        cursor: String,
    },
    /// An answer that came in a `message` before has more text.
    #[serde(rename_all = "camelCase")]
    Token {
        /// The answer.
        message_id: String,
        /// What to append to its `content`.
        token: String,
        /// The length of `content` after that, in bytes of UTF-8.
        seq: usize,
        cursor: String,
    },
    /// Somebody types: an operator, or for operators also the visitor. Without a word for eight seconds it is over.
    #[serde(rename_all = "camelCase")]
    Typing {
        /// What the operator is called who types; not there when nobody does any more.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// `user` or `operator`.
        role: &'static str,
    },
    /// You have everything there is now. Comes once at the beginning, and whenever it becomes different who is answering or
    /// what operators make of the conversation.
    #[serde(rename_all = "camelCase")]
    State {
        /// `null` if nothing was said in this session yet.
        conversation_id: Option<String>,
        /// Who is answering just now; `null` if nobody is.
        answering: Option<Answering>,
        /// `open`, `needs_person` or `closed`.
        status: &'static str,
        /// For operators: whose concern it is; not there if it is nobody's.
        #[serde(skip_serializing_if = "Option::is_none")]
        assignee: Option<String>,
        /// For operators: its tags.
        #[serde(skip_serializing_if = "Option::is_none")]
        tags: Option<Vec<String>>,
        /// For operators: where the visitor wants to be written to, if that was said.
        #[serde(skip_serializing_if = "Option::is_none")]
        contact: Option<String>,
        cursor: Option<String>,
    },
    /// The feed cannot go on; come back with the last cursor.
    #[serde(rename_all = "camelCase")]
    Error {
        /// What happened, for people.
        error: &'static str,
        /// The stable name that programs go by.
        code: &'static str,
        retryable: bool,
        /// Names the request in the server's log.
        request_id: String,
    },
}

/// Who is answering.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answering {
    /// `assistant`, or `operator` as long as one has the conversation.
    role: &'static str,
    /// The answer that is being written.
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    /// What the operator is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// Who follows a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Its visitor, who sees no notes.
    Visitor,
    Operators,
}

impl Answering {
    /// An operator who has the conversation, or the AI while it writes an answer.
    fn of(state: &ConversationState, answer: Option<MessageId>) -> Option<Self> {
        if let Some(answering) = &state.answering {
            let name = Some(answering.operator.as_str().to_owned());
            return Some(Self { role: Role::Operator.as_str(), message_id: None, name });
        }
        let message_id = Some(answer?.to_string());
        Some(Self { role: Role::Assistant.as_str(), message_id, name: None })
    }
}

fn typing_event(typist: Typist, is_typing: bool) -> FeedEvent {
    let (role, name) = match typist {
        Typist::Visitor => (Role::Visitor, String::new()),
        Typist::Operator(name) => (Role::Operator, name.as_str().to_owned()),
    };
    FeedEvent::Typing { name: is_typing.then_some(name), role: role.as_str() }
}

/// The place that a reader comes back with: the header `Last-Event-ID`, which browsers' `EventSource` keeps up to date,
/// or the parameter `after`.
pub(crate) fn feed_cursor(headers: &HeaderMap, query: &Query) -> Result<Option<FeedCursor>, ApiError> {
    let text = match single(headers, "last-event-id")? {
        Some(id) => Some(std::str::from_utf8(id).unwrap_or_default()),
        None => query.text("after")?,
    };
    let invalid =
        |rule: InvalidFeedCursor| ApiError::new(Code::InvalidCursor).detail("after", rule.to_string());
    text.map(|text| text.parse().map_err(invalid)).transpose()
}

/// A response that follows a conversation until the server is shut down, or until `end`.
pub(crate) fn follow_feed(
    feed: Feed,
    audience: Audience,
    framing: Framing,
    request_id: &str,
    end: impl Future<Output = ()> + Send + 'static,
) -> Response {
    let request_id = request_id.to_owned();
    let follower = Follower { feed, audience, framing, request_id, told: None, is_over: false };
    let events = stream::unfold(follower, async |mut follower| Some((follower.next().await?, follower)));
    framing.respond(events.take_until(end))
}

struct Follower {
    feed: Feed,
    audience: Audience,
    framing: Framing,
    request_id: String,
    /// The state as it was last told.
    told: Option<(Option<ConversationId>, Option<MessageId>, ConversationState)>,
    is_over: bool,
}

impl Follower {
    async fn next(&mut self) -> Option<Bytes> {
        if self.is_over {
            return None;
        }
        // What is hidden breaks no silence.
        let heartbeat = Instant::now() + HEARTBEAT;
        loop {
            match timeout_at(heartbeat, self.feed.next()).await {
                Err(_) => return Some(self.framing.heartbeat()),
                Ok(Ok(Some(event))) if self.is_hidden(&event) => {}
                Ok(Ok(event)) => return event.map(|event| self.encode(event)),
                Ok(Err(error)) => {
                    self.is_over = true;
                    return Some(self.last_words(&error));
                }
            }
        }
    }

    /// Whether an event says nothing that a visitor may see.
    fn is_hidden(&mut self, event: &CoreEvent) -> bool {
        if self.audience == Audience::Operators {
            return false;
        }
        match event {
            CoreEvent::Message { message, .. } => !message.role.is_for_visitors(),
            CoreEvent::Typing(typing) => typing.typist == Typist::Visitor,
            CoreEvent::State { conversation, answering, state, .. } => {
                let (status, operator) = (state.status, state.answering.clone());
                let seen = ConversationState { status, answering: operator, ..ConversationState::default() };
                let state = Some((*conversation, *answering, seen));
                let is_known = self.told == state;
                self.told = state;
                is_known
            }
            CoreEvent::Reset => {
                self.told = None;
                false
            }
            CoreEvent::Text { .. } | CoreEvent::Seen { .. } => false,
        }
    }

    fn encode(&self, event: CoreEvent) -> Bytes {
        let (event, cursor) = match event {
            CoreEvent::Typing(Typing { typist, is_typing }) => (typing_event(typist, is_typing), None),
            CoreEvent::Reset => (FeedEvent::Reset, None),
            CoreEvent::Message { message, cursor } => {
                let (revision, place) = (message.revision, cursor.to_string());
                (FeedEvent::Message { message: message.into(), revision, cursor: place }, Some(cursor))
            }
            CoreEvent::Seen { message, is_last, cursor } => {
                let (revision, place) = (message.revision, cursor.to_string());
                let message = VisibleMessage::seen(message, is_last);
                (FeedEvent::Message { message, revision, cursor: place }, Some(cursor))
            }
            CoreEvent::Text { answer, text, cursor } => {
                let message_id = answer.to_string();
                let (seq, place) = (cursor.length(), cursor.to_string());
                (FeedEvent::Token { message_id, token: text, seq, cursor: place }, Some(cursor))
            }
            CoreEvent::State { conversation, answering, state, cursor } => {
                let is_for_operators = self.audience == Audience::Operators;
                let shown = |text: Option<String>| text.filter(|_| is_for_operators);
                let state = FeedEvent::State {
                    conversation_id: conversation.map(|id| id.to_string()),
                    answering: Answering::of(&state, answering),
                    status: state.status.as_str(),
                    assignee: shown(state.assignee.as_ref().map(OperatorName::to_string)),
                    tags: is_for_operators.then(|| state.tags.iter().map(Tag::to_string).collect()),
                    contact: shown(state.contact.as_ref().map(EmailAddress::to_string)),
                    cursor: cursor.map(|cursor| cursor.to_string()),
                };
                (state, cursor)
            }
        };
        self.framing.encode(cursor, &event)
    }

    fn last_words(&self, error: &StoreError) -> Bytes {
        let code = Code::from(error.kind);
        warn!(request = %self.request_id, error = error as &dyn std::error::Error, "a feed cannot go on");
        let facts = code.facts();
        let event = FeedEvent::Error {
            error: facts.error,
            code: facts.code,
            retryable: true,
            request_id: self.request_id.clone(),
        };
        self.framing.encode(None::<FeedCursor>, &event)
    }
}
