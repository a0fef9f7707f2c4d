//! How values lie in columns.

use std::error::Error;

use frontdesk_core::{
    AnswerFacts, Answering, ConversationId, ConversationState, ConversationStatus, ConversationSummary,
    EmailAddress, Feedback, FeedbackReason, FinishReason, IdempotencyKey, Message, MessageId, MessageStatus,
    OperatorName, Rating, Role, SecretHash, SessionId, Timestamp, TurnFailure, Usage, Visit, VisitorIdentity,
};
use rusqlite::Row;
use rusqlite::types::Type;

use crate::filtering;

/// The columns that [`message`] reads.
pub(super) const MESSAGE: &str = "id, seq, role, status, text, created_at, idempotency_key, model, finish, failure, \
                                  input_tokens, output_tokens, first_token_millis, total_millis, revision, rating, \
                                  rating_reason, rating_comment, author";

/// The columns that [`summary`] reads.
pub(super) const SUMMARY: &str = "id, session, has_secret, created_at, updated_at, last_message, last_role, \
                                  message_count, revision, visitor_id, visitor_name, visitor_email, read_count, \
                                  rating, page, referrer, user_agent, language, status, answering, answering_since, \
                                  assignee, tags, contact";

/// How many columns [`summary`] reads.
pub(super) const SUMMARY_COLUMNS: usize = 24;

/// What stands for a session's secret; nothing for those without one.
pub(super) fn secret(secret: Option<&SecretHash>) -> &[u8] {
    secret.map_or(&[], |secret| secret.as_bytes())
}

pub(super) fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    let usage = match (row.get(10)?, row.get(11)?) {
        (Some(input_tokens), Some(output_tokens)) => Some(Usage { input_tokens, output_tokens }),
        _ => None,
    };
    Ok(Message {
        id: MessageId::from_bytes(row.get(0)?),
        seq: row.get(1)?,
        revision: row.get(14)?,
        role: text(row, 2, Role::parse)?,
        author: operator(row, 18)?,
        status: text(row, 3, MessageStatus::parse)?,
        text: row.get(4)?,
        created_at: Timestamp::from_millis(row.get(5)?),
        idempotency_key: optional_text(row, 6, |key| IdempotencyKey::parse(key).ok())?,
        facts: AnswerFacts {
            model: row.get(7)?,
            finish: optional_text(row, 8, FinishReason::parse)?,
            failure: optional_text(row, 9, TurnFailure::parse)?,
            usage,
            first_token_millis: row.get(12)?,
            total_millis: row.get(13)?,
        },
        feedback: feedback(row, 15)?,
    })
}

/// What is said of an answer, in the three columns from `at` on.
pub(super) fn feedback(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Feedback>> {
    let Some(rating) = optional_text(row, at, Rating::parse)? else { return Ok(None) };
    let reason = optional_text(row, at + 1, FeedbackReason::parse)?;
    Ok(Some(Feedback { rating, reason, comment: row.get(at + 2)? }))
}

/// Who a visitor is, in the three columns from `at` on.
fn identity(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<VisitorIdentity>> {
    let Some(id) = row.get::<_, Option<String>>(at)? else { return Ok(None) };
    let known = VisitorIdentity::new(id, row.get(at + 1)?, row.get(at + 2)?);
    known.map(Some).map_err(|_| unknown(at, ""))
}

pub(super) fn summary(row: &Row<'_>) -> rusqlite::Result<ConversationSummary> {
    Ok(ConversationSummary {
        id: ConversationId::from_bytes(row.get(0)?),
        session: text(row, 1, |session| SessionId::parse(session).ok())?,
        has_secret: row.get(2)?,
        created_at: Timestamp::from_millis(row.get(3)?),
        updated_at: Timestamp::from_millis(row.get(4)?),
        last_message: row.get(5)?,
        last_role: text(row, 6, Role::parse)?,
        message_count: row.get(7)?,
        revision: row.get(8)?,
        identity: identity(row, 9)?,
        read_count: row.get(12)?,
        rating: optional_text(row, 13, Rating::parse)?,
        visit: Visit {
            page: row.get(14)?,
            referrer: row.get(15)?,
            user_agent: row.get(16)?,
            language: row.get(17)?,
        },
        state: state(row, 18)?,
    })
}

/// The columns that [`state`] reads.
pub(super) const STATE: &str = "status, answering, answering_since, assignee, tags, contact";

/// What operators make of a conversation, in the six columns from `at` on.
pub(super) fn state(row: &Row<'_>, at: usize) -> rusqlite::Result<ConversationState> {
    let answering = match (operator(row, at + 1)?, row.get(at + 2)?) {
        (Some(operator), Some(since)) => Some(Answering { operator, since: Timestamp::from_millis(since) }),
        _ => None,
    };
    Ok(ConversationState {
        status: text(row, at, ConversationStatus::parse)?,
        answering,
        assignee: operator(row, at + 3)?,
        tags: text(row, at + 4, filtering::split)?,
        contact: optional_text(row, at + 5, |contact| EmailAddress::parse(contact).ok())?,
    })
}

/// What an operator is called.
pub(super) fn operator(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<OperatorName>> {
    optional_text(row, column, |name| OperatorName::parse(name).ok())
}

/// The hash of a session's secret; nothing for those without one.
pub(super) fn optional_secret(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<SecretHash>> {
    let hash: Vec<u8> = row.get(column)?;
    if hash.is_empty() {
        return Ok(None);
    }
    let hash = <[u8; 32]>::try_from(hash).map_err(|_| unknown(column, "hash"))?;
    Ok(Some(SecretHash::from_bytes(hash)))
}

/// Reads a column by its name for a value.
pub(super) fn text<T>(
    row: &Row<'_>,
    column: usize,
    parse: impl Fn(&str) -> Option<T>,
) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    parse(&text).ok_or_else(|| unknown(column, &text))
}

/// The same of a column that may have no value.
pub(super) fn optional_text<T>(
    row: &Row<'_>,
    column: usize,
    parse: impl Fn(&str) -> Option<T>,
) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| parse(&text).ok_or_else(|| unknown(column, &text))).transpose()
}

pub(super) fn unknown(column: usize, text: &str) -> rusqlite::Error {
    let error: Box<dyn Error + Send + Sync> = format!("unknown value of {} bytes", text.len()).into();
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error)
}
