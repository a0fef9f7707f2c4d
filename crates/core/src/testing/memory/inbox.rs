use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{Conversation, MemoryStore};
use crate::store::{
    BeginConversation, ConversationFilter, ConversationName, ConversationSummary, ConversationUpdate,
    InboxStore, ModelUsage, SaveDraft, SavedDraft, StoreError, USAGE_MESSAGES, UpdatedConversation,
};
use crate::{
    AnswerFacts, ConversationId, Drafts, IdempotencyKey, MAX_DRAFTS, Message, MessageStatus, OperatorName,
    SessionKey, SiteId, Usage, preview,
};

#[async_trait]
impl InboxStore for MemoryStore {
    async fn begin_conversation(&self, begin: BeginConversation) -> Result<ConversationId, StoreError> {
        let mut data = self.working()?;
        let at = data.owned(&begin.session).unwrap_or_else(|| {
            data.conversations.push(Conversation::begin(&begin.session, begin.id, begin.now));
            data.conversations.len() - 1
        });
        let summary = &mut data.conversations[at].summary;
        summary.visit = begin.visit.or(std::mem::take(&mut summary.visit));
        Ok(summary.id)
    }

    async fn conversation(
        &self,
        name: &ConversationName,
    ) -> Result<Option<(SessionKey, ConversationSummary)>, StoreError> {
        let data = self.readable()?;
        let found = data.conversations.iter().find(|it| it.is(name));
        Ok(found.map(|it| (it.owner.clone(), it.summary.clone())))
    }

    async fn update_conversation(
        &self,
        update: ConversationUpdate,
    ) -> Result<Option<UpdatedConversation>, StoreError> {
        self.travel().await;
        let mut data = self.working()?;
        let name = ConversationName::Id(update.site, update.conversation);
        let Some(conversation) = data.conversations.iter_mut().find(|it| it.is(&name)) else {
            return Ok(None);
        };
        let key = update.message.as_ref().and_then(|message| message.idempotency_key.as_ref());
        if let Some(known) = key.and_then(|key| conversation.said(key)) {
            return Ok(Some(UpdatedConversation::Repeated(known.clone())));
        }
        if conversation.summary.revision != update.expected_revision {
            return Ok(Some(UpdatedConversation::Outdated));
        }
        match update.message {
            Some(message) => {
                if message.role.is_talk() {
                    conversation.summary.last_message = preview(&message.text).to_owned();
                    conversation.summary.last_role = message.role;
                }
                conversation.append(Message {
                    id: message.id,
                    seq: conversation.summary.message_count + 1,
                    revision: 0,
                    role: message.role,
                    author: message.author,
                    status: MessageStatus::Accepted,
                    text: message.text,
                    created_at: update.now,
                    idempotency_key: message.idempotency_key,
                    facts: AnswerFacts::default(),
                    feedback: None,
                });
            }
            None => {
                conversation.summary.next_revision();
            }
        }
        conversation.summary.state = update.state;
        if update.is_activity {
            conversation.summary.updated_at = update.now;
        }
        Ok(Some(UpdatedConversation::Done))
    }

    async fn message_of_key(
        &self,
        site: SiteId,
        conversation: ConversationId,
        key: &IdempotencyKey,
    ) -> Result<Option<Message>, StoreError> {
        let data = self.readable()?;
        let name = ConversationName::Id(site, conversation);
        let found = data.conversations.iter().find(|it| it.is(&name));
        Ok(found.and_then(|it| it.said(key)).cloned())
    }

    async fn save_draft(&self, save: SaveDraft) -> Result<Option<SavedDraft>, StoreError> {
        let mut data = self.working()?;
        let name = ConversationName::Id(save.site, save.conversation);
        let Some(conversation) = data.conversations.iter_mut().find(|it| it.is(&name)) else {
            return Ok(None);
        };
        let (drafts, place) = (&mut conversation.drafts, (save.operator, save.kind));
        let is_full = u32::try_from(drafts.len()).is_ok_and(|count| count >= MAX_DRAFTS);
        match save.text {
            None => {
                drafts.remove(&place);
            }
            Some(_) if is_full && !drafts.contains_key(&place) => return Ok(Some(SavedDraft::TooMany)),
            Some(text) => {
                drafts.insert(place, text.as_str().to_owned());
            }
        }
        Ok(Some(SavedDraft::Done))
    }

    async fn drafts(
        &self,
        site: SiteId,
        conversation: ConversationId,
        operator: &OperatorName,
    ) -> Result<Option<Drafts>, StoreError> {
        let data = self.readable()?;
        let name = ConversationName::Id(site, conversation);
        let found = data.conversations.iter().find(|it| it.is(&name));
        Ok(found.map(|it| {
            let own = it.drafts.iter().filter(|((of, _), _)| of == operator);
            own.map(|((_, kind), text)| (*kind, text.clone())).collect()
        }))
    }

    async fn usage(
        &self,
        site: SiteId,
        conversation: ConversationId,
    ) -> Result<Option<Vec<ModelUsage>>, StoreError> {
        let data = self.readable()?;
        let name = ConversationName::Id(site, conversation);
        let Some(found) = data.conversations.iter().find(|it| it.is(&name)) else { return Ok(None) };
        let mut of_models: BTreeMap<Option<String>, (u64, u64)> = BTreeMap::new();
        let newest = found.summary.message_count.saturating_sub(USAGE_MESSAGES);
        for message in found.messages.iter().filter(|message| message.seq > newest) {
            if let Some(Usage { input_tokens, output_tokens }) = message.facts.usage {
                let sums = of_models.entry(message.facts.model.clone()).or_default();
                sums.0 += u64::from(input_tokens);
                sums.1 += u64::from(output_tokens);
            }
        }
        let of_model =
            |(model, (input_tokens, output_tokens))| ModelUsage { model, input_tokens, output_tokens };
        Ok(Some(of_models.into_iter().map(of_model).collect()))
    }

    async fn mark_read(
        &self,
        site: SiteId,
        conversation: ConversationId,
        count: u32,
    ) -> Result<(), StoreError> {
        let mut data = self.working()?;
        let name = ConversationName::Id(site, conversation);
        if let Some(conversation) = data.conversations.iter_mut().find(|it| it.is(&name)) {
            let summary = &mut conversation.summary;
            summary.read_count = summary.read_count.max(count.min(summary.message_count));
        }
        Ok(())
    }

    async fn count_conversations(
        &self,
        site: SiteId,
        filter: &ConversationFilter,
        at_most: u32,
    ) -> Result<u32, StoreError> {
        let data = self.readable()?;
        let alike =
            data.conversations.iter().filter(|it| it.owner.site == site && filter.matches(&it.summary));
        Ok(u32::try_from(alike.count()).unwrap_or(u32::MAX).min(at_most))
    }
}
