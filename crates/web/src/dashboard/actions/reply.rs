use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use frontdesk_core::{DraftKind, MessageText, OperatorName, Reply, TakeOver};

use super::super::Dashboard;
use super::super::canned_replies;
use super::super::conversations::{Remark, back, conversation_id, sent_key, show};
use super::super::form::Form;
use super::super::session::Operator;
use super::{draft, line_ends, not_sent, taken_by};
use crate::extract::{PathText, Query};
use crate::{ApiError, Code};

/// Says something to the visitor, or puts a canned reply into the field. If the form names the operator who has the
/// conversation, it is taken over from that one first.
pub(in super::super) async fn form(
    State(dashboard): State<Arc<Dashboard>>,
    operator: Operator,
    PathText(conversation): PathText,
    query: Query,
    form: Form,
) -> Result<Response, ApiError> {
    let conversation = conversation_id(&conversation)?;
    let (site, ports) = (dashboard.settings.site, &dashboard.ports);
    let written = form.text("reply").to_owned();
    let say = async |notice, draft| {
        show(&dashboard, &operator, conversation, &query, Remark { notice, draft, is_note: false }).await
    };
    if !form.text("insert").is_empty() {
        let replies = canned_replies::read(&dashboard).await?;
        let chosen = replies.into_iter().find(|reply| reply.shortcut == form.text("canned"));
        let text = chosen.map(|reply| reply.text).unwrap_or_default();
        return say(None, if written.is_empty() { text } else { format!("{written}\n{text}") }).await;
    }
    let keep = draft::keep(&dashboard, &operator, conversation, DraftKind::Reply, &written, form.text("key"));
    if !form.text("save").is_empty() {
        keep.await?;
        return back(&query, conversation, None);
    }
    let text = match MessageText::parse(line_ends(&written)) {
        Ok(text) => text,
        Err(invalid) => return say(Some(not_sent(invalid).to_owned()), written.clone()).await,
    };
    if let Ok(from) = OperatorName::parse(form.text("from")) {
        let taken = ports.inbox.take_over(site, conversation, operator.name.clone(), Some(from)).await?;
        if let TakeOver::TakenBy(other) = taken.ok_or(Code::ConversationNotFound)? {
            keep.await?;
            return say(Some(taken_by(&other, ports.clock.now())), written.clone()).await;
        }
    }
    let key = sent_key(form.text("key"));
    let reply = ports.inbox.reply(site, conversation, operator.name.clone(), text, key).await?;
    match reply.ok_or(Code::ConversationNotFound)? {
        Reply::Sent(_) | Reply::Repeated(_) => back(&query, conversation, None),
        Reply::TakenBy(other) => {
            // It is there again wherever the operator looks next.
            keep.await?;
            say(Some(taken_by(&other, ports.clock.now())), written.clone()).await
        }
    }
}
