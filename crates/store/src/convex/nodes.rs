use async_trait::async_trait;
use frontdesk_core::{NodeBeats, NodeId, NodeStore, StoreError, Timestamp};
use serde::Deserialize;
use serde_json::json;

use super::ConvexStore;
use super::values::{self, Whole};

#[derive(Deserialize)]
struct WireBeats {
    node: String,
    beats: Whole<u64>,
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
