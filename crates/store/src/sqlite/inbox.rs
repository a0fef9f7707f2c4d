//! What operators do with conversations, as SQL. Each function is one unit of work.

use async_trait::async_trait;
use frontdesk_core::{
    BeginConversation, ConversationFilter, ConversationId, ConversationName, ConversationState,
    ConversationSummary, ConversationUpdate, Drafts, EmailAddress, IdempotencyKey, InboxStore, Message,
    ModelUsage, NewMessage, OperatorName, Role, SaveDraft, SavedDraft, SessionKey, SiteId, StoreError, Tag,
    USAGE_MESSAGES, UpdatedConversation, preview,
};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::conversations::named;
use super::error::Failure;
use super::rows::{self, MESSAGE, SUMMARY, SUMMARY_COLUMNS};
use super::turns::{self, NewPlace};
use super::{SqliteStore, conversations, drafts, filtering};
use crate::filtering::joined;

#[async_trait]
impl InboxStore for SqliteStore {
    async fn begin_conversation(&self, begin: BeginConversation) -> Result<ConversationId, StoreError> {
        self.write(move |connection| {
            let conversation = match conversations::find(connection, &begin.session)? {
                Some(conversation) => conversation,
                None => turns::begin_conversation(connection, &begin.session, begin.id, begin.now)?,
            };
            turns::keep_visit(connection, conversation, &begin.visit)?;
            Ok(conversation)
        })
        .await
    }

    async fn conversation(
        &self,
        name: &ConversationName,
    ) -> Result<Option<(SessionKey, ConversationSummary)>, StoreError> {
        let name = name.clone();
        self.read(move |connection| read(connection, &name)).await
    }

    async fn update_conversation(
        &self,
        change: ConversationUpdate,
    ) -> Result<Option<UpdatedConversation>, StoreError> {
        self.write(move |connection| update(connection, &change)).await
    }

    async fn message_of_key(
        &self,
        site: SiteId,
        conversation: ConversationId,
        key: &IdempotencyKey,
    ) -> Result<Option<Message>, StoreError> {
        let key = key.clone();
        self.read(move |connection| {
            if conversations::is_of(connection, site, conversation)? {
                find_known(connection, conversation, &key)
            } else {
                Ok(None)
            }
        })
        .await
    }

    async fn save_draft(&self, save: SaveDraft) -> Result<Option<SavedDraft>, StoreError> {
        self.write(move |connection| drafts::save(connection, &save)).await
    }

    async fn drafts(
        &self,
        site: SiteId,
        conversation: ConversationId,
        operator: &OperatorName,
    ) -> Result<Option<Drafts>, StoreError> {
        let operator = operator.clone();
        self.read(move |connection| drafts::of_operator(connection, site, conversation, &operator)).await
    }

    async fn usage(
        &self,
        site: SiteId,
        conversation: ConversationId,
    ) -> Result<Option<Vec<ModelUsage>>, StoreError> {
        self.read(move |connection| usage(connection, site, conversation)).await
    }

    async fn mark_read(
        &self,
        site: SiteId,
        conversation: ConversationId,
        count: u32,
    ) -> Result<(), StoreError> {
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "UPDATE conversations SET read_count = min(?1, message_count)
                     WHERE id = ?2 AND site_id = ?3 AND read_count < min(?1, message_count)",
                )?
                .execute(params![count, conversation.as_bytes(), site.as_bytes()])?;
            Ok(())
        })
        .await
    }

    async fn count_conversations(
        &self,
        site: SiteId,
        filter: &ConversationFilter,
        at_most: u32,
    ) -> Result<u32, StoreError> {
        let filter = filter.clone();
        self.read(move |connection| filtering::count(connection, site, &filter, at_most)).await
    }
}

fn read(
    connection: &Connection,
    name: &ConversationName,
) -> Result<Option<(SessionKey, ConversationSummary)>, Failure> {
    let Some(conversation) = named(connection, name)? else { return Ok(None) };
    let sql = format!(
        "SELECT {SUMMARY}, (SELECT secret FROM sessions WHERE conversation_id = conversations.id)
         FROM conversations WHERE id = ? AND site_id = ?"
    );
    let site = name.site();
    let read = |row: &rusqlite::Row<'_>| {
        let summary = rows::summary(row)?;
        let secret = rows::optional_secret(row, SUMMARY_COLUMNS)?;
        Ok((SessionKey { site, session: summary.session.clone(), secret }, summary))
    };
    let values = params![conversation.as_bytes(), site.as_bytes()];
    Ok(connection.prepare_cached(&sql)?.query_row(values, read).optional()?)
}

