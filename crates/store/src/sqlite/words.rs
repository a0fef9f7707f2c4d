//! Keeping the words of messages, within the transactions that change the messages. What events have for a text is none.

use frontdesk_core::index_words;
use rusqlite::{Connection, params};

use super::error::Failure;

/// How many bits of a number in the index are the message's place.
pub(super) const PLACE_BITS: u32 = 20;

/// Messages at later places of a conversation than this are not found.
pub(super) const LAST_PLACE: u32 = (1 << PLACE_BITS) - 1;

/// Puts the words of a message in, which has to say of itself that it is indexed.
pub(super) fn put_in(
    connection: &Connection,
    conversation: &[u8; 16],
    seq: u32,
    text: &str,
) -> Result<(), Failure> {
    let words = index_words(text).join(" ");
    if words.is_empty() || seq > LAST_PLACE {
        return Ok(());
    }
    let sql = "INSERT INTO message_words (rowid, words) SELECT (number << ?) | ?, ? FROM conversations WHERE id = ?";
    connection.prepare_cached(sql)?.execute(params![PLACE_BITS, seq, words, conversation])?;
    Ok(())
}

/// Takes the words of a message out that is indexed. They have to be the same that were put in.
pub(super) fn take_out(
    connection: &Connection,
    conversation: &[u8; 16],
    seq: u32,
    text: &str,
) -> Result<(), Failure> {
    let words = index_words(text).join(" ");
    if words.is_empty() || seq > LAST_PLACE {
        return Ok(());
    }
    let sql = "INSERT INTO message_words (message_words, rowid, words)
               SELECT 'delete', (number << ?) | ?, ? FROM conversations WHERE id = ?";
    connection.prepare_cached(sql)?.execute(params![PLACE_BITS, seq, words, conversation])?;
    Ok(())
}

/// Takes the words of a conversation's messages out, or only of the one at a place.
pub(super) fn take_out_all(
    connection: &Connection,
    conversation: &[u8; 16],
    only: Option<u32>,
) -> Result<(), Failure> {
    let (first, last) = only.map_or((0, u32::MAX), |seq| (seq, seq));
    let mut statement = connection.prepare_cached(
        "SELECT seq, text FROM messages WHERE conversation_id = ? AND seq BETWEEN ? AND ? AND is_indexed = 1
           AND role <> 'event'",
    )?;
    let mut rows = statement.query(params![conversation, first, last])?;
    while let Some(row) = rows.next()? {
        let text: String = row.get(1)?;
        take_out(connection, conversation, row.get(0)?, &text)?;
    }
    Ok(())
}

/// Puts the words of some messages in that are not yet, and says of how many.
pub(super) fn catch_up(connection: &Connection, limit: u32) -> Result<u64, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT conversation_id, seq, iif(role = 'event', '', text) FROM messages INDEXED BY messages_unindexed
         WHERE is_indexed = 0 AND status <> 'streaming' LIMIT ?",
    )?;
    let found = statement.query_map([limit], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let found = found.collect::<rusqlite::Result<Vec<([u8; 16], u32, String)>>>()?;
    let mut mark = connection
        .prepare_cached("UPDATE messages SET is_indexed = 1 WHERE conversation_id = ? AND seq = ?")?;
    for (conversation, seq, text) in &found {
        put_in(connection, conversation, *seq, text)?;
        mark.execute(params![conversation, seq])?;
    }
    Ok(u64::try_from(found.len()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use frontdesk_core::{ConversationName, ConversationStore as _, SessionId, SessionKey, SiteId};

    use super::super::tests::with_messages;

    #[tokio::test]
    async fn what_is_deleted_is_overwritten_and_so_are_its_words() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("test.db");
        let has = |path: &Path, word: &str| {
            fs::read(path).unwrap().windows(word.len()).any(|bytes| bytes == word.as_bytes())
        };
        drop(with_messages(&database, 0..20).await);
        assert!(has(&database, "question") && has(&database, "visitor-3"));
        let store = with_messages(&database, 0..0).await;
        for n in 0..20 {
            let session = SessionId::parse(&format!("visitor-{n}")).unwrap();
            let name = ConversationName::Session(SessionKey { site: SiteId::DEFAULT, session, secret: None });
            assert!(store.delete_conversation(&name).await.unwrap().is_some());
        }
        drop(store);
        for word in ["question", "visitor-"] {
            assert!(!has(&database, word), "{word}");
        }
    }
}
