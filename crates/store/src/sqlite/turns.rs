//! Sending and answering, as SQL. Each function is one unit of work.

use frontdesk_core::{
    AnswerFacts, CloseTurn, ConversationId, DeliveredMessage, FinishReason, HistoryEntry, IdempotencyKey,
    Message, MessageId, MessageStatus, NewMessage, NodeId, OpenTurn, OpenedTurn, OperatorName, RepeatedTurn,
    Role, SavePartial, SessionKey, SiteId, Timestamp, TurnFailure, TurnOpening, Visit, preview,
};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::error::Failure;
use super::rows::{self, MESSAGE};
use super::words;

pub(super) fn open(connection: &Connection, turn: &OpenTurn) -> Result<TurnOpening, Failure> {
    let found = find_conversation(connection, turn)?;
    let mut again = None;
    if let Some(Found { id: conversation, operator }) = &found {
        if let Some(known) = find_known(connection, *conversation, turn)? {
            if known.text != turn.text.as_str() {
                return Ok(TurnOpening::Mismatch);
            }
            match read_answer(connection, *conversation, known.seq + 1)? {
                Some(answer) if !answer.may_be_replaced() => {
                    return Ok(TurnOpening::Repeated(RepeatedTurn {
                        conversation: *conversation,
                        visitor_message: known.id,
                        answer,
                    }));
                }
                Some(_) if operator.is_none() => {}
                Some(_) | None => {
                    return Ok(TurnOpening::Delivered(DeliveredMessage {
                        conversation: *conversation,
                        visitor_message: known.id,
                        operator: operator.clone(),
                        repeated: true,
                    }));
                }
            }
            again = Some(known);
        }
        if operator.is_none()
            && let Some(answer) = find_running(connection, *conversation)?
        {
            return Ok(TurnOpening::Busy { answer });
        }
    }
    let Found { id: conversation, operator } = if let Some(found) = found {
        found
    } else {
        let id = begin_conversation(connection, &turn.session, turn.ids.conversation, turn.now)?;
        Found { id, operator: None }
    };
    let (visitor_message, seq) = match again {
        Some(known) => {
            replace_answer(connection, conversation, known.seq + 1, turn)?;
            (known.id, known.seq)
        }
        None => (turn.ids.visitor_message, append_turn(connection, conversation, turn, operator.is_none())?),
    };
    identify(connection, conversation, turn)?;
    keep_visit(connection, conversation, &turn.visit)?;
    if operator.is_some() {
        return Ok(TurnOpening::Delivered(DeliveredMessage {
            conversation,
            visitor_message,
            operator,
            repeated: false,
        }));
    }
    Ok(TurnOpening::Opened(OpenedTurn {
        conversation,
        visitor_message,
        answer: turn.ids.answer,
        history: read_history(connection, conversation, seq, turn)?,
    }))
}

/// A session's conversation, and the operator who answers in place of the AI.
struct Found {
    id: ConversationId,
    operator: Option<OperatorName>,
}

fn find_conversation(connection: &Connection, turn: &OpenTurn) -> Result<Option<Found>, Failure> {
    let sql = "SELECT c.id, c.answering FROM sessions s JOIN conversations c ON c.id = s.conversation_id
               WHERE s.site_id = ? AND s.session = ? AND s.secret = ?";
    let session = &turn.session;
    let values =
        params![session.site.as_bytes(), session.session.as_str(), rows::secret(session.secret.as_ref())];
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Found { id: ConversationId::from_bytes(row.get(0)?), operator: rows::operator(row, 1)? })
    };
    Ok(connection.prepare_cached(sql)?.query_row(values, read).optional()?)
}

/// A message that was accepted before.
struct Known {
    id: MessageId,
    seq: u32,
    text: String,
}

fn find_known(
    connection: &Connection,
    conversation: ConversationId,
    turn: &OpenTurn,
) -> Result<Option<Known>, Failure> {
    let Some(key) = &turn.idempotency_key else { return Ok(None) };
    let sql = "SELECT id, seq, text FROM messages
               WHERE conversation_id = ? AND idempotency_key = ? AND role = 'user'";
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Known { id: MessageId::from_bytes(row.get(0)?), seq: row.get(1)?, text: row.get(2)? })
    };
    let values = params![conversation.as_bytes(), key.as_str()];
    Ok(connection.prepare_cached(sql)?.query_row(values, read).optional()?)
}

