//! What operators have begun to write.

use tracing::warn;

use super::Inbox;
use crate::{
    ConversationId, DraftKind, Drafts, IdempotencyKey, MessageText, OperatorName, SaveDraft, SavedDraft,
    SiteId, StoreError,
};

/// Whose draft, and where.
#[derive(Clone, Debug)]
pub struct DraftPlace {
    /// The site.
    pub site: SiteId,
    /// The conversation.
    pub conversation: ConversationId,
    /// Who writes it.
    pub operator: OperatorName,
    /// What it is to become.
    pub kind: DraftKind,
}

impl Inbox {
    /// Keeps what an operator has begun to write, in place of what was kept before; no text keeps nothing.
    ///
    /// `key` is the idempotency key under which it will be sent. Once that has been done there is no draft of it any more, so
    /// what was saved late does not come back.
    pub async fn save_draft(
        &self,
        place: DraftPlace,
        text: Option<MessageText>,
        key: Option<&IdempotencyKey>,
    ) -> Result<Option<SavedDraft>, StoreError> {
        let store = &self.feeds.store;
        let (site, conversation) = (place.site, place.conversation);
        let save = |place: DraftPlace, text| SaveDraft {
            site,
            conversation,
            operator: place.operator,
            kind: place.kind,
            text,
        };
        let saved = store.save_draft(save(place.clone(), text)).await?;
        // It was sent before, or whoever sends it finds the draft and takes it away.
        if let (Some(SavedDraft::Done), Some(key)) = (saved, key)
            && store.message_of_key(site, conversation, key).await?.is_some()
        {
            return store.save_draft(save(place, None)).await;
        }
        Ok(saved)
    }

    /// What an operator has begun to write in a conversation.
    pub async fn drafts(
        &self,
        site: SiteId,
        conversation: ConversationId,
        operator: &OperatorName,
    ) -> Result<Option<Drafts>, StoreError> {
        self.feeds.store.drafts(site, conversation, operator).await
    }

    /// Takes the draft of what has been sent away. What was sent is sent, also if that fails.
    pub(super) async fn forget_draft(&self, place: DraftPlace) {
        if let Err(error) = self.save_draft(place, None, None).await {
            warn!(error = &error as &dyn std::error::Error, "the draft of what was sent is still there");
        }
    }
}
