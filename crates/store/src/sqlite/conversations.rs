use async_trait::async_trait;
use frontdesk_core::{
    Changes, CloseTurn, ConversationId, ConversationList, ConversationName, ConversationQuery,
    ConversationSearch, ConversationStore, DeletedConversation, ListCursor, Message, MessageId, OpenTurn,
    RateAnswer, RatedAnswer, SavePartial, SearchPage, SecretHash, SessionKey, SiteId, StoreError, Thread,
    ThreadPage, Timestamp, TurnOpening,
};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::error::Failure;
use super::rows::{self, MESSAGE, STATE, SUMMARY};
use super::{SqliteStore, changes, filtering, search, turns, words};

#[async_trait]
impl ConversationStore for SqliteStore {
    async fn open_turn(&self, turn: OpenTurn) -> Result<TurnOpening, StoreError> {
        self.write(move |connection| turns::open(connection, &turn)).await
    }

    async fn save_partial(&self, partial: SavePartial) -> Result<bool, StoreError> {
        self.write(move |connection| turns::save_partial(connection, &partial)).await
    }

    async fn close_turn(&self, turn: CloseTurn) -> Result<bool, StoreError> {
        self.write(move |connection| turns::close(connection, &turn)).await
    }

    async fn interrupt_unfinished(&self, _now: Timestamp) -> Result<u64, StoreError> {
        self.write(|connection| turns::interrupt_unfinished(connection, None)).await
    }

    async fn rate_answer(&self, rating: RateAnswer) -> Result<Option<RatedAnswer>, StoreError> {
        self.write(move |connection| changes::rate(connection, &rating)).await
    }

    async fn delete_conversation(
        &self,
        name: &ConversationName,
    ) -> Result<Option<DeletedConversation>, StoreError> {
        let name = name.clone();
        self.write(move |connection| changes::delete(connection, &name)).await
    }

    async fn conversations(&self, query: ConversationQuery) -> Result<ConversationList, StoreError> {
        self.read(move |connection| list(connection, &query)).await
    }

    async fn search(&self, search: ConversationSearch) -> Result<SearchPage, StoreError> {
        self.read(move |connection| search::search(connection, &search)).await
    }

    async fn index_messages(&self, limit: u32) -> Result<u64, StoreError> {
        self.write(move |connection| words::catch_up(connection, limit)).await
    }

    async fn thread(
        &self,
        site: SiteId,
        conversation: ConversationId,
        page: ThreadPage,
    ) -> Result<Option<Thread>, StoreError> {
        self.read(move |connection| read_thread(connection, site, conversation, page)).await
    }

    async fn session_thread(
        &self,
        session: &SessionKey,
        page: ThreadPage,
    ) -> Result<Option<Thread>, StoreError> {
        let session = session.clone();
        self.read(move |connection| match find(connection, &session)? {
            Some(conversation) => read_thread(connection, session.site, conversation, page),
            None => Ok(None),
        })
        .await
    }

    async fn changes(
        &self,
        conversation: &ConversationName,
        after: u32,
        limit: u32,
    ) -> Result<Option<Changes>, StoreError> {
        let name = conversation.clone();
        self.read(move |connection| read_changes(connection, &name, after, limit)).await
    }

    async fn session_answer(
        &self,
        site: SiteId,
        secret: Option<SecretHash>,
        answer: MessageId,
    ) -> Result<Option<(ConversationId, Message)>, StoreError> {
        self.read(move |connection| read_answer(connection, site, secret, answer)).await
    }

    /// Goes through the writer, because a store that can only read is not ready.
    async fn ready(&self) -> Result<(), StoreError> {
        self.write(|connection| Ok(connection.prepare_cached("SELECT 1")?.query_row([], |_| Ok(()))?)).await
    }
}

pub(super) fn find(connection: &Connection, session: &SessionKey) -> Result<Option<ConversationId>, Failure> {
    let sql = "SELECT conversation_id FROM sessions WHERE site_id = ? AND session = ? AND secret = ?";
    let values =
        params![session.site.as_bytes(), session.session.as_str(), rows::secret(session.secret.as_ref())];
    let found = connection.prepare_cached(sql)?.query_row(values, |row| row.get(0)).optional()?;
    Ok(found.map(ConversationId::from_bytes))
}

/// Whether a site has that conversation.
pub(super) fn is_of(
    connection: &Connection,
    site: SiteId,
    conversation: ConversationId,
) -> Result<bool, Failure> {
    let sql = "SELECT EXISTS (SELECT 1 FROM conversations WHERE id = ? AND site_id = ?)";
    let values = params![conversation.as_bytes(), site.as_bytes()];
    Ok(connection.prepare_cached(sql)?.query_row(values, |row| row.get(0))?)
}

/// The id of the conversation that is meant; there may be none with it.
pub(super) fn named(
    connection: &Connection,
    name: &ConversationName,
) -> Result<Option<ConversationId>, Failure> {
    match name {
        ConversationName::Id(_, conversation) => Ok(Some(*conversation)),
        ConversationName::Session(session) => find(connection, session),
    }
}

