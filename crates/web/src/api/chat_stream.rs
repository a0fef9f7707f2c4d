use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use frontdesk_core::{SendMessage, Sent};
use http::HeaderMap;

use super::Api;
use super::chat::ChatRequest;
use crate::extract::{JsonBody, SendQuota, Visitor, visitor_identity};
use crate::layers::RequestContext;
use crate::stream::{Framing, StreamEvent, deliver, follow};
use crate::{ApiError, ErrorObject};

/// Sends a message and streams its answer.
///
/// `POST /chat` is the same. The answer is written and stored even if the client leaves; it can be followed again by
/// its `messageId`. An empty line every 15 seconds keeps proxies awake.
#[utoipa::path(
    post, path = "/v1/chat/stream", tag = "chat",
    request_body = ChatRequest,
    params(
        ("x-session-secret" = Option<String>, Header, description = "43 base64url characters that only this visitor's client knows: keeps the conversation apart from that of others who use the same sessionId."),
        ("Idempotency-Key" = Option<String>, Header, description = "The client's own name for the message. Sent again under the same key it is not stored or answered twice; an answer that failed is written anew."),
        ("x-identity-token" = Option<String>, Header, description = "A JWT in which the site's server says who the visitor is, signed with IDENTITY_SECRET."),
    ),
    security(("publicKey" = []), ("widgetKey" = [])),
    responses(
        (status = 200, description = "The events of the answer: `start`, then `token`s, then `done` or `error`. NDJSON, one event a line; with `Accept: text/event-stream` server-sent events with the cursor as id.",
            content((StreamEvent<'static> = "application/x-ndjson"), (StreamEvent<'static> = "text/event-stream"))),
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
        (status = 503, description = "`storage_unavailable`, `storage_full`, `overloaded` or `shutting_down`", body = ErrorObject),
    )
)]
pub(crate) async fn chat_stream(
    State(api): State<Arc<Api>>,
    Extension(context): Extension<RequestContext>,
    visitor: Visitor,
    _quota: SendQuota,
    headers: HeaderMap,
    JsonBody(body): JsonBody<ChatRequest>,
) -> Result<Response, ApiError> {
    let message = body.check(visitor.site, &headers)?;
    let message = SendMessage { identity: visitor_identity(&api, &headers)?, ..message };
    let framing = Framing::asked(&headers);
    Ok(match api.ports.chat.send(message).await? {
        Sent::Answered(turn) => follow(turn, framing, &context.id),
        Sent::Delivered(delivered) => deliver(&delivered, framing),
    })
}
