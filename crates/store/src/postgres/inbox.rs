use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use frontdesk_core::{
    BeginConversation, ConversationFilter, ConversationId, ConversationName, ConversationState,
    ConversationSummary, ConversationUpdate, Drafts, EmailAddress, IdempotencyKey, InboxStore, Message,
    ModelUsage, NewMessage, OperatorName, Role, SaveDraft, SavedDraft, SessionKey, SiteId, StoreError, Tag,
    Timestamp, USAGE_MESSAGES, UpdatedConversation, Visit, index_words, preview,
};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::connection::Connection;
use super::engine::Repeat;
use super::error::Failure;
use super::rows::{self, SUMMARY};
use super::statements::inbox::{
    APPEND_MESSAGE, CONVERSATION, CONVERSATION_OF_SESSION, DROP_TAGS, HAS_MESSAGE, KEEP_STATE, KEEP_VISIT,
    LOCK_STATE, MARK_READ, MESSAGE_OF_KEY, MESSAGE_OF_KEY_AND_SITE, PUT_TAGS, USAGE,
};
use super::statements::{COUNT_CONVERSATIONS, LOCK_SESSION};
use super::turns::{self, part_of, uuid};
use super::{PostgresStore, drafts, filtering};
use crate::filtering::joined;

#[async_trait]
impl InboxStore for PostgresStore {
    async fn begin_conversation(&self, begin: BeginConversation) -> Result<ConversationId, StoreError> {
        let begin = Arc::new(begin);
        let beginning = |connection| begin_one(connection, Arc::clone(&begin));
        self.engine.transact(Repeat::Harmless, beginning).await.map_err(|undone| undone.failure.into())
    }

    async fn conversation(
        &self,
        name: &ConversationName,
    ) -> Result<Option<(SessionKey, ConversationSummary)>, StoreError> {
        let site = uuid(name.site().as_bytes());
        let rows = match name {
            ConversationName::Id(_, conversation) => {
                self.engine.read(CONVERSATION, &[&uuid(conversation.as_bytes()), &site]).await?
            }
            ConversationName::Session(session) => {
                let secret = rows::secret(session.secret.as_ref());
                let values: [&(dyn ToSql + Sync); 3] = [&site, &session.session.as_str(), &secret];
                self.engine.read(CONVERSATION_OF_SESSION, &values).await?
            }
        };
        let Some(row) = rows.first() else { return Ok(None) };
        let summary = rows::summary(row, 0)?;
        let secret = rows::optional_secret(row, SUMMARY)?;
        Ok(Some((SessionKey { site: name.site(), session: summary.session.clone(), secret }, summary)))
    }

    async fn update_conversation(
        &self,
        change: ConversationUpdate,
    ) -> Result<Option<UpdatedConversation>, StoreError> {
        let change = Arc::new(change);
        let is_begun = AtomicBool::new(false);
        let updating =
            |connection| update(connection, Arc::clone(&change), is_begun.swap(true, Ordering::Relaxed));
        self.engine.transact(Repeat::Harmless, updating).await.map_err(|undone| undone.failure.into())
    }

    async fn message_of_key(
        &self,
        site: SiteId,
        conversation: ConversationId,
        key: &IdempotencyKey,
    ) -> Result<Option<Message>, StoreError> {
        let (id, site) = (uuid(conversation.as_bytes()), uuid(site.as_bytes()));
        let rows = self.engine.read(MESSAGE_OF_KEY_AND_SITE, &[&id, &key.as_str(), &site]).await?;
        Ok(rows.first().map(|row| rows::message(row, 0)).transpose()?)
    }

    async fn save_draft(&self, save: SaveDraft) -> Result<Option<SavedDraft>, StoreError> {
        let draft = Arc::new(save);
        let saving = |connection| drafts::save(connection, Arc::clone(&draft));
        self.engine.transact(Repeat::Harmless, saving).await.map_err(|undone| undone.failure.into())
    }

    async fn drafts(
        &self,
        site: SiteId,
        conversation: ConversationId,
        operator: &OperatorName,
    ) -> Result<Option<Drafts>, StoreError> {
        drafts::of_operator(&self.engine, site, conversation, operator).await
    }

