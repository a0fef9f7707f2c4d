use std::process::ExitCode;
use std::sync::Arc;

use anyhow::bail;
use frontdesk_core::{SystemClock, SystemRandom};

use super::{read_environment, runtime};
use crate::config::{Only, Settings};
use crate::{console, ports};

/// Sends a test notice every way there is, once, and says what came of it.
pub(crate) fn notify_test() -> anyhow::Result<ExitCode> {
    let settings = Settings::read(&read_environment()?, Only::Dashboard)?;
    if settings.notify.webhook.is_none() && settings.notify.mail.is_none() {
        bail!("the team is told nowhere: set NOTIFY_WEBHOOK_URL, or SMTP_URL (docs/NOTIFICATIONS.md)");
    }
    let notices = ports::notices(&settings, Arc::new(SystemClock::start()), Arc::new(SystemRandom))?;
    let tried = runtime()?.block_on(notices.test());
    for tried in &tried {
        let (word, what) = match &tried.result {
            Ok(reply) => ("sent", reply),
            Err(why) => ("NOT sent", why),
        };
        console::say(&format!("{word}: {}: {what}", tried.way));
    }
    let all_sent = tried.iter().all(|tried| tried.result.is_ok());
    Ok(if all_sent { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