/// The answer at a place; `None` if something else is there, or nothing.
fn read_answer(
    connection: &Connection,
    conversation: ConversationId,
    seq: u32,
) -> Result<Option<Message>, Failure> {
    let sql = format!(
        "SELECT {MESSAGE} FROM messages WHERE conversation_id = ? AND seq = ? AND role = 'assistant'"
    );
    let values = params![conversation.as_bytes(), seq];
    Ok(connection.prepare_cached(&sql)?.query_row(values, rows::message).optional()?)
}

fn find_running(connection: &Connection, conversation: ConversationId) -> Result<Option<MessageId>, Failure> {
    let sql = "SELECT id FROM messages WHERE conversation_id = ? AND status = 'streaming'";
    let found =
        connection.prepare_cached(sql)?.query_row([conversation.as_bytes()], |row| row.get(0)).optional()?;
    Ok(found.map(MessageId::from_bytes))
}

pub(super) fn begin_conversation(
    connection: &Connection,
    session: &SessionKey,
    id: ConversationId,
    now: Timestamp,
) -> Result<ConversationId, Failure> {
    let now = now.millis();
    connection
        .prepare_cached(
            "INSERT INTO conversations
                 (id, site_id, session, has_secret, created_at, updated_at, last_message, last_role, message_count,
                  number)
             VALUES (?, ?, ?, ?, ?, ?, '', 'user', 0,
                     (SELECT coalesce(max(number), 0) + 1 FROM conversations))",
        )?
        .execute(params![
            id.as_bytes(),
            session.site.as_bytes(),
            session.session.as_str(),
            session.secret.is_some(),
            now,
            now
        ])?;
    connection
        .prepare_cached(
            "INSERT INTO sessions (site_id, session, secret, conversation_id, created_at) VALUES (?, ?, ?, ?, ?)",
        )?
        .execute(params![
            session.site.as_bytes(),
            session.session.as_str(),
            rows::secret(session.secret.as_ref()),
            id.as_bytes(),
            now
        ])?;
    connection
        .prepare_cached("UPDATE sites SET conversation_count = conversation_count + 1 WHERE id = ?")?
        .execute([session.site.as_bytes()])?;
    Ok(id)
}

/// Appends the message, and its empty answer if the AI answers, and says which place the message has.
fn append_turn(
    connection: &Connection,
    conversation: ConversationId,
    turn: &OpenTurn,
    is_answered: bool,
) -> Result<u32, Failure> {
    let text = turn.text.as_str();
    let more = if is_answered { 2 } else { 1 };
    let values = params![turn.now.millis(), preview(text), more, conversation.as_bytes()];
    let last = connection
        .prepare_cached(
            "UPDATE conversations
             SET updated_at = ?1, last_message = ?2, last_role = 'user', message_count = message_count + ?3,
                 revision = revision + ?3, status = iif(status = 'closed', 'open', status)
             WHERE id = ?4 RETURNING message_count, revision",
        )?
        .query_row(values, |row| Ok(NewPlace { seq: row.get(0)?, revision: row.get(1)? }))?;
    touch_tags(connection, conversation.as_bytes(), turn.now)?;
    let place = NewPlace { seq: last.seq + 1 - more, revision: last.revision + 1 - more };
    let message = NewMessage {
        id: turn.ids.visitor_message,
        role: Role::Visitor,
        text: text.to_owned(),
        author: None,
        idempotency_key: turn.idempotency_key.clone(),
    };
    append(connection, turn.session.site, conversation, place, &message, turn.now)?;
    if is_answered {
        append_answer(connection, conversation, last, turn)?;
    }
    Ok(place.seq)
}

/// Where a message comes: its place in the conversation, and the number of the change.
#[derive(Clone, Copy)]
pub(super) struct NewPlace {
    pub(super) seq: u32,
    pub(super) revision: u32,
}

/// Appends a message that is no answer.
pub(super) fn append(
    connection: &Connection,
    site: SiteId,
    conversation: ConversationId,
    place: NewPlace,
    message: &NewMessage,
    now: Timestamp,
) -> Result<(), Failure> {
    connection
        .prepare_cached(
            "INSERT INTO messages
                 (id, site_id, conversation_id, seq, revision, role, author, status, text, created_at, idempotency_key,
                  is_indexed)
             VALUES (?, ?, ?, ?, ?, ?, ?, 'accepted', ?, ?, ?, 1)",
        )?
        .execute(params![
            message.id.as_bytes(),
            site.as_bytes(),
            conversation.as_bytes(),
            place.seq,
            place.revision,
            message.role.as_str(),
            message.author.as_ref().map(OperatorName::as_str),
            message.text,
            now.millis(),
            message.idempotency_key.as_ref().map(IdempotencyKey::as_str),
        ])?;
    if message.role != Role::Event {
        words::put_in(connection, conversation.as_bytes(), place.seq, &message.text)?;
    }
    Ok(())
}

