//! What the parts reach the world through.

use std::sync::Arc;

use anyhow::Context as _;
use frontdesk_core::{Clock, Notifier, Random, Relay, SharedLimits, Store, SystemClock, SystemRandom};
use frontdesk_nodes::Redis;
use frontdesk_notify::Notices;

use crate::config::Settings;

/// The ports with their real ends.
#[derive(Clone, Debug)]
pub(crate) struct Ports {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    /// What joins several nodes, if something does.
    pub(crate) redis: Option<Arc<Redis>>,
    /// What tells the team, in a process that serves visitors.
    pub(crate) notices: Option<Notices>,
}

impl Ports {
    /// Opens the store that the settings name. Redis is not part of it: see [`Self::join`].
    pub(crate) fn open(settings: &Settings) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
        let store = frontdesk_store::open(&settings.store, &*clock)?;
        Ok(Self { store, clock, random: Arc::new(SystemRandom), redis: None, notices: None })
    }

    /// Begins to connect to Redis, if the settings name it. Has to be called within a runtime.
    pub(crate) fn join(mut self, settings: &Settings) -> Self {
        self.redis = settings.redis.as_ref().map(|url| Arc::new(Redis::connect(url)));
        self
    }

    /// Prepares the ways to tell the team that the settings name.
    pub(crate) fn notifying(mut self, settings: &Settings) -> anyhow::Result<Self> {
        self.notices = Some(notices(settings, Arc::clone(&self.clock), Arc::clone(&self.random))?);
        Ok(self)
    }

    /// What tells the team.
    pub(crate) fn notifier(&self) -> Option<Arc<dyn Notifier>> {
        self.notices.clone().map(|notices| Arc::new(notices) as Arc<dyn Notifier>)
    }

    /// What tells other nodes at once.
    pub(crate) fn relay(&self) -> Option<Arc<dyn Relay>> {
        self.redis.clone().map(|redis| redis as Arc<dyn Relay>)
    }

    /// What counts together with other nodes.
    pub(crate) fn limits(&self) -> Option<Arc<dyn SharedLimits>> {
        self.redis.clone().map(|redis| redis as Arc<dyn SharedLimits>)
    }
}

/// What tells the team that a visitor asks for a person, as far as the settings name a way.
pub(crate) fn notices(
    settings: &Settings,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
) -> anyhow::Result<Notices> {
    Notices::new(&settings.notify, clock, random).context("cannot prepare notices to the team")
}
