//! Sending and answering, as SQL. Each function is one unit of work.

use frontdesk_core::{
    AnswerFacts, CloseTurn, ConversationId, FinishReason, HistoryEntry, IdempotencyKey, Message, MessageId,
    MessageStatus, NodeId, OpenTurn, OpenedTurn, RepeatedTurn, Role, SavePartial, Timestamp, TurnFailure,
    TurnOpening, preview,
};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::error::Failure;
use super::rows::{self, MESSAGE};
use super::words;

pub(super) fn open(connection: &Connection, turn: &OpenTurn) -> Result<TurnOpening, Failure> {
    let conversation = find_conversation(connection, turn)?;
    let mut again = None;
    if let Some(conversation) = conversation {
        if let Some(known) = find_known(connection, conversation, turn)? {
            if known.text != turn.text.as_str() {
                return Ok(TurnOpening::Mismatch);
            }
            let answer = read_answer(connection, conversation, known.seq + 1)?;
            if !answer.may_be_replaced() {
                return Ok(TurnOpening::Repeated(RepeatedTurn {
                    conversation,
                    visitor_message: known.id,
                    answer,
                }));
            }
            again = Some(known);
        }
        if let Some(answer) = find_running(connection, conversation)? {
            return Ok(TurnOpening::Busy { answer });
        }
    }
    let conversation = match conversation {
        Some(conversation) => conversation,
        None => begin_conversation(connection, turn)?,
    };
    let (visitor_message, seq) = match again {
        Some(known) => {
            replace_answer(connection, conversation, known.seq + 1, turn)?;
            (known.id, known.seq)
        }
        None => (turn.ids.visitor_message, append_turn(connection, conversation, turn)?),
    };
    identify(connection, conversation, turn)?;
    Ok(TurnOpening::Opened(OpenedTurn {
        conversation,
        visitor_message,
        answer: turn.ids.answer,
        history: read_history(connection, conversation, seq, turn)?,
    }))
}

fn find_conversation(connection: &Connection, turn: &OpenTurn) -> Result<Option<ConversationId>, Failure> {
    let sql = "SELECT conversation_id FROM sessions WHERE site_id = ? AND session = ? AND secret = ?";
    let session = &turn.session;
    let values =
        params![session.site.as_bytes(), session.session.as_str(), rows::secret(session.secret.as_ref())];
    let found = connection.prepare_cached(sql)?.query_row(values, |row| row.get(0)).optional()?;
    Ok(found.map(ConversationId::from_bytes))
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
    let sql = "SELECT id, seq, text FROM messages WHERE conversation_id = ? AND idempotency_key = ?";
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Known { id: MessageId::from_bytes(row.get(0)?), seq: row.get(1)?, text: row.get(2)? })
    };
    let values = params![conversation.as_bytes(), key.as_str()];
    Ok(connection.prepare_cached(sql)?.query_row(values, read).optional()?)
}

fn read_answer(connection: &Connection, conversation: ConversationId, seq: u32) -> Result<Message, Failure> {
    let sql = format!("SELECT {MESSAGE} FROM messages WHERE conversation_id = ? AND seq = ?");
    let values = params![conversation.as_bytes(), seq];
    Ok(connection.prepare_cached(&sql)?.query_row(values, rows::message)?)
}

fn find_running(connection: &Connection, conversation: ConversationId) -> Result<Option<MessageId>, Failure> {
    let sql = "SELECT id FROM messages WHERE conversation_id = ? AND status = 'streaming'";
    let found =
        connection.prepare_cached(sql)?.query_row([conversation.as_bytes()], |row| row.get(0)).optional()?;
    Ok(found.map(MessageId::from_bytes))
}

fn begin_conversation(connection: &Connection, turn: &OpenTurn) -> Result<ConversationId, Failure> {
    let (id, session, now) = (turn.ids.conversation, &turn.session, turn.now.millis());
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

/// Appends the message and its empty answer, and says which place the message has.
fn append_turn(
    connection: &Connection,
    conversation: ConversationId,
    turn: &OpenTurn,
) -> Result<u32, Failure> {
    let text = turn.text.as_str();
    let (count, revision): (u32, u32) = connection
        .prepare_cached(
            "UPDATE conversations
             SET updated_at = ?, last_message = ?, last_role = 'user', message_count = message_count + 2,
                 revision = revision + 2
             WHERE id = ? RETURNING message_count, revision",
        )?
        .query_row(params![turn.now.millis(), preview(text), conversation.as_bytes()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let seq = count - 1;
    connection
        .prepare_cached(
            "INSERT INTO messages
                 (id, site_id, conversation_id, seq, revision, role, status, text, created_at, idempotency_key, node_id,
                  is_indexed)
             VALUES (?1, ?2, ?3, ?4, ?9 - 1, 'user', 'accepted', ?5, ?6, ?7, NULL, 1),
                    (?8, ?2, ?3, ?4 + 1, ?9, 'assistant', 'streaming', '', ?6, NULL, ?10, 0)",
        )?
        .execute(params![
            turn.ids.visitor_message.as_bytes(),
            turn.session.site.as_bytes(),
            conversation.as_bytes(),
            seq,
            text,
            turn.now.millis(),
            turn.idempotency_key.as_ref().map(IdempotencyKey::as_str),
            turn.ids.answer.as_bytes(),
            revision,
            turn.node.as_bytes(),
        ])?;
    words::put_in(connection, conversation.as_bytes(), seq, text)?;
    Ok(seq)
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
    Ok(connection.prepare_cached(sql)?.query_row(values, |row| row.get(0))?)
}

fn read_history(
    connection: &Connection,
    conversation: ConversationId,
    upto: u32,
    turn: &OpenTurn,
) -> Result<Vec<HistoryEntry>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT role, status, text FROM messages
         WHERE conversation_id = ?1 AND seq <= ?2 AND (created_at >= ?3 OR seq = ?2) ORDER BY seq DESC LIMIT ?4",
    )?;
    let values = params![conversation.as_bytes(), upto, turn.history_since.millis(), turn.history_limit];
    let entries = statement.query_map(values, |row| {
        Ok(HistoryEntry {
            role: rows::text(row, 0, Role::parse)?,
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
