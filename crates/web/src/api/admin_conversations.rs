use std::sync::Arc;

use axum::extract::State;
use frontdesk_core::{
    Answering, ConversationFilter, ConversationQuery, ConversationSearch, ConversationSummary, Excerpt,
    Inbox, Rating, SearchHit, SearchQuery, Tag, Visit,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use crate::extract::{Admin, Query};
use crate::filter::conversation_filter;
use crate::reply::JsonReply;
use crate::transcript::VisibleVisitor;
use crate::{ApiError, Code, ErrorObject, cursor};

/// A page of a site's conversations.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AdminConversations {
    conversations: Vec<AdminConversation>,
    /// How many there are in all.
    total: u64,
    /// Where the next page begins; `null` on the last one.
    next_cursor: Option<String>,
}

/// A conversation without its messages.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AdminConversation {
    #[serde(rename = "_id")]
    id: String,
    /// Milliseconds since the Unix epoch; the same as `createdAt`.
    #[serde(rename = "_creationTime")]
    creation_time: i64,
    session_id: String,
    /// Milliseconds since the Unix epoch.
    created_at: i64,
    /// Milliseconds since the Unix epoch.
    updated_at: i64,
    /// The first 500 UTF-16 units of what was last said.
    last_message: String,
    /// Who said it: `user`, `assistant`, `operator` or `note`.
    last_role: &'static str,
    message_count: u32,
    /// Whether only the visitor's own client can read and continue it.
    has_secret: bool,
    /// How many of its messages an operator has seen.
    read_count: u32,
    /// How many have come since.
    unread_count: u32,
    /// `open`, `needs_person` or `closed`.
    status: &'static str,
    /// The operator who has taken it over; `null` if the AI answers.
    answering: Option<AnsweringOperator>,
    /// The operator whose concern it is.
    assignee: Option<String>,
    /// In their order.
    tags: Vec<String>,
    /// The e-mail address that the visitor wants to be written to.
    contact: Option<String>,
    /// What the visitor said last of an answer: `up` or `down`.
    rating: Option<&'static str>,
    visit: AdminVisit,
    /// Whether the visitor's chat follows the conversation now: over the node that says so, or with Redis over any.
    is_present: bool,
    /// Who the visitor is, if the site has vouched for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    visitor: Option<VisibleVisitor>,
    /// With `q`: the newest message that has what is looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    r#match: Option<Match>,
}

/// A person who has a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct AnsweringOperator {
    /// What the operator is called.
    name: String,
    /// Since when, in milliseconds since the Unix epoch.
    since: i64,
}

impl From<&Answering> for AnsweringOperator {
    fn from(answering: &Answering) -> Self {
        Self { name: answering.operator.as_str().to_owned(), since: answering.since.millis() }
    }
}

/// What the visitor's browser says of the visit: anybody can have it say anything. Each text has at most 500 characters, and
/// none of them is a control character. What is not known is left out.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AdminVisit {
    /// The address of the page that the chat is on, without its fragment.
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<String>,
    /// The address of the page before that.
    #[serde(skip_serializing_if = "Option::is_none")]
    referrer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    /// The languages that the visitor prefers, as `Accept-Language` has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<String>,
}

impl From<Visit> for AdminVisit {
    fn from(Visit { page, referrer, user_agent, language }: Visit) -> Self {
        Self { page, referrer, user_agent, language }
    }
}

/// A message that was found, and where.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Match {
    message_id: String,
    /// `user`, `assistant`, `operator` or `note`.
    role: &'static str,
    /// Milliseconds since the Unix epoch.
    created_at: i64,
    /// A piece of its text, as plain text, with `…` where something was left out.
    excerpt: String,
    /// What was found in the excerpt: the begin and the end of each, in UTF-16 units.
    highlights: Vec<[usize; 2]>,
}

