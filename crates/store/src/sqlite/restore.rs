//! Putting a backup in the place of the database.
//!
//! Whatever happens in the middle, under the database's name there is all of the old one or all of the new one: the new
//! one is made and checked beside it, the old one gets a second name, and then the first name changes hands in one step.
//! The old one's log has to be gone by then, or SQLite would apply it to the new one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use frontdesk_core::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::backup::{Contents, check_schema, copy, count, failure, inspect, moment, open_existing};
use super::connection;
use crate::new_file::{COMPANIONS, folder_of, with_suffix};
use crate::{BackupError, NewFile};

/// How names of databases begin that were put aside.
const ASIDE: &str = "frontdesk-replaced-";

/// A backup that is in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What is in it.
    pub contents: Contents,
    /// Where the database is that was there before; `None` if there was none.
    pub replaced: Option<PathBuf>,
}

/// Puts a backup in the place of a database that nobody has open. One with conversations, or one that cannot be read,
/// is put aside only if `replace` says so.
pub(crate) fn restore(
    database: &Path,
    file: &Path,
    replace: bool,
    now: Timestamp,
) -> Result<Restored, BackupError> {
    // Before anything is done, and all of it: a copy does not show what is wrong with an index.
    inspect(file, file)?;
    let folder = folder_of(database);
    connection::make_folder(folder).map_err(|why| BackupError::Write { path: folder.to_owned(), why })?;
    let new = NewFile::beside(database)?;
    copy(&open_existing(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?, file, &new)?;
    end_sessions(&new, file)?;
    let contents = inspect(new.draft(), file)?;
    forget_second_names(database);
    let aside = with_moment(folder, now);
    let held = hold(database, replace, &aside)?;
    let failed = |why| BackupError::Write { path: aside.clone(), why };
    let replaced = database.exists();
    if replaced {
        fs::hard_link(database, &aside).map_err(failed)?;
    }
    new.replace()?;
    drop(held);
    Ok(Restored { contents, replaced: replaced.then_some(aside) })
}

/// Whoever was signed out since the backup was made must not be signed in again by it.
fn end_sessions(new: &NewFile, file: &Path) -> Result<(), BackupError> {
    let connection = open_existing(new.draft(), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.execute("DELETE FROM operator_sessions", []).map(|_| ()).map_err(|error| failure(file, &error))
}

fn with_moment(folder: &Path, now: Timestamp) -> PathBuf {
    folder.join(format!("{ASIDE}{}.db", moment(now)))
}

/// Keeps others from the old database until the connection is dropped, and leaves it without a log.
fn hold(database: &Path, replace: bool, aside: &Path) -> Result<Option<Connection>, BackupError> {
    if database.exists() {
        match close_log(database, replace) {
            Ok(connection) => return Ok(Some(connection)),
            // What SQLite cannot read is put aside as it is, with its log.
            Err(BackupError::Damaged { .. } | BackupError::NotOurs { .. }) if replace => {}
            Err(error) => return Err(error),
        }
    }
    for companion in COMPANIONS {
        let path = with_suffix(database, companion);
        match fs::rename(&path, with_suffix(aside, companion)) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => {
                return Err(BackupError::Write { path, why });
            }
            _ => {}
        }
    }
    Ok(None)
}

fn close_log(database: &Path, replace: bool) -> Result<Connection, BackupError> {
    let connection = open_existing(database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let failed = |error| failure(database, &error);
    // Otherwise looking at a database that cannot be read would make away with its log.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(failed)?;
    let conversations = count_conversations(&connection, database)?;
    if conversations > 0 && !replace {
        return Err(BackupError::HasConversations { path: database.to_owned(), conversations });
    }
    // Writes the log into the database and removes it, which SQLite does only for the last one that has it open.
    let mode: String =
        connection.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0)).map_err(failed)?;
    if mode != "delete" {
        return Err(BackupError::InUse { path: database.to_owned() });
    }
    connection.execute_batch("BEGIN EXCLUSIVE").map_err(failed)?;
    Ok(connection)
}

/// A file with nothing in it has no conversations; one with something else in it may be worth more than those.
fn count_conversations(connection: &Connection, database: &Path) -> Result<u64, BackupError> {
    let tables = count(connection, "sqlite_schema").map_err(|error| failure(database, &error))?;
    if tables == 0 {
        return Ok(0);
    }
    match check_schema(connection, database) {
        Ok(_) | Err(BackupError::Newer { .. } | BackupError::Foreign { .. }) => {
            count(connection, "conversations").map_err(|error| failure(database, &error))
        }
        Err(error) => Err(error),
    }
}

/// A restore that was killed between its last two steps leaves the database with a second name.
fn forget_second_names(database: &Path) {
    let Ok(entries) = fs::read_dir(folder_of(database)) else { return };
    for entry in entries.flatten() {
        let is_aside = entry.file_name().to_str().is_some_and(|name| name.starts_with(ASIDE));
        if is_aside && is_same_file(database, &entry.path()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(unix)]
fn is_same_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    let id = |path| fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()));
    id(one).is_some() && id(one) == id(other)
}

