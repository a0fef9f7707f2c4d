//! Sending, as SQL. Each function is one unit of work within a transaction, or a part of one.

use std::sync::Arc;

use frontdesk_core::{
    ConversationId, DeliveredMessage, HistoryEntry, IdempotencyKey, Message, MessageId, MessageStatus,
    NewMessage, OpenTurn, OpenedTurn, OperatorName, RepeatedTurn, Role, SessionKey, Timestamp, TurnFailure,
    TurnOpening, Visit, index_words, preview,
};
use futures_util::future::try_join3;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::connection::Connection;
use super::error::Failure;
use super::inbox::{NewPlace, append};
use super::rows::{self, MESSAGE};
use super::statements::inbox::{HAS_MESSAGE, TOUCH_TAGS};
use super::statements::{
    APPEND_TURN, BEGIN_CONVERSATION, BEGIN_SESSION, COUNT_CONVERSATIONS, END_ABANDONED, GROW_CONVERSATION,
    HISTORY, IDENTIFY, KNOWN, LOCK_SESSION, REPLACE_ANSWER, RUNNING, TOUCH_CONVERSATION,
};

/// In how many rows a site's conversations are counted.
const PARTS: u8 = 16;

/// The row in which a conversation is counted.
pub(super) fn part_of(conversation: ConversationId) -> i16 {
    i16::from(conversation.as_bytes()[15] % PARTS)
}

pub(super) fn uuid(bytes: &[u8; 16]) -> Uuid {
    Uuid::from_bytes(*bytes)
}

/// A conversation that is locked, and how far it has come.
struct Locked {
    id: ConversationId,
    message_count: u32,
    revision: u32,
    /// Who answers in place of the AI.
    operator: Option<OperatorName>,
    is_tagged: bool,
}

/// A message that was accepted before, and its answer.
struct Known {
    id: MessageId,
    seq: u32,
    text: String,
    answer: Option<Message>,
}

/// An answer that is being written.
struct Running {
    answer: MessageId,
    seq: u32,
}

/// Accepts a message. An answer that `is_abandoned` is written by nobody.
///
/// A turn that was opened by an earlier try, whose commit was not answered, is found by the id of its answer; one that an
/// operator has, by the id of its message.
pub(super) async fn open(
    connection: Arc<Connection>,
    turn: Arc<OpenTurn>,
    is_again: bool,
    is_abandoned: impl Fn(MessageId) -> bool,
) -> Result<TurnOpening, Failure> {
    let (connection, turn) = (&*connection, &*turn);
    let Some(conversation) = lock(connection, turn).await? else { return begin(connection, turn).await };
    let (known, running, mut history) = try_join3(
        find_known(connection, &conversation, turn),
        find_running(connection, &conversation),
        // Up to the message itself, which is not there yet.
        read_history(connection, &conversation, conversation.message_count + 1, turn.history_limit - 1, turn),
    )
    .await?;
    if let Some(running) = running.as_ref().filter(|running| running.answer == turn.ids.answer) {
        let visitor_message = known.map_or(turn.ids.visitor_message, |known| known.id);
        let history =
            read_history(connection, &conversation, running.seq - 1, turn.history_limit, turn).await?;
        return Ok(opened(turn, &conversation, visitor_message, history));
    }
    if is_again && has_message(connection, &conversation, turn).await? {
        return Ok(delivered(&conversation, turn.ids.visitor_message, false));
    }
    let abandoned = running.as_ref().map(|running| running.answer).filter(|answer| is_abandoned(*answer));
    if let Some(known) = &known {
        if known.text != turn.text.as_str() {
            return Ok(TurnOpening::Mismatch);
        }
        match &known.answer {
            Some(answer) if !answer.may_be_replaced() && abandoned != Some(answer.id) => {
                return Ok(TurnOpening::Repeated(RepeatedTurn {
                    conversation: conversation.id,
                    visitor_message: known.id,
                    answer: answer.clone(),
                }));
            }
            Some(_) if conversation.operator.is_none() => {}
            Some(_) | None => return Ok(delivered(&conversation, known.id, true)),
        }
    }
    if conversation.operator.is_some() {
        identify(connection, &conversation, turn).await?;
        append_message(connection, &conversation, turn).await?;
        return Ok(delivered(&conversation, turn.ids.visitor_message, false));
    }
    if let Some(Running { answer, .. }) = running.filter(|_| abandoned.is_none()) {
        return Ok(TurnOpening::Busy { answer });
    }
    identify(connection, &conversation, turn).await?;
    if let Some(Known { id, seq, answer: Some(answer), .. }) = known {
        replace_answer(connection, &conversation, &answer, abandoned, turn).await?;
        let history = read_history(connection, &conversation, seq, turn.history_limit, turn).await?;
        return Ok(opened(turn, &conversation, id, history));
    }
    append_turn(connection, &conversation, abandoned, turn).await?;
    history.push(said(turn));
    Ok(opened(turn, &conversation, turn.ids.visitor_message, history))
}

