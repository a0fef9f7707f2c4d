use std::sync::Arc;

use axum::extract::State;
use frontdesk_core::{ConversationName, Typist};
use http::StatusCode;

use super::super::Dashboard;
use super::super::conversations::conversation_id;
use super::super::form::Form;
use super::super::session::Operator;
use crate::extract::PathText;
use crate::{ApiError, Code};

/// Tells the visitor that the operator types, or has ceased to.
pub(in super::super) async fn form(
    State(dashboard): State<Arc<Dashboard>>,
    operator: Operator,
    PathText(conversation): PathText,
    form: Form,
) -> Result<StatusCode, ApiError> {
    let name = ConversationName::Id(dashboard.settings.site, conversation_id(&conversation)?);
    let typist = Typist::Operator(operator.name);
    let told = dashboard.ports.inbox.typing(&name, typist, form.text("typing") == "true").await?;
    told.ok_or(Code::ConversationNotFound)?;
    Ok(StatusCode::NO_CONTENT)
}
