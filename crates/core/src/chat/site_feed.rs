use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Feeds;
use super::watchers::SiteSubscription;
use crate::{ConversationFilter, ConversationId, ConversationQuery, SiteId, Store, StoreError};

/// How many of the newest conversations are compared to see whether another process has changed one.
const COMPARED: u32 = 20;

/// Follows all conversations of a site: tells that one has changed, and not what; and whose visitor types.
#[derive(Debug)]
pub struct SiteFeed {
    store: Arc<dyn Store>,
    site: SiteId,
    subscription: SiteSubscription,
    look_every: Option<Duration>,
    /// When the store is looked at next, however much is told until then.
    look_at: Instant,
    closing: CancellationToken,
    /// The newest conversations and the numbers of their latest changes, when they were last looked at.
    seen: Vec<(ConversationId, u32)>,
}

/// What a site's feed tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteNews {
    /// A conversation is new or has changed, or its visitor has come or gone.
    Changed(ConversationId),
    /// Any of them may have.
    Missed,
    /// Its visitor types, or has ceased to. Who hears nothing more of it for [`TYPING_LASTS`](crate::TYPING_LASTS) takes it for
    /// over.
    Typing {
        /// In which conversation.
        conversation: ConversationId,
        /// Whether they do.
        is_typing: bool,
    },
}

impl Feeds {
    /// Follows the conversations of a site from now on.
    pub async fn open_site(&self, site: SiteId) -> Result<SiteFeed, StoreError> {
        let mut feed = SiteFeed {
            store: Arc::clone(&self.store),
            site,
            subscription: self.watchers.subscribe_site(site),
            look_every: self.look_every,
            look_at: Instant::now(),
            closing: self.closing.clone(),
            seen: Vec::new(),
        };
        if feed.look_every.is_some() {
            feed.look().await?;
        }
        Ok(feed)
    }

    /// Whether a visitor's chat follows this conversation: over this process, or over another node that has told so.
    pub fn is_present(&self, conversation: ConversationId) -> bool {
        self.watchers.is_present(conversation)
    }
}

impl SiteFeed {
    /// Waits for the next news; `None` when the server is being shut down. Losing the future loses nothing.
    pub async fn next(&mut self) -> Option<SiteNews> {
        loop {
            tokio::select! {
                biased;
                () = self.closing.cancelled() => return None,
                change = self.subscription.changes.recv() => return Some(match change {
                    Ok(conversation) => SiteNews::Changed(conversation),
                    Err(RecvError::Lagged(_) | RecvError::Closed) => SiteNews::Missed,
                }),
                () = sleep_until(self.look_at), if self.look_every.is_some() => {
                    // What cannot be looked at now is looked at again.
                    if self.look().await.unwrap_or(false) {
                        return Some(SiteNews::Missed);
                    }
                }
                typing = self.subscription.typing.recv() => if let Ok((conversation, is_typing)) = typing {
                    return Some(SiteNews::Typing { conversation, is_typing });
                },
            }
        }
    }

    /// Looks at the newest conversations, and says whether they are others than before.
    async fn look(&mut self) -> Result<bool, StoreError> {
        self.look_at = Instant::now() + self.look_every.unwrap_or_default();
        let query = ConversationQuery {
            site: self.site,
            filter: ConversationFilter::default(),
            after: None,
            limit: COMPARED,
        };
        let list = self.store.conversations(query).await?;
        let newest: Vec<_> = list.conversations.iter().map(|it| (it.id, it.revision)).collect();
        let has_changed = newest != self.seen;
        self.seen = newest;
        Ok(has_changed)
    }
}
