mod inbox;
mod nodes;
mod operators;
mod sites;
mod turns;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use async_trait::async_trait;

use crate::store::{
    Changes, CloseTurn, ConversationList, ConversationName, ConversationQuery, ConversationSearch,
    ConversationStore, ConversationSummary, DeletedConversation, HistoryEntry, ListCursor, OpenTurn,
    RateAnswer, RatedAnswer, SavePartial, SearchHit, SearchPage, StoreError, StoreErrorKind, Thread,
    ThreadPage, TurnOpening,
};
use crate::{
    AnswerFacts, ConversationId, ConversationState, ConversationStatus, DraftKind, IdempotencyKey, Message,
    MessageId, MessageStatus, NodeId, OperatorName, OperatorSession, Role, SecretHash, SessionKey,
    SiteDocument, SiteId, StoredKey, ThrottleState, Timestamp, TokenHash, Visit, preview,
};

/// A store without a disk: the plainest thing that keeps the contract. Tests compare the engines with it.
#[derive(Debug, Default)]
pub struct MemoryStore {
    data: Mutex<Data>,
    failing: Mutex<Option<StoreErrorKind>>,
    takes_time: AtomicBool,
}

#[derive(Debug, Default)]
struct Data {
    conversations: Vec<Conversation>,
    sites: BTreeMap<SiteId, String>,
    /// The signs of life of each node.
    nodes: BTreeMap<NodeId, u64>,
    /// Who writes, or wrote, each answer.
    writers: BTreeMap<MessageId, NodeId>,
    keys: Vec<StoredKey>,
    documents: BTreeMap<(SiteId, SiteDocument), String>,
    password: Option<String>,
    sessions: BTreeMap<TokenHash, OperatorSession>,
    devices: BTreeMap<TokenHash, Timestamp>,
    tries: BTreeMap<String, ThrottleState>,
}

#[derive(Debug)]
struct Conversation {
    owner: SessionKey,
    summary: ConversationSummary,
    messages: Vec<Message>,
    drafts: BTreeMap<(OperatorName, DraftKind), String>,
}

impl MemoryStore {
    /// How many messages are stored, of all sites.
    pub fn message_count(&self) -> usize {
        self.lock().conversations.iter().map(|conversation| conversation.messages.len()).sum()
    }

    /// All answers, of all sites, in the order of their messages.
    pub fn answers(&self) -> Vec<Message> {
        let data = self.lock();
        let messages = data.conversations.iter().flat_map(|conversation| &conversation.messages);
        messages.filter(|message| message.role == Role::Assistant).cloned().collect()
    }

    /// From here on turns and answers are reached as over a wire: other tasks come to run before the call is carried out,
    /// and again before its result is there.
    pub fn take_time(&self) {
        self.takes_time.store(true, Ordering::Relaxed);
    }

