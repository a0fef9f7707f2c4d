use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use frontdesk_core::{
    ConversationFilter, ConversationId, ConversationQuery, ConversationStatus, ConversationSummary,
    IdempotencyKey, Rating, ThreadPage,
};
use http::StatusCode;
use tracing::warn;

use super::Dashboard;
use super::done::Done;
use super::frame::{Frame, render};
use super::list::{ListView, read_list};
use super::looking::{Looking, Tab};
use super::moment::Moment;
use super::session::Operator;
use super::test_pages::Install;
use super::thread::{Around, Compose, Details, DraftView, DraftsView, Earlier, EntryKind, Mode, ThreadView};
use crate::extract::{PathText, Query};
use crate::{ApiError, Code};

/// How many messages of a conversation a page shows.
const MESSAGES: u32 = 100;

/// How many other conversations of a visitor are shown.
const EARLIER: u32 = 5;

#[derive(Template)]
#[template(path = "conversations.html")]
struct ConversationsPage {
    frame: Frame,
    list: ListView,
    thread: Option<ThreadView>,
    install: Option<Install>,
    has_test_pages: bool,
}

/// The list alone, for a page that has the rest.
#[derive(Template)]
#[template(path = "list-alone.html")]
struct ListPage {
    list: ListView,
    /// Whether a conversation is open beside it.
    thread: Option<()>,
    install: Option<Install>,
    has_test_pages: bool,
}

/// What a page of a conversation says on top of what is stored.
#[derive(Default)]
pub(super) struct Remark {
    /// Why something was not done.
    pub(super) notice: Option<String>,
    /// What was written and not sent.
    pub(super) draft: String,
    /// Whether it was a note.
    pub(super) is_note: bool,
}

/// The list, with no conversation open.
pub(super) async fn list(
    State(dashboard): State<Arc<Dashboard>>,
    operator: Operator,
    query: Query,
) -> Result<Response, ApiError> {
    let list = read_list(&dashboard, &operator, Looking::read(&query)?, None).await?;
    if query.text("part")?.is_some() {
        return list_alone(&dashboard, list, None);
    }
    page(&dashboard, &operator, &query, list, None)
}

/// The list, with a conversation open.
pub(super) async fn one(
    State(dashboard): State<Arc<Dashboard>>,
    operator: Operator,
    PathText(conversation): PathText,
    query: Query,
) -> Result<Response, ApiError> {
    let conversation = conversation_id(&conversation)?;
    if query.text("part")?.is_some() {
        let list = read_list(&dashboard, &operator, Looking::read(&query)?, Some(conversation)).await?;
        return list_alone(&dashboard, list, Some(()));
    }
    show(&dashboard, &operator, conversation, &query, Remark::default()).await
}

/// The conversation that a path names.
pub(super) fn conversation_id(text: &str) -> Result<ConversationId, ApiError> {
    ConversationId::parse(text).ok_or_else(|| Code::ConversationNotFound.into())
}

/// Shows a conversation. Whoever reads its end has seen all of it.
pub(super) async fn show(
    dashboard: &Dashboard,
    operator: &Operator,
    conversation: ConversationId,
    query: &Query,
    remark: Remark,
) -> Result<Response, ApiError> {
    let page_of_thread = ThreadPage { before: query.number("before", 1..=u32::MAX)?, limit: MESSAGES };
    let (site, store) = (dashboard.settings.site, &dashboard.ports.store);
    let thread = store.thread(site, conversation, page_of_thread).await?;
    let thread = thread.ok_or(Code::ConversationNotFound)?;
    if page_of_thread.before.is_none() {
        note_read(dashboard, &thread.conversation).await;
    }
    let list = read_list(dashboard, operator, Looking::read(query)?, Some(conversation)).await?;
    let status = if remark.notice.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let is_note = remark.is_note || query.text("compose")? == Some("note");
    let around = Around {
        now: dashboard.ports.clock.now(),
        details: if query.text("details")?.is_some() { Details::Open } else { Details::Closed },
        before: page_of_thread.before,
        operator: operator.name.clone(),
        operators: list.operators.clone(),
        is_present: dashboard.ports.inbox.is_present(conversation),
        earlier: earlier(dashboard, &thread.conversation).await?,
        canned: super::canned_replies::read(dashboard).await?,
        notice: remark.notice,
        is_unsent: !remark.draft.is_empty(),
        drafts: drafts(dashboard, operator, conversation, remark.draft, remark.is_note).await?,
        compose: if is_note { Compose::Note } else { Compose::Reply },
        key: form_key(dashboard),
    };
    let usage = store.usage(site, conversation).await?.unwrap_or_default();
    let view = ThreadView::new(thread, around, &usage, &dashboard.settings.prices);
    let mut response = page(dashboard, operator, query, list, Some(view))?;
    *response.status_mut() = status;
    Ok(response)
}

