use std::sync::Arc;

use axum::extract::State;
use frontdesk_core::{ConversationName, Typist};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Api;
use crate::extract::{FromJson, JsonBody, PathText, TypingQuota, Visitor, own_session, required_flag};
use crate::{ApiError, ErrorObject};

/// Whether the visitor types. Other members are ignored.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(crate) struct TypingRequest {
    /// `true` while the visitor types, at least every eight seconds; `false` when it is over.
    #[schema(value_type = bool, required)]
    typing: Option<Value>,
}

impl FromJson for TypingRequest {}

/// Tells operators who follow the conversation that its visitor types. What is typed is not told, and nothing is kept.
#[utoipa::path(
    post, path = "/v1/sessions/{sessionId}/typing", tag = "chat",
    request_body = TypingRequest,
    params(
        ("sessionId" = String, Path, description = "The visitor's session."),
        ("x-session-secret" = String, Header, description = "The session's secret."),
    ),
    security(("publicKey" = []), ("widgetKey" = [])),
    responses(
        (status = 204, description = "It is told, if there is somebody to tell it to."),
        (status = 400, description = "The request is not in order; `code` says how.", body = ErrorObject),
        (status = 401, description = "`unauthorized` or `session_secret_required`", body = ErrorObject),
        (status = 403, description = "`origin_denied`", body = ErrorObject),
        (status = 408, description = "`request_timeout`", body = ErrorObject),
        (status = 413, description = "`payload_too_large`", body = ErrorObject),
        (status = 415, description = "`unsupported_media_type` or `unsupported_encoding`", body = ErrorObject),
        (status = 429, description = "`rate_limited`: typing is counted apart from everything else.", body = ErrorObject),
        (status = 503, description = "`storage_unavailable`", body = ErrorObject),
    )
)]
pub(crate) async fn session_typing(
    State(api): State<Arc<Api>>,
    visitor: Visitor,
    _quota: TypingQuota,
    PathText(session): PathText,
    headers: HeaderMap,
    JsonBody(body): JsonBody<TypingRequest>,
) -> Result<StatusCode, ApiError> {
    let is_typing = required_flag("typing", body.typing.as_ref())?;
    let session = own_session(visitor.site, &session, &headers)?;
    // A session in which nothing was said yet is followed by nobody.
    api.ports.inbox.typing(&ConversationName::Session(session), Typist::Visitor, is_typing).await?;
    Ok(StatusCode::NO_CONTENT)
}
