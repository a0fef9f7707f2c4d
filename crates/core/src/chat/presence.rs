//! Which visitors follow their conversations now: over this process, and over other nodes as far as these say so.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::watchers::Watchers;
use crate::{ConversationId, NodeNews, Relay, SiteId};

/// How often a node says again who is there.
const SAY_AGAIN: Duration = Duration::from_secs(20);

/// How long that holds for others, who may miss it once.
const HOLDS: Duration = Duration::from_secs(45);

/// How long comings and goings are gathered before they are told.
const GATHERED: Duration = Duration::from_millis(100);

/// How many conversations one piece of news has at most.
const AT_ONCE: usize = 200;

/// Who is there.
#[derive(Debug, Default)]
pub(super) struct Presences {
    visitors: HashMap<ConversationId, Visitor>,
    /// Who has come or gone here since other nodes were told; `None` if there are none.
    untold: Option<HashSet<(SiteId, ConversationId)>>,
}

/// A visitor who is there.
#[derive(Debug)]
struct Visitor {
    site: SiteId,
    /// How many chats follow the conversation over this process.
    chats: usize,
    /// When another node last said that there is one.
    heard: Option<Instant>,
}

impl Presences {
    pub(super) fn is_present(&self, conversation: ConversationId) -> bool {
        self.visitors.contains_key(&conversation)
    }

    /// From now on comings and goings are kept until [`Self::news`] is asked for.
    pub(super) fn tell_others(&mut self) {
        self.untold.get_or_insert_default();
    }

    /// A chat has begun to follow the conversation here.
    pub(super) fn enter(&mut self, site: SiteId, conversation: ConversationId) {
        self.visitor(site, conversation).chats += 1;
        self.note(site, conversation);
    }

    /// A chat follows it no more.
    pub(super) fn leave(&mut self, site: SiteId, conversation: ConversationId) {
        let Some(visitor) = self.visitors.get_mut(&conversation) else { return };
        visitor.chats = visitor.chats.saturating_sub(1);
        if visitor.chats == 0 {
            // Who is still there over another node is told of by that node when it hears of this.
            self.visitors.remove(&conversation);
            self.note(site, conversation);
        }
    }

    /// Another node, or this one, has told who is there and who is not any more. Gives those for whom that is new.
    pub(super) fn hear(
        &mut self,
        site: SiteId,
        here: &[ConversationId],
        gone: &[ConversationId],
    ) -> Vec<ConversationId> {
        let mut new = Vec::new();
        for &conversation in here {
            if !self.is_present(conversation) {
                new.push(conversation);
            }
            self.visitor(site, conversation).heard = Some(Instant::now());
        }
        for &conversation in gone {
            match self.visitors.get_mut(&conversation) {
                Some(visitor) if visitor.chats > 0 => {
                    visitor.heard = None;
                    self.note(site, conversation);
                }
                Some(_) => {
                    self.visitors.remove(&conversation);
                    new.push(conversation);
                }
                None => {}
            }
        }
        new
    }

    /// Forgets those of whom nothing was heard for too long, and gives them.
    pub(super) fn forget_silent(&mut self) -> Vec<(SiteId, ConversationId)> {
        let is_silent = |visitor: &Visitor| {
            visitor.chats == 0 && visitor.heard.is_none_or(|heard| heard.elapsed() >= HOLDS)
        };
        let silent = self.visitors.extract_if(|_, visitor| is_silent(visitor));
        silent.map(|(conversation, visitor)| (visitor.site, conversation)).collect()
    }

    /// What other nodes have not been told yet, and of all who are here if that is wanted.
    pub(super) fn news(&mut self, of_all: bool) -> Vec<NodeNews> {
        let mut changed = self.untold.as_mut().map(std::mem::take).unwrap_or_default();
        if of_all {
            let here = self.visitors.iter().filter(|(_, visitor)| visitor.chats > 0);
            changed.extend(here.map(|(conversation, visitor)| (visitor.site, *conversation)));
        }
        let mut sites: BTreeMap<SiteId, Vec<ConversationId>> = BTreeMap::new();
        for (site, conversation) in changed {
            sites.entry(site).or_default().push(conversation);
        }
        let is_here = |id: &ConversationId| self.visitors.get(id).is_some_and(|visitor| visitor.chats > 0);
        let mut news = Vec::new();
        for (site, conversations) in sites {
            for some in conversations.chunks(AT_ONCE) {
                let (here, gone) = some.iter().partition(|id| is_here(id));
                news.push(NodeNews::Presence { site, here, gone });
            }
        }
        news
    }