    async fn usage(
        &self,
        site: SiteId,
        conversation: ConversationId,
    ) -> Result<Option<Vec<ModelUsage>>, StoreError> {
        let (id, site) = (uuid(conversation.as_bytes()), uuid(site.as_bytes()));
        let found = self.engine.read(USAGE, &[&id, &site, &i64::from(USAGE_MESSAGES)]).await?;
        if found.is_empty() {
            return Ok(None);
        }
        let usage = found.iter().filter_map(|row| read_usage(row).transpose());
        Ok(Some(usage.collect::<Result<_, Failure>>()?))
    }

    async fn mark_read(
        &self,
        site: SiteId,
        conversation: ConversationId,
        count: u32,
    ) -> Result<(), StoreError> {
        let (id, site, count) = (uuid(conversation.as_bytes()), uuid(site.as_bytes()), i64::from(count));
        self.engine.execute(Repeat::Harmless, MARK_READ, &[&id, &site, &count]).await.map(drop)
    }

    async fn count_conversations(
        &self,
        site: SiteId,
        filter: &ConversationFilter,
        at_most: u32,
    ) -> Result<u32, StoreError> {
        filtering::count(&self.engine, site, filter, at_most).await
    }
}

async fn begin_one(
    connection: Arc<Connection>,
    begin: Arc<BeginConversation>,
) -> Result<ConversationId, Failure> {
    let BeginConversation { session, id, visit, now } = &*begin;
    let (site, secret) = (uuid(session.site.as_bytes()), rows::secret(session.secret.as_ref()));
    let values: [&(dyn ToSql + Sync); 3] = [&site, &session.session.as_str(), &secret];
    if let Some(row) = connection.query_opt(LOCK_SESSION, &values).await? {
        let found = rows::id(&row, 0)?;
        let Visit { page, referrer, user_agent, language } = visit;
        connection.execute(KEEP_VISIT, &[&uuid(&found), page, referrer, user_agent, language]).await?;
        return Ok(ConversationId::from_bytes(found));
    }
    turns::begin_conversation(&connection, session, *id, visit, "", 0, *now).await?;
    // Last, because everybody who begins a conversation of this part waits for it.
    connection.execute(COUNT_CONVERSATIONS, &[&site, &part_of(*id), &1_i64]).await?;
    Ok(*id)
}

/// The sums of a model; `None` where there are none.
fn read_usage(row: &Row) -> Result<Option<ModelUsage>, Failure> {
    let sum = |column| {
        let sum = rows::get::<Option<i64>>(row, column)?;
        sum.map(u64::try_from).transpose().map_err(|_| Failure::Corrupt("a sum below zero".to_owned()))
    };
    let (Some(input_tokens), Some(output_tokens)) = (sum(1)?, sum(2)?) else { return Ok(None) };
    Ok(Some(ModelUsage { model: rows::get(row, 0)?, input_tokens, output_tokens }))
}

/// What a conversation is before it is changed.
struct Locked {
    revision: u32,
    message_count: u32,
    state: ConversationState,
}

/// Changes a conversation. What an earlier try has done, whose commit was not answered, is found by its message, or by its
/// state if it has none.
async fn update(
    connection: Arc<Connection>,
    change: Arc<ConversationUpdate>,
    is_again: bool,
) -> Result<Option<UpdatedConversation>, Failure> {
    let (connection, change) = (&*connection, &*change);
    let (id, site) = (uuid(change.conversation.as_bytes()), uuid(change.site.as_bytes()));
    let Some(row) = connection.query_opt(LOCK_STATE, &[&id, &site]).await? else { return Ok(None) };
    let locked = Locked {
        revision: rows::number(&row, 0)?,
        message_count: rows::number(&row, 1)?,
        state: rows::state(&row, 2)?,
    };
    if is_again && is_done(connection, change, &locked).await? {
        return Ok(Some(UpdatedConversation::Done));
    }
    if let Some(known) = find_known(connection, change).await? {
        return Ok(Some(UpdatedConversation::Repeated(known)));
    }
    if locked.revision != change.expected_revision {
        return Ok(Some(UpdatedConversation::Outdated));
    }
    let place = NewPlace {
        seq: locked.message_count + u32::from(change.message.is_some()),
        revision: locked.revision + 1,
    };
    keep_state(connection, change, place).await?;
    if let Some(message) = &change.message {
        append(connection, change.site, change.conversation, place, message, change.now).await?;
    }
    if !(locked.state.tags.is_empty() && change.state.tags.is_empty()) {
        connection.execute(DROP_TAGS, &[&id]).await?;
        put_tags(connection, change.conversation, &change.state.tags).await?;
    }
    Ok(Some(UpdatedConversation::Done))
}

