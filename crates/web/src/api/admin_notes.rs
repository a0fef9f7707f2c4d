use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use frontdesk_core::{Noted, Role};
use http::HeaderMap;

use super::Api;
use super::admin_conversation::AdminMessage;
use super::admin_messages::{OperatorMessageRequest, repeated};
use crate::extract::{Admin, JsonBody, PathConversation};
use crate::reply::replayable;
use crate::{ApiError, Code, ErrorObject};

/// Writes a note for the team. Neither the visitor nor the AI ever sees it.
#[utoipa::path(
    post, path = "/v1/admin/conversations/{conversationId}/notes", tag = "admin",
    request_body = OperatorMessageRequest,
    params(
        ("conversationId" = String, Path, description = "The conversation."),
        ("Idempotency-Key" = Option<String>, Header, description = "The client's own name for the note: sent again under the same key it is not written twice."),
    ),
    security(("adminKey" = [])),
    responses(
        (status = 200, description = "It is stored.", body = AdminMessage),
        (status = 400, description = "`invalid_conversation_id`, or a member is not in order; `details` names it.", body = ErrorObject),
        (status = 401, description = "`unauthorized`", body = ErrorObject),
        (status = 403, description = "`origin_denied`", body = ErrorObject),
        (status = 404, description = "`conversation_not_found`", body = ErrorObject),
        (status = 408, description = "`request_timeout`", body = ErrorObject),
        (status = 413, description = "`payload_too_large`", body = ErrorObject),
        (status = 415, description = "`unsupported_media_type` or `unsupported_encoding`", body = ErrorObject),
        (status = 422, description = "`idempotency_mismatch`", body = ErrorObject),
        (status = 429, description = "`rate_limited`: too many wrong keys.", body = ErrorObject),
        (status = 503, description = "`admin_not_configured`, `storage_unavailable` or `storage_full`", body = ErrorObject),
    )
)]
pub(crate) async fn admin_notes(
    State(api): State<Arc<Api>>,
    admin: Admin,
    PathConversation(conversation): PathConversation,
    headers: HeaderMap,
    JsonBody(body): JsonBody<OperatorMessageRequest>,
) -> Result<Response, ApiError> {
    let (operator, text, key) = body.check(&headers)?;
    let noted = api.ports.inbox.note(admin.site, conversation, operator, text.clone(), key).await?;
    match noted.ok_or(Code::ConversationNotFound)? {
        Noted::Written(message) => Ok(replayable(&AdminMessage::from(message), false)),
        Noted::Repeated(message) => repeated(message, Role::Note, &text),
    }
}
