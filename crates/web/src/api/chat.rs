use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use frontdesk_core::{
    DeliveredMessage, FinishReason, OperatorName, Role, SendMessage, Sent, SiteId, Turn, TurnUpdate,
};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Api;
use crate::extract::{
    FromJson, JsonBody, SendQuota, Visitor, idempotency_key, message_text, required_text, session_key, visit,
    visitor_identity,
};
use crate::reply::replayable;
use crate::stream::TokenUsage;
use crate::{ApiError, ErrorObject};

/// A visitor's message. Other members are ignored.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChatRequest {
    /// The visitor's session: 1 to 128 of the characters `A-Z a-z 0-9 . _ : -`.
    #[schema(value_type = String, pattern = "^[A-Za-z0-9._:-]{1,128}$", required, example = "my-session-id")]
    session_id: Option<Value>,
    /// The message: 1 to 4000 UTF-16 code units, not blank.
    #[schema(value_type = String, min_length = 1, max_length = 4000, required, example = "Hello")]
    message: Option<Value>,
    /// The client's own name for the message; the same as the header `Idempotency-Key`.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 255)]
    client_message_id: Option<Value>,
    /// The address of the page that the chat is on. What is no address of a page is ignored.
    #[schema(value_type = Option<String>, example = "https://shop.example/rates")]
    page: Option<Value>,
    /// The address of the page before that.
    #[schema(value_type = Option<String>)]
    referrer: Option<Value>,
}

impl FromJson for ChatRequest {}

impl ChatRequest {
    /// The message, checked. After this no text of the body is unchecked.
    pub(crate) fn check(self, site: SiteId, headers: &HeaderMap) -> Result<SendMessage, ApiError> {
        let session = required_text("sessionId", self.session_id)?;
        let text = message_text("message", self.message)?;
        let key =
            self.client_message_id.map(|key| required_text("clientMessageId", Some(key))).transpose()?;
        Ok(SendMessage {
            session: session_key(site, &session, headers)?,
            text,
            idempotency_key: idempotency_key(headers, key.as_deref())?,
            identity: None,
            visit: visit(headers, self.page.as_ref(), self.referrer.as_ref()),
        })
    }
}

/// An answer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChatReply {
    conversation_id: String,
    /// The answer's text; empty if an operator has the conversation.
    message: String,
    /// The answer's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    /// `complete`, `stopped`, or `interrupted` if it was cut at a limit: see `finishReason`. `delivered` if an operator has the
    /// conversation: there is no answer, and the operator's words come with the session's events.
    status: &'static str,
    /// The operator who has the conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    answered_by: Option<AnsweredBy>,
    /// Why the model stopped: `stop`, `length` or `content_filter`.
    #[serde(skip_serializing_if = "Option::is_none")]
    finish_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<TokenUsage>,
}

/// An operator who has a conversation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AnsweredBy {
    /// `operator`.
    role: &'static str,
    /// What the operator is called.
    name: String,
}

impl From<&OperatorName> for AnsweredBy {
    fn from(name: &OperatorName) -> Self {
        Self { role: Role::Operator.as_str(), name: name.as_str().to_owned() }
    }
}

impl From<DeliveredMessage> for ChatReply {
    fn from(delivered: DeliveredMessage) -> Self {
        Self {
            conversation_id: delivered.conversation.to_string(),
            message: String::new(),
            message_id: None,
            status: DELIVERED,
            answered_by: delivered.operator.as_ref().map(AnsweredBy::from),
            finish_reason: None,
            usage: None,
        }
    }
}

/// The status of a message that is for an operator.
pub(crate) const DELIVERED: &str = "delivered";

/// Sends a message and waits for the whole answer.
///
/// The answer is written and stored even if the client does not wait for it.
#[utoipa::path(
    post, path = "/v1/chat", tag = "chat",
    request_body = ChatRequest,
    params(
        ("x-session-secret" = Option<String>, Header, description = "43 base64url characters that only this visitor's client knows: keeps the conversation apart from that of others who use the same sessionId."),
        ("Idempotency-Key" = Option<String>, Header, description = "The client's own name for the message. Sent again under the same key it is not stored or answered twice; an answer that failed is written anew."),
        ("x-identity-token" = Option<String>, Header, description = "A JWT in which the site's server says who the visitor is, signed with IDENTITY_SECRET."),
    ),
    security(("publicKey" = []), ("widgetKey" = [])),
    responses(
        (status = 200, description = "The answer.", body = ChatReply),
        (status = 400, description = "The request is not in order; `code` says how.", body = ErrorObject),
        (status = 401, description = "`unauthorized`, `invalid_identity_token` or `expired_identity_token`", body = ErrorObject),
        (status = 403, description = "`origin_denied`", body = ErrorObject),
        (status = 408, description = "`request_timeout`", body = ErrorObject),
        (status = 409, description = "`conversation_busy`: another answer of this conversation is being written.", body = ErrorObject),
        (status = 413, description = "`payload_too_large`", body = ErrorObject),
        (status = 415, description = "`unsupported_media_type` or `unsupported_encoding`", body = ErrorObject),
        (status = 422, description = "`idempotency_mismatch`", body = ErrorObject),
        (status = 429, description = "`rate_limited`", body = ErrorObject),
        (status = 500, description = "`internal_error`", body = ErrorObject),
        (status = 502, description = "The model failed: `upstream_error`, `upstream_misconfigured`, `upstream_interrupted`, `empty_answer`, `content_filtered`, `answer_too_large`.", body = ErrorObject),
        (status = 503, description = "`storage_unavailable`, `storage_full`, `overloaded`, `shutting_down`, `upstream_busy`", body = ErrorObject),
        (status = 504, description = "`upstream_timeout`", body = ErrorObject),
    )
)]
pub(crate) async fn chat(
    State(api): State<Arc<Api>>,
    visitor: Visitor,
    _quota: SendQuota,
    headers: HeaderMap,
    JsonBody(body): JsonBody<ChatRequest>,
) -> Result<Response, ApiError> {
    let message = body.check(visitor.site, &headers)?;
    let message = SendMessage { identity: visitor_identity(&api, &headers)?, ..message };
    let (repeated, reply) = match api.ports.chat.send(message).await? {
        Sent::Answered(turn) => (turn.repeated, wait(turn).await?),
        Sent::Delivered(delivered) => (delivered.repeated, delivered.into()),
    };
    Ok(replayable(&reply, repeated))
}

/// Reads a turn to its end: the same turn and the same events that a stream would show.
async fn wait(mut turn: Turn) -> Result<ChatReply, ApiError> {
    let end = loop {
        if let TurnUpdate::End(end) = turn.reader.next().await {
            break end;
        }
    };
    match end.failure {
        Some(failure) => Err(ApiError::of_turn(failure, end.retry_after)),
        None => Ok(ChatReply {
            conversation_id: turn.conversation.to_string(),
            message: turn.reader.text(),
            message_id: Some(turn.answer.to_string()),
            status: end.status.as_str(),
            answered_by: None,
            finish_reason: end.finish.map(FinishReason::as_str),
            usage: end.usage.map(TokenUsage::from),
        }),
    }
}
