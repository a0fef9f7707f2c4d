use std::sync::Arc;

use axum::extract::State;
use frontdesk_core::{
    ConversationId, ConversationName, Cost, FinishReason, Message, ModelUsage, Prices, ThreadPage,
    TurnFailure,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::admin_conversations::AdminConversation;
use super::feedback::VisibleFeedback;
use super::session_messages::older;
use crate::extract::{Admin, PathConversation, Query};
use crate::reply::JsonReply;
use crate::stream::TokenUsage;
use crate::{ApiError, Code, ErrorObject};

/// A conversation with its messages.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AdminThread {
    conversation: AdminConversation,
    /// Oldest first; the newest 1000 of a very long conversation.
    messages: Vec<AdminMessage>,
    /// Where the messages before these begin; `null` if there are none.
    next_cursor: Option<String>,
    usage: ConversationUsage,
}

/// What the answers of a conversation cost together; of a very long one, those among the newest 1000 messages.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConversationUsage {
    /// Tokens of the prompts.
    input_tokens: u64,
    /// Tokens of the answers.
    output_tokens: u64,
    /// In money; left out unless every model that answered has a price.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<VisibleCost>,
}

/// An amount of money, by the prices that are set now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VisibleCost {
    /// Three letters, as ISO 4217 has them.
    #[schema(pattern = "^[A-Z]{3}$", example = "EUR")]
    currency: String,
    /// A decimal number with up to twelve decimals: exact, and so a text.
    #[schema(pattern = "^[0-9]+([.][0-9]+)?$", example = "0.0031005")]
    amount: String,
}

impl From<Cost> for VisibleCost {
    fn from(cost: Cost) -> Self {
        Self { currency: cost.currency().to_owned(), amount: cost.exact() }
    }
}

impl ConversationUsage {
    fn new(usage: &[ModelUsage], prices: &Prices) -> Self {
        Self {
            input_tokens: usage.iter().map(|model| model.input_tokens).sum(),
            output_tokens: usage.iter().map(|model| model.output_tokens).sum(),
            cost: prices.of_usage(usage).map(VisibleCost::from),
        }
    }
}

/// A message, with what is known of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AdminMessage {
    #[serde(rename = "_id")]
    id: String,
    /// `user`, `assistant`, `operator`, `event` for something that happened, or `note`, which the visitor does not see.
    role: &'static str,
    /// What was said; of an event its name: `joined`, `left`, `asked`, `away`, `closed` or `reopened`.
    content: String,
    /// The operator who said it, or whom an event is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Milliseconds since the Unix epoch.
    created_at: i64,
    /// `accepted` for what is no answer; `streaming`, `complete`, `stopped`, `interrupted` or `failed` for an answer.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish_reason: Option<&'static str>,
    /// Why the answer was interrupted or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<TokenUsage>,
    /// What the answer cost; left out if its model has no price.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<VisibleCost>,
    /// Milliseconds from the visitor's message to the first word.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_token_ms: Option<u32>,
    /// Milliseconds from the visitor's message to the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_ms: Option<u32>,
    /// What the visitor says of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    feedback: Option<VisibleFeedback>,
}

impl From<Message> for AdminMessage {
    fn from(message: Message) -> Self {
        let facts = message.facts;
        Self {
            id: message.id.to_string(),
            role: message.role.as_str(),
            content: message.text,
            name: message.author.map(|author| author.as_str().to_owned()),
            created_at: message.created_at.millis(),
            status: message.status.as_str(),
            model: facts.model,
            finish_reason: facts.finish.map(FinishReason::as_str),
            code: facts.failure.map(TurnFailure::code),
            usage: facts.usage.map(TokenUsage::from),
            cost: None,
            first_token_ms: facts.first_token_millis,
            total_ms: facts.total_millis,
            feedback: message.feedback.map(VisibleFeedback::from),
        }
    }
}

impl AdminMessage {
    /// With what it cost.
    fn priced(message: Message, prices: &Prices) -> Self {
        let cost = prices.of_answer(&message.facts).map(VisibleCost::from);
        Self { cost, ..message.into() }
    }
}

/// How many messages a conversation is read with at most.
const PAGE: u32 = 1000;

/// A conversation without its messages, as it is now.
pub(super) async fn conversation_now(
    api: &Api,
    admin: Admin,
    conversation: ConversationId,
) -> Result<AdminConversation, ApiError> {
    let name = ConversationName::Id(admin.site, conversation);
    let (_, summary) = api.ports.store.conversation(&name).await?.ok_or(Code::ConversationNotFound)?;
    Ok(AdminConversation::new(summary, &api.ports.inbox))
}

/// A conversation with its messages.
#[utoipa::path(
    get, path = "/v1/admin/conversations/{conversationId}", tag = "admin",
    params(
        ("conversationId" = String, Path, description = "The conversation."),
        ("before" = Option<u32>, Query, description = "The `nextCursor` of the messages after these."),
    ),
    security(("adminKey" = [])),
    responses(
        (status = 200, description = "The conversation.", body = AdminThread),
        (status = 400, description = "`invalid_conversation_id` or `invalid_query`", body = ErrorObject),
        (status = 401, description = "`unauthorized`", body = ErrorObject),
        (status = 403, description = "`origin_denied`", body = ErrorObject),
        (status = 404, description = "`conversation_not_found`", body = ErrorObject),
        (status = 429, description = "`rate_limited`: too many wrong keys.", body = ErrorObject),
        (status = 503, description = "`admin_not_configured` or `storage_unavailable`", body = ErrorObject),
    )
)]
pub(crate) async fn admin_conversation(
    State(api): State<Arc<Api>>,
    admin: Admin,
    PathConversation(conversation): PathConversation,
    query: Query,
) -> Result<JsonReply<AdminThread>, ApiError> {
    let page = ThreadPage { before: query.number("before", 1..=u32::MAX)?, limit: PAGE };
    let thread = api.ports.store.thread(admin.site, conversation, page).await?;
    let thread = thread.ok_or(Code::ConversationNotFound)?;
    let next_cursor = older(&thread);
    let usage = api.ports.store.usage(admin.site, conversation).await?.unwrap_or_default();
    let priced = |message| AdminMessage::priced(message, &api.prices);
    Ok(JsonReply(AdminThread {
        conversation: AdminConversation::new(thread.conversation, &api.ports.inbox),
        messages: thread.messages.into_iter().map(priced).collect(),
        next_cursor,
        usage: ConversationUsage::new(&usage, &api.prices),
    }))
}
