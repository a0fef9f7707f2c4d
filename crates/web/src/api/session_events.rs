use std::future::pending;
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use frontdesk_core::ConversationName;
use http::HeaderMap;

use super::Api;
use crate::extract::{PathText, Query, ReadQuota, Visitor, own_session};
use crate::feed::{Audience, FeedEvent, feed_cursor, follow_feed};
use crate::layers::RequestContext;
use crate::stream::Framing;
use crate::{ApiError, Code, ErrorObject};

/// Follows a session's conversation: new messages, answers as they are written and as they end, and who is answering.
///
/// It begins with what has changed since the cursor, or with everything, and goes on until the client leaves. A session in
/// which nothing was said yet can be followed as well. An empty line every 15 seconds keeps proxies awake.
#[utoipa::path(
    get, path = "/v1/sessions/{sessionId}/events", tag = "chat",
    params(
        ("sessionId" = String, Path, description = "The visitor's session."),
        ("after" = Option<String>, Query, description = "The cursor to go on from: that of the last event that arrived, or the `eventsCursor` of a page of messages."),
        ("Last-Event-ID" = Option<String>, Header, description = "The same, as browsers' EventSource sends it. It goes first, because an EventSource repeats the address that it began with."),
        ("x-session-secret" = String, Header, description = "The session's secret."),
    ),
    security(("publicKey" = []), ("widgetKey" = [])),
    responses(
        (status = 200, description = "The events. NDJSON, one event a line; with `Accept: text/event-stream` server-sent events with the cursor as id.",
            content((FeedEvent = "application/x-ndjson"), (FeedEvent = "text/event-stream"))),
        (status = 400, description = "`invalid_session_id`, `invalid_session_secret`, `invalid_cursor` or `invalid_query`", body = ErrorObject),
        (status = 401, description = "`unauthorized` or `session_secret_required`", body = ErrorObject),
        (status = 403, description = "`origin_denied`", body = ErrorObject),
        (status = 429, description = "`rate_limited`", body = ErrorObject),
        (status = 503, description = "`storage_unavailable`", body = ErrorObject),
    )
)]
pub(crate) async fn session_events(
    State(api): State<Arc<Api>>,
    Extension(context): Extension<RequestContext>,
    visitor: Visitor,
    _quota: ReadQuota,
    PathText(session): PathText,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let session = own_session(visitor.site, &session, &headers)?;
    let cursor = feed_cursor(&headers, &query)?;
    let feed = api.ports.chat.feeds().open(ConversationName::Session(session), cursor).await?;
    let feed = feed.ok_or(Code::NotFound)?;
    Ok(follow_feed(feed, Audience::Visitor, Framing::asked(&headers), &context.id, pending()))
}
