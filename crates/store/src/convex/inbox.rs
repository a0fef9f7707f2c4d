use async_trait::async_trait;
use frontdesk_core::{
    Assigned, BeginConversation, ConversationFilter, ConversationId, ConversationName, ConversationSummary,
    ConversationUpdate, Drafts, IdempotencyKey, InboxStore, MAX_DRAFTS, Message, MessageText, ModelUsage,
    NewMessage, OperatorName, Rating, SaveDraft, SavedDraft, SessionId, SessionKey, SiteId, StoreError, Tag,
    Timestamp, USAGE_MESSAGES, UpdatedConversation,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ConvexStore;
use super::conversations::name;
use super::values::{self, Whole, WireDraft, WireMessage, WireSummary};

#[derive(Deserialize)]
struct WireConversation {
    secret: String,
    conversation: WireSummary,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
enum WireUpdated {
    Done,
    Outdated,
    Repeated { message: Box<WireMessage> },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum WireSaved {
    Done,
    TooMany,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireUsage {
    model: Option<String>,
    input_tokens: Whole<u64>,
    output_tokens: Whole<u64>,
}

#[async_trait]
impl InboxStore for ConvexStore {
    async fn begin_conversation(&self, begin: BeginConversation) -> Result<ConversationId, StoreError> {
        let mut args = values::session(&begin.session);
        args.extend(values::members(json!({
            "conversation": begin.id.to_string(),
            "visit": values::visit(&begin.visit),
            "now": begin.now.millis(),
        })));
        let id: String = self.mutation("inbox:begin", Value::Object(args)).await?;
        values::conversation_id(&id)
    }

    async fn conversation(
        &self,
        conversation: &ConversationName,
    ) -> Result<Option<(SessionKey, ConversationSummary)>, StoreError> {
        let args = json!({ "name": name(conversation) });
        let found: Option<WireConversation> = self.query("inbox:conversation", args).await?;
        let Some(WireConversation { secret, conversation: summary }) = found else { return Ok(None) };
        let (site, secret, summary) =
            (conversation.site(), values::optional_secret(&secret)?, summary.read()?);
        Ok(Some((SessionKey { site, session: summary.session.clone(), secret }, summary)))
    }

    async fn update_conversation(
        &self,
        update: ConversationUpdate,
    ) -> Result<Option<UpdatedConversation>, StoreError> {
        // Names this call: sent again, it was carried out already and is not outdated.
        let mut call = [0; 16];
        self.random.fill(&mut call);
        let args = values::members(json!({
            "call": values::hex(&call),
            "site": update.site.to_string(),
            "conversation": update.conversation.to_string(),
            "expectedRevision": update.expected_revision,
            "state": values::state(&update.state),
            "message": update.message.as_ref().map(new_message),
            "isActivity": update.is_activity,
            "now": update.now.millis(),
        }));
        let updated: Option<WireUpdated> = self.mutation("inbox:update", Value::Object(args)).await?;
        updated
            .map(|updated| match updated {
                WireUpdated::Done => Ok(UpdatedConversation::Done),
                WireUpdated::Outdated => Ok(UpdatedConversation::Outdated),
                WireUpdated::Repeated { message } => Ok(UpdatedConversation::Repeated(message.read()?)),
            })
            .transpose()
    }

    async fn message_of_key(
        &self,
        site: SiteId,
        conversation: ConversationId,
        key: &IdempotencyKey,
    ) -> Result<Option<Message>, StoreError> {
        let args = json!({
            "site": site.to_string(),
            "conversation": conversation.to_string(),
            "key": key.as_str(),
        });
        let found: Option<WireMessage> = self.query("inbox:messageOfKey", args).await?;
        found.map(WireMessage::read).transpose()
    }

    async fn save_draft(&self, save: SaveDraft) -> Result<Option<SavedDraft>, StoreError> {
        let args = values::members(json!({
            "site": save.site.to_string(),
            "conversation": save.conversation.to_string(),
            "operator": save.operator.as_str(),
            "kind": save.kind.as_str(),
            "text": save.text.as_ref().map(MessageText::as_str),
            "most": MAX_DRAFTS,
        }));
        let saved: Option<WireSaved> = self.mutation("inbox:saveDraft", Value::Object(args)).await?;
        Ok(saved.map(|saved| match saved {
            WireSaved::Done => SavedDraft::Done,
            WireSaved::TooMany => SavedDraft::TooMany,
        }))
    }

    async fn drafts(
        &self,
        site: SiteId,
        conversation: ConversationId,
        operator: &OperatorName,
    ) -> Result<Option<Drafts>, StoreError> {
        let args = json!({
            "site": site.to_string(),
            "conversation": conversation.to_string(),
            "operator": operator.as_str(),
        });
        let found: Option<Vec<WireDraft>> = self.query("inbox:drafts", args).await?;
        let Some(found) = found else { return Ok(None) };
        let drafts = found.into_iter().map(|draft| draft.read().map(|draft| (draft.kind, draft.text)));
        drafts.collect::<Result<Drafts, _>>().map(Some)
    }

    async fn usage(
        &self,
        site: SiteId,
        conversation: ConversationId,
    ) -> Result<Option<Vec<ModelUsage>>, StoreError> {
        let args = json!({
            "site": site.to_string(),
            "conversation": conversation.to_string(),
            "limit": USAGE_MESSAGES,
        });
        let found: Option<Vec<WireUsage>> = self.query("inbox:usage", args).await?;
        Ok(found.map(|found| {
            let read = |WireUsage { model, input_tokens, output_tokens }: WireUsage| ModelUsage {
                model,
                input_tokens: input_tokens.0,
                output_tokens: output_tokens.0,
            };
            let mut usage: Vec<_> = found.into_iter().map(read).collect();
            usage.sort_by(|one, other| one.model.cmp(&other.model));
            usage
        }))
    }

    async fn mark_read(
        &self,
        site: SiteId,
        conversation: ConversationId,
        count: u32,
    ) -> Result<(), StoreError> {
        let args = json!({
            "site": site.to_string(),
            "conversation": conversation.to_string(),
            "count": count,
        });
        self.mutation("inbox:markRead", args).await
    }

    async fn count_conversations(
        &self,
        site: SiteId,
        filter: &ConversationFilter,
        at_most: u32,
    ) -> Result<u32, StoreError> {
        let args = json!({ "site": site.to_string(), "filter": wire_filter(filter), "atMost": at_most });
        let Whole(count): Whole<u32> = self.query("inbox:count", args).await?;
        Ok(count)
    }
}

fn new_message(message: &NewMessage) -> Value {
    let NewMessage { id, role, text, author, idempotency_key } = message;
    Value::Object(values::members(json!({
        "id": id.to_string(),
        "role": role.as_str(),
        "text": text,
        "author": author.as_ref().map(OperatorName::as_str),
        "idempotencyKey": idempotency_key.as_ref().map(IdempotencyKey::as_str),
    })))
}

/// A filter, as the functions take it.
pub(super) fn wire_filter(filter: &ConversationFilter) -> Value {
    let ConversationFilter { statuses, assignee, tag, rating, page, session, visitor, since, until } = filter;
    let statuses: Vec<_> = statuses.iter().map(|status| status.as_str()).collect();
    let operator = match assignee {
        Some(Assigned::To(operator)) => Some(OperatorName::as_str(operator)),
        _ => None,
    };
    Value::Object(values::members(json!({
        "statuses": (!statuses.is_empty()).then_some(statuses),
        "assignee": operator,
        "isUnassigned": (*assignee == Some(Assigned::ToNobody)).then_some(true),
        "tag": tag.as_ref().map(Tag::as_str),
        "rating": rating.map(Rating::as_str),
        "page": page,
        "session": session.as_ref().map(SessionId::as_str),
        "visitor": visitor,
        "since": since.map(Timestamp::millis),
        "until": until.map(Timestamp::millis),
    })))
}
