use std::fmt;

use async_trait::async_trait;

use super::StoreError;
use crate::{
    AnswerFacts, ConversationFilter, ConversationId, ConversationState, Feedback, IdempotencyKey, Message,
    MessageId, MessageStatus, MessageText, NodeId, OperatorName, Rating, Role, SearchQuery, SecretHash,
    SessionId, SessionKey, SiteId, Timestamp, TurnFailure, Visit, VisitorIdentity,
};

/// Conversations and their messages.
#[async_trait]
pub trait ConversationStore: fmt::Debug + Send + Sync {
    /// Accepts a visitor's message: finds or makes the session and its conversation, appends the message and an empty
    /// answer that is [`MessageStatus::Streaming`], and returns what the model needs to read.
    ///
    /// While an operator answers, only the message is appended: see [`TurnOpening::Delivered`]. A closed conversation is open
    /// again.
    ///
    /// A message that was accepted before under the same idempotency key is not stored again: see [`TurnOpening`].
    async fn open_turn(&self, turn: OpenTurn) -> Result<TurnOpening, StoreError>;

    /// Keeps the text of an answer that is still being written, and says whether it is: `false`, and nothing is changed, if
    /// the answer is no longer streaming.
    async fn save_partial(&self, partial: SavePartial) -> Result<bool, StoreError>;

    /// Ends an answer, and says whether it has ended like this: `false` if somebody else has ended it before, in another
    /// way. Repeating it changes nothing; an answer that does not exist is a conflict.
    async fn close_turn(&self, turn: CloseTurn) -> Result<bool, StoreError>;

    /// Ends every answer that is still [`MessageStatus::Streaming`], with the text it has, as interrupted or failed (see
    /// [`MessageStatus::of_broken`]), and says how many there were.
    ///
    /// For the start of a process that shares the store with no other, when nothing can be writing them any more.
    async fn interrupt_unfinished(&self, now: Timestamp) -> Result<u64, StoreError>;

    /// Keeps what a visitor says of an answer, in place of what was said before, as the next change of its conversation.
    /// Repeating it changes nothing. `None` if there is no such answer under that secret.
    ///
    /// It is not activity: the conversation keeps its place in the list. An answer that is begun anew loses its feedback.
    async fn rate_answer(&self, rating: RateAnswer) -> Result<Option<RatedAnswer>, StoreError>;

    /// Deletes a conversation with everything that is in it, and the session's way to it, so that its next message begins
    /// another one. `None` if there is no such conversation (any more).
    async fn delete_conversation(
        &self,
        name: &ConversationName,
    ) -> Result<Option<DeletedConversation>, StoreError>;

    /// A site's conversations: latest activity first, then the larger id.
    ///
    /// With a filter a call does a bounded amount of work, so a page may have fewer conversations than asked for, or none,
    /// although there are more: `next` tells.
    async fn conversations(&self, query: ConversationQuery) -> Result<ConversationList, StoreError>;

    /// A site's conversations that have a message with everything that is looked for, in the order of the list, each with
    /// its newest such message. What is said in an answer is found when it has ended; events say nothing.
    ///
    /// However common the words are, a call does a bounded amount of work. So a page may have fewer conversations than asked
    /// for, or none, although there are more: `next` tells.
    async fn search(&self, search: ConversationSearch) -> Result<SearchPage, StoreError>;

    /// Makes up to `limit` messages ready to be found that are not yet, and says how many there were: those that were stored
    /// before there was a search, and answers that ended with the process that wrote them.
    async fn index_messages(&self, limit: u32) -> Result<u64, StoreError>;

    /// A conversation with a page of its messages; `None` if the site has no such conversation.
    async fn thread(
        &self,
        site: SiteId,
        conversation: ConversationId,
        page: ThreadPage,
    ) -> Result<Option<Thread>, StoreError>;

    /// A visitor's own conversation with a page of its messages; `None` if the session has none.
    async fn session_thread(
        &self,
        session: &SessionKey,
        page: ThreadPage,
    ) -> Result<Option<Thread>, StoreError>;

    /// What has changed in a conversation after the change with the number `after`; `None` if there is no such conversation.
    ///
    /// Every change that is stored has the next number: a message that is accepted, an answer that is begun, begun anew,
    /// ended or rated, and what operators do. The text that an answer gains meanwhile is not a change.
    async fn changes(
        &self,
        conversation: &ConversationName,
        after: u32,
        limit: u32,
    ) -> Result<Option<Changes>, StoreError>;

    /// An answer, to whoever knows the secret of its session; `None` if there is no such answer under that secret.
    ///
    /// Without a secret it finds answers of sessions that have none.
    async fn session_answer(
        &self,
        site: SiteId,
        secret: Option<SecretHash>,
        answer: MessageId,
    ) -> Result<Option<(ConversationId, Message)>, StoreError>;