    fn visitor(&mut self, site: SiteId, conversation: ConversationId) -> &mut Visitor {
        self.visitors.entry(conversation).or_insert(Visitor { site, chats: 0, heard: None })
    }

    fn note(&mut self, site: SiteId, conversation: ConversationId) {
        if let Some(untold) = &mut self.untold {
            untold.insert((site, conversation));
        }
    }
}

/// Tells other nodes who comes and goes here, and again and again who is there, as long as there are watchers.
pub(super) async fn tell(relay: Arc<dyn Relay>, watchers: Weak<Watchers>) {
    let Some(comings) = watchers.upgrade().map(|watchers| watchers.tell_others()) else { return };
    let mut again_at = Instant::now() + SAY_AGAIN;
    loop {
        tokio::select! {
            () = comings.notified() => sleep(GATHERED).await,
            () = sleep_until(again_at) => {}
        }
        let Some(watchers) = watchers.upgrade() else { return };
        let is_time = Instant::now() >= again_at;
        if is_time {
            again_at = Instant::now() + SAY_AGAIN;
            watchers.forget_silent();
        }
        let news = watchers.presence_news(is_time);
        drop(watchers);
        for told in news {
            relay.tell(told).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, pause};

    use super::*;

    const SITE: SiteId = SiteId::DEFAULT;
    const ONE: ConversationId = ConversationId::from_bytes([1; 16]);

    fn told(here: &[ConversationId], gone: &[ConversationId]) -> Vec<NodeNews> {
        vec![NodeNews::Presence { site: SITE, here: here.to_vec(), gone: gone.to_vec() }]
    }

    #[test]
    fn others_are_told_of_who_comes_and_of_who_goes() {
        let mut presences = Presences::default();
        presences.enter(SITE, ONE);
        assert_eq!(presences.news(false), [], "nobody is there to be told");
        presences.tell_others();
        assert_eq!(presences.news(true), told(&[ONE], &[]));
        presences.enter(SITE, ONE);
        presences.leave(SITE, ONE);
        assert_eq!(presences.news(false), told(&[ONE], &[]));
        presences.leave(SITE, ONE);
        assert_eq!(presences.news(false), told(&[], &[ONE]));
        assert_eq!(presences.news(true), []);
    }

    #[test]
    fn many_are_told_of_in_several_pieces() {
        let mut presences = Presences::default();
        presences.tell_others();
        for n in 0..=u8::MAX {
            presences.enter(SITE, ConversationId::from_bytes([n; 16]));
        }
        assert_eq!(presences.news(false).len(), 2);
    }

    #[tokio::test]
    async fn who_is_there_over_another_node_is_there_until_it_says_otherwise_or_is_silent() {
        pause();
        let mut presences = Presences::default();
        assert_eq!(presences.hear(SITE, &[ONE], &[]), [ONE]);
        assert_eq!(presences.hear(SITE, &[ONE], &[]), []);
        assert!(presences.is_present(ONE));
        assert_eq!(presences.hear(SITE, &[], &[ONE]), [ONE]);
        assert!(!presences.is_present(ONE));

        presences.hear(SITE, &[ONE], &[]);
        advance(HOLDS / 2).await;
        assert_eq!(presences.forget_silent(), []);
        advance(HOLDS / 2).await;
        assert_eq!(presences.forget_silent(), [(SITE, ONE)]);
        assert!(!presences.is_present(ONE));
    }

    #[test]
    fn who_leaves_one_node_and_stays_over_another_is_told_of_again() {
        let mut presences = Presences::default();
        presences.tell_others();
        presences.enter(SITE, ONE);
        presences.news(false);
        assert_eq!(presences.hear(SITE, &[], &[ONE]), []);
        assert!(presences.is_present(ONE));
        assert_eq!(presences.news(false), told(&[ONE], &[]));
    }
}
