use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use frontdesk_core::{IdempotencyKey, Message, MessageText, OperatorName, Reply, Role};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Api;
use super::admin_conversation::AdminMessage;
use crate::extract::{
    Admin, FromJson, JsonBody, PathConversation, idempotency_key, message_text, operator_name,
};
use crate::reply::replayable;
use crate::{ApiError, Code, ErrorObject};

/// What an operator writes. Other members are ignored.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(crate) struct OperatorMessageRequest {
    /// The text: 1 to 4000 UTF-16 code units, not blank.
    #[schema(value_type = String, min_length = 1, max_length = 4000, required, example = "Hello, this is Maya.")]
    text: Option<Value>,
    /// What the operator is called: 1 to 40 characters.
    #[schema(value_type = String, min_length = 1, max_length = 40, required, example = "Maya")]
    operator: Option<Value>,
}

impl FromJson for OperatorMessageRequest {}

impl OperatorMessageRequest {
    pub(super) fn check(
        self,
        headers: &HeaderMap,
    ) -> Result<(OperatorName, MessageText, Option<IdempotencyKey>), ApiError> {
        let text = message_text("text", self.text)?;
        let operator = operator_name("operator", self.operator)?;
        Ok((operator, text, idempotency_key(headers, None)?))
    }
}

/// A message that was written before under the same key, if it is the same message.
pub(super) fn repeated(message: Message, role: Role, text: &MessageText) -> Result<Response, ApiError> {
    let is_same = message.role == role && message.text == text.as_str();
    if is_same {
        Ok(replayable(&AdminMessage::from(message), true))
    } else {
        Err(Code::IdempotencyMismatch.into())
    }
}

/// Says something to the visitor. If nobody has the conversation, the operator takes it over first.
#[utoipa::path(
    post, path = "/v1/admin/conversations/{conversationId}/messages", tag = "admin",
    request_body = OperatorMessageRequest,
    params(
        ("conversationId" = String, Path, description = "The conversation."),
        ("Idempotency-Key" = Option<String>, Header, description = "The client's own name for the message: sent again under the same key it is not said twice."),
    ),
    security(("adminKey" = [])),
    responses(
        (status = 200, description = "It is stored, and the visitor is shown it.", body = AdminMessage),
        (status = 400, description = "`invalid_conversation_id`, or a member is not in order; `details` names it.", body = ErrorObject),
        (status = 401, description = "`unauthorized`", body = ErrorObject),
        (status = 403, description = "`origin_denied`", body = ErrorObject),
        (status = 404, description = "`conversation_not_found`", body = ErrorObject),
        (status = 408, description = "`request_timeout`", body = ErrorObject),
        (status = 409, description = "`conversation_taken`: `answering` says by whom, and since when.", body = ErrorObject),
        (status = 413, description = "`payload_too_large`", body = ErrorObject),
        (status = 415, description = "`unsupported_media_type` or `unsupported_encoding`", body = ErrorObject),
        (status = 422, description = "`idempotency_mismatch`", body = ErrorObject),
        (status = 429, description = "`rate_limited`: too many wrong keys.", body = ErrorObject),
        (status = 503, description = "`admin_not_configured`, `storage_unavailable` or `storage_full`", body = ErrorObject),
    )
)]
pub(crate) async fn admin_messages(
    State(api): State<Arc<Api>>,
    admin: Admin,
    PathConversation(conversation): PathConversation,
    headers: HeaderMap,
    JsonBody(body): JsonBody<OperatorMessageRequest>,
) -> Result<Response, ApiError> {
    let (operator, text, key) = body.check(&headers)?;
    let reply = api.ports.inbox.reply(admin.site, conversation, operator, text.clone(), key).await?;
    match reply.ok_or(Code::ConversationNotFound)? {
        Reply::Sent(message) => Ok(replayable(&AdminMessage::from(message), false)),
        Reply::Repeated(message) => repeated(message, Role::Operator, &text),
        Reply::TakenBy(other) => Err(ApiError::taken(&other)),
    }
}
