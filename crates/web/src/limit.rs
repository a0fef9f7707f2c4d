//! How much one client may ask.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use frontdesk_core::{Clock, RateLimit, SharedLimits};

/// A limit of each client. Where several nodes count together their count decides, and this one counts along: when the shared
/// count is lost or cannot be had, it goes on from what this node has seen.
#[derive(Debug)]
pub(crate) struct Quota<K> {
    /// The limit's name among the nodes.
    name: &'static str,
    alone: Limiter<K>,
    shared: Option<Arc<dyn SharedLimits>>,
}

impl<K: Clone + Eq + Hash + fmt::Display + Sync> Quota<K> {
    pub(crate) fn new(
        name: &'static str,
        limit: RateLimit,
        capacity: usize,
        shared: Option<Arc<dyn SharedLimits>>,
    ) -> Self {
        Self { name, alone: Limiter::new(limit, capacity), shared }
    }

    /// Takes a place, or says how long until there is one.
    pub(crate) async fn take(&self, key: &K, clock: &dyn Clock) -> Result<(), Duration> {
        if let Some(shared) = &self.shared
            && let Some(taken) = shared.take(self.name, &key.to_string(), self.alone.limit).await
        {
            taken?;
        }
        self.alone.take(key, clock.elapsed())
    }
}

/// The generic cell rate algorithm (ITU-T I.371, annex A): a whole window's requests may come at once, and each place
/// comes free again one by one. A key costs one number, and there are never more than `capacity` of them.
#[derive(Debug)]
struct Limiter<K> {
    limit: RateLimit,
    capacity: usize,
    /// When each key will have all its places free again, in the clock's own time.
    full_at: Mutex<HashMap<K, Duration>>,
}

impl<K: Clone + Eq + Hash> Limiter<K> {
    fn new(limit: RateLimit, capacity: usize) -> Self {
        Self { limit, capacity, full_at: Mutex::default() }
    }

    /// Takes a place, or says how long until there is one.
    fn take(&self, key: &K, now: Duration) -> Result<(), Duration> {
        let per_request = self.limit.window / self.limit.requests.max(1);
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let base = full_at.get(key).copied().unwrap_or_default().max(now);
        let next = base + per_request;
        let latest = now + self.limit.window;
        if next > latest {
            return Err(next.saturating_sub(latest));
        }
        if full_at.len() >= self.capacity && !full_at.contains_key(key) {
            make_room(&mut full_at, now);
        }
        full_at.insert(key.clone(), next);
        Ok(())
    }
}

/// Forgets the keys that have all places free, or else the quarter that is nearest to it.
fn make_room<K: Eq + Hash>(full_at: &mut HashMap<K, Duration>, now: Duration) {
    let before = full_at.len();
    full_at.retain(|_, full| *full > now);
    if full_at.len() < before {
        return;
    }
    let mut times: Vec<_> = full_at.values().copied().collect();
    let quarter = times.len() / 4;
    let (_, cut, _) = times.select_nth_unstable(quarter);
    let cut = *cut;
    full_at.retain(|_, full| *full > cut);
}

#[cfg(test)]
mod tests {
    use frontdesk_core::testing::ManualClock;

    use super::*;

    const THREE_A_MINUTE: RateLimit = RateLimit { requests: 3, window: Duration::from_mins(1) };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(1_000_000 + seconds)
    }

    #[test]
    fn a_windows_requests_may_come_at_once_and_the_next_must_wait() {
        let limiter = Limiter::new(THREE_A_MINUTE, 100);
        for _ in 0..3 {
            assert_eq!(limiter.take(&"a", at(0)), Ok(()));
        }
        assert_eq!(limiter.take(&"a", at(0)), Err(Duration::from_secs(20)));
        assert_eq!(limiter.take(&"b", at(0)), Ok(()));
        assert_eq!(limiter.take(&"a", at(19)), Err(Duration::from_secs(1)));
        assert_eq!(limiter.take(&"a", at(20)), Ok(()));
        assert_eq!(limiter.take(&"a", at(20)), Err(Duration::from_secs(20)));
    }

    /// A shared count that says what the test tells it to.
    #[derive(Debug, Default)]
    struct Said(Mutex<Option<Result<(), Duration>>>);

    #[async_trait::async_trait]
    impl SharedLimits for Said {
        async fn take(&self, _: &'static str, _: &str, _: RateLimit) -> Option<Result<(), Duration>> {
            *self.0.lock().unwrap()
        }
    }

    #[tokio::test]
    async fn the_shared_count_decides_and_this_node_counts_along() {
        let (said, clock) = (Arc::new(Said::default()), ManualClock::default());
        let quota =
            Quota::new("sends", THREE_A_MINUTE, 100, Some(Arc::clone(&said) as Arc<dyn SharedLimits>));
        let full = Err(Duration::from_secs(7));
        *said.0.lock().unwrap() = Some(full);
        assert_eq!(quota.take(&"a", &clock).await, full, "taken on other nodes");
        *said.0.lock().unwrap() = Some(Ok(()));
        for _ in 0..2 {
            assert_eq!(quota.take(&"a", &clock).await, Ok(()));
        }
        // Nobody can say any more: what was taken here counts.
        *said.0.lock().unwrap() = None;
        assert_eq!(quota.take(&"a", &clock).await, Ok(()));
        assert!(quota.take(&"a", &clock).await.is_err());
        // A shared count that was emptied gives nobody more than a node alone would.
        *said.0.lock().unwrap() = Some(Ok(()));
        assert!(quota.take(&"a", &clock).await.is_err());
    }

    #[test]
    fn refused_requests_cost_nothing() {
        let limiter = Limiter::new(THREE_A_MINUTE, 100);
        for _ in 0..100 {
            let _ = limiter.take(&"a", at(0));
        }
        assert_eq!(limiter.take(&"a", at(20)), Ok(()));
    }

    #[test]
    fn many_keys_never_take_more_room_than_there_is() {
        let limiter = Limiter::new(THREE_A_MINUTE, 100);
        for _ in 0..3 {
            limiter.take(&0, at(0)).unwrap();
        }
        for key in 1..10_000 {
            limiter.take(&key, at(0)).unwrap();
            assert!(limiter.full_at.lock().unwrap().len() <= 100);
        }
        assert!(limiter.take(&0, at(0)).is_err(), "the busiest key is the last to be forgotten");
    }
}
