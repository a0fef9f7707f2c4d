//! What operators do with conversations, and what visitors ask of them.

mod ask;
mod drafts;
mod edit;
mod outcomes;

use std::sync::Arc;

use super::Feeds;
use crate::{
    AnswerFacts, Answering, Clock, ConversationId, ConversationName, ConversationState, ConversationStatus,
    ConversationSummary, ConversationUpdate, DraftKind, EventKind, IdempotencyKey, Message, MessageId,
    MessageStatus, MessageText, NewMessage, Notifier, OperatorName, Random, Role, SessionKey, SiteId,
    StoreError, StoreErrorKind, Typing, Typist, UpdatedConversation,
};
pub use drafts::DraftPlace;
pub use edit::{ConversationEdit, Edited};
pub use outcomes::{AskForPerson, Asked, HandBack, Noted, Reply, TakeOver};

/// How often a change is tried anew when something else has changed in between.
const TRIES: usize = 20;

/// What operators do with conversations. Cheap to clone; all clones are the same service.
///
/// What is done is stored when a method returns, and whoever follows the conversation is told. Each says `None` if there is
/// no such conversation. Losing a future loses nothing: what was begun goes on.
#[derive(Clone, Debug)]
pub struct Inbox {
    feeds: Feeds,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    notifier: Option<Arc<dyn Notifier>>,
}

/// What is to become of a conversation, once it has been looked at.
enum Decision<T> {
    /// It stays as it is.
    Keep(T),
    Change(Change, T),
}

/// A change of a conversation.
struct Change {
    state: ConversationState,
    words: Option<Words>,
    is_activity: bool,
}

/// What is appended to a conversation.
struct Words {
    role: Role,
    text: String,
    author: Option<OperatorName>,
    key: Option<IdempotencyKey>,
}

/// What became of it.
enum Changed<T> {
    Decided(T, Option<Message>),
    /// The words had been appended before.
    Repeated(Message),
}

impl Words {
    fn event(kind: EventKind, author: Option<&OperatorName>) -> Self {
        Self { role: Role::Event, text: kind.as_str().to_owned(), author: author.cloned(), key: None }
    }
}

impl Inbox {
    /// Over the feeds that are to tell of what is done.
    pub fn new(
        feeds: Feeds,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        notifier: Option<Arc<dyn Notifier>>,
    ) -> Self {
        Self { feeds, clock, random, notifier }
    }

    /// Puts an operator in the AI's place: the answer that is being written ends with the text it has, and no other is begun.
    ///
    /// Of two operators one is the first. The other is told, and can take it over from that one, `from`, on purpose.
    pub async fn take_over(
        &self,
        site: SiteId,
        conversation: ConversationId,
        operator: OperatorName,
        from: Option<OperatorName>,
    ) -> Result<Option<TakeOver>, StoreError> {
        let inbox = self.clone();
        self.finish(async move { inbox.take(site, conversation, &operator, from.as_ref()).await }).await
    }

    /// Lets the AI answer again.
    pub async fn hand_back(
        &self,
        site: SiteId,
        conversation: ConversationId,
        operator: OperatorName,
    ) -> Result<Option<HandBack>, StoreError> {
        let inbox = self.clone();
        let decide = move |it: &ConversationSummary| match &it.state.answering {
            None => Decision::Keep(HandBack::NotTaken),
            Some(other) if other.operator != operator => Decision::Keep(HandBack::TakenBy(other.clone())),
            Some(_) => {
                let state = ConversationState { answering: None, ..it.state.clone() };
                let words = Some(Words::event(EventKind::Left, Some(&operator)));
                Decision::Change(Change { state, words, is_activity: false }, HandBack::Done)
            }
        };
        self.finish(async move { inbox.change(site, conversation, |it| decide(it)).await.map(decided) }).await
    }

    /// Says something to the visitor, and with it that the operator types no more. If nobody has the conversation, the operator
    /// takes it over first.
    pub async fn reply(
        &self,
        site: SiteId,
        conversation: ConversationId,
        operator: OperatorName,
        text: MessageText,
        key: Option<IdempotencyKey>,
    ) -> Result<Option<Reply>, StoreError> {
        let inbox = self.clone();
        self.finish(async move {
            let reply = inbox.say(site, conversation, &operator, &text, key).await?;
            if matches!(reply, Some(Reply::Sent(_) | Reply::Repeated(_))) {
                let kind = DraftKind::Reply;
                inbox.forget_draft(DraftPlace { site, conversation, operator, kind }).await;
            }
            Ok(reply)
        })
        .await
    }

