//! How values lie in columns.

use std::collections::HashSet;

use frontdesk_core::{
    AnswerFacts, Answering, ConversationId, ConversationState, ConversationStatus, ConversationSummary,
    EmailAddress, Feedback, FeedbackReason, FinishReason, IdempotencyKey, Message, MessageId, MessageStatus,
    OperatorName, Rating, Role, SecretHash, SessionId, Timestamp, TurnFailure, Usage, Visit, VisitorIdentity,
};
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;
use uuid::Uuid;

use super::error::Failure;
use crate::filtering;

/// How many columns [`message`] reads.
pub(super) const MESSAGE: usize = 19;

/// How many columns [`summary`] reads.
pub(super) const SUMMARY: usize = 24;

/// What stands for a session's secret; nothing for those without one.
pub(super) fn secret(secret: Option<&SecretHash>) -> &[u8] {
    secret.map_or(&[], |secret| secret.as_bytes())
}

/// The message whose columns begin at `at`.
pub(super) fn message(row: &Row, at: usize) -> Result<Message, Failure> {
    let usage = match (optional_number(row, at + 10)?, optional_number(row, at + 11)?) {
        (Some(input_tokens), Some(output_tokens)) => Some(Usage { input_tokens, output_tokens }),
        _ => None,
    };
    Ok(Message {
        id: MessageId::from_bytes(id(row, at)?),
        seq: number(row, at + 1)?,
        revision: number(row, at + 14)?,
        role: text(row, at + 2, Role::parse)?,
        author: operator(row, at + 18)?,
        status: text(row, at + 3, MessageStatus::parse)?,
        text: get(row, at + 4)?,
        created_at: time(row, at + 5)?,
        idempotency_key: optional_text(row, at + 6, |key| IdempotencyKey::parse(key).ok())?,
        facts: AnswerFacts {
            model: get(row, at + 7)?,
            finish: optional_text(row, at + 8, FinishReason::parse)?,
            failure: optional_text(row, at + 9, TurnFailure::parse)?,
            usage,
            first_token_millis: optional_number(row, at + 12)?,
            total_millis: optional_number(row, at + 13)?,
        },
        feedback: feedback(row, at + 15)?,
    })
}

fn feedback(row: &Row, at: usize) -> Result<Option<Feedback>, Failure> {
    let Some(rating) = optional_text(row, at, Rating::parse)? else { return Ok(None) };
    let reason = optional_text(row, at + 1, FeedbackReason::parse)?;
    Ok(Some(Feedback { rating, reason, comment: get(row, at + 2)? }))
}

fn identity(row: &Row, at: usize) -> Result<Option<VisitorIdentity>, Failure> {
    let Some(id) = get::<Option<String>>(row, at)? else { return Ok(None) };
    let known = VisitorIdentity::new(id, get(row, at + 1)?, get(row, at + 2)?);
    known.map(Some).map_err(|_| unknown(at))
}

/// The conversation whose columns begin at `at`.
pub(super) fn summary(row: &Row, at: usize) -> Result<ConversationSummary, Failure> {
    Ok(ConversationSummary {
        id: ConversationId::from_bytes(id(row, at)?),
        session: text(row, at + 1, |session| SessionId::parse(session).ok())?,
        has_secret: get(row, at + 2)?,
        created_at: time(row, at + 3)?,
        updated_at: time(row, at + 4)?,
        last_message: get(row, at + 5)?,
        last_role: text(row, at + 6, Role::parse)?,
        message_count: number(row, at + 7)?,
        revision: number(row, at + 8)?,
        identity: identity(row, at + 9)?,
        read_count: number(row, at + 12)?,
        rating: optional_text(row, at + 13, Rating::parse)?,
        visit: Visit {
            page: get(row, at + 14)?,
            referrer: get(row, at + 15)?,
            user_agent: get(row, at + 16)?,
            language: get(row, at + 17)?,
        },
        state: state(row, at + 18)?,
    })
}

/// What operators make of a conversation, in the columns from `at` on.
pub(super) fn state(row: &Row, at: usize) -> Result<ConversationState, Failure> {
    let answering = match (operator(row, at + 1)?, get::<Option<i64>>(row, at + 2)?) {
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
pub(super) fn operator(row: &Row, column: usize) -> Result<Option<OperatorName>, Failure> {
    optional_text(row, column, |name| OperatorName::parse(name).ok())
}

/// The hash of a session's secret; nothing for those without one. A conversation without its session is damage.
pub(super) fn optional_secret(row: &Row, column: usize) -> Result<Option<SecretHash>, Failure> {
    let is_empty = get::<&[u8]>(row, column)?.is_empty();
    (!is_empty).then(|| bytes(row, column).map(SecretHash::from_bytes)).transpose()
}

/// Reads a column as it is.
pub(super) fn get<'a, T: FromSql<'a>>(row: &'a Row, column: usize) -> Result<T, Failure> {
    row.try_get(column).map_err(|error| Failure::Corrupt(error.to_string()))
}

/// Whether a column has no value, as those of a row that was joined to nothing.
pub(super) fn is_null(row: &Row, column: usize) -> Result<bool, Failure> {
    Ok(get::<Option<Uuid>>(row, column)?.is_none())
}

pub(super) fn id(row: &Row, column: usize) -> Result<[u8; 16], Failure> {
    Ok(get::<Uuid>(row, column)?.into_bytes())
}

/// The ids in the first column.
pub(super) fn ids(rows: &[Row]) -> Result<HashSet<Uuid>, Failure> {
    rows.iter().map(|row| get(row, 0)).collect()
}

pub(super) fn time(row: &Row, column: usize) -> Result<Timestamp, Failure> {
    Ok(Timestamp::from_millis(get(row, column)?))
}

pub(super) fn number(row: &Row, column: usize) -> Result<u32, Failure> {
    u32::try_from(get::<i64>(row, column)?).map_err(|_| unknown(column))
}

fn optional_number(row: &Row, column: usize) -> Result<Option<u32>, Failure> {
    get::<Option<i64>>(row, column)?.map(u32::try_from).transpose().map_err(|_| unknown(column))
}

/// Reads a hash or a fingerprint.
pub(super) fn bytes(row: &Row, column: usize) -> Result<[u8; 32], Failure> {
    get::<&[u8]>(row, column)?.try_into().map_err(|_| unknown(column))
}

/// Reads a column by its name for a value.
pub(super) fn text<T>(row: &Row, column: usize, parse: impl Fn(&str) -> Option<T>) -> Result<T, Failure> {
    parse(get(row, column)?).ok_or_else(|| unknown(column))
}

/// The same of a column that may have no value.
pub(super) fn optional_text<T>(
    row: &Row,
    column: usize,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Failure> {
    let text: Option<&str> = get(row, column)?;
    text.map(|text| parse(text).ok_or_else(|| unknown(column))).transpose()
}

fn unknown(column: usize) -> Failure {
    Failure::Corrupt(format!("unknown value in column {column}"))
}