/// What the fields have in them: what was just written, or what was kept.
async fn drafts(
    dashboard: &Dashboard,
    operator: &Operator,
    conversation: ConversationId,
    written: String,
    is_note: bool,
) -> Result<DraftsView, ApiError> {
    let kept = dashboard.ports.inbox.drafts(dashboard.settings.site, conversation, &operator.name).await?;
    let mut view = DraftsView::from(kept.unwrap_or_default());
    if !written.is_empty() {
        let field = if is_note { &mut view.note } else { &mut view.reply };
        *field = DraftView { is_kept: field.text == written, text: written };
    }
    Ok(view)
}

/// Names what a form will send, so that sending it twice is sending it once.
fn form_key(dashboard: &Dashboard) -> String {
    frontdesk_core::secret_text(&*dashboard.ports.random)
}

/// The name that a form has for what it sends.
pub(super) fn sent_key(text: &str) -> Option<IdempotencyKey> {
    IdempotencyKey::parse(text).ok()
}

/// Other conversations of the same visitor.
async fn earlier(dashboard: &Dashboard, current: &ConversationSummary) -> Result<Vec<Earlier>, ApiError> {
    let filter = match &current.identity {
        Some(identity) => {
            ConversationFilter { visitor: Some(identity.id().to_owned()), ..ConversationFilter::default() }
        }
        None => {
            ConversationFilter { session: Some(current.session.clone()), ..ConversationFilter::default() }
        }
    };
    let query = ConversationQuery { site: dashboard.settings.site, filter, after: None, limit: EARLIER + 1 };
    let found = dashboard.ports.store.conversations(query).await?.conversations;
    let others =
        found.into_iter().filter(|it| it.id != current.id).take(usize::try_from(EARLIER).unwrap_or(5));
    let now = dashboard.ports.clock.now();
    Ok(others
        .map(|it| Earlier {
            id: it.id.to_string(),
            said: it.last_message,
            at: Moment::ago(it.updated_at, now),
        })
        .collect())
}

fn list_alone(dashboard: &Dashboard, list: ListView, thread: Option<()>) -> Result<Response, ApiError> {
    let install = dashboard.settings.install.clone();
    let has_test_pages = dashboard.settings.test_pages && install.is_some();
    render(&ListPage { list, thread, install, has_test_pages })
}

fn page(
    dashboard: &Dashboard,
    operator: &Operator,
    query: &Query,
    list: ListView,
    thread: Option<ThreadView>,
) -> Result<Response, ApiError> {
    let toast =
        Done::read(query)?.map(|done| done.toast(&list.looking, thread.as_ref().map(|it| it.id.as_str())));
    let frame = Frame::counted(dashboard, operator, "/", list.needs_person).saying(toast);
    let install = dashboard.settings.install.clone();
    render(&ConversationsPage { has_test_pages: frame.has_test_pages, frame, list, thread, install })
}

/// Sends the browser to a conversation, in the list as the operator looks at it.
pub(super) fn back(
    query: &Query,
    conversation: ConversationId,
    done: Option<Done>,
) -> Result<Response, ApiError> {
    let looking = Looking::read(query)?;
    let said = done.map(|done| done.parameters()).unwrap_or_default();
    let said: Vec<_> = said.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Ok(Redirect::to(&looking.with(&format!("/conversations/{conversation}"), &said)).into_response())
}

async fn note_read(dashboard: &Dashboard, conversation: &ConversationSummary) {
    let (count, site) = (conversation.message_count, dashboard.settings.site);
    if conversation.read_count < count
        && let Err(error) = dashboard.ports.inbox.mark_read(site, conversation.id, count).await
    {
        // What can be read on a full disk is to be read.
        warn!(error = &error as &dyn std::error::Error, "not noted that a conversation was read");
    }
}

/// Sends the browser to the list as the operator looks at it.
pub(super) fn back_to_list(query: &Query, done: Option<Done>) -> Result<Response, ApiError> {
    let looking = Looking::read(query)?;
    let said = done.map(|done| done.parameters()).unwrap_or_default();
    let said: Vec<_> = said.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Ok(Redirect::to(&looking.with("/", &said)).into_response())
}
