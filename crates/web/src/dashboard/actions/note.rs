use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use frontdesk_core::{DraftKind, MessageText};

use super::super::Dashboard;
use super::super::conversations::{Remark, back, conversation_id, sent_key, show};
use super::super::form::Form;
use super::super::session::Operator;
use super::{draft, line_ends, not_sent};
use crate::extract::{PathText, Query};
use crate::{ApiError, Code};

/// Writes a note. What stands in the field for replies is never taken for one.
pub(in super::super) async fn form(
    State(dashboard): State<Arc<Dashboard>>,
    operator: Operator,
    PathText(conversation): PathText,
    query: Query,
    form: Form,
) -> Result<Response, ApiError> {
    let conversation = conversation_id(&conversation)?;
    let written = form.text("note").to_owned();
    if !form.text("save").is_empty() {
        draft::keep(&dashboard, &operator, conversation, DraftKind::Note, &written, form.text("key")).await?;
        return back(&query, conversation, None);
    }
    let text = match MessageText::parse(line_ends(&written)) {
        Ok(text) => text,
        Err(invalid) => {
            let notice = Some(not_sent(invalid).to_owned());
            let remark = Remark { notice, draft: written, is_note: true };
            return show(&dashboard, &operator, conversation, &query, remark).await;
        }
    };
    let (site, key) = (dashboard.settings.site, sent_key(form.text("key")));
    let noted = dashboard.ports.inbox.note(site, conversation, operator.name, text, key).await?;
    noted.ok_or(Code::ConversationNotFound)?;
    back(&query, conversation, None)
}
