use std::io::{self, IsTerminal as _};

use anyhow::anyhow;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::Settings;

/// Begins to log to standard error, as the settings say.
pub(crate) fn start(settings: &Settings) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&settings.log_filter)
        .map_err(|_| anyhow!("LOG_LEVEL: must be error, warn, info, debug or trace, or a filter such as info,frontdesk_llm=debug"))?;
    let log = fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    let started = if settings.log_as_json {
        log.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    } else {
        log.compact().with_target(false).try_init()
    };
    started.map_err(|error| anyhow!(error))
}
