use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::{Clock, Timestamp};

/// A clock that moves only when it is told to.
#[derive(Debug)]
pub struct ManualClock {
    state: Mutex<(Timestamp, Duration)>,
}

impl Default for ManualClock {
    /// Stands at the beginning of 2026.
    fn default() -> Self {
        Self { state: Mutex::new((Timestamp::from_millis(1_767_225_600_000), Duration::ZERO)) }
    }
}

impl ManualClock {
    /// Lets time pass.
    pub fn advance(&self, span: Duration) {
        let mut state = self.lock();
        *state = (state.0.plus(span), state.1 + span);
    }

    /// Sets the wall clock, forwards or back, as an administrator or a bad battery might.
    pub fn set(&self, now: Timestamp) {
        self.lock().0 = now;
    }

    fn lock(&self) -> MutexGuard<'_, (Timestamp, Duration)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.lock().0
    }

    fn elapsed(&self) -> Duration {
        self.lock().1
    }
}
