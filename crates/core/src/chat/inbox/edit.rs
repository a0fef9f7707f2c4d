//! What operators make of a conversation.

use std::collections::BTreeSet;

use super::{Change, Decision, Inbox, Words, decided};
use crate::{
    ConversationId, ConversationState, ConversationStatus, ConversationSummary, EventKind, MAX_TAGS,
    OperatorName, SiteId, StoreError, Tag,
};

/// What is to become of a conversation, all of it at once. What is `None` or empty stays as it is.
#[derive(Clone, Debug, Default)]
pub struct ConversationEdit {
    /// Closes it, opens it again, or says that it needs a person. Whoever had taken over a conversation that is closed has not
    /// any more.
    pub status: Option<ConversationStatus>,
    /// Whose concern it is; `Some(None)` for nobody's.
    pub assignee: Option<Option<OperatorName>>,
    /// The tags it has, in place of those it had.
    pub tags: Option<Vec<Tag>>,
    /// Tags to put on it.
    pub add_tags: Vec<Tag>,
    /// Tags to take off it.
    pub remove_tags: Vec<Tag>,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edited {
    /// It is stored.
    Done,
    /// It was so before.
    Unchanged,
    /// It would have more tags than [`MAX_TAGS`]; nothing was stored.
    TooManyTags,
}

impl ConversationEdit {
    /// The tags that a conversation has afterwards; `None` if they are too many.
    fn tags(&self, tags: &[Tag]) -> Option<Vec<Tag>> {
        let tags = self.tags.as_deref().unwrap_or(tags).iter().chain(&self.add_tags);
        let tags: BTreeSet<_> = tags.filter(|tag| !self.remove_tags.contains(tag)).cloned().collect();
        (tags.len() <= MAX_TAGS).then(|| tags.into_iter().collect())
    }

    fn decide(&self, operator: &OperatorName, state: &ConversationState) -> Decision<Edited> {
        let Some(tags) = self.tags(&state.tags) else { return Decision::Keep(Edited::TooManyTags) };
        let status = self.status.unwrap_or(state.status);
        let is_closed = status == ConversationStatus::Closed;
        let edited = ConversationState {
            status,
            answering: state.answering.clone().filter(|_| !is_closed),
            assignee: self.assignee.clone().unwrap_or_else(|| state.assignee.clone()),
            tags,
            contact: state.contact.clone(),
        };
        if edited == *state {
            return Decision::Keep(Edited::Unchanged);
        }
        let kind = match (state.status, status) {
            (ConversationStatus::Closed, ConversationStatus::Closed) => None,
            (_, ConversationStatus::Closed) => Some(EventKind::Closed),
            (ConversationStatus::Closed, _) => Some(EventKind::Reopened),
            _ => None,
        };
        let words = kind.map(|kind| Words::event(kind, Some(operator)));
        Decision::Change(Change { state: edited, words, is_activity: false }, Edited::Done)
    }
}

impl Inbox {
    /// Changes what operators make of a conversation.
    pub async fn edit(
        &self,
        site: SiteId,
        conversation: ConversationId,
        operator: OperatorName,
        edit: ConversationEdit,
    ) -> Result<Option<Edited>, StoreError> {
        let inbox = self.clone();
        let decide = move |it: &ConversationSummary| edit.decide(&operator, &it.state);
        self.finish(async move { inbox.change(site, conversation, |it| decide(it)).await.map(decided) }).await
    }

    /// Closes a conversation, opens it again, or says that it needs a person. Says whether that was anything new.
    pub async fn set_status(
        &self,
        site: SiteId,
        conversation: ConversationId,
        operator: OperatorName,
        status: ConversationStatus,
    ) -> Result<Option<bool>, StoreError> {
        let edit = ConversationEdit { status: Some(status), ..ConversationEdit::default() };
        self.has_edited(site, conversation, operator, edit).await
    }

    /// Says whose concern a conversation is. Says whether that was anything new.
    pub async fn assign(
        &self,
        site: SiteId,
        conversation: ConversationId,
        assignee: Option<OperatorName>,
    ) -> Result<Option<bool>, StoreError> {
        let edit = ConversationEdit { assignee: Some(assignee), ..ConversationEdit::default() };
        self.has_edited(site, conversation, OperatorName::default(), edit).await
    }

    /// Puts tags on a conversation and takes others off. Says whether that was anything new: not if it would have more tags
    /// than [`MAX_TAGS`].
    pub async fn tag(
        &self,
        site: SiteId,
        conversation: ConversationId,
        add: Vec<Tag>,
        remove: Vec<Tag>,
    ) -> Result<Option<bool>, StoreError> {
        let edit = ConversationEdit { add_tags: add, remove_tags: remove, ..ConversationEdit::default() };
        self.has_edited(site, conversation, OperatorName::default(), edit).await
    }

    async fn has_edited(
        &self,
        site: SiteId,
        conversation: ConversationId,
        operator: OperatorName,
        edit: ConversationEdit,
    ) -> Result<Option<bool>, StoreError> {
        let edited = self.edit(site, conversation, operator, edit).await?;
        Ok(edited.map(|edited| edited == Edited::Done))
    }
}