#[cfg(not(unix))]
fn is_same_file(_: &Path, _: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::super::backup::make;
    use super::super::tests::{messages_of, with_messages};
    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_795_348_800_123);

    struct Desk {
        folder: tempfile::TempDir,
    }

    impl Desk {
        /// A database with one conversation, and a backup of it with another.
        async fn new() -> Self {
            let desk = Self { folder: tempfile::tempdir().unwrap() };
            with_messages(&desk.path("other.db"), 7..8).await;
            make(&desk.path("other.db"), Some(&desk.path("backup.db")), NOON).unwrap();
            with_messages(&desk.path("data/test.db"), 0..1).await;
            desk
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        fn restore(&self, replace: bool) -> Result<Restored, BackupError> {
            restore(&self.path("data/test.db"), &self.path("backup.db"), replace, NOON)
        }

        fn messages(&self) -> Vec<String> {
            messages_of(&self.path("data/test.db"))
        }
    }

    #[tokio::test]
    async fn a_backup_takes_the_place_of_the_database_and_the_old_one_is_kept() {
        let desk = Desk::new().await;
        let restored = desk.restore(true).unwrap();
        assert_eq!((restored.contents.conversations, restored.contents.messages), (1, 2));
        assert_eq!(desk.messages(), ["question 7", "answer 7"]);
        let aside = restored.replaced.unwrap();
        assert_eq!(aside, desk.path("data/frontdesk-replaced-20261122T120000.123Z.db"));
        assert_eq!(messages_of(&aside), ["question 0", "answer 0"]);
    }

    #[tokio::test]
    async fn what_is_only_in_the_old_log_stays_with_the_old_database() {
        let desk = Desk::new().await;
        let database = desk.path("data/test.db");
        // As a crash leaves it: connections that were never closed.
        let store = with_messages(&database, 1..2).await;
        let crashed = desk.path("crashed.db");
        for companion in ["", "-wal"] {
            fs::copy(with_suffix(&database, companion), with_suffix(&crashed, companion)).unwrap();
        }
        drop(store);
        for companion in ["", "-wal"] {
            fs::rename(with_suffix(&crashed, companion), with_suffix(&database, companion)).unwrap();
        }
        let restored = desk.restore(true).unwrap();
        assert_eq!(desk.messages(), ["question 7", "answer 7"]);
        let old = messages_of(&restored.replaced.unwrap());
        assert_eq!(old, ["question 0", "answer 0", "question 1", "answer 1"]);
    }

    #[tokio::test]
    async fn conversations_are_replaced_only_if_asked_for() {
        let desk = Desk::new().await;
        let error = desk.restore(false).unwrap_err();
        assert!(matches!(error, BackupError::HasConversations { conversations: 1, .. }), "{error}");
        assert_eq!(desk.messages(), ["question 0", "answer 0"]);
    }

    #[tokio::test]
    async fn a_database_that_somebody_has_open_is_not_replaced() {
        let desk = Desk::new().await;
        let open = with_messages(&desk.path("data/test.db"), 1..1).await;
        let error = desk.restore(true).unwrap_err();
        assert!(matches!(error, BackupError::InUse { .. }), "{error}");
        drop(open);
        desk.restore(true).unwrap();
    }

    #[tokio::test]
    async fn an_empty_place_and_a_database_without_conversations_need_no_leave() {
        let desk = Desk::new().await;
        fs::remove_dir_all(desk.path("data")).unwrap();
        assert_eq!(desk.restore(false).unwrap().replaced, None);
        assert_eq!(desk.messages(), ["question 7", "answer 7"]);
        fs::remove_dir_all(desk.path("data")).unwrap();
        with_messages(&desk.path("data/test.db"), 0..0).await;
        assert!(desk.restore(false).unwrap().replaced.is_some());
        assert_eq!(desk.messages(), ["question 7", "answer 7"]);
    }

    #[tokio::test]
    async fn a_database_that_cannot_be_read_is_put_aside_with_its_log() {
        let desk = Desk::new().await;
        let database = desk.path("data/test.db");
        fs::write(&database, "no database at all, ".repeat(1000)).unwrap();
        fs::write(with_suffix(&database, "-wal"), "its log").unwrap();
        let error = desk.restore(false).unwrap_err();
        assert!(matches!(error, BackupError::NotOurs { .. }), "{error}");
        let aside = desk.restore(true).unwrap().replaced.unwrap();
        assert!(fs::read_to_string(&aside).unwrap().starts_with("no database"));
        assert_eq!(fs::read_to_string(with_suffix(&aside, "-wal")).unwrap(), "its log");
        assert_eq!(desk.messages(), ["question 7", "answer 7"]);
    }

    #[tokio::test]
    async fn a_backup_that_is_not_sound_replaces_nothing() {
        let desk = Desk::new().await;
        let backup = desk.path("backup.db");
        let whole = fs::read(&backup).unwrap();
        for broken in [&whole[..whole.len() / 2], &b"not a database at all, but long enough".repeat(20)] {
            fs::write(&backup, broken).unwrap();
            let error = desk.restore(true).unwrap_err();
            assert!(matches!(error, BackupError::Damaged { .. } | BackupError::NotOurs { .. }), "{error}");
        }
        fs::write(&backup, whole).unwrap();
        let newer = Connection::open(&backup).unwrap();
        newer.execute_batch("INSERT INTO migrations VALUES (99, '0099_later', zeroblob(32), 0)").unwrap();
        drop(newer);
        let error = desk.restore(true).unwrap_err();
        assert!(matches!(error, BackupError::Newer { found: 99, .. }), "{error}");
        assert_eq!(desk.messages(), ["question 0", "answer 0"]);
        assert_eq!(fs::read_dir(desk.path("data")).unwrap().count(), 1, "something was left behind");
    }

    #[tokio::test]
    async fn a_second_name_of_the_database_is_forgotten() {
        let desk = Desk::new().await;
        let second = desk.path("data/frontdesk-replaced-20260101T000000.000Z.db");
        fs::hard_link(desk.path("data/test.db"), &second).unwrap();
        desk.restore(true).unwrap();
        assert!(!second.exists());
        assert_eq!(fs::read_dir(desk.path("data")).unwrap().count(), 2);
    }
}
