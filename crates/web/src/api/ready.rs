use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use tokio::time::timeout;

use super::{Api, health};
use crate::{ApiError, Code, ErrorObject};

/// How long the store may take to say that it works. Whoever asks usually gives up after a few seconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether messages can be accepted: the store works, and the server is not about to be shut down.
#[utoipa::path(
    get, path = "/ready", tag = "operation",
    responses(
        (status = 200, description = "Messages can be accepted.", content_type = "application/json", example = json!({"status": "ok"})),
        (status = 503, description = "They cannot: `storage_unavailable`, `storage_full` or `shutting_down`.", body = ErrorObject),
    )
)]
pub(crate) async fn ready(State(api): State<Arc<Api>>) -> Result<Response, ApiError> {
    if api.ports.chat.is_ending() {
        return Err(Code::ShuttingDown.into());
    }
    match timeout(PATIENCE, api.ports.store.ready()).await {
        Ok(ready) => ready?,
        Err(late) => return Err(ApiError::new(Code::StorageUnavailable).because(late)),
    }
    Ok(health::ok())
}
