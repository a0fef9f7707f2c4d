use std::time::Duration;

use crate::Timestamp;

/// How often something may be tried before each further try costs a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottleRule {
    /// Tries that cost nothing, within `window`.
    pub free_tries: u32,
    /// After this long without a try, all is forgotten.
    pub window: Duration,
    /// The first pause; every further try doubles it.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
}

/// How often something was tried, as a store keeps it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThrottleState {
    /// Tries since all was last forgotten.
    pub tries: u32,
    /// When the last of them was.
    pub last_try_at: Timestamp,
    /// Until when nothing may be tried.
    pub paused_until: Timestamp,
}

/// Whether something may be tried now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThrottleDecision {
    /// It may, and so many more tries are free after this one.
    Allowed {
        /// Free tries left.
        left: u32,
    },
    /// It may not before that time has passed.
    Paused {
        /// The time to wait.
        wait: Duration,
    },
}

impl ThrottleState {
    /// Takes one try out of the state, or refuses it and leaves the state as it is.
    ///
    /// The try is counted before anyone knows whether it succeeds, so that many at once cannot all slip through; success
    /// is then told by forgetting the state.
    pub fn take(&mut self, rule: ThrottleRule, now: Timestamp) -> ThrottleDecision {
        if now < self.paused_until {
            // A clock set back must not lock anyone out for longer than the longest pause.
            let wait = self.paused_until.since(now).min(rule.longest_pause);
            return ThrottleDecision::Paused { wait };
        }
        if now.since(self.last_try_at.max(self.paused_until)) >= rule.window {
            *self = Self::default();
        }
        self.tries = self.tries.saturating_add(1);
        self.last_try_at = now;
        if let Some(extra) = self.tries.checked_sub(rule.free_tries) {
            let factor = 2_u32.saturating_pow(extra);
            self.paused_until = now.plus(rule.first_pause.saturating_mul(factor).min(rule.longest_pause));
        }
        ThrottleDecision::Allowed { left: rule.free_tries.saturating_sub(self.tries) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: ThrottleRule = ThrottleRule {
        free_tries: 5,
        window: Duration::from_mins(5),
        first_pause: Duration::from_mins(1),
        longest_pause: Duration::from_mins(15),
    };
    const START: Timestamp = Timestamp::from_millis(1_000_000_000);

    fn paused(seconds: u64) -> ThrottleDecision {
        ThrottleDecision::Paused { wait: Duration::from_secs(seconds) }
    }

    #[test]
    fn five_tries_are_free_and_the_next_waits() {
        let mut state = ThrottleState::default();
        for left in (0..5).rev() {
            assert_eq!(state.take(RULE, START), ThrottleDecision::Allowed { left });
        }
        assert_eq!(state.take(RULE, START), paused(60));
    }

    #[test]
    fn every_further_try_doubles_the_pause_up_to_the_longest() {
        let mut state = ThrottleState::default();
        for _ in 0..5 {
            state.take(RULE, START);
        }
        let mut now = START;
        for pause in [60, 120, 240, 480, 900, 900] {
            assert_eq!(state.take(RULE, now), paused(pause));
            now = now.plus(Duration::from_secs(pause));
            assert_eq!(state.take(RULE, now), ThrottleDecision::Allowed { left: 0 });
        }
    }

    #[test]
    fn a_quiet_window_forgets_everything() {
        let mut state = ThrottleState::default();
        for _ in 0..5 {
            state.take(RULE, START);
        }
        let later = state.paused_until.plus(RULE.window);
        assert_eq!(state.take(RULE, later), ThrottleDecision::Allowed { left: 4 });
    }

    #[test]
    fn a_clock_set_back_never_locks_out_for_longer_than_the_longest_pause() {
        let mut state = ThrottleState::default();
        for _ in 0..5 {
            state.take(RULE, START);
        }
        assert_eq!(state.take(RULE, START.minus(Duration::from_hours(24))), paused(900));
    }
}
