use async_trait::async_trait;

use super::{ConversationName, ConversationSummary, StoreError};
use crate::{
    ConversationId, ConversationState, ConversationStatus, DraftKind, Drafts, IdempotencyKey, Message,
    MessageId, MessageText, OperatorName, Rating, Role, SessionId, SessionKey, SiteId, Tag, Timestamp, Visit,
    VisitorIdentity,
};

/// What operators do with conversations. Which of it is allowed when is for [`crate::Inbox`] to say; a store only sees to it
/// that nothing happened in between.
#[async_trait]
pub trait InboxStore: Send + Sync {
    /// Finds a session's conversation, or makes one without messages.
    async fn begin_conversation(&self, begin: BeginConversation) -> Result<ConversationId, StoreError>;

    /// A conversation without its messages, and whose it is; `None` if there is no such conversation.
    async fn conversation(
        &self,
        name: &ConversationName,
    ) -> Result<Option<(SessionKey, ConversationSummary)>, StoreError>;

    /// Changes a conversation's state, and appends a message, if nothing has changed since; as the next change of the
    /// conversation. `None` if there is no such conversation.
    async fn update_conversation(
        &self,
        update: ConversationUpdate,
    ) -> Result<Option<UpdatedConversation>, StoreError>;

    /// What operators said or noted in a conversation under that idempotency key. Visitors' keys are others.
    async fn message_of_key(
        &self,
        site: SiteId,
        conversation: ConversationId,
        key: &IdempotencyKey,
    ) -> Result<Option<Message>, StoreError>;

    /// Keeps what an operator has begun to write, in place of what was kept before; no text keeps nothing. That is no change
    /// of the conversation, with which it is deleted. `None` if there is no such conversation.
    async fn save_draft(&self, save: SaveDraft) -> Result<Option<SavedDraft>, StoreError>;

    /// What an operator has begun to write in a conversation; `None` if there is no such conversation.
    async fn drafts(
        &self,
        site: SiteId,
        conversation: ConversationId,
        operator: &OperatorName,
    ) -> Result<Option<Drafts>, StoreError>;

    /// What the answers of a conversation cost in tokens, by the models that wrote them, in the order of their names; `None` if
    /// there is no such conversation.
    ///
    /// A call does a bounded amount of work: of a very long conversation only the newest [`USAGE_MESSAGES`] messages count.
    async fn usage(
        &self,
        site: SiteId,
        conversation: ConversationId,
    ) -> Result<Option<Vec<ModelUsage>>, StoreError>;

    /// Notes that an operator has seen so many messages of a conversation, unless more were seen before. That is no change of
    /// it. Does nothing if there is no such conversation.
    async fn mark_read(
        &self,
        site: SiteId,
        conversation: ConversationId,
        count: u32,
    ) -> Result<(), StoreError>;

    /// How many of a site's conversations are like this; `at_most` if there are more, so that counting takes no time.
    ///
    /// A call does a bounded amount of work: of conditions that many conversations meet each and few meet together, it may
    /// count only the latest ones.
    async fn count_conversations(
        &self,
        site: SiteId,
        filter: &ConversationFilter,
        at_most: u32,
    ) -> Result<u32, StoreError>;
}

/// A conversation to find or to make.
#[derive(Clone, Debug)]
pub struct BeginConversation {
    /// Whose it is.
    pub session: SessionKey,
    /// Its id, if it has to be made.
    pub id: ConversationId,
    /// What the visitor's browser says of the visit: kept as with a message.
    pub visit: Visit,
    /// What time it is.
    pub now: Timestamp,
}

/// A change of a conversation.
#[derive(Clone, Debug)]
pub struct ConversationUpdate {
    /// The site.
    pub site: SiteId,
    /// The conversation.
    pub conversation: ConversationId,
    /// The number of the latest change that whoever decided on this one had seen.
    pub expected_revision: u32,
    /// All of its state from now on.
    pub state: ConversationState,
    /// What to append.
    pub message: Option<NewMessage>,
    /// Whether it goes up in the list.
    pub is_activity: bool,
    /// What time it is.
    pub now: Timestamp,
}

