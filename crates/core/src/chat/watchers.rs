//! Who waits for something to happen in a conversation, or in any of a site.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, broadcast, watch};

use super::presence::Presences;
use crate::{ConversationId, ConversationName, NodeNews, SessionKey, SiteId, Typing, Typist};

/// How much typing may wait for a reader. Who falls behind misses some of it.
const WAITING_TYPING: usize = 8;

/// How many changes of a site may wait for a reader before it has to look for itself.
const WAITING_CHANGES: usize = 256;

/// How much typing of a site may wait for a reader.
const WAITING_SITE_TYPING: usize = 64;

/// Everybody in this process who waits.
#[derive(Debug, Default)]
pub(super) struct Watchers {
    waiting: Mutex<Waiting>,
    /// Is told when a visitor has come or gone.
    comings: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// By the name under which they know the conversation.
    conversations: HashMap<ConversationName, Topic>,
    sites: HashMap<SiteId, SiteTopic>,
    present: Presences,
}

#[derive(Debug)]
struct Topic {
    changes: watch::Sender<()>,
    typing: broadcast::Sender<Typing>,
}

#[derive(Debug)]
struct SiteTopic {
    changes: broadcast::Sender<ConversationId>,
    /// In which conversation the visitor types, or has ceased to.
    typing: broadcast::Sender<(ConversationId, bool)>,
}

impl Default for SiteTopic {
    fn default() -> Self {
        Self {
            changes: broadcast::Sender::new(WAITING_CHANGES),
            typing: broadcast::Sender::new(WAITING_SITE_TYPING),
        }
    }
}

/// Is told of what happens in all conversations of a site.
#[derive(Debug)]
pub(super) struct SiteSubscription {
    pub(super) changes: broadcast::Receiver<ConversationId>,
    /// Who falls behind misses some of it.
    pub(super) typing: broadcast::Receiver<(ConversationId, bool)>,
}

impl Default for Topic {
    fn default() -> Self {
        Self { changes: watch::Sender::default(), typing: broadcast::Sender::new(WAITING_TYPING) }
    }
}

/// Is told of what happens in one conversation. A change that comes while nobody waits is not lost.
#[derive(Debug)]
pub(super) struct Subscription {
    watchers: Arc<Watchers>,
    name: ConversationName,
    changes: watch::Receiver<()>,
    typing: broadcast::Receiver<Typing>,
}

/// What happens in a conversation.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Happening {
    /// It has changed.
    Change,
    /// Somebody types, or has ceased to.
    Typing(Typing),
}

/// A visitor's chat that follows a conversation.
#[derive(Debug)]
pub(super) struct Presence {
    watchers: Arc<Watchers>,
    site: SiteId,
    conversation: ConversationId,
}

impl Watchers {
    pub(super) fn subscribe(self: &Arc<Self>, name: ConversationName) -> Subscription {
        let mut waiting = self.lock();
        let topic = waiting.conversations.entry(name.clone()).or_default();
        let (changes, typing) = (topic.changes.subscribe(), topic.typing.subscribe());
        Subscription { watchers: Arc::clone(self), name, changes, typing }
    }

    /// What happens in all conversations of a site from now on.
    pub(super) fn subscribe_site(&self, site: SiteId) -> SiteSubscription {
        let mut waiting = self.lock();
        let topic = waiting.sites.entry(site).or_default();
        SiteSubscription { changes: topic.changes.subscribe(), typing: topic.typing.subscribe() }
    }

    /// Counts a chat that follows a conversation for its visitor.
    pub(super) fn enter(self: &Arc<Self>, site: SiteId, conversation: ConversationId) -> Presence {
        let mut waiting = self.lock();
        waiting.present.enter(site, conversation);
        waiting.tell_site(site, conversation);
        self.comings.notify_one();
        Presence { watchers: Arc::clone(self), site, conversation }
    }

    pub(super) fn is_present(&self, conversation: ConversationId) -> bool {
        self.lock().present.is_present(conversation)
    }

    /// From now on other nodes are to be told who comes and goes. Gives what says that there is news of it.
    pub(super) fn tell_others(&self) -> Arc<Notify> {
        self.lock().present.tell_others();
        Arc::clone(&self.comings)
    }

    /// What other nodes have not been told of it, and of all who are here if that is wanted.
    pub(super) fn presence_news(&self, of_all: bool) -> Vec<NodeNews> {
        self.lock().present.news(of_all)
    }

    /// Takes in what was told of who is there.
    pub(super) fn hear_presence(&self, site: SiteId, here: &[ConversationId], gone: &[ConversationId]) {
        let mut waiting = self.lock();
        for conversation in waiting.present.hear(site, here, gone) {
            waiting.tell_site(site, conversation);
        }
        if !gone.is_empty() {
            self.comings.notify_one();
        }
    }

    /// Forgets who was there over nodes that say nothing any more.
    pub(super) fn forget_silent(&self) {
        let mut waiting = self.lock();
        for (site, conversation) in waiting.present.forget_silent() {
            waiting.tell_site(site, conversation);
        }
    }

    /// Tells everybody who waits for this conversation, under whichever name, that it has changed.
    pub(super) fn tell(&self, session: &SessionKey, conversation: ConversationId) {
        let waiting = self.lock();
        for topic in waiting.topics(session, conversation) {
            topic.changes.send_replace(());
        }
        waiting.tell_site(session.site, conversation);
    }

