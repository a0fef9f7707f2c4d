use std::sync::Arc;

use axum::extract::State;
use frontdesk_core::HandBack;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Api;
use super::admin_conversation::conversation_now;
use super::admin_conversations::AdminConversation;
use crate::extract::{Admin, FromJson, JsonBody, PathConversation, operator_name};
use crate::reply::JsonReply;
use crate::{ApiError, Code, ErrorObject};

/// Who hands a conversation back. Other members are ignored.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(crate) struct ReturnRequest {
    /// What the operator is called.
    #[schema(value_type = String, min_length = 1, max_length = 40, required, example = "Maya")]
    operator: Option<Value>,
}

impl FromJson for ReturnRequest {}

/// Lets the AI answer again, from the visitor's next message on. It reads what was said meanwhile.
#[utoipa::path(
    post, path = "/v1/admin/conversations/{conversationId}/return", tag = "admin",
    request_body = ReturnRequest,
    params(("conversationId" = String, Path, description = "The conversation.")),
    security(("adminKey" = [])),
    responses(
        (status = 200, description = "The AI answers, from now on or all the time.", body = AdminConversation),
        (status = 400, description = "`invalid_conversation_id`, or a member is not in order; `details` names it.", body = ErrorObject),
        (status = 401, description = "`unauthorized`", body = ErrorObject),
        (status = 403, description = "`origin_denied`", body = ErrorObject),
        (status = 404, description = "`conversation_not_found`", body = ErrorObject),
        (status = 408, description = "`request_timeout`", body = ErrorObject),
        (status = 409, description = "`conversation_taken`: `answering` says by whom, and since when.", body = ErrorObject),
        (status = 413, description = "`payload_too_large`", body = ErrorObject),
        (status = 415, description = "`unsupported_media_type` or `unsupported_encoding`", body = ErrorObject),
        (status = 429, description = "`rate_limited`: too many wrong keys.", body = ErrorObject),
        (status = 503, description = "`admin_not_configured`, `storage_unavailable` or `storage_full`", body = ErrorObject),
    )
)]
pub(crate) async fn admin_return(
    State(api): State<Arc<Api>>,
    admin: Admin,
    PathConversation(conversation): PathConversation,
    JsonBody(body): JsonBody<ReturnRequest>,
) -> Result<JsonReply<AdminConversation>, ApiError> {
    let operator = operator_name("operator", body.operator)?;
    let returned = api.ports.inbox.hand_back(admin.site, conversation, operator).await?;
    match returned.ok_or(Code::ConversationNotFound)? {
        HandBack::Done | HandBack::NotTaken => {
            conversation_now(&api, admin, conversation).await.map(JsonReply)
        }
        HandBack::TakenBy(other) => Err(ApiError::taken(&other)),
    }
}
