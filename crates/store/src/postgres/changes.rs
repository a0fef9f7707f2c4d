//! What is changed in a conversation besides its turns. Each function is one unit of work within a transaction.

use std::sync::Arc;

use frontdesk_core::{
    ConversationId, ConversationName, DeletedConversation, FeedbackReason, MessageStatus, RateAnswer,
    RatedAnswer, Rating, SessionId, SessionKey,
};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::connection::Connection;
use super::error::Failure;
use super::rows;
use super::statements::{
    ANSWER_STATUS, DELETE_CONVERSATION, FIND_RATED, LOCK_CONVERSATIONS, OWNER, OWNER_OF_SESSION, RATE,
    UNCOUNT_CONVERSATION,
};
use super::turns::{part_of, uuid};

pub(super) async fn rate(
    connection: Arc<Connection>,
    rating: Arc<RateAnswer>,
) -> Result<Option<RatedAnswer>, Failure> {
    let (answer, site) = (uuid(rating.answer.as_bytes()), uuid(rating.site.as_bytes()));
    let secret = rows::secret(Some(&rating.secret));
    let Some(row) = connection.query_opt(FIND_RATED, &[&answer, &site, &secret]).await? else {
        return Ok(None);
    };
    let conversation: Uuid = rows::get(&row, 0)?;
    let session = rows::text(&row, 1, |session| SessionId::parse(session).ok())?;
    connection.query(LOCK_CONVERSATIONS, &[&vec![conversation]]).await?;
    // It may have been begun anew, or deleted, before the lock.
    let Some(row) = connection.query_opt(ANSWER_STATUS, &[&answer]).await? else { return Ok(None) };
    if rows::text(&row, 0, MessageStatus::parse)? == MessageStatus::Streaming {
        return Ok(Some(RatedAnswer::NotEnded));
    }
    let feedback = rating.feedback.as_ref();
    let values: [&(dyn ToSql + Sync); 4] = [
        &answer,
        &feedback.map(|feedback| Rating::as_str(feedback.rating)),
        &feedback.and_then(|feedback| feedback.reason).map(FeedbackReason::as_str),
        &feedback.and_then(|feedback| feedback.comment.as_deref()),
    ];
    connection.execute(RATE, &values).await?;
    let conversation = ConversationId::from_bytes(conversation.into_bytes());
    Ok(Some(RatedAnswer::Kept { conversation, session }))
}

pub(super) async fn delete(
    connection: Arc<Connection>,
    name: Arc<ConversationName>,
) -> Result<Option<DeletedConversation>, Failure> {
    let (site, row) = match &*name {
        ConversationName::Id(site, conversation) => {
            let (conversation, id) = (uuid(conversation.as_bytes()), uuid(site.as_bytes()));
            (*site, connection.query_opt(OWNER, &[&conversation, &id]).await?)
        }
        ConversationName::Session(session) => {
            let (site, secret) = (uuid(session.site.as_bytes()), rows::secret(session.secret.as_ref()));
            let values: [&(dyn ToSql + Sync); 3] = [&site, &session.session.as_str(), &secret];
            (session.site, connection.query_opt(OWNER_OF_SESSION, &values).await?)
        }
    };
    let Some(row) = row else { return Ok(None) };
    let conversation: Uuid = rows::get(&row, 0)?;
    let session = rows::text(&row, 1, |session| SessionId::parse(session).ok())?;
    let secret = rows::optional_secret(&row, 2)?;
    // Its row first, as everybody does who changes something in it.
    connection.query(LOCK_CONVERSATIONS, &[&vec![conversation]]).await?;
    if connection.execute(DELETE_CONVERSATION, &[&conversation]).await? == 0 {
        return Ok(None);
    }
    let deleted = ConversationId::from_bytes(conversation.into_bytes());
    connection.execute(UNCOUNT_CONVERSATION, &[&uuid(site.as_bytes()), &part_of(deleted)]).await?;
    Ok(Some(DeletedConversation { conversation: deleted, session: SessionKey { site, session, secret } }))
}
