//! How a notice gets to where it is to be: a bounded number of them wait, and each is tried a bounded number of times.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use frontdesk_core::{Random, fraction};
use tokio::select;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

use crate::notice::Notice;

/// How many notices may wait for one carrier. Each is at most a message and an address or two.
const PLACES: usize = 256;

/// How many of them are on their way at once.
const LINES: usize = 4;

/// Who asks us to wait for longer is asked again earlier.
const LONGEST_WISH: Duration = Duration::from_mins(15);

/// Brings notices to one place.
#[async_trait]
pub(crate) trait Carrier: fmt::Debug + Send + Sync {
    /// Tries once. Bounded in time. Gives what the other side said, in words that may be shown.
    async fn carry(&self, notice: &Notice) -> Result<String, Failure>;

    /// What it is, for the log.
    fn name(&self) -> &str;
}

/// Why a try did not succeed. Says nothing of what was to be told, and has no words of the other side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// In a few words.
    pub(crate) why: String,
    /// Whether another try makes sense.
    pub(crate) may_pass: bool,
    /// How long the other side wants to be left alone.
    pub(crate) wish: Option<Duration>,
}

impl Failure {
    /// One that another try may not have.
    pub(crate) fn passing(why: impl Into<String>) -> Self {
        Self { why: why.into(), may_pass: true, wish: None }
    }

    /// One that stays until somebody changes a setting.
    pub(crate) fn lasting(why: impl Into<String>) -> Self {
        Self { why: why.into(), may_pass: false, wish: None }
    }
}

/// What all routes have in common.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    /// Everything that is on its way.
    pub(crate) tasks: TaskTracker,
    /// The process is about to end: nothing is waited for any more, and what fails is not tried again.
    pub(crate) closing: CancellationToken,
    /// The process ends.
    pub(crate) halted: CancellationToken,
    pub(crate) random: Arc<dyn Random>,
    /// How long to wait after each try that failed.
    pub(crate) pauses: Arc<[Duration]>,
}

/// The way to one place.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    carrier: Arc<dyn Carrier>,
    places: Arc<Semaphore>,
    lines: Arc<Semaphore>,
    work: Work,
}

impl Route {
    pub(crate) fn new(carrier: Arc<dyn Carrier>, work: Work) -> Self {
        let (places, lines) = (Arc::new(Semaphore::new(PLACES)), Arc::new(Semaphore::new(LINES)));
        Self { carrier, places, lines, work }
    }

    pub(crate) fn carrier(&self) -> &dyn Carrier {
        &*self.carrier
    }

    /// Takes a notice on its way. Returns at once; if too many are on their way already, it is left out.
    pub(crate) fn take(&self, notice: Arc<Notice>) {
        match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => drop(self.work.tasks.spawn(self.clone().deliver(notice, place))),
            Err(_) => self.lose(&notice, "too many notices wait already", 0),
        }
    }

    async fn deliver(self, notice: Arc<Notice>, _place: OwnedSemaphorePermit) {
        let mut pauses = self.work.pauses.iter();
        let mut tries = 0;
        loop {
            tries += 1;
            let is_last = self.work.closing.is_cancelled();
            let failure = match self.try_once(&notice).await {
                Ok(reply) => {
                    debug!(notice = %notice.id, to = self.carrier.name(), reply, tries, "a notice was delivered");
                    return;
                }
                Err(failure) => failure,
            };
            let pause = pauses.next().filter(|_| failure.may_pass && !is_last);
            let Some(pause) = pause else { return self.lose(&notice, &failure.why, tries) };
            let pause = self.stretch(*pause, failure.wish);
            info!(notice = %notice.id, to = self.carrier.name(), why = failure.why, ?pause, "a notice is tried again");
            select! {
                () = sleep(pause) => {}
                () = self.work.closing.cancelled() => {}
            }
        }
    }

    async fn try_once(&self, notice: &Notice) -> Result<String, Failure> {
        let carried = async {
            // Closed by nobody.
            let _line = self.lines.acquire().await;
            self.carrier.carry(notice).await
        };
        select! {
            result = carried => result,
            () = self.work.halted.cancelled() => Err(Failure::lasting("the server ended")),
        }
    }

    /// A quarter more or less, so that those who failed together do not come back together.
    fn stretch(&self, pause: Duration, wish: Option<Duration>) -> Duration {
        let pause = pause.mul_f64(0.75 + fraction(&*self.work.random) / 2.0);
        pause.max(wish.unwrap_or_default().min(LONGEST_WISH))
    }

    fn lose(&self, notice: &Notice, why: &str, tries: u32) {
        warn!(notice = %notice.id, to = self.carrier.name(), why, tries, "a notice to the team could not be delivered");
    }
}
