use async_trait::async_trait;
use frontdesk_core::{NodeBeats, NodeId, NodeStore, StoreError, Timestamp};
use rusqlite::{OptionalExtension as _, Row, params};

use super::{SqliteStore, turns};

fn beats(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or_default())
}

#[async_trait]
impl NodeStore for SqliteStore {
    async fn beat(&self, node: NodeId, now: Timestamp) -> Result<u64, StoreError> {
        self.write(move |connection| {
            let sql = "INSERT INTO nodes (id, beats, seen_at) VALUES (?, 1, ?)
                       ON CONFLICT (id) DO UPDATE SET beats = beats + 1, seen_at = excluded.seen_at RETURNING beats";
            let values = params![node.as_bytes(), now.millis()];
            Ok(connection.prepare_cached(sql)?.query_row(values, |row| beats(row, 0))?)
        })
        .await
    }

    async fn nodes(&self) -> Result<Vec<NodeBeats>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, beats FROM nodes
                 UNION ALL
                 SELECT DISTINCT coalesce(node_id, zeroblob(16)), 0 FROM messages
                 WHERE status = 'streaming' AND coalesce(node_id, zeroblob(16)) NOT IN (SELECT id FROM nodes)
                 ORDER BY 1",
            )?;
            let nodes = statement.query_map([], |row| {
                Ok(NodeBeats { node: NodeId::from_bytes(row.get(0)?), beats: beats(row, 1)? })
            })?;
            Ok(nodes.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn end_node(&self, ended: NodeBeats) -> Result<Option<u64>, StoreError> {
        self.write(move |connection| {
            let id = ended.node.as_bytes();
            let found = connection
                .prepare_cached("SELECT beats FROM nodes WHERE id = ?")?
                .query_row([id], |row| beats(row, 0))
                .optional()?;
            if found.is_some_and(|beats| beats != ended.beats) {
                return Ok(None);
            }
            connection.prepare_cached("DELETE FROM nodes WHERE id = ?")?.execute([id])?;
            turns::interrupt_unfinished(connection, Some(ended.node)).map(Some)
        })
        .await
    }
}
