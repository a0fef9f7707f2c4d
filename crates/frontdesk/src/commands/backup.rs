//! Copies of the data, and the way back.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use frontdesk_core::{Clock as _, SystemClock};

use super::read_environment;
use crate::config::{Only, Settings};
use crate::{console, wire};

/// Backs the data up, whether a server runs or not.
pub(crate) fn backup(file: Option<&Path>) -> anyhow::Result<ExitCode> {
    let settings = Settings::read(&read_environment()?, Only::Dashboard)?;
    let made = frontdesk_store::back_up(&settings.store, file, SystemClock::start().now())?;
    console::say(&format!(
        "Backup         {}\nSize           {} bytes\nConversations  {}\nMessages       {}",
        made.path.display(),
        made.bytes,
        made.contents.conversations,
        made.contents.messages
    ));
    Ok(ExitCode::SUCCESS)
}

/// Puts a backup in the place of the data.
pub(crate) fn restore(file: &Path, replace: bool) -> anyhow::Result<ExitCode> {
    let settings = Settings::read(&read_environment()?, Only::Dashboard)?;
    let _lock = wire::lock_for_api(&settings).context("cannot restore; stop the server first")?;
    let restored = frontdesk_store::restore(&settings.store, file, replace, SystemClock::start().now())?;
    let old = restored.replaced.map(|old| format!("Put aside      {}\n", old.display())).unwrap_or_default();
    console::say(&format!(
        "Restored       {}\nConversations  {}\nMessages       {}\n{old}Everybody is signed out of the dashboard.",
        file.display(),
        restored.contents.conversations,
        restored.contents.messages,
    ));
    Ok(ExitCode::SUCCESS)
}
