use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::{Api, health};
use crate::{ApiError, Code, ErrorObject};

/// Whether messages can be accepted: the store works, and the server is not being shut down.
#[utoipa::path(
    get, path = "/ready", tag = "operation",
    responses(
        (status = 200, description = "Messages can be accepted.", content_type = "application/json", example = json!({"status": "ok"})),
        (status = 503, description = "They cannot: `storage_unavailable`, `storage_full` or `shutting_down`.", body = ErrorObject),
    )
)]
pub(crate) async fn ready(State(api): State<Arc<Api>>) -> Result<Response, ApiError> {
    if api.ports.chat.is_draining() {
        return Err(Code::ShuttingDown.into());
    }
    api.ports.store.ready().await?;
    Ok(health::ok())
}
