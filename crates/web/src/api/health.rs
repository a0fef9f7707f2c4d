use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;

/// Whether the process lives. Looks at nothing else.
#[utoipa::path(
    get, path = "/health", tag = "operation",
    responses((status = 200, description = "It lives.", content_type = "application/json", example = json!({"status": "ok"})))
)]

pub(crate) async fn health() -> Response {
    ok()
}

pub(super) fn ok() -> Response {
    ([(CONTENT_TYPE, "application/json; charset=utf-8")], r#"{"status":"ok"}"#).into_response()
}