/// A message that is no turn: from an operator, or about what happened.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// Its id.
    pub id: MessageId,
    /// [`Role::Operator`], [`Role::Event`] or [`Role::Note`].
    pub role: Role,
    /// Its text.
    pub text: String,
    /// The operator who wrote it, or whom an event is about.
    pub author: Option<OperatorName>,
    /// The client's own name for it, among what operators say in the conversation.
    pub idempotency_key: Option<IdempotencyKey>,
}

/// What an operator has begun to write.
#[derive(Clone, Debug)]
pub struct SaveDraft {
    /// The site.
    pub site: SiteId,
    /// The conversation.
    pub conversation: ConversationId,
    /// Who writes it.
    pub operator: OperatorName,
    /// What it is to become.
    pub kind: DraftKind,
    /// What there is of it.
    pub text: Option<MessageText>,
}

/// How many messages of a conversation are looked at for what it cost.
pub const USAGE_MESSAGES: u32 = 1000;

/// What one model's answers cost in tokens, as its server counted them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelUsage {
    /// The model, as its server names it; `None` where that was not said.
    pub model: Option<String>,
    /// Tokens of the prompts.
    pub input_tokens: u64,
    /// Tokens of the answers.
    pub output_tokens: u64,
}

/// What became of a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SavedDraft {
    /// It is kept, or gone.
    Done,
    /// The conversation has [`crate::MAX_DRAFTS`] others; nothing was stored.
    TooMany,
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpdatedConversation {
    /// It is stored.
    Done,
    /// Something else has changed meanwhile; nothing was stored.
    Outdated,
    /// A message was appended before under the same idempotency key, and this is it; nothing was stored.
    Repeated(Message),
}

/// What conversations have to be like. Everything that is given has to be so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConversationFilter {
    /// Their status is one of these; any if there are none.
    pub statuses: Vec<ConversationStatus>,
    /// Whose concern they are.
    pub assignee: Option<Assigned>,
    /// They have this tag.
    pub tag: Option<Tag>,
    /// What the visitor said last of an answer.
    pub rating: Option<Rating>,
    /// The visitor was on this page last: exactly this address.
    pub page: Option<String>,
    /// They are of this session.
    pub session: Option<SessionId>,
    /// The site's own id of the visitor.
    pub visitor: Option<String>,
    /// Something was said since then.
    pub since: Option<Timestamp>,
    /// Nothing was said from then on.
    pub until: Option<Timestamp>,
}

/// Whose concern a conversation is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assigned {
    /// This operator's.
    To(OperatorName),
    /// Nobody's.
    ToNobody,
}

impl ConversationFilter {
    /// Whether everything is.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a conversation is.
    pub fn matches(&self, conversation: &ConversationSummary) -> bool {
        let state = &conversation.state;
        let is_assigned = |assigned: &Assigned| match assigned {
            Assigned::To(operator) => state.assignee.as_ref() == Some(operator),
            Assigned::ToNobody => state.assignee.is_none(),
        };
        let visitor = conversation.identity.as_ref().map(VisitorIdentity::id);
        (self.statuses.is_empty() || self.statuses.contains(&state.status))
            && self.assignee.as_ref().is_none_or(is_assigned)
            && self.tag.as_ref().is_none_or(|tag| state.tags.contains(tag))
            && self.rating.is_none_or(|rating| conversation.rating == Some(rating))
            && self.page.as_ref().is_none_or(|page| conversation.visit.page.as_ref() == Some(page))
            && self.session.as_ref().is_none_or(|session| conversation.session == *session)
            && self.visitor.as_ref().is_none_or(|id| visitor == Some(id.as_str()))
            && self.since.is_none_or(|since| conversation.updated_at >= since)
            && self.until.is_none_or(|until| conversation.updated_at < until)
    }
}
