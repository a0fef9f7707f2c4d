//! Nodes that share a store: showing that one lives, ending what dead ones have left, and telling each other.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::running::RunningTurn;
use super::{Chat, Service};
use crate::{ConversationId, NodeBeats, NodeId, NodeNews, Relay, SessionKey, TurnUpdate};

/// How often more of an answer is told to other nodes at most.
const TELL_EVERY: Duration = Duration::from_millis(20);

/// How long leaving may take.
const LEAVING: Duration = Duration::from_secs(2);

/// Sees which nodes give no more signs of life. It compares numbers that it has read and no clocks, neither with those of
/// other machines nor with its own: a node is dead when its number was the same so many looks in a row. A process that was
/// frozen for an hour has looked once in it.
#[derive(Debug, Default)]
struct Watch {
    seen: HashMap<NodeId, Seen>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    beats: u64,
    /// How many looks in a row have found it so.
    looks: u32,
}

impl Watch {
    /// Looks at all nodes, and gives those that are dead after so many looks.
    fn look(&mut self, nodes: &[NodeBeats], dead_after: u32) -> Vec<NodeBeats> {
        let before = std::mem::take(&mut self.seen);
        for NodeBeats { node, beats } in nodes {
            let same = before.get(node).filter(|seen| seen.beats == *beats);
            let looks = same.map_or(0, |seen| seen.looks + 1);
            self.seen.insert(*node, Seen { beats: *beats, looks });
        }
        let is_dead =
            |node: &&NodeBeats| self.seen.get(&node.node).is_some_and(|seen| seen.looks >= dead_after);
        nodes.iter().filter(is_dead).copied().collect()
    }

    /// Forgets what was seen: nobody could give a sign of life meanwhile.
    fn forget(&mut self) {
        self.seen.clear();
    }
}

impl Chat {
    /// The name of this node.
    pub fn node(&self) -> NodeId {
        self.service.node
    }

    /// Shows other nodes that this one lives, and ends the answers of those that do not, until `leaving` is cancelled.
    pub async fn live_among_nodes(&self, leaving: CancellationToken) {
        let service = &*self.service;
        let mut watch = Watch::default();
        let mut given = 0;
        loop {
            given = service.live(given, &mut watch).await;
            tokio::select! {
                () = leaving.cancelled() => break,
                () = sleep(service.settings.beat_every) => {}
            }
        }
        let this = NodeBeats { node: service.node, beats: given };
        let _ = timeout(LEAVING, service.ports.store.end_node(this)).await;
    }

    /// Ends the answers that nodes of this machine have left which certainly do not live any more.
    pub async fn end_nodes(&self, dead: &[NodeId]) {
        let store = &self.service.ports.store;
        let known = match store.nodes().await {
            Ok(known) => known,
            Err(error) => {
                warn!(error = &error as &dyn std::error::Error, "cannot ask for the other nodes");
                return;
            }
        };
        for node in known.into_iter().filter(|known| dead.contains(&known.node)) {
            self.service.end(node).await;
        }
    }
}

impl Service {
    /// Gives a sign of life, and looks for those of others. Says how many this node has given.
    async fn live(&self, given: u64, watch: &mut Watch) -> u64 {
        let store = &self.ports.store;
        let seen = match store.beat(self.node, self.ports.clock.now()).await {
            Ok(count) if count <= given => {
                warn!(node = %self.node, "other nodes took this one for dead, and have ended its answers");
                (count, store.nodes().await)
            }
            Ok(count) => (count, store.nodes().await),
            Err(error) => (given, Err(error)),
        };
        match seen {
            (given, Ok(nodes)) => {
                for dead in watch.look(&nodes, self.settings.dead_after) {
                    if dead.node != self.node {
                        self.end(dead).await;
                    }
                }
                given
            }
            (given, Err(error)) => {
                warn!(
                    error = &error as &dyn std::error::Error,
                    "cannot show other nodes that this one lives"
                );
                watch.forget();
                given
            }
        }
    }

    async fn end(&self, dead: NodeBeats) {
        match self.ports.store.end_node(dead).await {
            Ok(Some(unfinished)) => {
                info!(node = %dead.node, unfinished, "a node ended without a word; its answers are kept as interrupted");
            }
            Ok(None) => {}
            Err(error) => {
                warn!(node = %dead.node, error = &error as &dyn std::error::Error, "cannot end a dead node's answers");
            }
        }
    }

    /// Tells the readers of a conversation, here and on other nodes, that it has changed.
    pub(super) fn tell_change(&self, session: &SessionKey, conversation: ConversationId) {
        self.feeds.tell_change(session, conversation);
    }
}

/// Tells other nodes an answer as it is written here. It reads like any other reader, so a slow way costs nobody anything.
pub(super) async fn tell_text(relay: Arc<dyn Relay>, running: Arc<RunningTurn>) {
    let (log, answer) = (&running.log, running.answer);
    let Ok(mut reader) = log.reader(0) else { return };
    while let TurnUpdate::Text { text, cursor } = reader.next().await {
        if !relay.tell_text(answer, cursor - text.len(), &text).await {
            let mut whole = log.text();
            whole.truncate(cursor);
            relay.tell_text(answer, 0, &whole).await;
        }
        sleep(TELL_EVERY).await;
    }
    relay.tell_end(answer).await;
}

/// Does what other nodes ask for, as long as there is a service.
pub(super) async fn listen(relay: Arc<dyn Relay>, service: Weak<Service>) {
    let mut news = relay.listen();
    loop {
        let heard = match news.recv().await {
            Ok(heard) => heard,
            Err(RecvError::Lagged(_)) => NodeNews::Missed,
            Err(RecvError::Closed) => return,
        };
        let Some(service) = service.upgrade() else { return };
        match heard {
            NodeNews::Changed { session, conversation } => {
                service.feeds.watchers.tell(&session, conversation);
            }
            NodeNews::Typing { session, conversation, typing } => {
                service.feeds.watchers.tell_typing(&session, conversation, &typing);
            }
            NodeNews::Presence { site, here, gone } => {
                service.feeds.watchers.hear_presence(site, &here, &gone);
            }
            NodeNews::Stop(answer) => {
                if let Some(running) = service.feeds.running.find(answer) {
                    running.stop();
                }
            }
            NodeNews::Missed => service.feeds.watchers.tell_all(),
        }
    }
}

#[cfg(test)]
mod tests;
