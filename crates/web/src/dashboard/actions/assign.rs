use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use frontdesk_core::OperatorName;

use super::super::Dashboard;
use super::super::conversations::{back, conversation_id};
use super::super::form::Form;
use super::super::session::Operator;
use crate::extract::{PathText, Query};
use crate::{ApiError, Code};

/// Says whose concern a conversation is; nobody's, if the form names nobody.
pub(in super::super) async fn form(
    State(dashboard): State<Arc<Dashboard>>,
    _operator: Operator,
    PathText(conversation): PathText,
    query: Query,
    form: Form,
) -> Result<Response, ApiError> {
    let conversation = conversation_id(&conversation)?;
    let assignee = match form.text("assignee") {
        "" => None,
        name => Some(
            OperatorName::parse(name)
                .map_err(|rule| ApiError::new(Code::InvalidRequest).detail("assignee", rule.to_string()))?,
        ),
    };
    let done = dashboard.ports.inbox.assign(dashboard.settings.site, conversation, assignee).await?;
    done.ok_or(Code::ConversationNotFound)?;
    back(&query, conversation, None)
}
