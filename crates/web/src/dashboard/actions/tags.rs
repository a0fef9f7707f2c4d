use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use frontdesk_core::Tag;

use super::super::Dashboard;
use super::super::conversations::{Remark, back, conversation_id, show};
use super::super::form::Form;
use super::super::session::Operator;
use crate::extract::{PathText, Query};
use crate::{ApiError, Code};

/// Puts tags on a conversation, which may be written with commas between them, and takes others off.
pub(in super::super) async fn form(
    State(dashboard): State<Arc<Dashboard>>,
    operator: Operator,
    PathText(conversation): PathText,
    query: Query,
    form: Form,
) -> Result<Response, ApiError> {
    let conversation = conversation_id(&conversation)?;
    let (Ok(add), Ok(remove)) = (read(&form, "add"), read(&form, "remove")) else {
        let notice = Some("Not tagged: a tag has at most 32 characters.".to_owned());
        let remark = Remark { notice, ..Remark::default() };
        return show(&dashboard, &operator, conversation, &query, remark).await;
    };
    let tagged = dashboard.ports.inbox.tag(dashboard.settings.site, conversation, add, remove).await?;
    tagged.ok_or(Code::ConversationNotFound)?;
    back(&query, conversation, None)
}

pub(super) fn read(form: &Form, field: &str) -> Result<Vec<Tag>, frontdesk_core::InvalidTag> {
    form.all(field)
        .flat_map(|tags| tags.split(','))
        .filter(|tag| !tag.trim().is_empty())
        .map(Tag::parse)
        .collect()
}
