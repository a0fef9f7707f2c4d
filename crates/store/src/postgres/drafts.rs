//! What operators have begun to write, as SQL.

use std::sync::Arc;

use frontdesk_core::{
    ConversationId, Draft, DraftKind, Drafts, MAX_DRAFTS, OperatorName, SaveDraft, SavedDraft, SiteId,
    StoreError,
};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::connection::Connection;
use super::engine::Engine;
use super::error::Failure;
use super::rows;
use super::statements::inbox::{COUNT_OTHER_DRAFTS, DRAFTS_OF_OPERATOR, DROP_DRAFT, LOCK_STATE, PUT_DRAFT};
use super::turns::uuid;

/// Keeps a draft, in a transaction.
pub(super) async fn save(
    connection: Arc<Connection>,
    draft: Arc<SaveDraft>,
) -> Result<Option<SavedDraft>, Failure> {
    let SaveDraft { site, conversation, operator, kind, text } = &*draft;
    let id = uuid(conversation.as_bytes());
    // So that nobody else counts them meanwhile.
    if connection.query_opt(LOCK_STATE, &[&id, &uuid(site.as_bytes())]).await?.is_none() {
        return Ok(None);
    }
    let place: [&(dyn ToSql + Sync); 3] = [&id, &operator.as_str(), &kind.as_str()];
    let Some(text) = text else {
        connection.execute(DROP_DRAFT, &place).await?;
        return Ok(Some(SavedDraft::Done));
    };
    let others = connection.query_opt(COUNT_OTHER_DRAFTS, &place).await?;
    let others: i64 = others.map_or(Ok(0), |row| rows::get(&row, 0))?;
    if others >= i64::from(MAX_DRAFTS) {
        return Ok(Some(SavedDraft::TooMany));
    }
    put(&connection, *conversation, operator, *kind, text.as_str()).await?;
    Ok(Some(SavedDraft::Done))
}

pub(super) async fn put(
    connection: &Connection,
    conversation: ConversationId,
    operator: &OperatorName,
    kind: DraftKind,
    text: &str,
) -> Result<(), Failure> {
    let id = uuid(conversation.as_bytes());
    connection.execute(PUT_DRAFT, &[&id, &operator.as_str(), &kind.as_str(), &text]).await.map(drop)
}

pub(super) async fn of_operator(
    engine: &Engine,
    site: SiteId,
    conversation: ConversationId,
    operator: &OperatorName,
) -> Result<Option<Drafts>, StoreError> {
    let (site, conversation) = (uuid(site.as_bytes()), uuid(conversation.as_bytes()));
    let found = engine.read(DRAFTS_OF_OPERATOR, &[&conversation, &site, &operator.as_str()]).await?;
    if found.is_empty() {
        return Ok(None);
    }
    let mut drafts = Vec::new();
    for row in &found {
        let kind = rows::optional_text(row, 0, DraftKind::parse)?;
        drafts.extend(kind.zip(rows::get::<Option<String>>(row, 1)?));
    }
    Ok(Some(drafts.into_iter().collect()))
}

/// One of an export.
pub(super) fn read(row: &Row) -> Result<Draft, Failure> {
    Ok(Draft {
        operator: rows::text(row, 0, |name| OperatorName::parse(name).ok())?,
        kind: rows::text(row, 1, DraftKind::parse)?,
        text: rows::get(row, 2)?,
    })
}