    /// A cheap round trip that fails if the engine cannot work.
    async fn ready(&self) -> Result<(), StoreError>;
}

/// A visitor's message, with everything a store needs to accept it in one step.
#[derive(Clone, Debug)]
pub struct OpenTurn {
    /// Whose message it is.
    pub session: SessionKey,
    /// The message.
    pub text: MessageText,
    /// The client's own name for the message, among those of the conversation's visitor.
    pub idempotency_key: Option<IdempotencyKey>,
    /// The ids to give to what is new.
    pub ids: TurnIds,
    /// Who writes the answer.
    pub node: NodeId,
    /// When the message arrived.
    pub now: Timestamp,
    /// How many messages the model may read at most, the new one included; at least 1.
    pub history_limit: u32,
    /// Older messages are not given to the model.
    pub history_since: Timestamp,
    /// Who the visitor is, if the site vouches for it: kept with the conversation, in place of what was known before.
    pub identity: Option<VisitorIdentity>,
    /// What the visitor's browser says of the visit: kept with the conversation, each text in place of the one before.
    pub visit: Visit,
}

/// Ids for what a turn may have to make.
#[derive(Clone, Copy, Debug)]
pub struct TurnIds {
    /// For the conversation, if the session has none.
    pub conversation: ConversationId,
    /// For the visitor's message.
    pub visitor_message: MessageId,
    /// For the answer.
    pub answer: MessageId,
}

/// What became of a visitor's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TurnOpening {
    /// It is stored, and waits for its answer.
    ///
    /// Also when it was stored before and its answer was interrupted or failed: the new answer takes the place of the
    /// old one, under a new id.
    Opened(OpenedTurn),
    /// It is stored, and an operator has the conversation, so there is no answer. So it is with a message that was stored
    /// before and whose answer would have to be begun anew.
    Delivered(DeliveredMessage),
    /// It was stored before under the same key; its answer is here, or on its way.
    Repeated(RepeatedTurn),
    /// Another message was stored before under the same key.
    Mismatch,
    /// Another answer of this conversation is still being written.
    Busy {
        /// That answer.
        answer: MessageId,
    },
}

/// A turn that waits for its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedTurn {
    /// The conversation.
    pub conversation: ConversationId,
    /// The visitor's message.
    pub visitor_message: MessageId,
    /// The empty answer.
    pub answer: MessageId,
    /// The latest messages, oldest first, ending with the visitor's.
    pub history: Vec<HistoryEntry>,
}

/// A message that is for an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveredMessage {
    /// The conversation.
    pub conversation: ConversationId,
    /// The visitor's message.
    pub visitor_message: MessageId,
    /// Who answers; `None` if the message was delivered before and nobody does any more.
    pub operator: Option<OperatorName>,
    /// Whether it was stored before under the same key.
    pub repeated: bool,
}

/// A turn that was opened before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepeatedTurn {
    /// The conversation.
    pub conversation: ConversationId,
    /// The visitor's message.
    pub visitor_message: MessageId,
    /// The answer: streaming, complete or stopped.
    pub answer: Message,
}

/// A message as the model reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Who wrote it; only what is [talk](Role::is_talk) is there.
    pub role: Role,
    /// The operator who wrote it.
    pub author: Option<OperatorName>,
    /// How far it has come.
    pub status: MessageStatus,
    /// Its text.
    pub text: String,
}

/// The text of an answer so far.
#[derive(Clone, Debug)]
pub struct SavePartial {
    /// The site.
    pub site: SiteId,
    /// The answer.
    pub answer: MessageId,
    /// All of its text so far; never with U+0000.
    pub text: String,
}

/// The end of an answer.
#[derive(Clone, Debug)]
pub struct CloseTurn {
    /// The site.
    pub site: SiteId,
    /// The answer.
    pub answer: MessageId,
    /// Its last status; not [`MessageStatus::Accepted`] or [`MessageStatus::Streaming`].
    pub status: MessageStatus,
    /// All of its text; never with U+0000.
    pub text: String,
    /// What is known of it.
    pub facts: AnswerFacts,
    /// When it ended.
    pub now: Timestamp,
}

impl CloseTurn {
    /// Whether an answer that has ended like this has ended as this call would have it.
    pub fn is_end(&self, status: MessageStatus, failure: Option<TurnFailure>) -> bool {
        (self.status, self.facts.failure) == (status, failure)
    }
}

/// What a visitor says of an answer.
#[derive(Clone, Debug)]
pub struct RateAnswer {
    /// The site.
    pub site: SiteId,
    /// The secret of the visitor's session.
    pub secret: SecretHash,
    /// The answer.
    pub answer: MessageId,
    /// What is said; `None` takes back what was.
    pub feedback: Option<Feedback>,
}

