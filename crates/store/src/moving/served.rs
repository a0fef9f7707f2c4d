//! Whether servers work with a store that several may share.

use std::collections::HashMap;
use std::thread;
use std::time::Duration;

use frontdesk_core::{NodeBeats, NodeId};

use crate::{BackupError, LockError, StoreUrl, convex, postgres};

/// How long a look comes after another one. A server shows every two seconds that it lives.
const BETWEEN_LOOKS: Duration = Duration::from_secs(6);

/// The nodes that a store knows. It may be of any schema, or empty, and is left as it is.
fn nodes(url: &StoreUrl) -> Result<HashMap<NodeId, u64>, BackupError> {
    let nodes = match url {
        // Its lock tells.
        StoreUrl::Sqlite(_) => Vec::new(),
        StoreUrl::Postgres(url) => postgres::nodes(url)?,
        StoreUrl::Convex(settings) => convex::nodes(settings)?,
    };
    Ok(nodes.into_iter().map(|NodeBeats { node, beats }| (node, beats)).collect())
}

/// Says of each of these stores whether a server shows that it lives: a node whose number grows. Nodes that ended as they
/// should are not there any more, so mostly nobody has to wait.
pub(super) fn served(stores: [&StoreUrl; 2]) -> [Result<Option<LockError>, BackupError>; 2] {
    let before = stores.map(nodes);
    let is_quiet = |found: &Result<HashMap<NodeId, u64>, BackupError>| {
        found.as_ref().map_or(true, |nodes| nodes.values().all(|beats| *beats == 0))
    };
    if !before.iter().all(is_quiet) {
        thread::sleep(BETWEEN_LOOKS);
    }
    let mut stores = stores.into_iter();
    before.map(|before| {
        let (before, Some(store)) = (before?, stores.next()) else { return Ok(None) };
        if before.values().all(|beats| *beats == 0) {
            return Ok(None);
        }
        let now = nodes(store)?;
        let alive = now.into_iter().find(|(node, beats)| before.get(node).is_none_or(|then| then < beats));
        Ok(alive.map(|(node, _)| LockError::Taken { place: format!("node {node} of {store}") }))
    })
}
