use async_trait::async_trait;

use super::StoreError;
use crate::{NodeId, Timestamp};

/// The nodes that share a store, and the answers that each of them writes.
///
/// A node counts up a number as long as it lives. Others see whether the number still grows, and compare no clocks.
#[async_trait]
pub trait NodeStore: Send + Sync {
    /// Counts one more sign of life of a node, and says how many it has given. One that is not known begins with the first.
    async fn beat(&self, node: NodeId, now: Timestamp) -> Result<u64, StoreError>;

    /// The nodes that have given signs of life, and those that have not and yet own an answer that is being written; by
    /// their ids.
    async fn nodes(&self) -> Result<Vec<NodeBeats>, StoreError>;

    /// Forgets a node, and ends all of its answers that are still being written with the text they have, as interrupted or
    /// failed (see [`crate::MessageStatus::of_broken`]). Says how many there were.
    ///
    /// `None`, and nothing is changed, if the node has given another number of signs of life than this.
    async fn end_node(&self, node: NodeBeats) -> Result<Option<u64>, StoreError>;
}

/// How many signs of life a node has given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeBeats {
    /// The node. [`NodeId::NONE`] owns what was begun before answers had owners.
    pub node: NodeId,
    /// How many; 0 for a node that is not known, or not any more.
    pub beats: u64,
}

impl NodeId {
    /// Owns the answers that nobody else does.
    pub const NONE: Self = Self::from_bytes([0; 16]);
}
