use std::sync::Arc;

use axum::extract::State;
use frontdesk_core::ConversationName;
use http::StatusCode;

use super::Api;
use crate::extract::{Admin, PathConversation};
use crate::{ApiError, Code, ErrorObject};

/// Deletes a conversation, with everything that is in it.
#[utoipa::path(
    delete, path = "/v1/admin/conversations/{conversationId}", tag = "admin",
    params(("conversationId" = String, Path, description = "The conversation.")),
    security(("adminKey" = [])),
    responses(
        (status = 204, description = "It is gone."),
        (status = 400, description = "`invalid_conversation_id`", body = ErrorObject),
        (status = 401, description = "`unauthorized`", body = ErrorObject),
        (status = 403, description = "`origin_denied`", body = ErrorObject),
        (status = 404, description = "`conversation_not_found`", body = ErrorObject),
        (status = 429, description = "`rate_limited`: too many wrong keys.", body = ErrorObject),
        (status = 503, description = "`admin_not_configured`, `storage_unavailable` or `storage_full`", body = ErrorObject),
    )
)]
pub(crate) async fn admin_delete(
    State(api): State<Arc<Api>>,
    admin: Admin,
    PathConversation(conversation): PathConversation,
) -> Result<StatusCode, ApiError> {
    let name = ConversationName::Id(admin.site, conversation);
    let is_deleted = api.ports.chat.delete(name).await?;
    if is_deleted { Ok(StatusCode::NO_CONTENT) } else { Err(Code::ConversationNotFound.into()) }
}
