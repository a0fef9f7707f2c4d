use async_trait::async_trait;
use frontdesk_core::{NodeBeats, NodeId, NodeStore, StoreError, Timestamp};
use tokio_postgres::Row;

use super::connection::Connector;
use super::engine::Repeat;
use super::error::Failure;
use super::statements::{BEAT, HAS_NODES, NODES};
use super::tls::Encryption;
use super::turns::uuid;
use super::{PostgresStore, PostgresUrl, Threads, answers, rows};
use crate::BackupError;

fn beats(row: &Row, column: usize) -> Result<u64, Failure> {
    u64::try_from(rows::get::<i64>(row, column)?).map_err(|_| Failure::Corrupt("fewer than none".to_owned()))
}

/// The nodes that a database knows, of any schema.
pub(crate) fn nodes(url: &PostgresUrl) -> Result<Vec<NodeBeats>, BackupError> {
    let failed = |why: String| BackupError::Server { server: url.to_string(), why };
    let threads = Threads::start("postgres-nodes").map_err(|error| failed(error.to_string()))?;
    let encryption = Encryption::of(url).map_err(|error| failed(error.to_string()))?;
    let connector = Connector::new(url.clone(), encryption, threads.handle().clone());
    let reading = async {
        let connection = connector.connect_as(&[]).await?;
        let has_nodes = connection.query_opt(HAS_NODES, &[]).await?;
        if !has_nodes.map_or(Ok(false), |row| rows::get(&row, 0))? {
            return Ok(Vec::new());
        }
        connection.query(NODES, &[]).await?.iter().map(read).collect()
    };
    threads.handle().block_on(reading).map_err(|failure: Failure| failed(failure.to_string()))
}

fn read(row: &Row) -> Result<NodeBeats, Failure> {
    Ok(NodeBeats { node: NodeId::from_bytes(rows::id(row, 0)?), beats: beats(row, 1)? })
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
        let nodes: Result<_, Failure> = self.engine.read(NODES, &[]).await?.iter().map(read).collect();
        Ok(nodes?)
    }

    async fn end_node(&self, ended: NodeBeats) -> Result<Option<u64>, StoreError> {
        let ending =
            self.engine.transact(Repeat::Harmless, |connection| answers::end_node(connection, ended));
        ending.await.map_err(|undone| undone.failure.into())
    }
}
