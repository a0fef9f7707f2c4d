//! What the parts reach the world through.

use std::sync::Arc;

use frontdesk_core::{Clock, Random, Store, SystemClock, SystemRandom};

use crate::config::Settings;

/// The ports with their real ends.
#[derive(Clone, Debug)]
pub(crate) struct Ports {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}

impl Ports {
    /// Opens the store that the settings name.
    pub(crate) fn open(settings: &Settings) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
        let store = frontdesk_store::open(&settings.store, &*clock)?;
        Ok(Self { store, clock, random: Arc::new(SystemRandom) })
    }
}