/// What became of a rating.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RatedAnswer {
    /// It is kept.
    Kept {
        /// The answer's conversation.
        conversation: ConversationId,
        /// Its session.
        session: SessionId,
    },
    /// The answer is still being written.
    NotEnded,
}

/// A conversation that is no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedConversation {
    /// What its id was.
    pub conversation: ConversationId,
    /// What it belonged to.
    pub session: SessionKey,
}

/// Which conversations to list.
#[derive(Clone, Debug)]
pub struct ConversationQuery {
    /// The site.
    pub site: SiteId,
    /// Only those that are like this.
    pub filter: ConversationFilter,
    /// Only those that come after this place in the list.
    pub after: Option<ListCursor>,
    /// How many at most; at least 1.
    pub limit: u32,
}

/// A place in the list of conversations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListCursor {
    /// The last conversation's latest activity.
    pub updated_at: Timestamp,
    /// The last conversation.
    pub id: ConversationId,
}

impl ListCursor {
    /// The place of a conversation.
    pub const fn of(conversation: &ConversationSummary) -> Self {
        Self { updated_at: conversation.updated_at, id: conversation.id }
    }
}

/// A page of the list of conversations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationList {
    /// The conversations.
    pub conversations: Vec<ConversationSummary>,
    /// How many the site has in all, whatever is filtered.
    pub total: u64,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<ListCursor>,
}

/// Which conversations to find.
#[derive(Clone, Debug)]
pub struct ConversationSearch {
    /// The site.
    pub site: SiteId,
    /// What is looked for.
    pub query: SearchQuery,
    /// Only in those that are like this.
    pub filter: ConversationFilter,
    /// Only those that come after this place in the list.
    pub after: Option<ListCursor>,
    /// How many at most; at least 1.
    pub limit: u32,
}

/// Some of what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchPage {
    /// The conversations.
    pub hits: Vec<SearchHit>,
    /// Where the next page begins; `None` if there is nothing more to find.
    pub next: Option<ListCursor>,
}

/// A conversation that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchHit {
    /// The conversation.
    pub conversation: ConversationSummary,
    /// Its newest message that has what is looked for.
    pub message: Message,
}

/// A conversation without its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationSummary {
    /// The conversation.
    pub id: ConversationId,
    /// The visitor's session.
    pub session: SessionId,
    /// Whether the session has a secret that only its visitor knows.
    pub has_secret: bool,
    /// When it began.
    pub created_at: Timestamp,
    /// When something was last said.
    pub updated_at: Timestamp,
    /// The beginning of what was last said: see [`crate::preview`]. Notes and events do not count.
    pub last_message: String,
    /// Who said it.
    pub last_role: Role,
    /// How many messages it has, everything counted that has a place in it.
    pub message_count: u32,
    /// How many of them an operator has seen.
    pub read_count: u32,
    /// The number of its latest change.
    pub revision: u32,
    /// Who the visitor is, if the site has vouched for it.
    pub identity: Option<VisitorIdentity>,
    /// What the visitor's browser says of the visit.
    pub visit: Visit,
    /// What operators make of it.
    pub state: ConversationState,
    /// What the visitor said last of an answer.
    pub rating: Option<Rating>,
}

/// Which conversation is meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ConversationName {
    /// That one of a site.
    Id(SiteId, ConversationId),
    /// The one that a session's next message belongs to.
    Session(SessionKey),
}

impl ConversationName {
    /// The site that the conversation is of.
    pub const fn site(&self) -> SiteId {
        match self {
            Self::Id(site, _) => *site,
            Self::Session(session) => session.site,
        }
    }
}

/// What has changed in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// The conversation.
    pub conversation: ConversationId,
    /// The number of its latest change.
    pub revision: u32,
    /// What operators make of it.
    pub state: ConversationState,
    /// How many of its messages an operator has seen.
    pub read_count: u32,
    /// The messages that were touched since, as they are now, in the order of the changes that touched them last.
    pub messages: Vec<Message>,
    /// Whether there are more of them.
    pub has_more: bool,
    /// The answer that is being written, changed or not.
    pub writing: Option<Message>,
}

/// Which messages of a conversation to read.
#[derive(Clone, Copy, Debug)]
pub struct ThreadPage {
    /// Only messages before this place; `None` begins at the newest.
    pub before: Option<u32>,
    /// How many at most; at least 1.
    pub limit: u32,
}

/// A conversation with a page of its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// The conversation.
    pub conversation: ConversationSummary,
    /// The page's messages, oldest first.
    pub messages: Vec<Message>,
    /// Whether there are older ones.
    pub has_older: bool,
}