fn read_answer(
    connection: &Connection,
    site: SiteId,
    secret: Option<SecretHash>,
    answer: MessageId,
) -> Result<Option<(ConversationId, Message)>, Failure> {
    let of_secret =
        "SELECT 1 FROM sessions WHERE sessions.conversation_id = messages.conversation_id AND secret = ?";
    let sql = format!(
        "SELECT {MESSAGE}, conversation_id FROM messages
         WHERE id = ? AND site_id = ? AND role = 'assistant' AND EXISTS ({of_secret})"
    );
    let values = params![answer.as_bytes(), site.as_bytes(), rows::secret(secret.as_ref())];
    let read = |row: &rusqlite::Row<'_>| {
        Ok((ConversationId::from_bytes(row.get("conversation_id")?), rows::message(row)?))
    };
    Ok(connection.prepare_cached(&sql)?.query_row(values, read).optional()?)
}

fn list(connection: &Connection, query: &ConversationQuery) -> Result<ConversationList, Failure> {
    let total: Option<i64> = connection
        .prepare_cached("SELECT conversation_count FROM sites WHERE id = ?")?
        .query_row([query.site.as_bytes()], |row| row.get(0))
        .optional()?;
    let total = u64::try_from(total.unwrap_or(0)).unwrap_or(0);
    if !query.filter.is_empty() {
        return filtering::list(connection, query, total);
    }
    // One more than asked for tells whether there is another page.
    let limit = i64::from(query.limit) + 1;
    let order = "ORDER BY updated_at DESC, id DESC LIMIT ?";
    let mut conversations = match query.after {
        None => {
            let sql = format!("SELECT {SUMMARY} FROM conversations WHERE site_id = ? {order}");
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map(params![query.site.as_bytes(), limit], rows::summary)?;
            rows.collect::<rusqlite::Result<Vec<_>>>()?
        }
        Some(after) => {
            let place = "WHERE site_id = ? AND (updated_at, id) < (?, ?)";
            let sql = format!("SELECT {SUMMARY} FROM conversations {place} {order}");
            let mut statement = connection.prepare_cached(&sql)?;
            let values =
                params![query.site.as_bytes(), after.updated_at.millis(), after.id.as_bytes(), limit];
            let rows = statement.query_map(values, rows::summary)?;
            rows.collect::<rusqlite::Result<Vec<_>>>()?
        }
    };
    let page = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let has_more = conversations.len() > page;
    conversations.truncate(page);
    let last = conversations.last().filter(|_| has_more);
    let next = last.map(ListCursor::of);
    Ok(ConversationList { conversations, total, next })
}

fn read_thread(
    connection: &Connection,
    site: SiteId,
    conversation: ConversationId,
    page: ThreadPage,
) -> Result<Option<Thread>, Failure> {
    let sql = format!("SELECT {SUMMARY} FROM conversations WHERE id = ? AND site_id = ?");
    let values = params![conversation.as_bytes(), site.as_bytes()];
    let Some(summary) = connection.prepare_cached(&sql)?.query_row(values, rows::summary).optional()? else {
        return Ok(None);
    };
    let before = page.before.unwrap_or(u32::MAX);
    let sql = format!(
        "SELECT {MESSAGE} FROM messages WHERE conversation_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let values = params![conversation.as_bytes(), before, page.limit];
    let mut messages = statement.query_map(values, rows::message)?.collect::<rusqlite::Result<Vec<_>>>()?;
    messages.reverse();
    let has_older = messages.first().is_some_and(|oldest| oldest.seq > 1);
    Ok(Some(Thread { conversation: summary, messages, has_older }))
}

fn read_changes(
    connection: &Connection,
    name: &ConversationName,
    after: u32,
    limit: u32,
) -> Result<Option<Changes>, Failure> {
    let site = name.site();
    let Some(conversation) = named(connection, name)? else { return Ok(None) };
    let sql = format!("SELECT {STATE}, revision, read_count FROM conversations WHERE id = ? AND site_id = ?");
    let values = params![conversation.as_bytes(), site.as_bytes()];
    let read =
        |row: &rusqlite::Row<'_>| Ok((rows::state(row, 0)?, row.get("revision")?, row.get("read_count")?));
    let found = connection.prepare_cached(&sql)?.query_row(values, read).optional()?;
    let Some((state, revision, read_count)) = found else { return Ok(None) };

    let changed = "WHERE conversation_id = ? AND revision > ? ORDER BY revision LIMIT ?";
    let mut statement = connection.prepare_cached(&format!("SELECT {MESSAGE} FROM messages {changed}"))?;
    // One more than asked for tells whether there are more.
    let values = params![conversation.as_bytes(), after, i64::from(limit) + 1];
    let mut messages = statement.query_map(values, rows::message)?.collect::<rusqlite::Result<Vec<_>>>()?;
    let page = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = messages.len() > page;
    messages.truncate(page);

    let streaming = "WHERE conversation_id = ? AND status = 'streaming'";
    let mut statement = connection.prepare_cached(&format!("SELECT {MESSAGE} FROM messages {streaming}"))?;
    let writing = statement.query_row([conversation.as_bytes()], rows::message).optional()?;
    Ok(Some(Changes { conversation, revision, state, read_count, messages, has_more, writing }))
}
