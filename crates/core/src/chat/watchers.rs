//! Who waits for something to change in a conversation.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::{ConversationId, ConversationName, SessionKey};

/// Everybody in this process who waits, by the name under which they know the conversation.
#[derive(Debug, Default)]
pub(super) struct Watchers {
    waiting: Mutex<HashMap<ConversationName, watch::Sender<()>>>,
}

/// Is told of the changes of one conversation. A change that comes while nobody waits is not lost.
#[derive(Debug)]
pub(super) struct Subscription {
    watchers: Arc<Watchers>,
    name: ConversationName,
    changes: watch::Receiver<()>,
}

impl Watchers {
    pub(super) fn subscribe(self: &Arc<Self>, name: ConversationName) -> Subscription {
        let changes = self.lock().entry(name.clone()).or_default().subscribe();
        Subscription { watchers: Arc::clone(self), name, changes }
    }

    /// Tells everybody who waits for this conversation, under whichever name, that it has changed.
    pub(super) fn tell(&self, session: &SessionKey, conversation: ConversationId) {
        let waiting = self.lock();
        for name in
            [ConversationName::Id(session.site, conversation), ConversationName::Session(session.clone())]
        {
            if let Some(changes) = waiting.get(&name) {
                changes.send_replace(());
            }
        }
    }

    /// Tells everybody that something may have changed.
    pub(super) fn tell_all(&self) {
        for changes in self.lock().values() {
            changes.send_replace(());
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ConversationName, watch::Sender<()>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscription {
    /// Forgets the changes up to now: what they changed is about to be read.
    pub(super) fn forget(&mut self) {
        self.changes.borrow_and_update();
    }

    /// Waits for a change since the last one that was waited for or forgotten. Losing the future loses nothing.
    pub(super) async fn changed(&mut self) {
        // The sender is kept as long as there is a subscription, so this cannot fail.
        let _ = self.changes.changed().await;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut waiting = self.watchers.lock();
        if waiting.get(&self.name).is_some_and(|changes| changes.receiver_count() == 1) {
            waiting.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::suite::{bare_session, session};

    #[tokio::test]
    async fn a_change_is_told_to_those_who_wait_for_it_and_to_nobody_else() {
        let watchers = Arc::<Watchers>::default();
        let conversation = ConversationId::from_bytes([1; 16]);
        let subscribe = |name| watchers.subscribe(name);
        let mut visitor = subscribe(ConversationName::Session(session("a")));
        let mut operator = subscribe(ConversationName::Id(session("a").site, conversation));
        let other = subscribe(ConversationName::Session(bare_session("a")));
        watchers.tell(&session("a"), conversation);
        visitor.changed().await;
        operator.changed().await;
        assert!(!other.changes.has_changed().unwrap());
        assert!(!visitor.changes.has_changed().unwrap());
    }

    #[tokio::test]
    async fn the_last_one_to_leave_takes_the_name_away() {
        let watchers = Arc::<Watchers>::default();
        let name = ConversationName::Session(session("a"));
        let (first, second) = (watchers.subscribe(name.clone()), watchers.subscribe(name));
        drop(first);
        assert_eq!(watchers.lock().len(), 1);
        drop(second);
        assert_eq!(watchers.lock().len(), 0);
    }
}
