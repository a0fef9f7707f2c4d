use async_trait::async_trait;

use super::MemoryStore;
use crate::store::{NodeBeats, NodeStore, StoreError};
use crate::{NodeId, Timestamp};

#[async_trait]
impl NodeStore for MemoryStore {
    async fn beat(&self, node: NodeId, _now: Timestamp) -> Result<u64, StoreError> {
        let mut data = self.working()?;
        let beats = data.nodes.entry(node).or_default();
        *beats += 1;
        Ok(*beats)
    }

    async fn nodes(&self) -> Result<Vec<NodeBeats>, StoreError> {
        let data = self.working()?;
        let mut nodes = data.nodes.clone();
        for answer in data.streaming() {
            nodes.entry(data.writers[&answer]).or_insert(0);
        }
        Ok(nodes.into_iter().map(|(node, beats)| NodeBeats { node, beats }).collect())
    }

    async fn end_node(&self, ended: NodeBeats) -> Result<Option<u64>, StoreError> {
        let mut data = self.working()?;
        if data.nodes.get(&ended.node).is_some_and(|beats| *beats != ended.beats) {
            return Ok(None);
        }
        data.nodes.remove(&ended.node);
        drop(data);
        self.interrupt(|data, answer| data.writers[&answer] == ended.node).map(Some)
    }
}
