use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

/// So many requests within so much time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// How many requests.
    pub requests: u32,
    /// Within how much time.
    pub window: Duration,
}

/// Counts what clients ask of several nodes together.
#[async_trait]
pub trait SharedLimits: fmt::Debug + Send + Sync {
    /// Takes one of the places that a limit has for a key, or says how long until there is one. `None` if that cannot be
    /// found out in a moment: then the node counts alone.
    async fn take(&self, limit: &'static str, key: &str, rate: RateLimit) -> Option<Result<(), Duration>>;
}
