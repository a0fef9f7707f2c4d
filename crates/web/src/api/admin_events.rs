use std::future::pending;
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use frontdesk_core::ConversationName;
use http::HeaderMap;

use super::Api;
use crate::extract::{Admin, PathConversation, Query};
use crate::feed::{Audience, FeedEvent, feed_cursor, follow_feed};
use crate::layers::RequestContext;
use crate::stream::Framing;
use crate::{ApiError, Code, ErrorObject};

/// Follows a conversation as its visitor does, with notes, with the visitor's typing, and with what operators make of it.
///
/// It goes on until the client leaves or the conversation is deleted.
#[utoipa::path(
    get, path = "/v1/admin/conversations/{conversationId}/events", tag = "admin",
    params(
        ("conversationId" = String, Path, description = "The conversation."),
        ("after" = Option<String>, Query, description = "The cursor to go on from: that of the last event that arrived."),
        ("Last-Event-ID" = Option<String>, Header, description = "The same, as browsers' EventSource sends it. It goes first."),
    ),
    security(("adminKey" = [])),
    responses(
        (status = 200, description = "The events. NDJSON, one event a line; with `Accept: text/event-stream` server-sent events with the cursor as id.",
            content((FeedEvent = "application/x-ndjson"), (FeedEvent = "text/event-stream"))),
        (status = 400, description = "`invalid_conversation_id`, `invalid_cursor` or `invalid_query`", body = ErrorObject),
        (status = 401, description = "`unauthorized`", body = ErrorObject),
        (status = 403, description = "`origin_denied`", body = ErrorObject),
        (status = 404, description = "`conversation_not_found`", body = ErrorObject),
        (status = 429, description = "`rate_limited`: too many wrong keys.", body = ErrorObject),
        (status = 503, description = "`admin_not_configured` or `storage_unavailable`", body = ErrorObject),
    )
)]
pub(crate) async fn admin_events(
    State(api): State<Arc<Api>>,
    Extension(context): Extension<RequestContext>,
    admin: Admin,
    PathConversation(conversation): PathConversation,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let cursor = feed_cursor(&headers, &query)?;
    let name = ConversationName::Id(admin.site, conversation);
    let feed = api.ports.chat.feeds().open(name, cursor).await?.ok_or(Code::ConversationNotFound)?;
    Ok(follow_feed(feed, Audience::Operators, Framing::asked(&headers), &context.id, pending()))
}
