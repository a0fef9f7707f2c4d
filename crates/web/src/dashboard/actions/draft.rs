use std::sync::Arc;

use axum::extract::State;
use frontdesk_core::{ConversationId, DraftKind, DraftPlace, MessageText, SavedDraft};
use http::StatusCode;

use super::super::Dashboard;
use super::super::conversations::{conversation_id, sent_key};
use super::super::form::Form;
use super::super::session::Operator;
use super::line_ends;
use crate::extract::PathText;
use crate::{ApiError, Code};

/// Keeps what an operator has begun to write, while they write it.
pub(in super::super) async fn form(
    State(dashboard): State<Arc<Dashboard>>,
    operator: Operator,
    PathText(conversation): PathText,
    form: Form,
) -> Result<StatusCode, ApiError> {
    let conversation = conversation_id(&conversation)?;
    let kind = DraftKind::parse(form.text("kind"));
    let kind =
        kind.ok_or_else(|| ApiError::new(Code::InvalidRequest).detail("kind", "must be reply or note"))?;
    keep(&dashboard, &operator, conversation, kind, form.text("text"), form.text("key")).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Keeps a text that is not sent. `key` names what it will be sent as.
pub(super) async fn keep(
    dashboard: &Dashboard,
    operator: &Operator,
    conversation: ConversationId,
    kind: DraftKind,
    text: &str,
    key: &str,
) -> Result<(), ApiError> {
    let text = MessageText::parse(line_ends(text)).ok();
    let (site, operator) = (dashboard.settings.site, operator.name.clone());
    let place = DraftPlace { site, conversation, operator, kind };
    let saved = dashboard.ports.inbox.save_draft(place, text, sent_key(key).as_ref()).await?;
    match saved.ok_or(Code::ConversationNotFound)? {
        SavedDraft::Done => Ok(()),
        SavedDraft::TooMany => Err(Code::TooManyDrafts.into()),
    }
}
