use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use frontdesk_core::{
    Changes, CloseTurn, ConversationId, ConversationList, ConversationName, ConversationQuery,
    ConversationSearch, ConversationStore, DeletedConversation, ListCursor, Message, MessageId,
    MessageStatus, OpenTurn, RateAnswer, RatedAnswer, SavePartial, SearchPage, SecretHash, SessionKey,
    SiteId, StoreError, StoreErrorKind, Thread, ThreadPage, Timestamp, TurnFailure, TurnOpening,
};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::batches::Outcome;
use super::engine::Repeat;
use super::error::Failure;
use super::rows::{self, MESSAGE, SUMMARY};
use super::statements::{
    CHANGES, INTERRUPT_UNFINISHED, LIST, LIST_AFTER, READY, SESSION_ANSWER, SESSION_CHANGES, SESSION_THREAD,
    THREAD,
};
use super::turns::uuid;
use super::{PostgresStore, answers, changes, filtering, search, turns};

#[async_trait]
impl ConversationStore for PostgresStore {
    async fn open_turn(&self, turn: OpenTurn) -> Result<TurnOpening, StoreError> {
        let turn = Arc::new(turn);
        let engine = &self.engine;
        let is_begun = AtomicBool::new(false);
        let opening = engine.transact(Repeat::Harmless, |connection| {
            let engine = Arc::clone(engine);
            let is_abandoned = move |answer| engine.abandoned.has(answer);
            let is_again = is_begun.swap(true, Ordering::Relaxed);
            turns::open(connection, Arc::clone(&turn), is_again, is_abandoned)
        });
        opening.await.map_err(|undone| {
            if undone.may_be_done {
                engine.abandoned.add(turn.session.site, turn.ids.answer, turn.now);
            }
            undone.failure.into()
        })
    }

    async fn save_partial(&self, partial: SavePartial) -> Result<bool, StoreError> {
        Ok(self.partials.store(partial).await? == Outcome::Stored)
    }

    async fn close_turn(&self, turn: CloseTurn) -> Result<bool, StoreError> {
        match self.endings.store(turn).await? {
            Outcome::Stored => Ok(true),
            Outcome::Overtaken => Ok(false),
            Outcome::Missing => Err(StoreError::new(StoreErrorKind::Conflict, "there is no such answer")),
        }
    }

    async fn interrupt_unfinished(&self, _now: Timestamp) -> Result<u64, StoreError> {
        let (with_text, without) =
            (MessageStatus::of_broken("text").as_str(), MessageStatus::of_broken("").as_str());
        let values: [&(dyn ToSql + Sync); 4] =
            [&with_text, &without, &TurnFailure::Restarted.code(), &answers::blank()];
        self.engine.execute(Repeat::Harmless, INTERRUPT_UNFINISHED, &values).await
    }

    async fn rate_answer(&self, rating: RateAnswer) -> Result<Option<RatedAnswer>, StoreError> {
        let rating = Arc::new(rating);
        let rate = |connection| changes::rate(connection, Arc::clone(&rating));
        self.engine.transact(Repeat::Harmless, rate).await.map_err(|undone| undone.failure.into())
    }

    async fn delete_conversation(
        &self,
        name: &ConversationName,
    ) -> Result<Option<DeletedConversation>, StoreError> {
        let name = Arc::new(name.clone());
        let delete = |connection| changes::delete(connection, Arc::clone(&name));
        self.engine.transact(Repeat::Harmless, delete).await.map_err(|undone| undone.failure.into())
    }

    async fn conversations(&self, query: ConversationQuery) -> Result<ConversationList, StoreError> {
        if !query.filter.is_empty() {
            return filtering::list(&self.engine, query).await;
        }
        let site = uuid(query.site.as_bytes());
        // One more than asked for tells whether there is another page.
        let limit = i64::from(query.limit) + 1;
        let rows = match query.after {
            None => self.engine.read(LIST, &[&site, &limit]).await?,
            Some(ListCursor { updated_at, id }) => {
                let (updated_at, id) = (updated_at.millis(), uuid(id.as_bytes()));
                self.engine.read(LIST_AFTER, &[&site, &limit, &updated_at, &id]).await?
            }
        };
        Ok(read_list(&rows, query.limit)?)
    }

    async fn search(&self, search: ConversationSearch) -> Result<SearchPage, StoreError> {
        search::search(&self.engine, search).await
    }

    async fn index_messages(&self, limit: u32) -> Result<u64, StoreError> {
        let index = |connection| search::catch_up(connection, limit);
        self.engine.transact(Repeat::Harmless, index).await.map_err(|undone| undone.failure.into())
    }

    async fn thread(
        &self,
        site: SiteId,
        conversation: ConversationId,
        page: ThreadPage,
    ) -> Result<Option<Thread>, StoreError> {
        let (before, limit) = bounds(page);
        let (id, site) = (uuid(conversation.as_bytes()), uuid(site.as_bytes()));
        Ok(read_thread(&self.engine.read(THREAD, &[&before, &limit, &id, &site]).await?)?)
    }

