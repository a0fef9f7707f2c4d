use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use frontdesk_core::{
    ConversationId, ConversationList, ConversationQuery, ConversationSummary, Role, ThreadPage, Timestamp,
};

use super::Dashboard;
use super::frame::{Frame, render};
use super::moment::Moment;
use super::pseudonym::Pseudonym;
use super::session::Operator;
use super::test_pages::Install;
use super::thread::{Details, ThreadView};
use crate::extract::{PathText, Query};
use crate::{ApiError, Code, cursor};

/// How many conversations a page lists.
const LIST: u32 = 50;

/// How many messages of a conversation a page shows.
const MESSAGES: u32 = 100;

#[derive(Template)]
#[template(path = "conversations.html")]
struct ConversationsPage {
    frame: Frame,
    list: ListView,
    thread: Option<ThreadView>,
    install: Option<Install>,
    has_test_pages: bool,
}

/// The list of conversations.
struct ListView {
    rows: Vec<Row>,
    total: u64,
    /// Where this page of the list begins, as part of the addresses that keep to it; empty on the first one.
    place: String,
    /// Where the next page begins.
    next: Option<String>,
}

/// A conversation in the list.
struct Row {
    id: String,
    visitor: Pseudonym,
    updated: Moment,
    last_message: String,
    /// Whether the visitor has the last word.
    visitor_last: bool,
    message_count: u32,
    is_current: bool,
}

impl Row {
    fn new(summary: ConversationSummary, now: Timestamp, current: Option<ConversationId>) -> Self {
        Self {
            id: summary.id.to_string(),
            visitor: Pseudonym::of(&summary.session, summary.identity.as_ref()),
            updated: Moment::ago(summary.updated_at, now),
            last_message: summary.last_message,
            visitor_last: summary.last_role == Role::Visitor,
            message_count: summary.message_count,
            is_current: Some(summary.id) == current,
        }
    }
}

/// The list, with no conversation open.
pub(super) async fn list(
    State(dashboard): State<Arc<Dashboard>>,
    _operator: Operator,
    query: Query,
) -> Result<Response, ApiError> {
    let list = read_list(&dashboard, &query, None).await?;
    page(&dashboard, list, None)
}

/// The list, with a conversation open.
pub(super) async fn one(
    State(dashboard): State<Arc<Dashboard>>,
    _operator: Operator,
    PathText(conversation): PathText,
    query: Query,
) -> Result<Response, ApiError> {
    let conversation = ConversationId::parse(&conversation).ok_or(Code::ConversationNotFound)?;
    let page_of_thread = ThreadPage { before: query.number("before", 1..=u32::MAX)?, limit: MESSAGES };
    let site = dashboard.settings.site;
    let thread = dashboard.ports.store.thread(site, conversation, page_of_thread).await?;
    let thread = thread.ok_or(Code::ConversationNotFound)?;
    let list = read_list(&dashboard, &query, Some(conversation)).await?;
    let details = if query.text("details")?.is_some() { Details::Open } else { Details::Closed };
    let view = ThreadView::new(thread, dashboard.ports.clock.now(), details, page_of_thread.before);
    page(&dashboard, list, Some(view))
}

fn page(dashboard: &Dashboard, list: ListView, thread: Option<ThreadView>) -> Result<Response, ApiError> {
    let frame = Frame::new(dashboard);
    let install = dashboard.settings.install.clone();
    render(&ConversationsPage { has_test_pages: frame.has_test_pages, frame, list, thread, install })
}

async fn read_list(
    dashboard: &Dashboard,
    query: &Query,
    current: Option<ConversationId>,
) -> Result<ListView, ApiError> {
    let site = dashboard.settings.site;
    let place = query.text("after")?.unwrap_or_default();
    let after = match place {
        "" => None,
        place => Some(cursor::decode(site, place).ok_or(Code::InvalidCursor)?),
    };
    let query = ConversationQuery { site, after, limit: LIST };
    let ConversationList { conversations, total, next } = dashboard.ports.store.conversations(query).await?;
    let now = dashboard.ports.clock.now();
    Ok(ListView {
        rows: conversations.into_iter().map(|summary| Row::new(summary, now, current)).collect(),
        total,
        place: place.to_owned(),
        next: next.map(|next| cursor::encode(site, next)),
    })
}
