//! The way from the older system.

use std::path::Path;
use std::process::ExitCode;

use frontdesk_core::SystemClock;
use frontdesk_store::{Imported, Skipped};

use super::read_environment;
use crate::config::{Only, Settings};
use crate::console;

/// Of so many rows that are left out is said why.
const TOLD: u64 = 100;

/// Writes the older system's conversations into the store.
pub(crate) fn import_origin(folder: &Path) -> anyhow::Result<ExitCode> {
    let settings = Settings::read(&read_environment()?, Only::Dashboard)?;
    let mut told = 0;
    let mut tell = |Skipped { table, line, rule }: Skipped| {
        told += 1;
        if told <= TOLD {
            console::say(&format!("Left out: {table}/documents.jsonl, line {line}: {rule}"));
        }
    };
    let imported = frontdesk_store::import_origin(folder, &settings.store, &SystemClock::start(), &mut tell)?;
    let Imported { conversations, messages, known, skipped } = imported;
    if skipped > TOLD {
        console::say(&format!("... and {} more", skipped - TOLD));
    }
    console::say(&format!(
        "Conversations  {conversations}\nMessages       {messages}\nThere before   {known}\nLeft out       {skipped}\n\
         Imported into {}",
        settings.store
    ));
    Ok(ExitCode::SUCCESS)
}
