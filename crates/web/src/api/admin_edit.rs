use std::sync::Arc;

use axum::extract::State;
use frontdesk_core::{ConversationEdit, ConversationId, ConversationStatus, Edited, OperatorName};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Api;
use super::admin_conversation::conversation_now;
use super::admin_conversations::AdminConversation;
use crate::extract::{Admin, FromJson, JsonBody, PathConversation, operator_name, present, tags};
use crate::reply::JsonReply;
use crate::{ApiError, Code, ErrorObject};

/// What is to become of a conversation. What is left out stays as it is, and other members are ignored.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EditRequest {
    /// `open`, `needs_person` or `closed`. Whoever had taken over a conversation that is closed has not any more.
    #[schema(value_type = Option<String>, pattern = "^(open|needs_person|closed)$")]
    status: Option<Value>,
    /// The operator whose concern it is; `null` for nobody's.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 40)]
    #[serde(default, deserialize_with = "present")]
    assignee: Option<Value>,
    /// The tags it has, in place of those it had: at most 20, each 1 to 32 characters without commas and control characters.
    /// They are kept in lower case.
    #[schema(value_type = Option<Vec<String>>, max_items = 20)]
    tags: Option<Value>,
    /// Tags to put on it.
    #[schema(value_type = Option<Vec<String>>, max_items = 20)]
    add_tags: Option<Value>,
    /// Tags to take off it.
    #[schema(value_type = Option<Vec<String>>, max_items = 20)]
    remove_tags: Option<Value>,
    /// How many of its messages an operator has seen. It never becomes less.
    #[schema(value_type = Option<u32>)]
    read_count: Option<Value>,
    /// Who does it; `Support` if not given. The visitor sees who closed a conversation.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 40)]
    operator: Option<Value>,
}

impl FromJson for EditRequest {}

/// A body in order.
struct Checked {
    operator: OperatorName,
    edit: Option<ConversationEdit>,
    read_count: Option<u32>,
}

impl EditRequest {
    fn check(self) -> Result<Checked, ApiError> {
        let invalid = |field, rule| ApiError::new(Code::InvalidRequest).detail(field, rule);
        let read_count = self.read_count.map(|count| {
            let count = count.as_u64().and_then(|count| u32::try_from(count).ok());
            count.ok_or_else(|| invalid("readCount", "must be a whole number from 0 to 4294967295"))
        });
        let read_count = read_count.transpose()?;
        let operator = self.operator.map(|name| operator_name("operator", Some(name))).transpose()?;
        let is_edit = self.status.is_some()
            || self.assignee.is_some()
            || self.tags.is_some()
            || self.add_tags.is_some()
            || self.remove_tags.is_some();
        if !is_edit && read_count.is_none() {
            return Err(invalid(
                "body",
                "must have status, assignee, tags, addTags, removeTags or readCount",
            ));
        }
        let edit = ConversationEdit {
            status: self.status.as_ref().map(status).transpose()?,
            assignee: self.assignee.map(assignee).transpose()?,
            tags: tags("tags", self.tags)?,
            add_tags: tags("addTags", self.add_tags)?.unwrap_or_default(),
            remove_tags: tags("removeTags", self.remove_tags)?.unwrap_or_default(),
        };
        Ok(Checked { operator: operator.unwrap_or_default(), edit: is_edit.then_some(edit), read_count })
    }
}

fn status(value: &Value) -> Result<ConversationStatus, ApiError> {
    let known = value.as_str().and_then(ConversationStatus::parse);
    let rule = "must be open, needs_person or closed";
    known.ok_or_else(|| ApiError::new(Code::InvalidRequest).detail("status", rule))
}

/// Whose concern a conversation is to be; `None` for nobody's.
pub(super) fn assignee(value: Value) -> Result<Option<OperatorName>, ApiError> {
    if value.is_null() { Ok(None) } else { operator_name("assignee", Some(value)).map(Some) }
}

/// Changes what operators make of a conversation, and says whether that was anything new.
pub(super) async fn edit(
    api: &Api,
    admin: Admin,
    conversation: ConversationId,
    operator: OperatorName,
    edit: ConversationEdit,
) -> Result<bool, ApiError> {
    let edited = api.ports.inbox.edit(admin.site, conversation, operator, edit).await?;
    match edited.ok_or(Code::ConversationNotFound)? {
        Edited::Done => Ok(true),
        Edited::Unchanged => Ok(false),
        Edited::TooManyTags => Err(Code::TooManyTags.into()),
    }
}

/// Changes what operators make of a conversation, all of it at once.
#[utoipa::path(
    patch, path = "/v1/admin/conversations/{conversationId}", tag = "admin",
    request_body = EditRequest,
    params(("conversationId" = String, Path, description = "The conversation.")),
    security(("adminKey" = [])),
    responses(
        (status = 200, description = "The conversation as it is now.", body = AdminConversation),
        (status = 400, description = "`invalid_conversation_id`, or a member is not in order; `details` names it.", body = ErrorObject),
        (status = 401, description = "`unauthorized`", body = ErrorObject),
        (status = 403, description = "`origin_denied`", body = ErrorObject),
        (status = 404, description = "`conversation_not_found`", body = ErrorObject),
        (status = 408, description = "`request_timeout`", body = ErrorObject),
        (status = 409, description = "`too_many_tags`", body = ErrorObject),
        (status = 413, description = "`payload_too_large`", body = ErrorObject),
        (status = 415, description = "`unsupported_media_type` or `unsupported_encoding`", body = ErrorObject),
        (status = 429, description = "`rate_limited`: too many wrong keys.", body = ErrorObject),
        (status = 503, description = "`admin_not_configured`, `storage_unavailable` or `storage_full`", body = ErrorObject),
    )
)]
pub(crate) async fn admin_edit(
    State(api): State<Arc<Api>>,
    admin: Admin,
    PathConversation(conversation): PathConversation,
    JsonBody(body): JsonBody<EditRequest>,
) -> Result<JsonReply<AdminConversation>, ApiError> {
    let Checked { operator, edit: wanted, read_count } = body.check()?;
    if let Some(wanted) = wanted {
        edit(&api, admin, conversation, operator, wanted).await?;
    }
    if let Some(count) = read_count {
        api.ports.inbox.mark_read(admin.site, conversation, count).await?;
    }
    conversation_now(&api, admin, conversation).await.map(JsonReply)
}