    /// Writes a note, which neither the visitor nor the AI ever sees.
    pub async fn note(
        &self,
        site: SiteId,
        conversation: ConversationId,
        operator: OperatorName,
        text: MessageText,
        key: Option<IdempotencyKey>,
    ) -> Result<Option<Noted>, StoreError> {
        let author = operator.clone();
        let decide = move |it: &ConversationSummary| {
            let (text, author) = (text.as_str().to_owned(), Some(author.clone()));
            let words = Words { role: Role::Note, text, author, key: key.clone() };
            let change = Change { state: it.state.clone(), words: Some(words), is_activity: false };
            Decision::Change(change, ())
        };
        let inbox = self.clone();
        self.finish(async move {
            let noted = noted(inbox.change(site, conversation, |it| decide(it)).await?);
            if noted.is_some() {
                let kind = DraftKind::Note;
                inbox.forget_draft(DraftPlace { site, conversation, operator, kind }).await;
            }
            Ok(noted)
        })
        .await
    }

    /// Deletes a conversation, and says whether there was one. An answer that is being written for it is stopped first.
    pub async fn delete(&self, site: SiteId, conversation: ConversationId) -> Result<bool, StoreError> {
        let inbox = self.clone();
        let name = ConversationName::Id(site, conversation);
        self.finish(async move { inbox.feeds.delete(&name, &*inbox.clock).await }).await
    }

    /// Notes that an operator has seen so many messages of a conversation. Whoever follows it is told if those are more than
    /// before: see [`crate::FeedEvent::Seen`].
    pub async fn mark_read(
        &self,
        site: SiteId,
        conversation: ConversationId,
        count: u32,
    ) -> Result<(), StoreError> {
        let name = ConversationName::Id(site, conversation);
        let Some((session, seen)) = self.feeds.store.conversation(&name).await? else { return Ok(()) };
        if seen.read_count < count.min(seen.message_count) {
            self.feeds.store.mark_read(site, conversation, count).await?;
            self.feeds.tell_change(&session, conversation);
        }
        Ok(())
    }

    /// Tells whoever follows a conversation that somebody types, or has ceased to.
    pub async fn typing(
        &self,
        name: &ConversationName,
        typist: Typist,
        is_typing: bool,
    ) -> Result<Option<()>, StoreError> {
        let Some((session, conversation)) = self.feeds.store.conversation(name).await? else {
            return Ok(None);
        };
        self.feeds.tell_typing(session, conversation.id, Typing { typist, is_typing });
        Ok(Some(()))
    }

    /// Asks for a person, for a visitor. Begins the conversation if there is none.
    pub async fn ask_for_person(&self, session: SessionKey, ask: AskForPerson) -> Result<Asked, StoreError> {
        let inbox = self.clone();
        self.finish(async move { inbox.ask(session, ask).await }).await
    }

    /// Whether a visitor's chat follows this conversation over this process.
    pub fn is_present(&self, conversation: ConversationId) -> bool {
        self.feeds.is_present(conversation)
    }

    async fn take(
        &self,
        site: SiteId,
        conversation: ConversationId,
        operator: &OperatorName,
        from: Option<&OperatorName>,
    ) -> Result<Option<TakeOver>, StoreError> {
        let decide = |it: &ConversationSummary| match &it.state.answering {
            Some(answering) if answering.operator == *operator => Decision::Keep(TakeOver::Yours),
            Some(answering) if Some(&answering.operator) != from => {
                Decision::Keep(TakeOver::TakenBy(answering.clone()))
            }
            Some(_) | None => {
                let state = ConversationState {
                    status: ConversationStatus::Open,
                    answering: Some(Answering { operator: operator.clone(), since: self.clock.now() }),
                    assignee: Some(operator.clone()),
                    ..it.state.clone()
                };
                let words = Some(Words::event(EventKind::Joined, Some(operator)));
                Decision::Change(Change { state, words, is_activity: false }, TakeOver::Taken)
            }
        };
        let taken = decided(self.change(site, conversation, decide).await?);
        if matches!(taken, Some(TakeOver::Taken)) {
            // No other answer begins from here on.
            let name = ConversationName::Id(site, conversation);
            self.feeds.stop(&name, None, &*self.clock).await?;
        }
        Ok(taken)
    }

