use std::sync::Arc;

use async_trait::async_trait;
use frontdesk_core::{NodeBeats, NodeId, NodeStore, StoreError, SystemRandom, Timestamp};
use serde::Deserialize;
use serde_json::json;
use tokio::runtime::Builder;

use super::export::in_words;
use super::values::{self, Whole};
use super::{ConvexSettings, ConvexStore};
use crate::BackupError;

#[derive(Deserialize)]
struct WireBeats {
    node: String,
    beats: Whole<u64>,
}

/// The nodes that a deployment knows.
pub(crate) fn nodes(settings: &ConvexSettings) -> Result<Vec<NodeBeats>, BackupError> {
    let failed = |why: String| BackupError::Server { server: format!("Convex at {}", settings.url), why };
    let store =
        ConvexStore::new(settings, Arc::new(SystemRandom)).map_err(|error| failed(error.to_string()))?;
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| failed(error.to_string()))?;
    runtime.block_on(store.nodes()).map_err(|error| failed(in_words(&error)))
}

#[async_trait]
impl NodeStore for ConvexStore {
    async fn beat(&self, node: NodeId, now: Timestamp) -> Result<u64, StoreError> {
        let args = json!({ "node": node.to_string(), "now": now.millis() });
        let Whole(beats) = self.mutation("nodes:beat", args).await?;
        Ok(beats)
    }

    async fn nodes(&self) -> Result<Vec<NodeBeats>, StoreError> {
        let found: Vec<WireBeats> = self.query("nodes:list", json!({})).await?;
        let nodes = found.into_iter().map(|WireBeats { node, beats: Whole(beats) }| {
            Ok(NodeBeats { node: values::parse("node", &node, NodeId::parse)?, beats })
        });
        nodes.collect()
    }

    /// First the node is forgotten. Should its answers not all be ended after that, they belong to a node that gives no sign
    /// of life, and somebody ends the rest.
    async fn end_node(&self, ended: NodeBeats) -> Result<Option<u64>, StoreError> {
        let args = json!({ "node": ended.node.to_string(), "beats": ended.beats });
        if !self.mutation::<bool>("nodes:forget", args).await? {
            return Ok(None);
        }
        self.interrupt_all(Some(ended.node)).await.map(Some)
    }
}
