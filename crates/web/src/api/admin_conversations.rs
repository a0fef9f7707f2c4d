use std::sync::Arc;

use axum::extract::State;
use frontdesk_core::{
    ConversationFilter, ConversationQuery, ConversationSearch, ConversationSummary, Excerpt, ListCursor,
    SearchHit, SearchQuery,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use crate::extract::{Admin, Query};
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
    /// Who the visitor is, if the site has vouched for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    visitor: Option<VisibleVisitor>,
    /// With `q`: the newest message that has what is looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    r#match: Option<Match>,
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
    fn found(hit: SearchHit, query: &SearchQuery) -> Self {
        let Excerpt { text, found } = query.excerpt(&hit.message.text);
        let units = |at: usize| text[..at].encode_utf16().count();
        let found = Match {
            message_id: hit.message.id.to_string(),
            role: hit.message.role.as_str(),
            created_at: hit.message.created_at.millis(),
            highlights: found.iter().map(|range| [units(range.start), units(range.end)]).collect(),
            excerpt: text,
        };
        Self { r#match: Some(found), ..hit.conversation.into() }
    }
}

impl From<ConversationSummary> for AdminConversation {
    fn from(summary: ConversationSummary) -> Self {
        Self {
            id: summary.id.to_string(),
            creation_time: summary.created_at.millis(),
            session_id: summary.session.as_str().to_owned(),
            created_at: summary.created_at.millis(),
            updated_at: summary.updated_at.millis(),
            last_message: summary.last_message,
            last_role: summary.last_role.as_str(),
            message_count: summary.message_count,
            has_secret: summary.has_secret,
            visitor: summary.identity.as_ref().map(VisibleVisitor::from),
            r#match: None,
        }
    }
}

/// Lists conversations, latest activity first; with `q` only those in which it was said.
#[utoipa::path(
    get, path = "/v1/admin/conversations", tag = "admin",
    params(
        ("limit" = Option<u32>, Query, description = "How many, 1 to 200; 100 if not given.", minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query, description = "The `nextCursor` of the page before."),
        ("q" = Option<String>, Query, description = "What one of its messages must have: all of the words, `\"phrases\"` as they stand, and the last word also as the beginning of others. A page may have fewer than `limit` then, although there are more: `nextCursor` tells."),
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
    if let Some(text) = query.text("q")?.filter(|text| !text.trim().is_empty()) {
        return found(&api, admin, text, after, limit).await;
    }
    let query = ConversationQuery { site: admin.site, filter: ConversationFilter::default(), after, limit };
    let list = api.ports.store.conversations(query).await?;
    Ok(JsonReply(AdminConversations {
        conversations: list.conversations.into_iter().map(AdminConversation::from).collect(),
        total: list.total,
        next_cursor: list.next.map(|next| cursor::encode(admin.site, next)),
    }))
}

async fn found(
    api: &Api,
    admin: Admin,
    text: &str,
    after: Option<ListCursor>,
    limit: u32,
) -> Result<JsonReply<AdminConversations>, ApiError> {
    let (site, query, store) = (admin.site, SearchQuery::parse(text), &api.ports.store);
    let total = store
        .conversations(ConversationQuery {
            site,
            filter: ConversationFilter::default(),
            after: None,
            limit: 1,
        })
        .await?
        .total;
    let search = ConversationSearch {
        site,
        query: query.clone(),
        filter: ConversationFilter::default(),
        after,
        limit,
    };
    let page = store.search(search).await?;
    Ok(JsonReply(AdminConversations {
        conversations: page.hits.into_iter().map(|hit| AdminConversation::found(hit, &query)).collect(),
        total,
        next_cursor: page.next.map(|next| cursor::encode(site, next)),
    }))
}
