//! What several nodes tell one another at once, and count together, over Redis or Valkey.
//!
//! [`Redis`] is the real end of two ports of `frontdesk-core`: [`Relay`](frontdesk_core::Relay) and
//! [`SharedLimits`](frontdesk_core::SharedLimits). Nothing that is kept is kept there. While the server is away, or slow, every
//! call returns soon with nothing, and whoever called finds out elsewhere or counts alone; when it is back, so is all of this.

mod limits;
mod link;
mod listener;
mod relay;
mod url;

use std::fmt;
use std::sync::Arc;

use tokio_util::task::TaskTracker;

use link::Link;
use listener::Listener;
pub use url::{InvalidRedisUrl, RedisUrl};

/// A server of Redis or Valkey, as this node uses it.
pub struct Redis {
    link: Arc<Link>,
    listener: Arc<Listener>,
    /// The connections' keepers, which end soon after this.
    _keepers: TaskTracker,
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("link", &self.link).finish_non_exhaustive()
    }
}

impl Redis {
    /// Begins to connect, and keeps at it. Does not wait, and does not fail: a server may come later.
    ///
    /// Has to be called within a runtime.
    pub fn connect(url: &RedisUrl) -> Self {
        // Whoever was first has set the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let keepers = TaskTracker::new();
        let link = Arc::new(Link::new(url));
        keepers.spawn(link::keep(Arc::downgrade(&link)));
        let (listener, wanted) = Listener::new(url);
        let listener = Arc::new(listener);
        keepers.spawn(listener::keep(Arc::downgrade(&listener), wanted));
        Self { link, listener, _keepers: keepers }
    }
}

#[cfg(test)]
mod tests;
