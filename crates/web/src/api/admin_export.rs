use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::Api;
use super::session_export::SessionExport;
use crate::copying::{Original, copy};
use crate::extract::{Admin, PathConversation, Query};
use crate::transcript::Format;
use crate::{ApiError, Code, ErrorObject};

/// Gives a copy of a conversation with everything that was said in it, notes too, as a file.
#[utoipa::path(
    get, path = "/v1/admin/conversations/{conversationId}/export", tag = "admin",
    params(
        ("conversationId" = String, Path, description = "The conversation."),
        ("format" = Option<String>, Query, description = "`json`, `markdown` or `csv`; `json` if not given."),
    ),
    security(("adminKey" = [])),
    responses(
        (status = 200, description = "The copy.",
            content((SessionExport = "application/json"), (String = "text/markdown"), (String = "text/csv"))),
        (status = 400, description = "`invalid_conversation_id` or `invalid_query`", body = ErrorObject),
        (status = 401, description = "`unauthorized`", body = ErrorObject),
        (status = 403, description = "`origin_denied`", body = ErrorObject),
        (status = 404, description = "`conversation_not_found`", body = ErrorObject),
        (status = 429, description = "`rate_limited`: too many wrong keys.", body = ErrorObject),
        (status = 503, description = "`admin_not_configured` or `storage_unavailable`", body = ErrorObject),
    )
)]
pub(crate) async fn admin_export(
    State(api): State<Arc<Api>>,
    admin: Admin,
    PathConversation(conversation): PathConversation,
    query: Query,
) -> Result<Response, ApiError> {
    let format = query.text("format")?.map_or(Ok(Format::Json), Format::asked)?;
    let (store, now) = (Arc::clone(&api.ports.store), api.ports.clock.now());
    let original = Original::Conversation(admin.site, conversation);
    copy(store, original, format, now, api.prices.clone())
        .await?
        .ok_or_else(|| Code::ConversationNotFound.into())
}
