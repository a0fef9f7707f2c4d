//! What operators have begun to write, as SQL. Each function is one unit of work, or a part of one.

use frontdesk_core::{
    ConversationId, Draft, DraftKind, Drafts, MAX_DRAFTS, OperatorName, SaveDraft, SavedDraft, SiteId,
};
use rusqlite::{Connection, Row, params};

use super::error::Failure;
use super::{conversations, rows};

pub(super) fn save(connection: &Connection, draft: &SaveDraft) -> Result<Option<SavedDraft>, Failure> {
    let SaveDraft { site, conversation, operator, kind, text } = draft;
    if !conversations::is_of(connection, *site, *conversation)? {
        return Ok(None);
    }
    let Some(text) = text else {
        let sql = "DELETE FROM drafts WHERE conversation_id = ? AND operator = ? AND kind = ?";
        let values = params![conversation.as_bytes(), operator.as_str(), kind.as_str()];
        connection.prepare_cached(sql)?.execute(values)?;
        return Ok(Some(SavedDraft::Done));
    };
    let sql = "SELECT count(*) FROM drafts WHERE conversation_id = ? AND NOT (operator = ? AND kind = ?)";
    let values = params![conversation.as_bytes(), operator.as_str(), kind.as_str()];
    let others: u32 = connection.prepare_cached(sql)?.query_row(values, |row| row.get(0))?;
    if others >= MAX_DRAFTS {
        return Ok(Some(SavedDraft::TooMany));
    }
    put(connection, *conversation, operator, *kind, text.as_str())?;
    Ok(Some(SavedDraft::Done))
}

pub(super) fn put(
    connection: &Connection,
    conversation: ConversationId,
    operator: &OperatorName,
    kind: DraftKind,
    text: &str,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO drafts (conversation_id, operator, kind, text) VALUES (?, ?, ?, ?)
               ON CONFLICT (conversation_id, operator, kind) DO UPDATE SET text = excluded.text";
    let values = params![conversation.as_bytes(), operator.as_str(), kind.as_str(), text];
    connection.prepare_cached(sql)?.execute(values).map(drop)
}

pub(super) fn of_operator(
    connection: &Connection,
    site: SiteId,
    conversation: ConversationId,
    operator: &OperatorName,
) -> Result<Option<Drafts>, Failure> {
    let sql = "SELECT d.kind, d.text FROM conversations c
               LEFT JOIN drafts d ON d.conversation_id = c.id AND d.operator = ?
               WHERE c.id = ? AND c.site_id = ?";
    let mut statement = connection.prepare_cached(sql)?;
    let values = params![operator.as_str(), conversation.as_bytes(), site.as_bytes()];
    let read = |row: &Row<'_>| {
        let kind = rows::optional_text(row, 0, DraftKind::parse)?;
        Ok(kind.zip(row.get::<_, Option<String>>(1)?))
    };
    let found = statement.query_map(values, read)?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok((!found.is_empty()).then(|| found.into_iter().flatten().collect()))
}

/// Those of all operators, by their names.
pub(super) fn of_conversation(
    connection: &Connection,
    conversation: ConversationId,
) -> rusqlite::Result<Vec<Draft>> {
    let sql = "SELECT operator, kind, text FROM drafts WHERE conversation_id = ? ORDER BY operator, kind";
    let mut statement = connection.prepare_cached(sql)?;
    let read = |row: &Row<'_>| {
        Ok(Draft {
            operator: rows::text(row, 0, |name| OperatorName::parse(name).ok())?,
            kind: rows::text(row, 1, DraftKind::parse)?,
            text: row.get(2)?,
        })
    };
    statement.query_map([conversation.as_bytes()], read)?.collect()
}
