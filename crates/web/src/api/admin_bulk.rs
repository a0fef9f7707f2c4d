use std::sync::Arc;

use axum::extract::State;
use frontdesk_core::{ConversationEdit, ConversationName, ConversationStatus, OperatorName};
use futures_util::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Api;
use super::admin_edit::{assignee, edit};
use crate::extract::{
    Admin, FromJson, JsonBody, conversation_id, operator_name, present, required_text, tags,
};
use crate::reply::JsonReply;
use crate::{ApiError, Code, ErrorObject};

/// How many conversations may be named.
const MOST: usize = 100;

/// How many of them are seen to at a time.
const AT_ONCE: usize = 8;

/// What to do with several conversations. Other members are ignored.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(crate) struct BulkRequest {
    /// The conversations: 1 to 100.
    #[schema(value_type = Vec<String>, min_items = 1, max_items = 100, required)]
    ids: Option<Value>,
    /// `close`, `reopen`, `delete`, `tag`, `untag` or `assign`.
    #[schema(value_type = String, pattern = "^(close|reopen|delete|tag|untag|assign)$", required)]
    action: Option<Value>,
    /// With `tag` and `untag`: which.
    #[schema(value_type = Option<Vec<String>>, min_items = 1, max_items = 20)]
    tags: Option<Value>,
    /// With `assign`: the operator whose concern they are to be; `null` for nobody's.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 40)]
    #[serde(default, deserialize_with = "present")]
    assignee: Option<Value>,
    /// Who does it; `Support` if not given.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 40)]
    operator: Option<Value>,
}

impl FromJson for BulkRequest {}

/// What became of each conversation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BulkReply {
    /// In the order of `ids`.
    results: Vec<BulkResult>,
}

/// What became of a conversation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BulkResult {
    /// As it was given.
    #[serde(rename = "_id")]
    id: String,
    /// `done`, `unchanged` if it was so before, or `failed`.
    result: &'static str,
    /// Why it failed: `conversation_not_found`, `invalid_conversation_id`, `too_many_tags`, `storage_unavailable` or
    /// `storage_full`.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    /// The same, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

#[derive(Clone)]
enum Action {
    Edit(OperatorName, ConversationEdit),
    Delete,
}

fn invalid(field: &'static str, rule: &'static str) -> ApiError {
    ApiError::new(Code::InvalidRequest).detail(field, rule)
}

impl BulkRequest {
    fn check(self) -> Result<(Vec<String>, Action), ApiError> {
        let ids = ids(self.ids)?;
        let operator = self.operator.map(|name| operator_name("operator", Some(name))).transpose()?;
        let with = |edit| Action::Edit(operator.unwrap_or_default(), edit);
        let status = |status| ConversationEdit { status: Some(status), ..ConversationEdit::default() };
        let tags = || match tags("tags", self.tags)? {
            Some(tags) if !tags.is_empty() => Ok(tags),
            _ => Err(invalid("tags", "must be a list of 1 to 20 strings")),
        };
        let action = match required_text("action", self.action)?.as_str() {
            "close" => with(status(ConversationStatus::Closed)),
            "reopen" => with(status(ConversationStatus::Open)),
            "delete" => Action::Delete,
            "tag" => with(ConversationEdit { add_tags: tags()?, ..ConversationEdit::default() }),
            "untag" => with(ConversationEdit { remove_tags: tags()?, ..ConversationEdit::default() }),
            "assign" => {
                let assignee = assignee(self.assignee.ok_or_else(|| invalid("assignee", "is required"))?)?;
                with(ConversationEdit { assignee: Some(assignee), ..ConversationEdit::default() })
            }
            _ => return Err(invalid("action", "must be close, reopen, delete, tag, untag or assign")),
        };
        Ok((ids, action))
    }
}

fn ids(value: Option<Value>) -> Result<Vec<String>, ApiError> {
    let rule = "must be a list of 1 to 100 strings";
    let Some(Value::Array(items)) = value else { return Err(invalid("ids", rule)) };
    if !(1..=MOST).contains(&items.len()) {
        return Err(invalid("ids", rule));
    }
    let text = |item| if let Value::String(text) = item { Ok(text) } else { Err(invalid("ids", rule)) };
    items.into_iter().map(text).collect()
}

/// Does the same with several conversations. What fails of it stops nothing else.
#[utoipa::path(
    post, path = "/v1/admin/conversations/bulk", tag = "admin",
    request_body = BulkRequest,
    security(("adminKey" = [])),
    responses(
        (status = 200, description = "What became of each.", body = BulkReply),
        (status = 400, description = "A member is not in order; `details` names it. Nothing was done.", body = ErrorObject),
        (status = 401, description = "`unauthorized`", body = ErrorObject),
        (status = 403, description = "`origin_denied`", body = ErrorObject),
        (status = 408, description = "`request_timeout`", body = ErrorObject),
        (status = 413, description = "`payload_too_large`", body = ErrorObject),
        (status = 415, description = "`unsupported_media_type` or `unsupported_encoding`", body = ErrorObject),
        (status = 429, description = "`rate_limited`: too many wrong keys.", body = ErrorObject),
        (status = 503, description = "`admin_not_configured`", body = ErrorObject),
    )
)]
pub(crate) async fn admin_bulk(
    State(api): State<Arc<Api>>,
    admin: Admin,
    JsonBody(body): JsonBody<BulkRequest>,
) -> Result<JsonReply<BulkReply>, ApiError> {
    let (ids, action) = body.check()?;
    let results = stream::iter(ids).map(|id| {
        let (api, action) = (Arc::clone(&api), action.clone());
        async move {
            let done = act(&api, admin, &id, action).await;
            let (result, failure) = match done {
                Ok(true) => ("done", None),
                Ok(false) => ("unchanged", None),
                Err(error) => ("failed", Some(error.code.facts())),
            };
            let (code, error) = (failure.map(|facts| facts.code), failure.map(|facts| facts.error));
            BulkResult { id, result, code, error }
        }
    });
    Ok(JsonReply(BulkReply { results: results.buffered(AT_ONCE).collect().await }))
}

/// Says whether that changed anything.
async fn act(api: &Api, admin: Admin, id: &str, action: Action) -> Result<bool, ApiError> {
    let conversation = conversation_id(id)?;
    match action {
        Action::Edit(operator, wanted) => edit(api, admin, conversation, operator, wanted).await,
        Action::Delete => {
            let is_deleted = api.ports.chat.delete(ConversationName::Id(admin.site, conversation)).await?;
            if is_deleted { Ok(true) } else { Err(Code::ConversationNotFound.into()) }
        }
    }
}
