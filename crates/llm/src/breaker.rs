use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How many calls are remembered.
const WINDOW: usize = 20;

/// How many of them have to fail. Of a server that fails three calls in ten, half of the last twenty fail by chance every
/// few dozen calls: it is worth asking again, and this says that it is not.
const FAILED: usize = 16;

/// For how long nobody is asked once so many have failed.
const REST: Duration = Duration::from_secs(10);

/// Keeps calls away from a server that fails most of them, for its sake and for that of those who would wait.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// How the last calls went, the oldest first.
    recent: VecDeque<bool>,
    /// Until when nobody is asked. After that one call tries whether it works again.
    rests_until: Option<Instant>,
    is_probing: bool,
}

/// Leave for one call.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    breaker: &'a Breaker,
    is_probe: bool,
}

impl Breaker {
    /// Asks for leave to call. Otherwise says how long it is worth waiting.
    pub(crate) fn enter(&self) -> Result<Permit<'_>, Duration> {
        let mut state = self.state();
        let Some(until) = state.rests_until else { return Ok(Permit { breaker: self, is_probe: false }) };
        let left = until.saturating_duration_since(Instant::now());
        if !left.is_zero() || state.is_probing {
            return Err(left.max(Duration::from_secs(1)));
        }
        state.is_probing = true;
        Ok(Permit { breaker: self, is_probe: true })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit<'_> {
    /// Says how the call went.
    pub(crate) fn report(self, went_well: bool) {
        let mut state = self.breaker.state();
        if self.is_probe {
            state.recent.clear();
            state.rests_until = (!went_well).then(|| Instant::now() + REST);
            return;
        }
        if state.recent.len() == WINDOW {
            state.recent.pop_front();
        }
        state.recent.push_back(went_well);
        let failed = state.recent.iter().filter(|went_well| !**went_well).count();
        if state.rests_until.is_none() && failed >= FAILED && state.recent.len() == WINDOW {
            state.rests_until = Some(Instant::now() + REST);
        }
    }
}

impl Drop for Permit<'_> {
    /// A call that nobody waits for any more says nothing of the server; another may probe.
    fn drop(&mut self) {
        if self.is_probe {
            self.breaker.state().is_probing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use frontdesk_core::Random as _;
    use frontdesk_core::testing::SeededRandom;
    use tokio::time::advance;

    use super::*;

    fn call(breaker: &Breaker, went_well: bool) {
        breaker.enter().unwrap().report(went_well);
    }

    fn broken() -> Breaker {
        let breaker = Breaker::default();
        for n in 0..WINDOW {
            call(&breaker, n < WINDOW - FAILED);
        }
        breaker
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_when_most_of_the_last_calls_failed_and_not_before() {
        let breaker = Breaker::default();
        for n in 0..3 * WINDOW {
            call(&breaker, n % 4 == 0);
        }
        assert!(breaker.enter().is_ok(), "three in four are not enough");
        assert_eq!(broken().enter().err(), Some(REST));
    }

    #[tokio::test(start_paused = true)]
    async fn faults_that_come_by_chance_do_not_open_it() {
        let (breaker, random) = (Breaker::default(), SeededRandom::new(3));
        for n in 0..1000 {
            let mut byte = [0];
            random.fill(&mut byte);
            let Ok(permit) = breaker.enter() else { unreachable!("it opened after {n} calls") };
            permit.report(byte[0] >= 77);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_failures_at_the_start_are_not_enough_to_judge() {
        let breaker = Breaker::default();
        for _ in 0..WINDOW - 1 {
            call(&breaker, false);
        }
        assert!(breaker.enter().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_rest_one_call_tries_whether_it_works_again() {
        let breaker = broken();
        advance(REST).await;
        let probe = breaker.enter().unwrap();
        assert!(breaker.enter().is_err(), "one is enough");
        probe.report(false);
        assert_eq!(breaker.enter().err(), Some(REST));
        advance(REST).await;
        call(&breaker, true);
        call(&breaker, true);
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_is_given_up_lets_another_one_try() {
        let breaker = broken();
        advance(REST).await;
        drop(breaker.enter().unwrap());
        assert!(breaker.enter().is_ok());
    }
}
