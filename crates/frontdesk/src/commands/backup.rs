//! Copies of the data, and the way back.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use frontdesk_core::{Clock as _, SystemClock};
use frontdesk_store::{StoreUrl, lock_for_api};

use super::read_environment;
use crate::config::{Only, Settings};
use crate::console;

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
    // A server's database is not ours to restore, so there is nothing to lock: the refusal says what does it.
    let is_ours = matches!(settings.store, StoreUrl::Sqlite(_));
    let lock = is_ours.then(|| lock_for_api(&settings.store)).transpose();
    let _lock = lock.context("cannot restore; stop the server first")?;
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