fn opened(
    turn: &OpenTurn,
    conversation: &Locked,
    visitor_message: MessageId,
    history: Vec<HistoryEntry>,
) -> TurnOpening {
    let (conversation, answer) = (conversation.id, turn.ids.answer);
    TurnOpening::Opened(OpenedTurn { conversation, visitor_message, answer, history })
}

fn delivered(conversation: &Locked, visitor_message: MessageId, repeated: bool) -> TurnOpening {
    let (conversation, operator) = (conversation.id, conversation.operator.clone());
    TurnOpening::Delivered(DeliveredMessage { conversation, visitor_message, operator, repeated })
}

/// The visitor's message as the model reads it.
fn said(turn: &OpenTurn) -> HistoryEntry {
    let text = turn.text.as_str().to_owned();
    HistoryEntry { role: Role::Visitor, author: None, status: MessageStatus::Accepted, text }
}

/// Whether the message is there.
async fn has_message(
    connection: &Connection,
    conversation: &Locked,
    turn: &OpenTurn,
) -> Result<bool, Failure> {
    let (message, id) = (uuid(turn.ids.visitor_message.as_bytes()), uuid(conversation.id.as_bytes()));
    Ok(connection.query_opt(HAS_MESSAGE, &[&message, &id]).await?.is_some())
}

async fn lock(connection: &Connection, turn: &OpenTurn) -> Result<Option<Locked>, Failure> {
    let session = &turn.session;
    let (site, secret) = (uuid(session.site.as_bytes()), rows::secret(session.secret.as_ref()));
    let row = connection.query_opt(LOCK_SESSION, &[&site, &session.session.as_str(), &secret]).await?;
    let read = |row: Row| {
        Ok(Locked {
            id: ConversationId::from_bytes(rows::id(&row, 0)?),
            message_count: rows::number(&row, 1)?,
            revision: rows::number(&row, 2)?,
            operator: rows::operator(&row, 3)?,
            is_tagged: rows::get(&row, 4)?,
        })
    };
    row.map(read).transpose()
}

async fn find_known(
    connection: &Connection,
    conversation: &Locked,
    turn: &OpenTurn,
) -> Result<Option<Known>, Failure> {
    let Some(key) = &turn.idempotency_key else { return Ok(None) };
    let id = uuid(conversation.id.as_bytes());
    let Some(row) = connection.query_opt(KNOWN, &[&id, &key.as_str()]).await? else { return Ok(None) };
    Ok(Some(Known {
        id: MessageId::from_bytes(rows::id(&row, MESSAGE)?),
        seq: rows::number(&row, MESSAGE + 1)?,
        text: rows::get(&row, MESSAGE + 2)?,
        answer: if rows::is_null(&row, 0)? { None } else { Some(rows::message(&row, 0)?) },
    }))
}

async fn find_running(connection: &Connection, conversation: &Locked) -> Result<Option<Running>, Failure> {
    let Some(row) = connection.query_opt(RUNNING, &[&uuid(conversation.id.as_bytes())]).await? else {
        return Ok(None);
    };
    Ok(Some(Running { answer: MessageId::from_bytes(rows::id(&row, 0)?), seq: rows::number(&row, 1)? }))
}