    /// The way there, or back.
    async fn travel(&self) {
        let mut is_there = !self.takes_time.load(Ordering::Relaxed);
        poll_fn(|context| {
            if std::mem::replace(&mut is_there, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// From here on every call about conversations fails like this; `None` makes it work again. A full disk can be read.
    pub fn fail_with(&self, kind: Option<StoreErrorKind>) {
        *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = kind;
    }

    fn working(&self) -> Result<MutexGuard<'_, Data>, StoreError> {
        match *self.failing.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(kind) => Err(StoreError::new(kind, "the test asked for it")),
            None => Ok(self.lock()),
        }
    }

    fn readable(&self) -> Result<MutexGuard<'_, Data>, StoreError> {
        self.working()
            .or_else(|error| if error.kind == StoreErrorKind::Full { Ok(self.lock()) } else { Err(error) })
    }

    fn lock(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Data {
    fn owned(&self, session: &SessionKey) -> Option<usize> {
        self.conversations.iter().position(|conversation| conversation.owner == *session)
    }

    /// The answers that are being written.
    fn streaming(&self) -> Vec<MessageId> {
        let messages = self.conversations.iter().flat_map(|conversation| &conversation.messages);
        messages
            .filter(|message| message.status == MessageStatus::Streaming)
            .map(|message| message.id)
            .collect()
    }

    fn answer(
        &mut self,
        site: SiteId,
        answer: MessageId,
    ) -> Option<(&mut ConversationSummary, &mut Message)> {
        let mut of_site =
            self.conversations.iter_mut().filter(|conversation| conversation.owner.site == site);
        of_site.find_map(|Conversation { summary, messages, .. }| {
            messages.iter_mut().find(|message| message.id == answer).map(|message| (summary, message))
        })
    }
}

impl Conversation {
    fn is(&self, name: &ConversationName) -> bool {
        match name {
            ConversationName::Id(site, id) => self.owner.site == *site && self.summary.id == *id,
            ConversationName::Session(session) => self.owner == *session,
        }
    }

    fn begin(session: &SessionKey, id: ConversationId, now: Timestamp) -> Self {
        let summary = ConversationSummary {
            id,
            session: session.session.clone(),
            has_secret: session.secret.is_some(),
            created_at: now,
            updated_at: now,
            last_message: String::new(),
            last_role: Role::Visitor,
            message_count: 0,
            read_count: 0,
            revision: 0,
            identity: None,
            visit: Visit::default(),
            state: ConversationState::default(),
            rating: None,
        };
        Self { owner: session.clone(), summary, messages: Vec::new(), drafts: BTreeMap::new() }
    }

    /// Where a message stands that was accepted before under the same key.
    fn known(&self, turn: &OpenTurn) -> Option<usize> {
        let key = turn.idempotency_key.as_ref()?;
        let is_it = |message: &Message| {
            message.role == Role::Visitor && message.idempotency_key.as_ref() == Some(key)
        };
        self.messages.iter().position(is_it)
    }

    /// What operators said or noted under a key.
    fn said(&self, key: &IdempotencyKey) -> Option<&Message> {
        let is_it = |message: &&Message| {
            message.role != Role::Visitor && message.idempotency_key.as_ref() == Some(key)
        };
        self.messages.iter().find(is_it)
    }

    /// Who answers in place of the AI.
    fn operator(&self) -> Option<OperatorName> {
        self.summary.state.answering.as_ref().map(|answering| answering.operator.clone())
    }

    /// Appends a visitor's message.
    fn accept(&mut self, turn: &OpenTurn) {
        self.append(Message {
            id: turn.ids.visitor_message,
            seq: self.summary.message_count + 1,
            revision: 0,
            role: Role::Visitor,
            author: None,
            status: MessageStatus::Accepted,
            text: turn.text.as_str().to_owned(),
            created_at: turn.now,
            idempotency_key: turn.idempotency_key.clone(),
            facts: AnswerFacts::default(),
            feedback: None,
        });
        self.summary.last_message = preview(turn.text.as_str()).to_owned();
        self.summary.last_role = Role::Visitor;
        if self.summary.state.status == ConversationStatus::Closed {
            self.summary.state.status = ConversationStatus::Open;
        }
    }

    fn append(&mut self, message: Message) {
        let revision = self.summary.next_revision();
        self.messages.push(Message { revision, ..message });
        self.summary.message_count += 1;
    }

    fn changes(&self, after: u32, limit: u32) -> Changes {
        let mut messages: Vec<_> =
            self.messages.iter().filter(|message| message.revision > after).cloned().collect();
        messages.sort_by_key(|message| message.revision);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = messages.len() > limit;
        messages.truncate(limit);
        let writing = self.messages.iter().find(|message| message.status == MessageStatus::Streaming);
        Changes {
            conversation: self.summary.id,
            revision: self.summary.revision,
            state: self.summary.state.clone(),
            read_count: self.summary.read_count,
            messages,
            has_more,
            writing: writing.cloned(),
        }
    }

    fn history(&self, upto: usize, turn: &OpenTurn) -> Vec<HistoryEntry> {
        let is_recent = |message: &Message| message.created_at >= turn.history_since;
        let recent = self.messages[..upto].iter().enumerate();
        let recent =
            recent.filter(|(at, message)| message.role.is_talk() && (at + 1 == upto || is_recent(message)));
        let entries = recent.map(|(_, message)| HistoryEntry {
            role: message.role,
            author: message.author.clone(),
            status: message.status,
            text: message.text.clone(),
        });
        let all: Vec<_> = entries.collect();
        let limit = usize::try_from(turn.history_limit).unwrap_or(usize::MAX);
        all[all.len().saturating_sub(limit)..].to_vec()
    }

    fn page(&self, page: ThreadPage) -> Thread {
        let before = page.before.unwrap_or(u32::MAX);
        let older: Vec<_> = self.messages.iter().filter(|message| message.seq < before).cloned().collect();
        let skipped = older.len().saturating_sub(usize::try_from(page.limit).unwrap_or(usize::MAX));
        Thread {
            conversation: self.summary.clone(),
            messages: older[skipped..].to_vec(),
            has_older: skipped > 0,
        }
    }
}

impl ConversationSummary {
    fn next_revision(&mut self) -> u32 {
        self.revision += 1;
        self.revision
    }
}

fn empty_answer(id: MessageId, seq: u32, revision: u32, now: Timestamp) -> Message {
    Message {
        id,
        seq,
        revision,
        role: Role::Assistant,
        author: None,
        status: MessageStatus::Streaming,
        text: String::new(),
        created_at: now,
        idempotency_key: None,
        facts: AnswerFacts::default(),
        feedback: None,
    }
}

#[async_trait]
impl ConversationStore for MemoryStore {
    async fn open_turn(&self, turn: OpenTurn) -> Result<TurnOpening, StoreError> {
        self.travel().await;
        let opening = self.open(&turn);
        self.travel().await;
        opening
    }

    async fn save_partial(&self, partial: SavePartial) -> Result<bool, StoreError> {
        self.travel().await;
        let saved = self.save(partial);
        self.travel().await;
        saved
    }

    async fn close_turn(&self, turn: CloseTurn) -> Result<bool, StoreError> {
        self.travel().await;
        let closed = self.close(turn);
        self.travel().await;
        closed
    }

    async fn interrupt_unfinished(&self, _now: Timestamp) -> Result<u64, StoreError> {
        self.interrupt(|_, _| true)
    }

    async fn rate_answer(&self, rating: RateAnswer) -> Result<Option<RatedAnswer>, StoreError> {
        let mut data = self.working()?;
        let mut owned = data
            .conversations
            .iter_mut()
            .filter(|it| it.owner.site == rating.site && it.owner.secret == Some(rating.secret));
        let is_it = |message: &&mut Message| message.id == rating.answer && message.role == Role::Assistant;
        let found =
            owned.find_map(|it| it.messages.iter_mut().find(is_it).map(|answer| (&mut it.summary, answer)));
        let Some((summary, answer)) = found else { return Ok(None) };
        if answer.status == MessageStatus::Streaming {
            return Ok(Some(RatedAnswer::NotEnded));
        }
        if answer.feedback != rating.feedback {
            summary.rating = rating.feedback.as_ref().map(|feedback| feedback.rating);
            answer.feedback = rating.feedback;
            answer.revision = summary.next_revision();
        }
        Ok(Some(RatedAnswer::Kept { conversation: summary.id, session: summary.session.clone() }))
    }

    async fn delete_conversation(
        &self,
        name: &ConversationName,
    ) -> Result<Option<DeletedConversation>, StoreError> {
        let mut data = self.working()?;
        let Some(at) = data.conversations.iter().position(|it| it.is(name)) else { return Ok(None) };
        let Conversation { owner, summary, .. } = data.conversations.remove(at);
        Ok(Some(DeletedConversation { conversation: summary.id, session: owner }))
    }

    async fn conversations(&self, query: ConversationQuery) -> Result<ConversationList, StoreError> {
        let data = self.readable()?;
        let of_site = data.conversations.iter().filter(|conversation| conversation.owner.site == query.site);
        let mut all: Vec<_> = of_site.map(|conversation| conversation.summary.clone()).collect();
        let total = u64::try_from(all.len()).unwrap_or(u64::MAX);
        all.retain(|summary| query.filter.matches(summary));
        all.sort_by_key(|summary| std::cmp::Reverse((summary.updated_at, summary.id)));
        if let Some(after) = query.after {
            all.retain(|summary| (summary.updated_at, summary.id) < (after.updated_at, after.id));
        }
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let has_more = all.len() > limit;
        all.truncate(limit);
        let next = all.last().filter(|_| has_more);
        let next = next.map(|last| ListCursor { updated_at: last.updated_at, id: last.id });
        Ok(ConversationList { conversations: all, total, next })
    }

    async fn search(&self, search: ConversationSearch) -> Result<SearchPage, StoreError> {
        let data = self.readable()?;
        let is_like = |it: &&Conversation| it.owner.site == search.site && search.filter.matches(&it.summary);
        let of_site = data.conversations.iter().filter(is_like);
        let mut hits: Vec<_> = of_site
            .filter_map(|it| {
                let mut newest = it.messages.iter().rev();
                let is_hit = |message: &&Message| {
                    message.status != MessageStatus::Streaming
                        && message.role != Role::Event
                        && search.query.matches(&message.text)
                };
                let message = newest.find(is_hit)?.clone();
                Some(SearchHit { conversation: it.summary.clone(), message })
            })
            .collect();
        let place = |hit: &SearchHit| (hit.conversation.updated_at, hit.conversation.id);
        hits.sort_by_key(|hit| std::cmp::Reverse(place(hit)));
        if let Some(after) = search.after {
            hits.retain(|hit| place(hit) < (after.updated_at, after.id));
        }
        let limit = usize::try_from(search.limit).unwrap_or(usize::MAX);
        let has_more = hits.len() > limit;
        hits.truncate(limit);
        let next = hits.last().filter(|_| has_more).map(|last| ListCursor::of(&last.conversation));
        Ok(SearchPage { hits, next })
    }

    async fn index_messages(&self, _limit: u32) -> Result<u64, StoreError> {
        self.working().map(|_| 0)
    }

    async fn thread(
        &self,
        site: SiteId,
        conversation: ConversationId,
        page: ThreadPage,
    ) -> Result<Option<Thread>, StoreError> {
        let data = self.readable()?;
        let found =
            data.conversations.iter().find(|it| it.owner.site == site && it.summary.id == conversation);
        Ok(found.map(|conversation| conversation.page(page)))
    }

    async fn session_thread(
        &self,
        session: &SessionKey,
        page: ThreadPage,
    ) -> Result<Option<Thread>, StoreError> {
        let data = self.readable()?;
        Ok(data.owned(session).map(|at| data.conversations[at].page(page)))
    }

    async fn changes(
        &self,
        conversation: &ConversationName,
        after: u32,
        limit: u32,
    ) -> Result<Option<Changes>, StoreError> {
        let data = self.working()?;
        let found = data.conversations.iter().find(|it| it.is(conversation));
        Ok(found.map(|conversation| conversation.changes(after, limit)))
    }

    async fn session_answer(
        &self,
        site: SiteId,
        secret: Option<SecretHash>,
        answer: MessageId,
    ) -> Result<Option<(ConversationId, Message)>, StoreError> {
        self.travel().await;
        let data = self.readable()?;
        let owned = data.conversations.iter().filter(|it| it.owner.site == site && it.owner.secret == secret);
        let is_it = |message: &&Message| message.id == answer && message.role == Role::Assistant;
        let mut found =
            owned.filter_map(|it| it.messages.iter().find(is_it).map(|message| (it.summary.id, message)));
        Ok(found.next().map(|(conversation, message)| (conversation, message.clone())))
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.working().map(drop)
    }
}
