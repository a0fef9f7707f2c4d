use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::Dashboard;
use super::frame::{Frame, render};
use super::session::Operator;
use crate::ApiError;

#[derive(Template)]
#[template(path = "shortcuts.html")]
struct ShortcutsPage {
    frame: Frame,
}

/// What single keys do.
pub(super) async fn page(
    State(dashboard): State<Arc<Dashboard>>,
    operator: Operator,
) -> Result<Response, ApiError> {
    render(&ShortcutsPage { frame: Frame::new(&dashboard, &operator, "/shortcuts").await? })
}
