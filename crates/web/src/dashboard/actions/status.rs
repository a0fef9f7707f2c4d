use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use frontdesk_core::ConversationStatus;

use super::super::Dashboard;
use super::super::conversations::{back, conversation_id};
use super::super::done::{Deed, Done};
use super::super::form::Form;
use super::super::session::Operator;
use crate::extract::{PathText, Query};
use crate::{ApiError, Code};

/// Closes a conversation, opens it again, or says that it needs a person.
pub(in super::super) async fn form(
    State(dashboard): State<Arc<Dashboard>>,
    operator: Operator,
    PathText(conversation): PathText,
    query: Query,
    form: Form,
) -> Result<Response, ApiError> {
    let conversation = conversation_id(&conversation)?;
    let status = ConversationStatus::parse(form.text("status"));
    let status =
        status.ok_or_else(|| ApiError::new(Code::InvalidRequest).detail("status", "must be a status"))?;
    let site = dashboard.settings.site;
    let done = dashboard.ports.inbox.set_status(site, conversation, operator.name, status).await?;
    let is_new = done.ok_or(Code::ConversationNotFound)?;
    let deed = match status {
        ConversationStatus::Closed => Some(Deed::Closed),
        ConversationStatus::Open => Some(Deed::Reopened),
        ConversationStatus::NeedsPerson => None,
    };
    back(&query, conversation, deed.filter(|_| is_new).map(|deed| Done::new(deed, vec![conversation])))
}
