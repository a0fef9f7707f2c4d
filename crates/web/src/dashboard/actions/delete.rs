use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use frontdesk_core::{ConversationId, ConversationName};

use super::super::Dashboard;
use super::super::conversations::{back_to_list, conversation_id};
use super::super::done::{Deed, Done};
use super::super::frame::{Frame, render};
use super::super::looking::Looking;
use super::super::pseudonym::Pseudonym;
use super::super::session::Operator;
use crate::extract::{PathText, Query};
use crate::{ApiError, Code};

/// Asks once more.
#[derive(Template)]
#[template(path = "delete.html")]
pub(super) struct DeletePage {
    pub(super) frame: Frame,
    /// Where the form goes.
    pub(super) action: String,
    pub(super) keep: String,
    /// One conversation: how many messages it has, and whose it is.
    pub(super) one: Option<(u32, String)>,
    pub(super) ids: Vec<String>,
}

/// The question.
pub(in super::super) async fn page(
    State(dashboard): State<Arc<Dashboard>>,
    operator: Operator,
    PathText(conversation): PathText,
    query: Query,
) -> Result<Response, ApiError> {
    let conversation = conversation_id(&conversation)?;
    let name = ConversationName::Id(dashboard.settings.site, conversation);
    let found = dashboard.ports.store.conversation(&name).await?;
    let (_, summary) = found.ok_or(Code::ConversationNotFound)?;
    let visitor = Pseudonym::of(&summary.session, summary.identity.as_ref()).name;
    let looking = Looking::read(&query)?;
    let path = format!("/conversations/{conversation}");
    render(&DeletePage {
        frame: Frame::new(&dashboard, &operator, "/").await?,
        action: looking.at(&format!("{path}/delete")),
        keep: looking.at(&path),
        one: Some((summary.message_count, visitor)),
        ids: vec![conversation.to_string()],
    })
}

/// Deletes a conversation with everything that is in it.
pub(in super::super) async fn form(
    State(dashboard): State<Arc<Dashboard>>,
    _operator: Operator,
    PathText(conversation): PathText,
    query: Query,
) -> Result<Response, ApiError> {
    let conversation: ConversationId = conversation_id(&conversation)?;
    dashboard.ports.inbox.delete(dashboard.settings.site, conversation).await?;
    back_to_list(&query, Some(Done::new(Deed::Deleted, Vec::new())))
}
