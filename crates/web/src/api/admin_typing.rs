use std::sync::Arc;

use axum::extract::State;
use frontdesk_core::{ConversationName, Typist};
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Api;
use crate::extract::{Admin, FromJson, JsonBody, PathConversation, operator_name, required_flag};
use crate::{ApiError, Code, ErrorObject};

/// Which operator types. Other members are ignored.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(crate) struct OperatorTypingRequest {
    /// `true` while the operator types, at least every eight seconds; `false` when it is over.
    #[schema(value_type = bool, required)]
    typing: Option<Value>,
    /// What the operator is called.
    #[schema(value_type = String, min_length = 1, max_length = 40, required, example = "Maya")]
    operator: Option<Value>,
}

impl FromJson for OperatorTypingRequest {}

/// Tells whoever follows the conversation that an operator types. It is kept nowhere.
#[utoipa::path(
    post, path = "/v1/admin/conversations/{conversationId}/typing", tag = "admin",
    request_body = OperatorTypingRequest,
    params(("conversationId" = String, Path, description = "The conversation.")),
    security(("adminKey" = [])),
    responses(
        (status = 204, description = "It is told."),
        (status = 400, description = "`invalid_conversation_id`, or a member is not in order; `details` names it.", body = ErrorObject),
        (status = 401, description = "`unauthorized`", body = ErrorObject),
        (status = 403, description = "`origin_denied`", body = ErrorObject),
        (status = 404, description = "`conversation_not_found`", body = ErrorObject),
        (status = 408, description = "`request_timeout`", body = ErrorObject),
        (status = 413, description = "`payload_too_large`", body = ErrorObject),
        (status = 415, description = "`unsupported_media_type` or `unsupported_encoding`", body = ErrorObject),
        (status = 429, description = "`rate_limited`: too many wrong keys.", body = ErrorObject),
        (status = 503, description = "`admin_not_configured`, `storage_unavailable` or `storage_full`", body = ErrorObject),
    )
)]
pub(crate) async fn admin_typing(
    State(api): State<Arc<Api>>,
    admin: Admin,
    PathConversation(conversation): PathConversation,
    JsonBody(body): JsonBody<OperatorTypingRequest>,
) -> Result<StatusCode, ApiError> {
    let is_typing = required_flag("typing", body.typing.as_ref())?;
    let typist = Typist::Operator(operator_name("operator", body.operator)?);
    let name = ConversationName::Id(admin.site, conversation);
    api.ports.inbox.typing(&name, typist, is_typing).await?.ok_or(Code::ConversationNotFound)?;
    Ok(StatusCode::NO_CONTENT)
}
