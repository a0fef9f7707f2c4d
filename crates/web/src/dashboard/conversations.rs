use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use frontdesk_core::{
    ConversationFilter, ConversationId, ConversationList, ConversationQuery, ConversationSearch,
    ConversationSummary, Excerpt, ListCursor, Role, SearchHit, SearchQuery, ThreadPage, Timestamp,
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
    /// What is looked for; empty if nothing is.
    looked_for: String,
    /// Whether this is not the first page.
    is_later: bool,
    /// What is looked for and where this page of the list begins, as the parameters of addresses that keep to it.
    kept: String,
    /// The same for the next page.
    next: Option<String>,
}

impl ListView {
    /// The address of the list, or of something in it, that keeps to what is looked for and to this page.
    fn at(&self, path: &str) -> String {
        if self.kept.is_empty() { path.to_owned() } else { format!("{path}?{}", self.kept) }
    }

    /// The address of the first page of what is looked for.
    fn first(&self) -> String {
        if self.looked_for.is_empty() {
            "/".to_owned()
        } else {
            format!("/?{}", parameters(&self.looked_for, ""))
        }
    }
}

/// What is looked for and a place in the list, as parameters of an address.
fn parameters(looked_for: &str, place: &str) -> String {
    let mut parameters = form_urlencoded::Serializer::new(String::new());
    for (name, value) in [("q", looked_for), ("after", place)] {
        if !value.is_empty() {
            parameters.append_pair(name, value);
        }
    }
    parameters.finish()
}

/// A piece of a text, which was found or not.
struct Piece {
    text: String,
    is_found: bool,
}

fn pieces(excerpt: &Excerpt) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut add = |text: &str, is_found| {
        if !text.is_empty() {
            pieces.push(Piece { text: text.to_owned(), is_found });
        }
    };
    let mut at = 0;
    for found in &excerpt.found {
        add(&excerpt.text[at..found.start], false);
        add(&excerpt.text[found.clone()], true);
        at = found.end;
    }
    add(&excerpt.text[at..], false);
    pieces
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
    /// What was found in it.
    excerpt: Vec<Piece>,
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
            excerpt: Vec::new(),
        }
    }

    fn found(hit: SearchHit, query: &SearchQuery, now: Timestamp, current: Option<ConversationId>) -> Self {
        let excerpt = pieces(&query.excerpt(&hit.message.text));
        let visitor_last = hit.message.role == Role::Visitor;
        Self { visitor_last, excerpt, ..Self::new(hit.conversation, now, current) }
    }
}

/// The list, with no conversation open.
pub(super) async fn list(
    State(dashboard): State<Arc<Dashboard>>,
    operator: Operator,
    query: Query,
) -> Result<Response, ApiError> {
    let list = read_list(&dashboard, &query, None).await?;
    page(&dashboard, &operator, list, None)
}

/// The list, with a conversation open.
pub(super) async fn one(
    State(dashboard): State<Arc<Dashboard>>,
    operator: Operator,
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
    page(&dashboard, &operator, list, Some(view))
}

fn page(
    dashboard: &Dashboard,
    operator: &Operator,
    list: ListView,
    thread: Option<ThreadView>,
) -> Result<Response, ApiError> {
    let frame = Frame::new(dashboard, operator, "/");
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
    let looked_for = query.text("q")?.unwrap_or_default().trim();
    let now = dashboard.ports.clock.now();
    let (total, rows, next) = if looked_for.is_empty() {
        let query = ConversationQuery { site, filter: ConversationFilter::default(), after, limit: LIST };
        let ConversationList { conversations, total, next } =
            dashboard.ports.store.conversations(query).await?;
        (total, conversations.into_iter().map(|summary| Row::new(summary, now, current)).collect(), next)
    } else {
        let first = ConversationQuery { site, filter: ConversationFilter::default(), after: None, limit: 1 };
        let total = dashboard.ports.store.conversations(first).await?.total;
        let (rows, next) = find(dashboard, looked_for, after, current).await?;
        (total, rows, next)
    };
    Ok(ListView {
        rows,
        total,
        is_later: !place.is_empty(),
        kept: parameters(looked_for, place),
        next: next.map(|next| parameters(looked_for, &cursor::encode(site, next))),
        looked_for: looked_for.to_owned(),
    })
}

/// How often more is looked for, so that a page has something on it.
const LOOKS: usize = 4;

async fn find(
    dashboard: &Dashboard,
    looked_for: &str,
    mut after: Option<ListCursor>,
    current: Option<ConversationId>,
) -> Result<(Vec<Row>, Option<ListCursor>), ApiError> {
    let (site, query, now) =
        (dashboard.settings.site, SearchQuery::parse(looked_for), dashboard.ports.clock.now());
    let mut hits: Vec<SearchHit> = Vec::new();
    for _ in 0..LOOKS {
        let limit = LIST.saturating_sub(u32::try_from(hits.len()).unwrap_or(LIST));
        let search = ConversationSearch {
            site,
            query: query.clone(),
            filter: ConversationFilter::default(),
            after,
            limit: limit.max(1),
        };
        let page = dashboard.ports.store.search(search).await?;
        hits.extend(page.hits);
        after = page.next;
        if after.is_none() || hits.len() >= usize::try_from(LIST).unwrap_or(usize::MAX) {
            break;
        }
    }
    Ok((hits.into_iter().map(|hit| Row::found(hit, &query, now, current)).collect(), after))
}
