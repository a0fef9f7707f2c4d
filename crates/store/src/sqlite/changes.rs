//! What is changed in a conversation besides its turns.

use frontdesk_core::{
    ConversationId, ConversationName, DeletedConversation, FeedbackReason, MessageStatus, RateAnswer,
    RatedAnswer, Rating, SessionId, SessionKey,
};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::conversations::named;
use super::error::Failure;
use super::rows;
use super::words;

pub(super) fn rate(connection: &Connection, rating: &RateAnswer) -> Result<Option<RatedAnswer>, Failure> {
    let found = connection
        .prepare_cached(
            "SELECT m.conversation_id, s.session, m.status, m.rating, m.rating_reason, m.rating_comment
             FROM messages m JOIN sessions s ON s.conversation_id = m.conversation_id
             WHERE m.id = ? AND m.site_id = ? AND m.role = 'assistant' AND s.secret = ?",
        )?
        .query_row(
            params![rating.answer.as_bytes(), rating.site.as_bytes(), rating.secret.as_bytes()],
            |row| {
                let session = rows::text(row, 1, |session| SessionId::parse(session).ok())?;
                let status = rows::text(row, 2, MessageStatus::parse)?;
                Ok((row.get::<_, [u8; 16]>(0)?, session, status, rows::feedback(row, 3)?))
            },
        )
        .optional()?;
    let Some((conversation, session, status, feedback)) = found else { return Ok(None) };
    if status == MessageStatus::Streaming {
        return Ok(Some(RatedAnswer::NotEnded));
    }
    if feedback != rating.feedback {
        let feedback = rating.feedback.as_ref();
        let revision: u32 = connection
            .prepare_cached(
                "UPDATE conversations SET revision = revision + 1, rating = ? WHERE id = ? RETURNING revision",
            )?
            .query_row(params![feedback.map(|feedback| feedback.rating.as_str()), conversation], |row| row.get(0))?;
        connection
            .prepare_cached(
                "UPDATE messages SET revision = ?, rating = ?, rating_reason = ?, rating_comment = ? WHERE id = ?",
            )?
            .execute(params![
                revision,
                feedback.map(|feedback| Rating::as_str(feedback.rating)),
                feedback.and_then(|feedback| feedback.reason).map(FeedbackReason::as_str),
                feedback.and_then(|feedback| feedback.comment.as_deref()),
                rating.answer.as_bytes(),
            ])?;
    }
    let conversation = ConversationId::from_bytes(conversation);
    Ok(Some(RatedAnswer::Kept { conversation, session }))
}

pub(super) fn delete(
    connection: &Connection,
    name: &ConversationName,
) -> Result<Option<DeletedConversation>, Failure> {
    let site = name.site();
    let Some(conversation) = named(connection, name)? else { return Ok(None) };
    let owner = connection
        .prepare_cached("SELECT session, secret FROM sessions WHERE conversation_id = ? AND site_id = ?")?
        .query_row(params![conversation.as_bytes(), site.as_bytes()], |row| {
            let session = rows::text(row, 0, |session| SessionId::parse(session).ok())?;
            Ok(SessionKey { site, session, secret: rows::optional_secret(row, 1)? })
        })
        .optional()?;
    let Some(session) = owner else { return Ok(None) };
    words::take_out_all(connection, conversation.as_bytes(), None)?;
    // What belongs to it goes with it.
    connection
        .prepare_cached("DELETE FROM conversations WHERE id = ?")?
        .execute([conversation.as_bytes()])?;
    connection
        .prepare_cached("UPDATE sites SET conversation_count = conversation_count - 1 WHERE id = ?")?
        .execute([site.as_bytes()])?;
    Ok(Some(DeletedConversation { conversation, session }))
}