async fn begin(connection: &Connection, turn: &OpenTurn) -> Result<TurnOpening, Failure> {
    let (id, preview) = (turn.ids.conversation, preview(turn.text.as_str()));
    begin_conversation(connection, &turn.session, id, &turn.visit, preview, 2, turn.now).await?;
    let conversation = Locked { id, message_count: 0, revision: 0, operator: None, is_tagged: false };
    identify(connection, &conversation, turn).await?;
    let message = AppendedTurn::new(&conversation, 0, turn);
    let (site, part) = (uuid(turn.session.site.as_bytes()), part_of(id));
    // Last, because everybody who begins a conversation of this part waits for it.
    let steps = [(APPEND_TURN, &message.values()[..]), (COUNT_CONVERSATIONS, &[&site, &part, &1_i64])];
    connection.execute_all(&steps).await?;
    Ok(opened(turn, &conversation, turn.ids.visitor_message, vec![said(turn)]))
}

/// Begins a session's conversation, which has so many messages then; but does not count it yet.
pub(super) async fn begin_conversation(
    connection: &Connection,
    session: &SessionKey,
    id: ConversationId,
    visit: &Visit,
    last_message: &str,
    messages: u32,
    now: Timestamp,
) -> Result<(), Failure> {
    let (id, site) = (uuid(id.as_bytes()), uuid(session.site.as_bytes()));
    let (name, now, messages) = (session.session.as_str(), now.millis(), i64::from(messages));
    let secret = rows::secret(session.secret.as_ref());
    let Visit { page, referrer, user_agent, language } = visit;
    let begun: [&(dyn ToSql + Sync); 11] = [
        &id,
        &site,
        &name,
        &session.secret.is_some(),
        &now,
        &last_message,
        &messages,
        page,
        referrer,
        user_agent,
        language,
    ];
    let of_session: [&(dyn ToSql + Sync); 5] = [&site, &name, &secret, &id, &now];
    let counts =
        connection.execute_all(&[(BEGIN_CONVERSATION, &begun), (BEGIN_SESSION, &of_session)]).await?;
    if counts[1] == 0 {
        return Err(Failure::Raced);
    }
    Ok(())
}

/// A message and its empty answer, as they lie in columns.
struct AppendedTurn<'a> {
    visitor_message: Uuid,
    answer: Uuid,
    site: Uuid,
    conversation: Uuid,
    seq: i64,
    revision: i64,
    text: &'a str,
    now: i64,
    key: Option<&'a str>,
    node: Uuid,
    words: String,
}

impl<'a> AppendedTurn<'a> {
    /// What comes next in a conversation, after so many changes that are not stored yet.
    fn new(conversation: &Locked, changes: u32, turn: &'a OpenTurn) -> Self {
        Self {
            visitor_message: uuid(turn.ids.visitor_message.as_bytes()),
            answer: uuid(turn.ids.answer.as_bytes()),
            site: uuid(turn.session.site.as_bytes()),
            conversation: uuid(conversation.id.as_bytes()),
            seq: i64::from(conversation.message_count) + 1,
            revision: i64::from(conversation.revision) + i64::from(changes) + 1,
            text: turn.text.as_str(),
            now: turn.now.millis(),
            key: turn.idempotency_key.as_ref().map(IdempotencyKey::as_str),
            node: uuid(turn.node.as_bytes()),
            words: index_words(turn.text.as_str()).join(" "),
        }
    }

    fn values(&self) -> [&(dyn ToSql + Sync); 11] {
        let Self { visitor_message, answer, site, conversation, seq, revision, text, now, key, node, words } =
            self;
        [visitor_message, answer, site, conversation, seq, revision, text, now, key, node, words]
    }
}

async fn append_turn(
    connection: &Connection,
    conversation: &Locked,
    abandoned: Option<MessageId>,
    turn: &OpenTurn,
) -> Result<(), Failure> {
    if let Some(answer) = abandoned {
        end_abandoned(connection, conversation, answer).await?;
    }
    let message = AppendedTurn::new(conversation, u32::from(abandoned.is_some()), turn);
    grow(connection, conversation, message.seq + 1, message.revision + 1, turn).await?;
    connection.execute(APPEND_TURN, &message.values()).await?;
    Ok(())
}

/// Appends a message that an operator answers.
async fn append_message(
    connection: &Connection,
    conversation: &Locked,
    turn: &OpenTurn,
) -> Result<(), Failure> {
    let place = NewPlace { seq: conversation.message_count + 1, revision: conversation.revision + 1 };
    grow(connection, conversation, place.seq.into(), place.revision.into(), turn).await?;
    let message = NewMessage {
        id: turn.ids.visitor_message,
        role: Role::Visitor,
        text: turn.text.as_str().to_owned(),
        author: None,
        idempotency_key: turn.idempotency_key.clone(),
    };
    append(connection, turn.session.site, conversation.id, place, &message, turn.now).await
}

