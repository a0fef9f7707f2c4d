use std::sync::Arc;

use axum::extract::State;
use frontdesk_core::{ConversationQuery, ConversationSummary};
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
    /// Who said it: `user` or `assistant`.
    last_role: &'static str,
    message_count: u32,
    /// Whether only the visitor's own client can read and continue it.
    has_secret: bool,
    /// Who the visitor is, if the site has vouched for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    visitor: Option<VisibleVisitor>,
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
        }
    }
}

/// Lists conversations, latest activity first.
#[utoipa::path(
    get, path = "/v1/admin/conversations", tag = "admin",
    params(
        ("limit" = Option<u32>, Query, description = "How many, 1 to 200; 100 if not given.", minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query, description = "The `nextCursor` of the page before."),
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
    let query = ConversationQuery { site: admin.site, after: after.transpose()?, limit };
    let list = api.ports.store.conversations(query).await?;
    Ok(JsonReply(AdminConversations {
        conversations: list.conversations.into_iter().map(AdminConversation::from).collect(),
        total: list.total,
        next_cursor: list.next.map(|next| cursor::encode(admin.site, next)),
    }))
}