impl AdminConversation {
    fn found(hit: SearchHit, query: &SearchQuery, inbox: &Inbox) -> Self {
        let Excerpt { text, found } = query.excerpt(&hit.message.text);
        let units = |at: usize| text[..at].encode_utf16().count();
        let found = Match {
            message_id: hit.message.id.to_string(),
            role: hit.message.role.as_str(),
            created_at: hit.message.created_at.millis(),
            highlights: found.iter().map(|range| [units(range.start), units(range.end)]).collect(),
            excerpt: text,
        };
        Self { r#match: Some(found), ..Self::new(hit.conversation, inbox) }
    }

    pub(super) fn new(summary: ConversationSummary, inbox: &Inbox) -> Self {
        let state = summary.state;
        Self {
            id: summary.id.to_string(),
            creation_time: summary.created_at.millis(),
            session_id: summary.session.as_str().to_owned(),
            created_at: summary.created_at.millis(),
            updated_at: summary.updated_at.millis(),
            last_message: summary.last_message,
            last_role: summary.last_role.as_str(),
            message_count: summary.message_count,
            read_count: summary.read_count,
            unread_count: summary.message_count.saturating_sub(summary.read_count),
            status: state.status.as_str(),
            answering: state.answering.as_ref().map(AnsweringOperator::from),
            assignee: state.assignee.map(|operator| operator.as_str().to_owned()),
            tags: state.tags.iter().map(Tag::to_string).collect(),
            contact: state.contact.map(|contact| contact.as_str().to_owned()),
            rating: summary.rating.map(Rating::as_str),
            visit: summary.visit.into(),
            is_present: inbox.is_present(summary.id),
            has_secret: summary.has_secret,
            visitor: summary.identity.as_ref().map(VisibleVisitor::from),
            r#match: None,
        }
    }
}

/// Lists conversations, latest activity first; with `q` only those in which it was said, and with filters only those that are
/// like that.
#[utoipa::path(
    get, path = "/v1/admin/conversations", tag = "admin",
    params(
        ("limit" = Option<u32>, Query, description = "How many, 1 to 200; 100 if not given.", minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query, description = "The `nextCursor` of the page before."),
        ("q" = Option<String>, Query, description = "What one of its messages must have: all of the words, `\"phrases\"` as they stand, and the last word also as the beginning of others. With this or a filter a page may have fewer than `limit`, although there are more: `nextCursor` tells."),
        ("status" = Option<String>, Query, description = "Some of `open`, `needs_person` and `closed`, with commas between them."),
        ("assignee" = Option<String>, Query, description = "The operator whose concern it is, or `nobody`."),
        ("tag" = Option<String>, Query, description = "A tag that it has."),
        ("rating" = Option<String>, Query, description = "What the visitor said last of an answer: `up` or `down`."),
        ("page" = Option<String>, Query, description = "The address of the page that the chat was on last, exactly, but for the fragment."),
        ("session" = Option<String>, Query, description = "The visitor's session."),
        ("visitor" = Option<String>, Query, description = "The site's own id of the visitor, as an identity token said."),
        ("since" = Option<String>, Query, description = "Something was said then or later: milliseconds since the Unix epoch, an instant (RFC 3339), or a day (UTC)."),
        ("until" = Option<String>, Query, description = "Nothing was said then or later, in the same forms; with a day, nothing after that day."),
    ),
    security(("adminKey" = [])),
    responses(
        (status = 200, description = "A page.", body = AdminConversations),
        (status = 400, description = "`invalid_query` or `invalid_cursor`", body = ErrorObject),
        (status = 401, description = "`unauthorized`", body = ErrorObject),
        (status = 403, description = "`origin_denied`", body = ErrorObject),
        (status = 429, description = "`rate_limited`: too many wrong keys.", body = ErrorObject),
        (status = 503, description = "`admin_not_configured` or `storage_unavailable`", body = ErrorObject),
    )
)]
pub(crate) async fn admin_conversations(
    State(api): State<Arc<Api>>,
    admin: Admin,
    query: Query,
) -> Result<JsonReply<AdminConversations>, ApiError> {
    let limit = query.number("limit", 1..=200)?.unwrap_or(100);
    let after = query.text("cursor")?.map(|text| cursor::decode(admin.site, text).ok_or(Code::InvalidCursor));
    let after = after.transpose()?;
    let filter = conversation_filter(&query)?;
    if let Some(text) = query.text("q")?.filter(|text| !text.trim().is_empty()) {
        let (site, query) = (admin.site, SearchQuery::parse(text));
        return found(&api, ConversationSearch { site, query, filter, after, limit }).await;
    }
    let query = ConversationQuery { site: admin.site, filter, after, limit };
    let list = api.ports.store.conversations(query).await?;
    let shown = |summary| AdminConversation::new(summary, &api.ports.inbox);
    Ok(JsonReply(AdminConversations {
        conversations: list.conversations.into_iter().map(shown).collect(),
        total: list.total,
        next_cursor: list.next.map(|next| cursor::encode(admin.site, next)),
    }))
}

async fn found(api: &Api, search: ConversationSearch) -> Result<JsonReply<AdminConversations>, ApiError> {
    let (site, query, store) = (search.site, search.query.clone(), &api.ports.store);
    let all = ConversationQuery { site, filter: ConversationFilter::default(), after: None, limit: 1 };
    let total = store.conversations(all).await?.total;
    let page = store.search(search).await?;
    let shown = |hit| AdminConversation::found(hit, &query, &api.ports.inbox);
    Ok(JsonReply(AdminConversations {
        conversations: page.hits.into_iter().map(shown).collect(),
        total,
        next_cursor: page.next.map(|next| cursor::encode(site, next)),
    }))
}