/// Keeps that a message came: that so many messages and changes there are then.
async fn grow(
    connection: &Connection,
    conversation: &Locked,
    count: i64,
    revision: i64,
    turn: &OpenTurn,
) -> Result<(), Failure> {
    let Visit { page, referrer, user_agent, language } = &turn.visit;
    let (id, now) = (uuid(conversation.id.as_bytes()), turn.now.millis());
    let grown: [&(dyn ToSql + Sync); 9] =
        [&id, &now, &preview(turn.text.as_str()), &count, &revision, page, referrer, user_agent, language];
    connection.execute(GROW_CONVERSATION, &grown).await?;
    touch_tags(connection, conversation, turn.now).await
}

async fn touch_tags(connection: &Connection, conversation: &Locked, now: Timestamp) -> Result<(), Failure> {
    if conversation.is_tagged {
        connection.execute(TOUCH_TAGS, &[&uuid(conversation.id.as_bytes()), &now.millis()]).await?;
    }
    Ok(())
}

/// Keeps who the visitor is, if the site has said so.
async fn identify(connection: &Connection, conversation: &Locked, turn: &OpenTurn) -> Result<(), Failure> {
    let Some(identity) = &turn.identity else { return Ok(()) };
    let id = uuid(conversation.id.as_bytes());
    let values: [&(dyn ToSql + Sync); 4] = [&id, &identity.id(), &identity.name(), &identity.email()];
    connection.execute(IDENTIFY, &values).await?;
    Ok(())
}

async fn replace_answer(
    connection: &Connection,
    conversation: &Locked,
    known: &Message,
    abandoned: Option<MessageId>,
    turn: &OpenTurn,
) -> Result<(), Failure> {
    let mut revision = i64::from(conversation.revision) + 1;
    if let Some(answer) = abandoned.filter(|answer| *answer != known.id) {
        end_abandoned(connection, conversation, answer).await?;
        revision += 1;
    }
    let (id, answer) = (uuid(conversation.id.as_bytes()), uuid(turn.ids.answer.as_bytes()));
    let (seq, now, node) = (i64::from(known.seq), turn.now.millis(), uuid(turn.node.as_bytes()));
    let Visit { page, referrer, user_agent, language } = &turn.visit;
    let touched: [&(dyn ToSql + Sync); 7] = [&id, &now, &revision, page, referrer, user_agent, language];
    let replaced: [&(dyn ToSql + Sync); 6] = [&id, &seq, &answer, &revision, &now, &node];
    connection.execute_all(&[(TOUCH_CONVERSATION, &touched), (REPLACE_ANSWER, &replaced)]).await?;
    touch_tags(connection, conversation, turn.now).await
}

/// Ends an answer that nobody writes, as the next change of its conversation.
async fn end_abandoned(
    connection: &Connection,
    conversation: &Locked,
    answer: MessageId,
) -> Result<(), Failure> {
    let (answer, revision) = (uuid(answer.as_bytes()), i64::from(conversation.revision) + 1);
    let (status, failure) = (MessageStatus::Failed.as_str(), TurnFailure::Storage.code());
    connection.execute(END_ABANDONED, &[&answer, &revision, &status, &failure]).await?;
    Ok(())
}

async fn read_history(
    connection: &Connection,
    conversation: &Locked,
    upto: u32,
    limit: u32,
    turn: &OpenTurn,
) -> Result<Vec<HistoryEntry>, Failure> {
    let (id, since) = (uuid(conversation.id.as_bytes()), turn.history_since.millis());
    let rows = connection.query(HISTORY, &[&id, &i64::from(upto), &since, &i64::from(limit)]).await?;
    let read = |row: &Row| {
        Ok(HistoryEntry {
            role: rows::text(row, 0, Role::parse)?,
            author: rows::operator(row, 3)?,
            status: rows::text(row, 1, MessageStatus::parse)?,
            text: rows::get(row, 2)?,
        })
    };
    rows.iter().rev().map(read).collect()
}
