use async_trait::async_trait;
use frontdesk_core::{
    Changes, CloseTurn, ConversationId, ConversationList, ConversationName, ConversationQuery,
    ConversationSearch, ConversationStore, DeletedConversation, ListCursor, Message, MessageId, OpenTurn,
    RateAnswer, RatedAnswer, Role, SavePartial, SearchHit, SearchPage, SecretHash, SessionId, SessionKey,
    SiteId, StoreError, Thread, ThreadPage, Timestamp, TurnOpening,
};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use super::inbox::wire_filter;
use super::turns::MAX_PAGE;
use super::values::{self, Whole, WireMessage, WirePlace, WireState, WireSummary};
use super::{ConvexStore, READY};

#[derive(Deserialize)]
struct WireList {
    conversations: Vec<WireSummary>,
    total: Whole<u64>,
    next: Option<WirePlace>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireThread {
    conversation: WireSummary,
    messages: Vec<WireMessage>,
    has_older: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireChanges {
    conversation: String,
    revision: Whole<u32>,
    read_count: Whole<u32>,
    state: WireState,
    messages: Vec<WireMessage>,
    has_more: bool,
    writing: Option<WireMessage>,
}

#[derive(Deserialize)]
struct WireAnswer {
    conversation: String,
    answer: WireMessage,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
enum WireRated {
    Kept { conversation: String, session: String },
    NotEnded,
}

#[derive(Deserialize)]
struct WireHit {
    conversation: WireSummary,
    message: WireMessage,
}

#[derive(Deserialize)]
struct WireDeleted {
    conversation: String,
    session: String,
    secret: String,
}

/// How many words Convex looks for at once.
const MAX_TERMS: usize = 16;

fn session_id(text: &str) -> Result<SessionId, StoreError> {
    values::parse("session", text, |session| SessionId::parse(session).ok())
}

/// A conversation's name, as the functions take it.
pub(super) fn name(name: &ConversationName) -> Map<String, Value> {
    match name {
        ConversationName::Id(site, conversation) => values::members(json!({
            "site": site.to_string(),
            "conversation": conversation.to_string(),
        })),
        ConversationName::Session(session) => values::session(session),
    }
}

#[async_trait]
impl ConversationStore for ConvexStore {
    async fn open_turn(&self, turn: OpenTurn) -> Result<TurnOpening, StoreError> {
        self.open_one(turn).await
    }

    async fn save_partial(&self, partial: SavePartial) -> Result<bool, StoreError> {
        self.save(partial).await
    }

    async fn close_turn(&self, turn: CloseTurn) -> Result<bool, StoreError> {
        self.close(turn).await
    }

    async fn interrupt_unfinished(&self, _now: Timestamp) -> Result<u64, StoreError> {
        self.interrupt_all(None).await
    }

    async fn rate_answer(&self, rating: RateAnswer) -> Result<Option<RatedAnswer>, StoreError> {
        let args = values::members(json!({
            "site": rating.site.to_string(),
            "secret": values::secret(Some(&rating.secret)),
            "answer": rating.answer.to_string(),
            "feedback": rating.feedback.as_ref().map(values::feedback),
        }));
        let rated: Option<WireRated> = self.mutation("turns:rate", Value::Object(args)).await?;
        rated
            .map(|rated| match rated {
                WireRated::NotEnded => Ok(RatedAnswer::NotEnded),
                WireRated::Kept { conversation, session } => Ok(RatedAnswer::Kept {
                    conversation: values::conversation_id(&conversation)?,
                    session: session_id(&session)?,
                }),
            })
            .transpose()
    }

    async fn delete_conversation(
        &self,
        conversation: &ConversationName,
    ) -> Result<Option<DeletedConversation>, StoreError> {
        let site = conversation.site();
        let args = json!({ "name": name(conversation) });
        let deleted: Option<WireDeleted> = self.mutation("conversations:remove", args).await?;
        let Some(WireDeleted { conversation, session, secret }) = deleted else { return Ok(None) };
        let secret = values::optional_secret(&secret)?;
        let session = SessionKey { site, session: session_id(&session)?, secret };
        Ok(Some(DeletedConversation { conversation: values::conversation_id(&conversation)?, session }))
    }

    async fn conversations(&self, query: ConversationQuery) -> Result<ConversationList, StoreError> {
        let mut list = self.page_of_list(query.clone()).await?;
        let page = usize::try_from(query.limit).unwrap_or(usize::MAX);
        // More than one call gives is asked for piece by piece; what is filtered is not: there may be little of it.
        while let (Some(after), true) = (list.next, list.conversations.len() < page) {
            if !query.filter.is_empty() {
                break;
            }
            let left = u32::try_from(page - list.conversations.len()).unwrap_or(u32::MAX);
            let rest = ConversationQuery { after: Some(after), limit: left, ..query.clone() };
            let rest = self.page_of_list(rest).await?;
            list.conversations.extend(rest.conversations);
            list.next = rest.next;
        }
        Ok(list)
    }

    /// Convex finds the messages that fit best, and only so many: see `docs/CONVEX.md`. Which of them have what is looked
    /// for, and their order, are ours.
    async fn search(&self, search: ConversationSearch) -> Result<SearchPage, StoreError> {
        let mut words = search.query.words();
        if words.is_empty() {
            return Ok(SearchPage::default());
        }
        // Only the last word may be begun.
        words.sort_by_key(|word| word.is_begun);
        let words: Vec<_> = words.into_iter().rev().take(MAX_TERMS).rev().map(|word| word.text).collect();
        let args = json!({ "site": search.site.to_string(), "words": words.join(" "), "limit": MAX_PAGE });
        let found: Vec<WireHit> = self.query("conversations:search", args).await?;
        let mut hits = Vec::new();
        for hit in found {
            let hit = SearchHit { conversation: hit.conversation.read()?, message: hit.message.read()? };
            if search.query.matches(&hit.message.text)
                && hit.message.role != Role::Event
                && search.filter.matches(&hit.conversation)
            {
                hits.push(hit);
            }
        }
        let place = |hit: &SearchHit| (hit.conversation.updated_at, hit.conversation.id);
        hits.sort_by_key(|hit| std::cmp::Reverse((place(hit), hit.message.seq)));
        hits.dedup_by_key(|hit| hit.conversation.id);
        if let Some(after) = search.after {
            hits.retain(|hit| place(hit) < (after.updated_at, after.id));
        }
        let limit = usize::try_from(search.limit).unwrap_or(usize::MAX);
        let has_more = hits.len() > limit;
        hits.truncate(limit);
        let next = hits.last().filter(|_| has_more).map(|last| ListCursor::of(&last.conversation));
        Ok(SearchPage { hits, next })
    }

    /// Convex indexes what is stored by itself.
    async fn index_messages(&self, _limit: u32) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn thread(
        &self,
        site: SiteId,
        conversation: ConversationId,
        page: ThreadPage,
    ) -> Result<Option<Thread>, StoreError> {
        let name = values::members(json!({
            "site": site.to_string(),
            "conversation": conversation.to_string(),
        }));
        self.read_thread("conversations:thread", name, page).await
    }

    async fn session_thread(
        &self,
        session: &SessionKey,
        page: ThreadPage,
    ) -> Result<Option<Thread>, StoreError> {
        self.read_thread("conversations:sessionThread", values::session(session), page).await
    }

    async fn changes(
        &self,
        conversation: &ConversationName,
        after: u32,
        limit: u32,
    ) -> Result<Option<Changes>, StoreError> {
        let args = json!({ "name": name(conversation), "after": after, "limit": limit.min(MAX_PAGE) });
        let found: Option<WireChanges> = self.query("conversations:changes", args).await?;
        let Some(found) = found else { return Ok(None) };
        Ok(Some(Changes {
            conversation: values::conversation_id(&found.conversation)?,
            revision: found.revision.0,
            state: found.state.read()?,
            read_count: found.read_count.0,
            messages: values::messages(found.messages)?,
            has_more: found.has_more,
            writing: found.writing.map(WireMessage::read).transpose()?,
        }))
    }

    async fn session_answer(
        &self,
        site: SiteId,
        secret: Option<SecretHash>,
        answer: MessageId,
    ) -> Result<Option<(ConversationId, Message)>, StoreError> {
        let args = json!({
            "site": site.to_string(),
            "secret": values::secret(secret.as_ref()),
            "answer": answer.to_string(),
        });
        let found: Option<WireAnswer> = self.query("conversations:sessionAnswer", args).await?;
        let Some(WireAnswer { conversation, answer }) = found else { return Ok(None) };
        Ok(Some((values::conversation_id(&conversation)?, answer.read()?)))
    }

    /// A mutation, because a store that can only read is not ready.
    async fn ready(&self) -> Result<(), StoreError> {
        self.mutation::<IgnoredAny>(READY, json!({})).await.map(drop)
    }
}

impl ConvexStore {
    async fn page_of_list(&self, query: ConversationQuery) -> Result<ConversationList, StoreError> {
        let args = values::members(json!({
            "site": query.site.to_string(),
            "limit": query.limit.min(MAX_PAGE),
            "after": query.after.map(values::place),
            "filter": (!query.filter.is_empty()).then(|| wire_filter(&query.filter)),
        }));
        let WireList { conversations, total, next } =
            self.query("conversations:list", Value::Object(args)).await?;
        Ok(ConversationList {
            conversations: conversations.into_iter().map(WireSummary::read).collect::<Result<_, _>>()?,
            total: total.0,
            next: next.map(|place| place.read()).transpose()?,
        })
    }

    /// Reads a page of a thread. Texts so long that one call cannot read them all are asked for until there are enough.
    async fn read_thread(
        &self,
        path: &str,
        name: Map<String, Value>,
        page: ThreadPage,
    ) -> Result<Option<Thread>, StoreError> {
        let Some(mut thread) = self.part_of_thread(path, name.clone(), page).await? else { return Ok(None) };
        let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
        while thread.has_older && thread.messages.len() < limit {
            let left = u32::try_from(limit - thread.messages.len()).unwrap_or(u32::MAX);
            let before = thread.messages.first().map(|oldest| oldest.seq);
            let older = self.part_of_thread(path, name.clone(), ThreadPage { before, limit: left }).await?;
            // Somebody has removed it meanwhile.
            let Some(mut older) = older else { return Ok(None) };
            older.messages.append(&mut thread.messages);
            thread.messages = older.messages;
            thread.has_older = older.has_older;
        }
        Ok(Some(thread))
    }

    async fn part_of_thread(
        &self,
        path: &str,
        mut args: Map<String, Value>,
        page: ThreadPage,
    ) -> Result<Option<Thread>, StoreError> {
        args.extend(values::members(json!({ "before": page.before, "limit": page.limit.min(MAX_PAGE) })));
        let found: Option<WireThread> = self.query(path, Value::Object(args)).await?;
        let Some(WireThread { conversation, messages, has_older }) = found else { return Ok(None) };
        let messages = values::messages(messages)?;
        Ok(Some(Thread { conversation: conversation.read()?, messages, has_older }))
    }
}
