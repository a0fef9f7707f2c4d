use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use frontdesk_core::MessageId;
use http::HeaderMap;

use super::Api;
use crate::extract::{PathText, Query, ReadQuota, Visitor, session_secret, single};
use crate::layers::RequestContext;
use crate::stream::{Framing, StreamEvent, follow as follow_turn};
use crate::{ApiError, Code, ErrorObject};

/// Follows an answer, from the beginning or from a cursor on, while it is being written or afterwards.
///
/// The events are those of `POST /v1/chat/stream`; what the reader has already is left out. If the server crashed while
/// it wrote the answer, what the reader had last may not be stored: the `seq` of `start` is smaller than `after` then, and
/// the reader cuts its text back to it.
#[utoipa::path(
    get, path = "/v1/chat/stream/{messageId}", tag = "chat",
    params(
        ("messageId" = String, Path, description = "The answer, from the `start` event."),
        ("after" = Option<u64>, Query, description = "The cursor to go on from: the `seq` of the last event that arrived."),
        ("Last-Event-ID" = Option<u64>, Header, description = "The same, as browsers' EventSource sends it. `after` goes first."),
        ("x-session-secret" = String, Header, description = "The session's secret."),
    ),
    security(("publicKey" = []), ("widgetKey" = [])),
    responses(
        (status = 200, description = "The events of the answer.",
            content((StreamEvent<'static> = "application/x-ndjson"), (StreamEvent<'static> = "text/event-stream"))),
        (status = 400, description = "`invalid_cursor`, `invalid_query` or `invalid_session_secret`", body = ErrorObject),
        (status = 401, description = "`unauthorized` or `session_secret_required`", body = ErrorObject),
        (status = 403, description = "`origin_denied`", body = ErrorObject),
        (status = 404, description = "There is no such answer, or it belongs to somebody else.", body = ErrorObject),
        (status = 429, description = "`rate_limited`", body = ErrorObject),
        (status = 503, description = "`storage_unavailable` or `overloaded`", body = ErrorObject),
    )
)]
pub(crate) async fn follow(
    State(api): State<Arc<Api>>,
    Extension(context): Extension<RequestContext>,
    visitor: Visitor,
    _quota: ReadQuota,
    PathText(answer): PathText,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let secret = session_secret(&headers)?.ok_or(Code::SessionSecretRequired)?;
    let cursor = match query.text("after")? {
        Some(after) => parse_cursor(after)?,
        None => match single(&headers, "last-event-id")? {
            Some(id) => parse_cursor(std::str::from_utf8(id).unwrap_or_default())?,
            None => 0,
        },
    };
    let answer = MessageId::parse(&answer).ok_or(Code::NotFound)?;
    let turn = api.ports.chat.follow(visitor.site, secret, answer, cursor).await?.ok_or(Code::NotFound)?;
    Ok(follow_turn(turn, Framing::asked(&headers), &context.id))
}

/// The place in an answer that a text stands for, in bytes.
pub(crate) fn parse_cursor(text: &str) -> Result<usize, ApiError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let invalid = || ApiError::new(Code::InvalidCursor).detail("after", "must be a cursor of this answer");
    text.parse().ok().filter(|_| digits).ok_or_else(invalid)
}
