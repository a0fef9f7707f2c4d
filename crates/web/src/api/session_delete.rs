use std::sync::Arc;

use axum::extract::State;
use frontdesk_core::ConversationName;
use http::{HeaderMap, StatusCode};

use super::Api;
use crate::extract::{PathText, ReadQuota, Visitor, own_session};
use crate::{ApiError, ErrorObject};

/// Deletes a session's conversation, with everything that is in it.
///
/// An answer that is being written is stopped first. Whoever follows the conversation is told that it is gone. The session
/// may go on; its next message begins another conversation.
#[utoipa::path(
    delete, path = "/v1/sessions/{sessionId}", tag = "chat",
    params(
        ("sessionId" = String, Path, description = "The visitor's session."),
        ("x-session-secret" = String, Header, description = "The session's secret."),
    ),
    security(("publicKey" = []), ("widgetKey" = [])),
    responses(
        (status = 204, description = "There is nothing (any more)."),
        (status = 400, description = "`invalid_session_id` or `invalid_session_secret`", body = ErrorObject),
        (status = 401, description = "`unauthorized` or `session_secret_required`", body = ErrorObject),
        (status = 403, description = "`origin_denied`", body = ErrorObject),
        (status = 429, description = "`rate_limited`", body = ErrorObject),
        (status = 503, description = "`storage_unavailable` or `storage_full`", body = ErrorObject),
    )
)]
pub(crate) async fn session_delete(
    State(api): State<Arc<Api>>,
    visitor: Visitor,
    _quota: ReadQuota,
    PathText(session): PathText,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    let session = own_session(visitor.site, &session, &headers)?;
    api.ports.chat.delete(ConversationName::Session(session)).await?;
    Ok(StatusCode::NO_CONTENT)
}
