use std::sync::Arc;

use axum::extract::State;
use frontdesk_core::{ConversationId, DraftKind, DraftPlace, Drafts, MessageText, OperatorName, SavedDraft};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Api;
use crate::extract::{
    Admin, FromJson, JsonBody, PathConversation, Query, message_text, operator_name, present,
};
use crate::reply::JsonReply;
use crate::{ApiError, Code, ErrorObject};

/// What an operator has begun to write in a conversation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AdminDraft {
    /// What the operator is called.
    operator: String,
    /// To the visitor; `null` if there is nothing.
    reply: Option<String>,
    /// To the team; `null` if there is nothing.
    note: Option<String>,
}

/// What an operator has begun to write. What is left out stays as it is, and other members are ignored.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(crate) struct DraftRequest {
    /// What the operator is called: 1 to 40 characters.
    #[schema(value_type = String, min_length = 1, max_length = 40, required, example = "Maya")]
    operator: Option<Value>,
    /// To the visitor: at most 4000 UTF-16 code units; `null` or a blank text keeps nothing.
    #[schema(value_type = Option<String>, max_length = 4000)]
    #[serde(default, deserialize_with = "present")]
    reply: Option<Value>,
    /// To the team, in the same way.
    #[schema(value_type = Option<String>, max_length = 4000)]
    #[serde(default, deserialize_with = "present")]
    note: Option<Value>,
}

impl FromJson for DraftRequest {}

/// A text that was begun; `None` if nothing of it is to be kept.
fn begun(field: &'static str, value: Value) -> Result<Option<MessageText>, ApiError> {
    if value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty()) {
        return Ok(None);
    }
    message_text(field, Some(value)).map(Some)
}

async fn read(
    api: &Api,
    admin: Admin,
    conversation: ConversationId,
    operator: OperatorName,
) -> Result<JsonReply<AdminDraft>, ApiError> {
    let drafts = api.ports.inbox.drafts(admin.site, conversation, &operator).await?;
    let Drafts { reply, note } = drafts.ok_or(Code::ConversationNotFound)?;
    Ok(JsonReply(AdminDraft { operator: operator.as_str().to_owned(), reply, note }))
}

/// What an operator has begun to write in a conversation, here or in the dashboard.
#[utoipa::path(
    get, path = "/v1/admin/conversations/{conversationId}/draft", tag = "admin",
    params(
        ("conversationId" = String, Path, description = "The conversation."),
        ("operator" = String, Query, description = "What the operator is called."),
    ),
    security(("adminKey" = [])),
    responses(
        (status = 200, description = "The texts.", body = AdminDraft),
        (status = 400, description = "`invalid_conversation_id` or `invalid_query`", body = ErrorObject),
        (status = 401, description = "`unauthorized`", body = ErrorObject),
        (status = 403, description = "`origin_denied`", body = ErrorObject),
        (status = 404, description = "`conversation_not_found`", body = ErrorObject),
        (status = 429, description = "`rate_limited`: too many wrong keys.", body = ErrorObject),
        (status = 503, description = "`admin_not_configured` or `storage_unavailable`", body = ErrorObject),
    )
)]
pub(crate) async fn admin_draft(
    State(api): State<Arc<Api>>,
    admin: Admin,
    PathConversation(conversation): PathConversation,
    query: Query,
) -> Result<JsonReply<AdminDraft>, ApiError> {
    let invalid = |rule: String| ApiError::new(Code::InvalidQuery).detail("operator", rule);
    let name = query.text("operator")?.ok_or_else(|| invalid("is required".to_owned()))?;
    let operator = OperatorName::parse(name).map_err(|rule| invalid(rule.to_string()))?;
    read(&api, admin, conversation, operator).await
}

/// Keeps what an operator has begun to write. It is gone when the operator sends it, and with the conversation.
#[utoipa::path(
    put, path = "/v1/admin/conversations/{conversationId}/draft", tag = "admin",
    request_body = DraftRequest,
    params(("conversationId" = String, Path, description = "The conversation.")),
    security(("adminKey" = [])),
    responses(
        (status = 200, description = "The texts as they are now.", body = AdminDraft),
        (status = 400, description = "`invalid_conversation_id`, or a member is not in order; `details` names it.", body = ErrorObject),
        (status = 401, description = "`unauthorized`", body = ErrorObject),
        (status = 403, description = "`origin_denied`", body = ErrorObject),
        (status = 404, description = "`conversation_not_found`", body = ErrorObject),
        (status = 408, description = "`request_timeout`", body = ErrorObject),
        (status = 409, description = "`too_many_drafts`", body = ErrorObject),
        (status = 413, description = "`payload_too_large`", body = ErrorObject),
        (status = 415, description = "`unsupported_media_type` or `unsupported_encoding`", body = ErrorObject),
        (status = 429, description = "`rate_limited`: too many wrong keys.", body = ErrorObject),
        (status = 503, description = "`admin_not_configured`, `storage_unavailable` or `storage_full`", body = ErrorObject),
    )
)]
pub(crate) async fn set_admin_draft(
    State(api): State<Arc<Api>>,
    admin: Admin,
    PathConversation(conversation): PathConversation,
    JsonBody(body): JsonBody<DraftRequest>,
) -> Result<JsonReply<AdminDraft>, ApiError> {
    let operator = operator_name("operator", body.operator)?;
    let reply = body.reply.map(|text| begun("reply", text)).transpose()?;
    let note = body.note.map(|text| begun("note", text)).transpose()?;
    if reply.is_none() && note.is_none() {
        return Err(ApiError::new(Code::InvalidRequest).detail("body", "must have reply or note"));
    }
    for (kind, text) in [(DraftKind::Reply, reply), (DraftKind::Note, note)] {
        let Some(text) = text else { continue };
        let place = DraftPlace { site: admin.site, conversation, operator: operator.clone(), kind };
        match api.ports.inbox.save_draft(place, text, None).await?.ok_or(Code::ConversationNotFound)? {
            SavedDraft::Done => {}
            SavedDraft::TooMany => return Err(Code::TooManyDrafts.into()),
        }
    }
    read(&api, admin, conversation, operator).await
}
