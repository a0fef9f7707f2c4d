use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use frontdesk_core::Prices;
use http::HeaderMap;
use http::header::ACCEPT;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::session_messages::VisibleMessage;
use crate::copying::{Original, copy};
use crate::extract::{PathText, Query, ReadQuota, Visitor, own_session};
use crate::transcript::{Format, VisibleVisitor};
use crate::{ApiError, Code, ErrorObject};

/// A visitor's own copy of a conversation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SessionExport {
    /// 1.
    format_version: u32,
    /// Milliseconds since the Unix epoch.
    exported_at: i64,
    conversation_id: String,
    session_id: String,
    created_at: i64,
    updated_at: i64,
    /// Who the site says the visitor is; `null` if it has not.
    visitor: Option<VisibleVisitor>,
    /// All messages, oldest first.
    messages: Vec<VisibleMessage>,
}

/// Gives a visitor everything that is kept of the conversation, as a file.
#[utoipa::path(
    get, path = "/v1/sessions/{sessionId}/export", tag = "chat",
    params(
        ("sessionId" = String, Path, description = "The visitor's session."),
        ("format" = Option<String>, Query, description = "`json` or `markdown`; if not given, what `Accept` asks for first."),
        ("x-session-secret" = String, Header, description = "The session's secret."),
    ),
    security(("publicKey" = []), ("widgetKey" = [])),
    responses(
        (status = 200, description = "The copy.", content((SessionExport = "application/json"), (String = "text/markdown"))),
        (status = 400, description = "`invalid_session_id`, `invalid_session_secret` or `invalid_query`", body = ErrorObject),
        (status = 401, description = "`unauthorized` or `session_secret_required`", body = ErrorObject),
        (status = 403, description = "`origin_denied`", body = ErrorObject),
        (status = 404, description = "There is nothing in this session, or it is somebody else's.", body = ErrorObject),
        (status = 429, description = "`rate_limited`", body = ErrorObject),
        (status = 503, description = "`storage_unavailable`", body = ErrorObject),
    )
)]
pub(crate) async fn session_export(
    State(api): State<Arc<Api>>,
    visitor: Visitor,
    _quota: ReadQuota,
    PathText(session): PathText,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let session = own_session(visitor.site, &session, &headers)?;
    let format = asked(&query, &headers)?;
    let (store, now) = (Arc::clone(&api.ports.store), api.ports.clock.now());
    copy(store, Original::Session(session), format, now, Prices::default())
        .await?
        .ok_or_else(|| Code::NotFound.into())
}

fn asked(query: &Query, headers: &HeaderMap) -> Result<Format, ApiError> {
    match query.text("format")? {
        Some("json") => Ok(Format::Json),
        Some("markdown") => Ok(Format::Markdown),
        Some(_) => Err(ApiError::new(Code::InvalidQuery).detail("format", "must be json or markdown")),
        None => {
            let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
            let first = accept.split([',', ';']).next().unwrap_or_default().trim();
            let is_markdown = first.eq_ignore_ascii_case("text/markdown");
            Ok(if is_markdown { Format::Markdown } else { Format::Json })
        }
    }
}
