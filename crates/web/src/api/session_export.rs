use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use frontdesk_core::{SessionKey, Store, StoreError, Thread, ThreadPage};
use futures_util::stream;
use http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::session_messages::{VisibleMessage, visible};
use crate::extract::{PathText, Query, ReadQuota, Visitor, session_key};
use crate::transcript::{Format, Transcript, VisibleVisitor};
use crate::{ApiError, Code, ErrorObject};

/// How many messages are read at a time.
const PAGE: u32 = 200;

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
    let session = session_key(visitor.site, &session, &headers)?;
    if session.secret.is_none() {
        return Err(Code::SessionSecretRequired.into());
    }
    let format = asked(&query, &headers)?;
    let store = Arc::clone(&api.ports.store);
    let first = read(&*store, &session, 0).await?.ok_or(Code::NotFound)?;
    let transcript = Transcript::new(format, &first.conversation, api.ports.clock.now());
    let name = format!("attachment; filename=\"{}\"", transcript.file_name());
    let copying = Copying { store, session, transcript, page: Some(first), read: 0 };
    let body = Body::from_stream(stream::unfold(copying, Copying::next));
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    headers.insert(
        CONTENT_DISPOSITION,
        HeaderValue::from_str(&name).map_err(|error| ApiError::new(Code::Internal).because(error))?,
    );
    Ok(response)
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

/// The messages at the places after the first `read`.
async fn read(store: &dyn Store, session: &SessionKey, read: u32) -> Result<Option<Thread>, StoreError> {
    let page = ThreadPage { before: Some(read.saturating_add(PAGE + 1)), limit: PAGE };
    store.session_thread(session, page).await
}

/// A copy that is being sent: as much of a long conversation is held as is read at a time.
struct Copying {
    store: Arc<dyn Store>,
    session: SessionKey,
    transcript: Transcript,
    /// What comes next; `None` when all has been sent.
    page: Option<Thread>,
    /// The place of the last message that was read.
    read: u32,
}

impl Copying {
    /// The next piece. An error cuts the response off, so that nobody takes half of a copy for all of it.
    async fn next(mut self) -> Option<(Result<Bytes, StoreError>, Self)> {
        let mut thread = self.page.take()?;
        // The last page begins before its place.
        thread.messages.retain(|message| message.seq > self.read);
        let is_whole =
            thread.messages.last().is_none_or(|last| last.seq >= thread.conversation.message_count);
        self.read = thread.messages.last().map_or(self.read, |last| last.seq);
        let mut piece = self.transcript.messages(visible(thread.messages).collect());
        if is_whole {
            piece.push_str(self.transcript.end());
            return Some((Ok(piece.into()), self));
        }
        match read(&*self.store, &self.session, self.read).await {
            Ok(Some(thread)) => self.page = Some(thread),
            // It was deleted meanwhile.
            Ok(None) => piece.push_str(self.transcript.end()),
            Err(error) => return Some((Err(error), self)),
        }
        Some((Ok(piece.into()), self))
    }
}
