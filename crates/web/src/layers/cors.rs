use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::origins::{AllowedOrigins, OriginVerdict};
use crate::{ApiError, Code};

const METHODS: &str = "GET, POST, PUT, PATCH, DELETE, OPTIONS";
const REQUEST_HEADERS: &str = "content-type, x-api-key, x-widget-api-key, x-admin-api-key, x-session-secret, \
                               x-identity-token, idempotency-key, last-event-id, if-none-match, accept";
const RESPONSE_HEADERS: &str = "retry-after, x-request-id, idempotency-replayed, etag, content-disposition";

/// Lets pages of allowed origins read responses, and answers their browsers' questions beforehand.
///
/// Pages of other origins are refused where a visitor's or an admin's key is asked for: see `crate::extract`.
pub(super) async fn cors(
    State(origins): State<Arc<AllowedOrigins>>,
    mut request: Request,
    next: Next,
) -> Response {
    let verdict = origins.judge(request.headers());
    let is_preflight =
        *request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match &verdict {
        OriginVerdict::Allowed(_) if is_preflight => preflight(),
        OriginVerdict::Denied if is_preflight => ApiError::new(Code::OriginDenied).into_response(),
        _ => {
            request.extensions_mut().insert(verdict.clone());
            next.run(request).await
        }
    };
    let headers = response.headers_mut();
    if headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
        return response;
    }
    headers.append(VARY, HeaderValue::from(ORIGIN));
    if let OriginVerdict::Allowed(origin) = verdict {
        allow(headers, &origin);
    }
    response
}

fn allow(headers: &mut HeaderMap, origin: &str) {
    if let Ok(origin) = HeaderValue::from_str(origin) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(RESPONSE_HEADERS));
    }
}

fn preflight() -> Response {
    let headers = [
        (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS),
        (ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}