fn append_answer(
    connection: &Connection,
    conversation: ConversationId,
    place: NewPlace,
    turn: &OpenTurn,
) -> Result<(), Failure> {
    connection
        .prepare_cached(
            "INSERT INTO messages
                 (id, site_id, conversation_id, seq, revision, role, status, text, created_at, node_id)
             VALUES (?, ?, ?, ?, ?, 'assistant', 'streaming', '', ?, ?)",
        )?
        .execute(params![
            turn.ids.answer.as_bytes(),
            turn.session.site.as_bytes(),
            conversation.as_bytes(),
            place.seq,
            place.revision,
            turn.now.millis(),
            turn.node.as_bytes(),
        ])?;
    Ok(())
}

/// Keeps what the visitor's browser says of the visit, each text in place of the one before.
pub(super) fn keep_visit(
    connection: &Connection,
    conversation: ConversationId,
    visit: &Visit,
) -> Result<(), Failure> {
    if *visit == Visit::default() {
        return Ok(());
    }
    let Visit { page, referrer, user_agent, language } = visit;
    connection
        .prepare_cached(
            "UPDATE conversations
             SET page = coalesce(?1, page), referrer = coalesce(?2, referrer), user_agent = coalesce(?3, user_agent),
                 language = coalesce(?4, language)
             WHERE id = ?5 AND (coalesce(?1 <> page, ?1 IS NOT NULL) OR coalesce(?2 <> referrer, ?2 IS NOT NULL)
                                OR coalesce(?3 <> user_agent, ?3 IS NOT NULL)
                                OR coalesce(?4 <> language, ?4 IS NOT NULL))",
        )?
        .execute(params![page, referrer, user_agent, language, conversation.as_bytes()])?;
    Ok(())
}

/// Keeps a conversation's place in the list where it is found by its tags.
pub(super) fn touch_tags(
    connection: &Connection,
    conversation: &[u8; 16],
    now: Timestamp,
) -> Result<(), Failure> {
    let sql = "UPDATE conversation_tags SET updated_at = ? WHERE conversation_id = ?";
    connection.prepare_cached(sql)?.execute(params![now.millis(), conversation])?;
    Ok(())
}

/// Keeps who the visitor is, if the site has said so.
fn identify(connection: &Connection, conversation: ConversationId, turn: &OpenTurn) -> Result<(), Failure> {
    let Some(identity) = &turn.identity else { return Ok(()) };
    connection
        .prepare_cached(
            "UPDATE conversations SET visitor_id = ?, visitor_name = ?, visitor_email = ? WHERE id = ?",
        )?
        .execute(params![identity.id(), identity.name(), identity.email(), conversation.as_bytes()])?;
    Ok(())
}

fn replace_answer(
    connection: &Connection,
    conversation: ConversationId,
    seq: u32,
    turn: &OpenTurn,
) -> Result<(), Failure> {
    words::take_out_all(connection, conversation.as_bytes(), Some(seq))?;
    let revision = next_revision(connection, conversation.as_bytes(), turn.now)?;
    connection
        .prepare_cached(
            "UPDATE messages
             SET id = ?, revision = ?, status = 'streaming', text = '', created_at = ?, node_id = ?, model = NULL,
                 finish = NULL, failure = NULL, input_tokens = NULL, output_tokens = NULL, first_token_millis = NULL,
                 total_millis = NULL, rating = NULL, rating_reason = NULL, rating_comment = NULL, is_indexed = 0
             WHERE conversation_id = ? AND seq = ?",
        )?
        .execute(params![
            turn.ids.answer.as_bytes(),
            revision,
            turn.now.millis(),
            turn.node.as_bytes(),
            conversation.as_bytes(),
            seq
        ])?;
    Ok(())
}

/// Counts a change of a conversation, and gives its number.
fn next_revision(connection: &Connection, conversation: &[u8; 16], now: Timestamp) -> Result<u32, Failure> {
    let sql =
        "UPDATE conversations SET updated_at = ?, revision = revision + 1 WHERE id = ? RETURNING revision";
    let values = params![now.millis(), conversation];
    let revision = connection.prepare_cached(sql)?.query_row(values, |row| row.get(0))?;
    touch_tags(connection, conversation, now)?;
    Ok(revision)
}

