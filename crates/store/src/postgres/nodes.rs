use async_trait::async_trait;
use frontdesk_core::{NodeBeats, NodeId, NodeStore, StoreError, Timestamp};
use tokio_postgres::Row;

use super::engine::Repeat;
use super::error::Failure;
use super::statements::{BEAT, NODES};
use super::turns::uuid;
use super::{PostgresStore, rows, turns};

fn beats(row: &Row, column: usize) -> Result<u64, Failure> {
    u64::try_from(rows::get::<i64>(row, column)?).map_err(|_| Failure::Corrupt("fewer than none".to_owned()))
}

#[async_trait]
impl NodeStore for PostgresStore {
    async fn beat(&self, node: NodeId, now: Timestamp) -> Result<u64, StoreError> {
        let beating = self.engine.transact(Repeat::Harmless, |connection| async move {
            let row = connection.query_opt(BEAT, &[&uuid(node.as_bytes()), &now.millis()]).await?;
            row.map_or(Ok(0), |row| beats(&row, 0))
        });
        beating.await.map_err(|undone| undone.failure.into())
    }

    async fn nodes(&self) -> Result<Vec<NodeBeats>, StoreError> {
        let read =
            |row: &Row| Ok(NodeBeats { node: NodeId::from_bytes(rows::id(row, 0)?), beats: beats(row, 1)? });
        let nodes: Result<_, Failure> = self.engine.read(NODES, &[]).await?.iter().map(read).collect();
        Ok(nodes?)
    }

    async fn end_node(&self, ended: NodeBeats) -> Result<Option<u64>, StoreError> {
        let ending = self.engine.transact(Repeat::Harmless, |connection| turns::end_node(connection, ended));
        ending.await.map_err(|undone| undone.failure.into())
    }
}