    async fn say(
        &self,
        site: SiteId,
        conversation: ConversationId,
        operator: &OperatorName,
        text: &MessageText,
        key: Option<IdempotencyKey>,
    ) -> Result<Option<Reply>, StoreError> {
        let (what, author) = (text.as_str().to_owned(), Some(operator.clone()));
        let words =
            || Words { role: Role::Operator, text: what.clone(), author: author.clone(), key: key.clone() };
        if let Some(key) = &key
            && let Some(message) = self.feeds.store.message_of_key(site, conversation, key).await?
        {
            return Ok(Some(Reply::Repeated(message)));
        }
        match self.take(site, conversation, operator, None).await? {
            None => return Ok(None),
            Some(TakeOver::TakenBy(other)) => return Ok(Some(Reply::TakenBy(other))),
            Some(TakeOver::Taken | TakeOver::Yours) => {}
        }
        let decide = |it: &ConversationSummary| match &it.state.answering {
            Some(other) if other.operator != *operator => Decision::Keep(Some(other.clone())),
            Some(_) | None => {
                let state = ConversationState { status: ConversationStatus::Open, ..it.state.clone() };
                Decision::Change(Change { state, words: Some(words()), is_activity: true }, None)
            }
        };
        Ok(match self.change(site, conversation, decide).await? {
            None | Some(Changed::Decided(None, None)) => None,
            Some(Changed::Decided(Some(other), _)) => Some(Reply::TakenBy(other)),
            Some(Changed::Decided(None, Some(message))) => Some(Reply::Sent(message)),
            Some(Changed::Repeated(message)) => Some(Reply::Repeated(message)),
        })
    }

    /// Looks at a conversation, decides, and changes it unless something else has changed it meanwhile: then all of it anew.
    async fn change<T>(
        &self,
        site: SiteId,
        conversation: ConversationId,
        decide: impl Fn(&ConversationSummary) -> Decision<T>,
    ) -> Result<Option<Changed<T>>, StoreError> {
        let store = &self.feeds.store;
        let name = ConversationName::Id(site, conversation);
        for _ in 0..TRIES {
            let Some((session, seen)) = store.conversation(&name).await? else { return Ok(None) };
            let (Change { state, words, is_activity }, outcome) = match decide(&seen) {
                Decision::Keep(outcome) => return Ok(Some(Changed::Decided(outcome, None))),
                Decision::Change(change, outcome) => (change, outcome),
            };
            let now = self.clock.now();
            let message = words.map(|words| self.new_message(words));
            let appended = message.as_ref().map(|message| Message {
                id: message.id,
                seq: seen.message_count + 1,
                role: message.role,
                author: message.author.clone(),
                status: MessageStatus::Accepted,
                revision: seen.revision + 1,
                text: message.text.clone(),
                created_at: now,
                idempotency_key: message.idempotency_key.clone(),
                facts: AnswerFacts::default(),
                feedback: None,
            });
            let expected_revision = seen.revision;
            let update = ConversationUpdate {
                site,
                conversation,
                expected_revision,
                state,
                message,
                is_activity,
                now,
            };
            match store.update_conversation(update).await? {
                None => return Ok(None),
                Some(UpdatedConversation::Done) => {
                    self.feeds.tell_change(&session, conversation);
                    if let Some(Message { role: Role::Operator, author: Some(author), .. }) = &appended {
                        let typing = Typing { typist: Typist::Operator(author.clone()), is_typing: false };
                        self.feeds.tell_typing(session, conversation, typing);
                    }
                    return Ok(Some(Changed::Decided(outcome, appended)));
                }
                Some(UpdatedConversation::Repeated(message)) => return Ok(Some(Changed::Repeated(message))),
                Some(UpdatedConversation::Outdated) => {}
            }
        }
        Err(StoreError::new(StoreErrorKind::Unavailable, "the conversation changes faster than it is read"))
    }

    fn new_message(&self, words: Words) -> NewMessage {
        NewMessage {
            id: MessageId::mint(&*self.clock, &*self.random),
            role: words.role,
            text: words.text,
            author: words.author,
            idempotency_key: words.key,
        }
    }

    /// Goes on to the end even if nobody waits for it any more.
    async fn finish<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let broken = |_| Err(StoreError::new(StoreErrorKind::Unavailable, "the task of an operator broke"));
        self.feeds.mirrors.tasks.spawn(work).await.unwrap_or_else(broken)
    }
}

/// What was decided, of what nobody can have done before.
fn decided<T>(changed: Option<Changed<T>>) -> Option<T> {
    match changed? {
        Changed::Decided(outcome, _) => Some(outcome),
        Changed::Repeated(_) => None,
    }
}

fn noted(changed: Option<Changed<()>>) -> Option<Noted> {
    match changed? {
        Changed::Decided((), message) => message.map(Noted::Written),
        Changed::Repeated(message) => Some(Noted::Repeated(message)),
    }
}

#[cfg(test)]
mod tests;
