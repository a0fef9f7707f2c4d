use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::super::Dashboard;
use super::super::conversations::conversation_id;
use super::super::session::Operator;
use crate::copying::{Original, copy};
use crate::extract::{PathText, Query};
use crate::transcript::Format;
use crate::{ApiError, Code};

/// Gives everything that is kept of a conversation, with notes, as a file.
pub(in super::super) async fn file(
    State(dashboard): State<Arc<Dashboard>>,
    _operator: Operator,
    PathText(conversation): PathText,
    query: Query,
) -> Result<Response, ApiError> {
    let original = Original::Conversation(dashboard.settings.site, conversation_id(&conversation)?);
    let format = Format::asked(query.text("format")?.unwrap_or("json"))?;
    let ports = &dashboard.ports;
    let prices = dashboard.settings.prices.clone();
    let copy = copy(Arc::clone(&ports.store), original, format, ports.clock.now(), prices).await?;
    copy.ok_or_else(|| Code::ConversationNotFound.into())
}
