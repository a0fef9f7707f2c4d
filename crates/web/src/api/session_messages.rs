use std::sync::Arc;

use axum::extract::State;
use frontdesk_core::{FeedCursor, FinishReason, Message, Role, Thread, ThreadPage};
use http::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::feedback::VisibleFeedback;
use crate::extract::{PathText, Query, ReadQuota, Visitor, own_session};
use crate::reply::JsonReply;
use crate::{ApiError, Code, ErrorObject};

/// A page of a visitor's own conversation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SessionMessages {
    conversation_id: String,
    /// The page's messages, oldest first.
    messages: Vec<VisibleMessage>,
    /// Where the page before this one begins; `null` if there is none.
    next_cursor: Option<String>,
    /// Where `/v1/sessions/{sessionId}/events` goes on after the newest page; `null` with an older one.
    events_cursor: Option<String>,
}

/// A message as its visitor sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VisibleMessage {
    id: String,
    /// Its place in the conversation: 1 for the first. An answer that is written anew takes the place of the one that failed.
    place: u32,
    /// `user`, `assistant`, `operator`, or `event` for something that happened.
    role: &'static str,
    /// What was said; of an event its name: `joined`, `left`, `asked`, `away`, `closed` or `reopened`.
    content: String,
    /// The operator who said it, or whom an event is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// `accepted` for what is no answer; `streaming`, `complete`, `stopped`, `interrupted` or `failed` for an answer.
    status: &'static str,
    /// Milliseconds since the Unix epoch.
    created_at: i64,
    /// The cursor after `content`: what to follow a streaming answer with.
    seq: usize,
    /// The client's own name for the visitor's message.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish_reason: Option<&'static str>,
    /// Why the answer was interrupted or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    /// What the visitor says of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    feedback: Option<VisibleFeedback>,
    /// While a person has the conversation: `true` with the last of the visitor's messages that was read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    seen: bool,
}

impl VisibleMessage {
    /// With whether it is the last one that was read.
    pub(crate) fn seen(message: Message, seen: bool) -> Self {
        Self { seen, ..message.into() }
    }
}

impl From<Message> for VisibleMessage {
    fn from(message: Message) -> Self {
        // What operators name their messages by is for operators.
        let client_message_id = message.idempotency_key.filter(|_| message.role == Role::Visitor);
        Self {
            id: message.id.to_string(),
            place: message.seq,
            role: message.role.as_str(),
            name: message.author.map(|author| author.as_str().to_owned()),
            seq: message.text.len(),
            content: message.text,
            status: message.status.as_str(),
            created_at: message.created_at.millis(),
            client_message_id: client_message_id.map(|key| key.as_str().to_owned()),
            finish_reason: message.facts.finish.map(FinishReason::as_str),
            code: message.facts.failure.map(frontdesk_core::TurnFailure::code),
            feedback: message.feedback.map(VisibleFeedback::from),
            seen: false,
        }
    }
}

/// What a visitor has written and been answered, newest page first.
#[utoipa::path(
    get, path = "/v1/sessions/{sessionId}/messages", tag = "chat",
    params(
        ("sessionId" = String, Path, description = "The visitor's session."),
        ("limit" = Option<u32>, Query, description = "How many messages, 1 to 200; 50 if not given.", minimum = 1, maximum = 200),
        ("before" = Option<u32>, Query, description = "The `nextCursor` of the page after this one."),
        ("x-session-secret" = String, Header, description = "The session's secret."),
    ),
    security(("publicKey" = []), ("widgetKey" = [])),
    responses(
        (status = 200, description = "A page.", body = SessionMessages),
        (status = 400, description = "`invalid_session_id`, `invalid_session_secret` or `invalid_query`", body = ErrorObject),
        (status = 401, description = "`unauthorized` or `session_secret_required`", body = ErrorObject),
        (status = 403, description = "`origin_denied`", body = ErrorObject),
        (status = 404, description = "There is nothing in this session, or it is somebody else's.", body = ErrorObject),
        (status = 429, description = "`rate_limited`", body = ErrorObject),
        (status = 503, description = "`storage_unavailable`", body = ErrorObject),
    )
)]
pub(crate) async fn session_messages(
    State(api): State<Arc<Api>>,
    visitor: Visitor,
    _quota: ReadQuota,
    PathText(session): PathText,
    query: Query,
    headers: HeaderMap,
) -> Result<JsonReply<SessionMessages>, ApiError> {
    let session = own_session(visitor.site, &session, &headers)?;
    let page = ThreadPage {
        before: query.number("before", 1..=u32::MAX)?,
        limit: query.number("limit", 1..=200)?.unwrap_or(50),
    };
    let thread = api.ports.store.session_thread(&session, page).await?.ok_or(Code::NotFound)?;
    let next_cursor = older(&thread);
    let events_cursor = page.before.is_none().then(|| FeedCursor::after(&thread).to_string());
    let seen = if page.before.is_none() { last_seen(&thread) } else { None };
    let messages = visible(thread.messages).map(|message| {
        let is_seen = seen == Some(message.seq);
        VisibleMessage::seen(message, is_seen)
    });
    Ok(JsonReply(SessionMessages {
        conversation_id: thread.conversation.id.to_string(),
        messages: messages.collect(),
        next_cursor,
        events_cursor,
    }))
}

/// The place of the last of the visitor's messages that the person who answers has read. Whether somebody reads while the AI
/// answers is not for visitors.
fn last_seen(thread: &Thread) -> Option<u32> {
    thread.conversation.state.answering.as_ref()?;
    let read_count = thread.conversation.read_count;
    let mut newest = thread.messages.iter().rev();
    let is_seen = |message: &&Message| message.role == Role::Visitor && message.seq <= read_count;
    newest.find(is_seen).map(|message| message.seq)
}

/// What visitors may see of these.
pub(super) fn visible(messages: Vec<Message>) -> impl Iterator<Item = Message> {
    messages.into_iter().filter(|message| message.role.is_for_visitors())
}

/// Where the page before this one begins; `None` if there is none.
pub(super) fn older(thread: &Thread) -> Option<String> {
    thread.messages.first().filter(|_| thread.has_older).map(|oldest| oldest.seq.to_string())
}