async fn is_done(
    connection: &Connection,
    change: &ConversationUpdate,
    locked: &Locked,
) -> Result<bool, Failure> {
    match &change.message {
        Some(message) => {
            let (message, id) = (uuid(message.id.as_bytes()), uuid(change.conversation.as_bytes()));
            Ok(connection.query_opt(HAS_MESSAGE, &[&message, &id]).await?.is_some())
        }
        None => Ok(locked.revision == change.expected_revision + 1 && locked.state == change.state),
    }
}

async fn find_known(
    connection: &Connection,
    change: &ConversationUpdate,
) -> Result<Option<Message>, Failure> {
    let key = change.message.as_ref().and_then(|message| message.idempotency_key.as_ref());
    let Some(key) = key else { return Ok(None) };
    let id = uuid(change.conversation.as_bytes());
    let row = connection.query_opt(MESSAGE_OF_KEY, &[&id, &key.as_str()]).await?;
    row.map(|row| rows::message(&row, 0)).transpose()
}

async fn keep_state(
    connection: &Connection,
    change: &ConversationUpdate,
    place: NewPlace,
) -> Result<(), Failure> {
    let ConversationState { status, answering, assignee, tags, contact } = &change.state;
    let answering = answering.as_ref();
    let said = change.message.as_ref().filter(|NewMessage { role, .. }| role.is_talk());
    let values: [&(dyn ToSql + Sync); 12] = [
        &uuid(change.conversation.as_bytes()),
        &status.as_str(),
        &answering.map(|answering| answering.operator.as_str()),
        &answering.map(|answering| answering.since.millis()),
        &assignee.as_ref().map(OperatorName::as_str),
        &joined(tags),
        &contact.as_ref().map(EmailAddress::as_str),
        &i64::from(place.seq),
        &i64::from(place.revision),
        &said.map(|message| preview(&message.text)),
        &said.map(|message| Role::as_str(message.role)),
        &change.is_activity.then(|| change.now.millis()),
    ];
    connection.execute(KEEP_STATE, &values).await.map(drop)
}

/// Where a message comes: its place in the conversation, and the number of the change.
#[derive(Clone, Copy)]
pub(super) struct NewPlace {
    pub(super) seq: u32,
    pub(super) revision: u32,
}

/// Appends a message that is no answer. What events have for a text is not searched.
pub(super) async fn append(
    connection: &Connection,
    site: SiteId,
    conversation: ConversationId,
    place: NewPlace,
    message: &NewMessage,
    now: Timestamp,
) -> Result<(), Failure> {
    let words = match message.role {
        Role::Event => String::new(),
        _ => index_words(&message.text).join(" "),
    };
    let values: [&(dyn ToSql + Sync); 11] = [
        &uuid(message.id.as_bytes()),
        &uuid(site.as_bytes()),
        &uuid(conversation.as_bytes()),
        &i64::from(place.seq),
        &i64::from(place.revision),
        &message.role.as_str(),
        &message.author.as_ref().map(OperatorName::as_str),
        &message.text,
        &now.millis(),
        &message.idempotency_key.as_ref().map(IdempotencyKey::as_str),
        &words,
    ];
    connection.execute(APPEND_MESSAGE, &values).await.map(drop)
}

/// Keeps the tags to find a conversation by.
pub(super) async fn put_tags(
    connection: &Connection,
    conversation: ConversationId,
    tags: &[Tag],
) -> Result<(), Failure> {
    if tags.is_empty() {
        return Ok(());
    }
    let tags: Vec<_> = tags.iter().map(Tag::as_str).collect();
    connection.execute(PUT_TAGS, &[&uuid(conversation.as_bytes()), &tags]).await.map(drop)
}