    async fn session_thread(
        &self,
        session: &SessionKey,
        page: ThreadPage,
    ) -> Result<Option<Thread>, StoreError> {
        let (before, limit) = bounds(page);
        let (site, secret) = (uuid(session.site.as_bytes()), rows::secret(session.secret.as_ref()));
        let name = session.session.as_str();
        let rows = self.engine.read(SESSION_THREAD, &[&before, &limit, &site, &name, &secret]).await?;
        Ok(read_thread(&rows)?)
    }

    async fn changes(
        &self,
        conversation: &ConversationName,
        after: u32,
        limit: u32,
    ) -> Result<Option<Changes>, StoreError> {
        // One more than asked for tells whether there are more.
        let (after, most) = (i64::from(after), i64::from(limit) + 1);
        let rows = match conversation {
            ConversationName::Id(site, conversation) => {
                let (id, site) = (uuid(conversation.as_bytes()), uuid(site.as_bytes()));
                self.engine.read(CHANGES, &[&after, &most, &id, &site]).await?
            }
            ConversationName::Session(session) => {
                let (site, secret) = (uuid(session.site.as_bytes()), rows::secret(session.secret.as_ref()));
                let name = session.session.as_str();
                self.engine.read(SESSION_CHANGES, &[&after, &most, &site, &name, &secret]).await?
            }
        };
        Ok(read_changes(&rows, limit)?)
    }

    async fn session_answer(
        &self,
        site: SiteId,
        secret: Option<SecretHash>,
        answer: MessageId,
    ) -> Result<Option<(ConversationId, Message)>, StoreError> {
        let (id, site) = (uuid(answer.as_bytes()), uuid(site.as_bytes()));
        let rows = self.engine.read(SESSION_ANSWER, &[&id, &site, &rows::secret(secret.as_ref())]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let conversation = ConversationId::from_bytes(rows::id(row, MESSAGE)?);
        Ok(Some((conversation, rows::message(row, 0)?)))
    }

    /// A server that can only read is not ready.
    async fn ready(&self) -> Result<(), StoreError> {
        let rows = self.engine.read(READY, &[]).await?;
        let only_reads: &str = rows.first().map_or(Ok("on"), |row| rows::get(row, 0))?;
        if only_reads == "off" {
            return Ok(());
        }
        Err(StoreError::new(StoreErrorKind::Unavailable, "the server takes no changes"))
    }
}

/// The place that a page ends before, and how many messages it has.
fn bounds(page: ThreadPage) -> (i64, i64) {
    (i64::from(page.before.unwrap_or(u32::MAX)), i64::from(page.limit))
}

fn read_list(rows: &[Row], limit: u32) -> Result<ConversationList, Failure> {
    let total = rows.first().map_or(Ok(0), |row| rows::get::<i64>(row, 0))?;
    let mut conversations = Vec::with_capacity(rows.len());
    for row in rows {
        if !rows::is_null(row, 1)? {
            conversations.push(rows::summary(row, 1)?);
        }
    }
    let page = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = conversations.len() > page;
    conversations.truncate(page);
    let last = conversations.last().filter(|_| has_more);
    let next = last.map(ListCursor::of);
    Ok(ConversationList { conversations, total: u64::try_from(total).unwrap_or(0), next })
}

fn read_thread(rows: &[Row]) -> Result<Option<Thread>, Failure> {
    let Some(first) = rows.first() else { return Ok(None) };
    let mut messages = Vec::with_capacity(rows.len());
    for row in rows {
        if !rows::is_null(row, SUMMARY)? {
            messages.push(rows::message(row, SUMMARY)?);
        }
    }
    let has_older = messages.first().is_some_and(|oldest| oldest.seq > 1);
    Ok(Some(Thread { conversation: rows::summary(first, 0)?, messages, has_older }))
}

fn read_changes(rows: &[Row], limit: u32) -> Result<Option<Changes>, Failure> {
    let Some(first) = rows.first() else { return Ok(None) };
    let mut messages = Vec::with_capacity(rows.len());
    let mut writing = None;
    for row in rows {
        match rows::get(row, MESSAGE)? {
            Some(false) => messages.push(rows::message(row, 0)?),
            Some(true) => writing = Some(rows::message(row, 0)?),
            None => {}
        }
    }
    let page = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = messages.len() > page;
    messages.truncate(page);
    Ok(Some(Changes {
        conversation: ConversationId::from_bytes(rows::id(first, MESSAGE + 1)?),
        revision: rows::number(first, MESSAGE + 2)?,
        read_count: rows::number(first, MESSAGE + 3)?,
        state: rows::state(first, MESSAGE + 4)?,
        messages,
        has_more,
        writing,
    }))
}
