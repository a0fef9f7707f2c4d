use std::sync::Arc;

use axum::extract::State;
use frontdesk_core::MessageId;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Api;
use crate::extract::{FromJson, JsonBody, ReadQuota, Visitor, own_session, required_text};
use crate::reply::JsonReply;
use crate::{ApiError, ErrorObject};

/// Which answer to stop.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StopRequest {
    /// The visitor's session.
    #[schema(value_type = String, required)]
    session_id: Option<Value>,
    /// The answer; without it, whichever is being written for the session.
    #[schema(value_type = Option<String>)]
    message_id: Option<Value>,
}

impl FromJson for StopRequest {}

/// Whether something was stopped.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StopReply {
    /// `false` if no such answer was being written.
    stopped: bool,
}

/// Ends the answer that is being written, and keeps its text.
///
/// Whoever follows the answer sees it end with `done` and the status `stopped`.
#[utoipa::path(
    post, path = "/v1/chat/stop", tag = "chat",
    request_body = StopRequest,
    params(("x-session-secret" = String, Header, description = "The session's secret.")),
    security(("publicKey" = []), ("widgetKey" = [])),
    responses(
        (status = 200, description = "Whether something was stopped.", body = StopReply),
        (status = 400, description = "The request is not in order; `code` says how.", body = ErrorObject),
        (status = 401, description = "`unauthorized` or `session_secret_required`", body = ErrorObject),
        (status = 403, description = "`origin_denied`", body = ErrorObject),
        (status = 408, description = "`request_timeout`", body = ErrorObject),
        (status = 413, description = "`payload_too_large`", body = ErrorObject),
        (status = 415, description = "`unsupported_media_type` or `unsupported_encoding`", body = ErrorObject),
        (status = 429, description = "`rate_limited`", body = ErrorObject),
        (status = 503, description = "`storage_unavailable`: another node writes the answer, and it cannot be asked for.", body = ErrorObject),
    )
)]
pub(crate) async fn stop(
    State(api): State<Arc<Api>>,
    visitor: Visitor,
    _quota: ReadQuota,
    headers: HeaderMap,
    JsonBody(body): JsonBody<StopRequest>,
) -> Result<JsonReply<StopReply>, ApiError> {
    let session = own_session(visitor.site, &required_text("sessionId", body.session_id)?, &headers)?;
    let Some(answer) = body.message_id else {
        return Ok(JsonReply(StopReply { stopped: api.ports.chat.stop(&session, None).await? }));
    };
    let stopped = match MessageId::parse(&required_text("messageId", Some(answer))?) {
        Some(answer) => api.ports.chat.stop(&session, Some(answer)).await?,
        // What is no id at all is not being written either.
        None => false,
    };
    Ok(JsonReply(StopReply { stopped }))
}