fn read_history(
    connection: &Connection,
    conversation: ConversationId,
    upto: u32,
    turn: &OpenTurn,
) -> Result<Vec<HistoryEntry>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT role, status, text, author FROM messages
         WHERE conversation_id = ?1 AND seq <= ?2 AND (created_at >= ?3 OR seq = ?2)
           AND role IN ('user', 'assistant', 'operator') ORDER BY seq DESC LIMIT ?4",
    )?;
    let values = params![conversation.as_bytes(), upto, turn.history_since.millis(), turn.history_limit];
    let entries = statement.query_map(values, |row| {
        Ok(HistoryEntry {
            role: rows::text(row, 0, Role::parse)?,
            author: rows::operator(row, 3)?,
            status: rows::text(row, 1, MessageStatus::parse)?,
            text: row.get(2)?,
        })
    })?;
    let mut history = entries.collect::<rusqlite::Result<Vec<_>>>()?;
    history.reverse();
    Ok(history)
}

pub(super) fn save_partial(connection: &Connection, partial: &SavePartial) -> Result<bool, Failure> {
    let saved = connection
        .prepare_cached("UPDATE messages SET text = ? WHERE id = ? AND site_id = ? AND status = 'streaming'")?
        .execute(params![partial.text, partial.answer.as_bytes(), partial.site.as_bytes()])?;
    Ok(saved == 1)
}

pub(super) fn close(connection: &Connection, turn: &CloseTurn) -> Result<bool, Failure> {
    let found: Option<([u8; 16], u32, MessageStatus, Option<TurnFailure>)> = connection
        .prepare_cached(
            "SELECT conversation_id, seq, status, failure FROM messages WHERE id = ? AND site_id = ?",
        )?
        .query_row(params![turn.answer.as_bytes(), turn.site.as_bytes()], |row| {
            let failure = rows::optional_text(row, 3, TurnFailure::parse)?;
            Ok((row.get(0)?, row.get(1)?, rows::text(row, 2, MessageStatus::parse)?, failure))
        })
        .optional()?;
    let Some((conversation, seq, status, failure)) = found else {
        return Err(Failure::Conflict("there is no such answer"));
    };
    if status != MessageStatus::Streaming {
        return Ok(turn.is_end(status, failure));
    }
    let revision = next_revision(connection, &conversation, turn.now)?;
    let AnswerFacts { model, finish, failure, usage, first_token_millis, total_millis } = &turn.facts;
    connection
        .prepare_cached(
            "UPDATE messages
             SET revision = ?, status = ?, text = ?, model = ?, finish = ?, failure = ?, input_tokens = ?, output_tokens = ?,
                 first_token_millis = ?, total_millis = ?, is_indexed = 1
             WHERE id = ?",
        )?
        .execute(params![
            revision,
            turn.status.as_str(),
            turn.text,
            model,
            finish.map(FinishReason::as_str),
            failure.map(TurnFailure::code),
            usage.map(|usage| usage.input_tokens),
            usage.map(|usage| usage.output_tokens),
            first_token_millis,
            total_millis,
            turn.answer.as_bytes(),
        ])?;
    words::put_in(connection, &conversation, seq, &turn.text)?;
    if !turn.text.is_empty() {
        connection
            .prepare_cached(
                "UPDATE conversations SET last_message = ?, last_role = 'assistant' WHERE id = ? AND message_count = ?",
            )?
            .execute(params![preview(&turn.text), conversation, seq])?;
    }
    Ok(true)
}

/// Ends all answers that are still being written, or those of one node.
pub(super) fn interrupt_unfinished(connection: &Connection, of: Option<NodeId>) -> Result<u64, Failure> {
    let of = of.map(|node| *node.as_bytes());
    let count = "UPDATE conversations SET revision = revision + 1
                 WHERE id IN (SELECT conversation_id FROM messages
                              WHERE status = 'streaming' AND (?1 IS NULL OR coalesce(node_id, zeroblob(16)) = ?1))";
    connection.prepare_cached(count)?.execute([of])?;
    let mut unfinished = connection.prepare_cached(
        "SELECT id, text FROM messages
         WHERE status = 'streaming' AND (?1 IS NULL OR coalesce(node_id, zeroblob(16)) = ?1)",
    )?;
    let ended = unfinished.query_map([of], |row| {
        let text: String = row.get(1)?;
        Ok((row.get::<_, [u8; 16]>(0)?, MessageStatus::of_broken(&text)))
    })?;
    let ended = ended.collect::<rusqlite::Result<Vec<_>>>()?;
    // No conversation has more than one.
    let mut end = connection.prepare_cached(
        "UPDATE messages
         SET status = ?, failure = ?,
             revision = (SELECT revision FROM conversations WHERE conversations.id = conversation_id)
         WHERE id = ?",
    )?;
    for (answer, status) in &ended {
        end.execute(params![status.as_str(), TurnFailure::Restarted.code(), answer])?;
    }
    Ok(u64::try_from(ended.len()).unwrap_or(u64::MAX))
}