    /// Tells everybody who follows this conversation that somebody types, or has ceased to; of the visitor also those who
    /// follow the site.
    pub(super) fn tell_typing(&self, session: &SessionKey, conversation: ConversationId, typing: &Typing) {
        let waiting = self.lock();
        // Nobody may be listening.
        for topic in waiting.topics(session, conversation) {
            let _ = topic.typing.send(typing.clone());
        }
        if typing.typist == Typist::Visitor
            && let Some(site) = waiting.sites.get(&session.site)
        {
            let _ = site.typing.send((conversation, typing.is_typing));
        }
    }

    /// Tells everybody that something may have changed.
    pub(super) fn tell_all(&self) {
        for topic in self.lock().conversations.values() {
            topic.changes.send_replace(());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn topics(
        &self,
        session: &SessionKey,
        conversation: ConversationId,
    ) -> impl Iterator<Item = &Topic> + use<'_> {
        let names =
            [ConversationName::Id(session.site, conversation), ConversationName::Session(session.clone())];
        names.into_iter().filter_map(|name| self.conversations.get(&name))
    }

    fn tell_site(&self, site: SiteId, conversation: ConversationId) {
        if let Some(topic) = self.sites.get(&site) {
            // Nobody may be listening.
            let _ = topic.changes.send(conversation);
        }
    }
}

impl Subscription {
    /// Forgets the changes up to now: what they changed is about to be read.
    pub(super) fn forget(&mut self) {
        self.changes.borrow_and_update();
    }

    /// Waits until something happens: a change since the last one that was waited for or forgotten, or typing. Losing the
    /// future loses nothing.
    pub(super) async fn next(&mut self) -> Happening {
        loop {
            // The senders are kept as long as there is a subscription, so only what was missed is an error.
            tokio::select! {
                biased;
                _ = self.changes.changed() => return Happening::Change,
                typing = self.typing.recv() => if let Ok(typing) = typing {
                    return Happening::Typing(typing);
                },
            }
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut waiting = self.watchers.lock();
        let is_last = |topic: &Topic| topic.changes.receiver_count() == 1;
        if waiting.conversations.get(&self.name).is_some_and(is_last) {
            waiting.conversations.remove(&self.name);
        }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let mut waiting = self.watchers.lock();
        waiting.present.leave(self.site, self.conversation);
        waiting.tell_site(self.site, self.conversation);
        self.watchers.comings.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OperatorName;
    use crate::testing::suite::{bare_session, session};

    const CONVERSATION: ConversationId = ConversationId::from_bytes([1; 16]);

    #[tokio::test]
    async fn a_change_is_told_to_those_who_wait_for_it_and_to_nobody_else() {
        let watchers = Arc::<Watchers>::default();
        let subscribe = |name| watchers.subscribe(name);
        let mut visitor = subscribe(ConversationName::Session(session("a")));
        let mut operator = subscribe(ConversationName::Id(session("a").site, CONVERSATION));
        let other = subscribe(ConversationName::Session(bare_session("a")));
        let mut site = watchers.subscribe_site(session("a").site);
        watchers.tell(&session("a"), CONVERSATION);
        assert_eq!(visitor.next().await, Happening::Change);
        assert_eq!(operator.next().await, Happening::Change);
        assert_eq!(site.changes.recv().await, Ok(CONVERSATION));
        assert!(!other.changes.has_changed().unwrap());
        assert!(!visitor.changes.has_changed().unwrap());
    }

    #[tokio::test]
    async fn typing_is_told_and_is_no_change() {
        let watchers = Arc::<Watchers>::default();
        let mut operator = watchers.subscribe(ConversationName::Id(session("a").site, CONVERSATION));
        let typing = Typing { typist: Typist::Visitor, is_typing: true };
        watchers.tell_typing(&session("a"), CONVERSATION, &typing);
        assert_eq!(operator.next().await, Happening::Typing(typing));
        assert!(!operator.changes.has_changed().unwrap());
    }

    #[tokio::test]
    async fn a_site_is_told_of_typing_visitors_and_of_no_operators() {
        let watchers = Arc::<Watchers>::default();
        let mut site = watchers.subscribe_site(session("a").site);
        let mut tell = |typist, is_typing| {
            watchers.tell_typing(&session("a"), CONVERSATION, &Typing { typist, is_typing });
            site.typing.try_recv().ok()
        };
        assert_eq!(tell(Typist::Visitor, true), Some((CONVERSATION, true)));
        assert_eq!(tell(Typist::Operator(OperatorName::default()), true), None);
        assert_eq!(tell(Typist::Visitor, false), Some((CONVERSATION, false)));
        assert!(site.changes.is_empty());
    }

    #[tokio::test]
    async fn the_last_one_to_leave_takes_the_name_away() {
        let watchers = Arc::<Watchers>::default();
        let name = ConversationName::Session(session("a"));
        let (first, second) = (watchers.subscribe(name.clone()), watchers.subscribe(name));
        drop(first);
        assert_eq!(watchers.lock().conversations.len(), 1);
        drop(second);
        assert_eq!(watchers.lock().conversations.len(), 0);
    }

    #[tokio::test]
    async fn a_visitor_is_present_as_long_as_one_of_their_chats_is() {
        let watchers = Arc::<Watchers>::default();
        let mut site = watchers.subscribe_site(session("a").site);
        let enter = || watchers.enter(session("a").site, CONVERSATION);
        let (first, second) = (enter(), enter());
        drop(first);
        assert!(watchers.is_present(CONVERSATION));
        drop(second);
        assert!(!watchers.is_present(CONVERSATION));
        for _ in 0..4 {
            assert_eq!(site.changes.recv().await, Ok(CONVERSATION));
        }
    }
}