fn usage(
    connection: &Connection,
    site: SiteId,
    conversation: ConversationId,
) -> Result<Option<Vec<ModelUsage>>, Failure> {
    let sql = "SELECT message_count FROM conversations WHERE id = ? AND site_id = ?";
    let values = params![conversation.as_bytes(), site.as_bytes()];
    let count: Option<u32> =
        connection.prepare_cached(sql)?.query_row(values, |row| row.get(0)).optional()?;
    let Some(count) = count else { return Ok(None) };
    let sql = "SELECT model, sum(input_tokens), sum(output_tokens) FROM messages
               WHERE conversation_id = ? AND seq > ? AND input_tokens IS NOT NULL AND output_tokens IS NOT NULL
               GROUP BY model ORDER BY model";
    let mut statement = connection.prepare_cached(sql)?;
    let values = params![conversation.as_bytes(), count.saturating_sub(USAGE_MESSAGES)];
    let read = |row: &rusqlite::Row<'_>| {
        let sum = |column: usize| row.get::<_, i64>(column).map(i64::unsigned_abs);
        Ok(ModelUsage { model: row.get(0)?, input_tokens: sum(1)?, output_tokens: sum(2)? })
    };
    Ok(Some(statement.query_map(values, read)?.collect::<rusqlite::Result<_>>()?))
}

fn update(
    connection: &Connection,
    change: &ConversationUpdate,
) -> Result<Option<UpdatedConversation>, Failure> {
    let (site, conversation) = (change.site, change.conversation);
    let sql = "SELECT revision FROM conversations WHERE id = ? AND site_id = ?";
    let values = params![conversation.as_bytes(), site.as_bytes()];
    let revision: Option<u32> =
        connection.prepare_cached(sql)?.query_row(values, |row| row.get(0)).optional()?;
    let Some(revision) = revision else { return Ok(None) };
    let key = change.message.as_ref().and_then(|message| message.idempotency_key.as_ref());
    if let Some(known) = key.map(|key| find_known(connection, conversation, key)).transpose()?.flatten() {
        return Ok(Some(UpdatedConversation::Repeated(known)));
    }
    if revision != change.expected_revision {
        return Ok(Some(UpdatedConversation::Outdated));
    }
    let (place, updated_at) = keep(connection, change)?;
    if let Some(message) = &change.message {
        turns::append(connection, site, conversation, place, message, change.now)?;
    }
    tag(connection, change, updated_at)?;
    Ok(Some(UpdatedConversation::Done))
}

fn find_known(
    connection: &Connection,
    conversation: ConversationId,
    key: &IdempotencyKey,
) -> Result<Option<Message>, Failure> {
    let sql = format!(
        "SELECT {MESSAGE} FROM messages WHERE conversation_id = ? AND idempotency_key = ? AND role <> 'user'"
    );
    let values = params![conversation.as_bytes(), key.as_str()];
    Ok(connection.prepare_cached(&sql)?.query_row(values, rows::message).optional()?)
}

/// Keeps the state, and says which place a message has then and what time the conversation stands at in the list.
fn keep(connection: &Connection, change: &ConversationUpdate) -> Result<(NewPlace, i64), Failure> {
    let ConversationState { status, answering, assignee, tags, contact } = &change.state;
    let answering = answering.as_ref();
    let said = change.message.as_ref().filter(|NewMessage { role, .. }| role.is_talk());
    let values = params![
        change.conversation.as_bytes(),
        status.as_str(),
        answering.map(|answering| answering.operator.as_str()),
        answering.map(|answering| answering.since.millis()),
        assignee.as_ref().map(OperatorName::as_str),
        joined(tags),
        contact.as_ref().map(EmailAddress::as_str),
        u32::from(change.message.is_some()),
        said.map(|message| preview(&message.text)),
        said.map(|message| Role::as_str(message.role)),
        change.is_activity.then(|| change.now.millis()),
    ];
    let sql = "UPDATE conversations
         SET status = ?2, answering = ?3, answering_since = ?4, assignee = ?5, tags = ?6, contact = ?7,
             message_count = message_count + ?8, revision = revision + 1, last_message = coalesce(?9, last_message),
             last_role = coalesce(?10, last_role), updated_at = coalesce(?11, updated_at)
         WHERE id = ?1 RETURNING message_count, revision, updated_at";
    let read = |row: &rusqlite::Row<'_>| {
        Ok((NewPlace { seq: row.get(0)?, revision: row.get(1)? }, row.get::<_, i64>(2)?))
    };
    Ok(connection.prepare_cached(sql)?.query_row(values, read)?)
}

/// Keeps the tags to find the conversation by.
fn tag(connection: &Connection, change: &ConversationUpdate, updated_at: i64) -> Result<(), Failure> {
    let conversation = change.conversation.as_bytes();
    connection
        .prepare_cached("DELETE FROM conversation_tags WHERE conversation_id = ?")?
        .execute([conversation])?;
    put_tags(connection, change.site, change.conversation, &change.state.tags, updated_at)?;
    Ok(())
}

pub(super) fn put_tags(
    connection: &Connection,
    site: SiteId,
    conversation: ConversationId,
    tags: &[Tag],
    updated_at: i64,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO conversation_tags (conversation_id, tag, site_id, updated_at) VALUES (?, ?, ?, ?)
               ON CONFLICT (conversation_id, tag) DO NOTHING";
    let mut put = connection.prepare_cached(sql)?;
    for tag in tags {
        put.execute(params![conversation.as_bytes(), tag.as_str(), site.as_bytes(), updated_at])?;
    }
    Ok(())
}
