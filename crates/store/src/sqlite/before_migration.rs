//! A backup of what is about to be changed.

use std::fs;
use std::path::{Path, PathBuf};

use frontdesk_core::Timestamp;

use super::backup::{make_folder, moment, write};
use crate::BackupError;

/// How many of these backups are kept.
const KEPT: usize = 5;

/// Tells these backups from those that people make, which are never removed.
const MARK: &str = "-before-schema-";

/// Backs the database up before its schema becomes `next`. Says where to.
pub(super) fn back_up(database: &Path, next: i64, now: Timestamp) -> Result<PathBuf, BackupError> {
    let target = make_folder(database)?.join(format!("frontdesk-{}{MARK}{next}.db", moment(now)));
    let backup = write(database, &target)?;
    tracing::info!(path = %backup.path.display(), "backed the database up before changing its schema");
    Ok(backup.path)
}

/// Removes the oldest but some; never `newest`, whatever the clock said when it was made.
pub(super) fn forget_old(newest: &Path) {
    let Some(entries) = newest.parent().and_then(|folder| fs::read_dir(folder).ok()) else { return };
    let paths = entries.flatten().map(|entry| entry.path());
    let mut others: Vec<PathBuf> = paths.filter(|path| is_automatic(path) && path != newest).collect();
    others.sort();
    others.truncate(others.len().saturating_sub(KEPT - 1));
    for old in others {
        if let Err(error) = fs::remove_file(&old) {
            tracing::warn!(path = %old.display(), %error, "cannot remove an old automatic backup");
        }
    }
}

fn is_automatic(path: &Path) -> bool {
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    name.starts_with("frontdesk-") && name.contains(MARK) && path.extension().is_some_and(|kind| kind == "db")
}
