use std::sync::Arc;

use axum::extract::State;
use frontdesk_core::TakeOver;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Api;
use super::admin_conversation::conversation_now;
use super::admin_conversations::AdminConversation;
use crate::extract::{Admin, FromJson, JsonBody, PathConversation, operator_name};
use crate::reply::JsonReply;
use crate::{ApiError, Code, ErrorObject};

/// Who takes a conversation over. Other members are ignored.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(crate) struct TakeOverRequest {
    /// What the operator is called: 1 to 40 characters. The visitor sees it.
    #[schema(value_type = String, min_length = 1, max_length = 40, required, example = "Maya")]
    operator: Option<Value>,
    /// The operator who has it, to take it from that one on purpose.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 40)]
    from: Option<Value>,
}

impl FromJson for TakeOverRequest {}

/// Puts an operator in the AI's place.
///
/// The answer that is being written ends with the text it has, and its status is `stopped`. The visitor sees who joined, and
/// what the visitor writes is delivered and not answered until the conversation is handed back or closed.
#[utoipa::path(
    post, path = "/v1/admin/conversations/{conversationId}/takeover", tag = "admin",
    request_body = TakeOverRequest,
    params(("conversationId" = String, Path, description = "The conversation.")),
    security(("adminKey" = [])),
    responses(
        (status = 200, description = "The operator has the conversation, since now or since before.", body = AdminConversation),
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
pub(crate) async fn admin_takeover(
    State(api): State<Arc<Api>>,
    admin: Admin,
    PathConversation(conversation): PathConversation,
    JsonBody(body): JsonBody<TakeOverRequest>,
) -> Result<JsonReply<AdminConversation>, ApiError> {
    let operator = operator_name("operator", body.operator)?;
    let from = body.from.map(|from| operator_name("from", Some(from))).transpose()?;
    let taken = api.ports.inbox.take_over(admin.site, conversation, operator, from).await?;
    match taken.ok_or(Code::ConversationNotFound)? {
        TakeOver::Taken | TakeOver::Yours => conversation_now(&api, admin, conversation).await.map(JsonReply),
        TakeOver::TakenBy(other) => Err(ApiError::taken(&other)),
    }
}
