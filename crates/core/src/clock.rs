use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A moment: whole milliseconds since the Unix epoch, in UTC.
///
/// An integer of this width fits SQLite's INTEGER, PostgreSQL's BIGINT and the 53 bits of a JSON number exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment `millis` milliseconds after the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// This moment plus a span of time; stays at the last moment that can be expressed.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(whole_millis(span)))
    }

    /// This moment minus a span of time; stays at the first moment that can be expressed.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(whole_millis(span)))
    }

    /// The time from `earlier` to this moment, zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

fn whole_millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// Where the time comes from. A port, so that tests decide what time it is.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The wall clock: for what is stored and shown. It may jump in either direction.
    fn now(&self) -> Timestamp;

    /// Time since an arbitrary fixed moment, never going back: for measuring and limiting.
    fn elapsed(&self) -> Duration;
}

/// The machine's own clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// A clock whose [`Clock::elapsed`] counts from now.
    #[expect(clippy::disallowed_methods, reason = "this is the port's real end")]
    pub fn start() -> Self {
        Self { started: Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the port's real end")]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(whole_millis(since_epoch))
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_add_up_and_never_overflow() {
        let noon = Timestamp::from_millis(43_200_000);
        assert_eq!(noon.plus(Duration::from_secs(1)).millis(), 43_201_000);
        assert_eq!(noon.minus(Duration::from_secs(1)).since(noon), Duration::ZERO);
        assert_eq!(noon.since(noon.minus(Duration::from_secs(1))), Duration::from_secs(1));
        assert_eq!(Timestamp::from_millis(i64::MAX).plus(Duration::MAX).millis(), i64::MAX);
    }
}
