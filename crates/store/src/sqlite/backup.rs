//! Copies of the whole database.
//!
//! `VACUUM INTO` and not SQLite's online backup: both read one state of the data without keeping anybody from writing,
//! but the latter begins anew whenever another process writes between its steps, and copies pages that are no longer in
//! use, so that what was deleted would live on in backups. What `VACUUM INTO` writes is one file without a log.

use std::fs;
use std::path::{Path, PathBuf};

use frontdesk_core::Timestamp;
use jiff::Timestamp as Instant;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::connection::{self, BUSY_TIMEOUT};
use super::migrations::{self, Schema};
use crate::new_file::folder_of;
use crate::{BackupError, NewFile};

/// What is in a database that was found to be sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents {
    /// How far its schema has come.
    pub schema: i64,
    /// How many conversations it has.
    pub conversations: u64,
    /// How many messages it has.
    pub messages: u64,
}

/// A backup that was made, read back and found to be sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// What is in it.
    pub contents: Contents,
}

/// Backs the database up to a file that does not exist yet; without one, to a new file in the folder for backups.
pub(crate) fn make(database: &Path, target: Option<&Path>, now: Timestamp) -> Result<Backup, BackupError> {
    if let Some(target) = target {
        return write(database, target);
    }
    write(database, &make_folder(database)?.join(format!("frontdesk-{}.db", moment(now))))
}

/// Where backups go that nobody has named a place for.
pub(super) fn make_folder(database: &Path) -> Result<PathBuf, BackupError> {
    let folder = folder_of(database).join("backups");
    // Not for the backup of a database that a wrong setting has made up.
    if database.is_file() {
        connection::make_folder(&folder).map_err(|why| BackupError::Write { path: folder.clone(), why })?;
    }
    Ok(folder)
}

/// A moment as a part of file names, which sort by it.
pub(super) fn moment(at: Timestamp) -> String {
    let at = Instant::from_millisecond(at.millis()).unwrap_or_default();
    at.strftime("%Y%m%dT%H%M%S.%3fZ").to_string()
}

pub(super) fn write(database: &Path, target: &Path) -> Result<Backup, BackupError> {
    let source = open_existing(database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Before the copying, which may take long.
    check_schema(&source, database)?;
    let new = NewFile::begin(target)?;
    copy(&source, database, &new)?;
    let contents = inspect(new.draft(), target)?;
    let bytes =
        fs::metadata(new.draft()).map_err(|why| BackupError::Write { path: target.to_owned(), why })?.len();
    new.publish()?;
    Ok(Backup { path: target.to_owned(), bytes, contents })
}

/// Copies one state of a database into a draft.
pub(super) fn copy(source: &Connection, database: &Path, new: &NewFile) -> Result<(), BackupError> {
    let draft = new.draft();
    let Some(name) = draft.to_str() else {
        let why = std::io::Error::other("its name is not in UTF-8");
        return Err(BackupError::Write { path: draft.to_owned(), why });
    };
    source.execute("VACUUM INTO ?", [name]).map(|_| ()).map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull | ErrorCode::CannotOpen | ErrorCode::SystemIoFailure) => {
            BackupError::Write { path: draft.to_owned(), why: std::io::Error::other(error.to_string()) }
        }
        _ => failure(database, &error),
    })
}

/// Reads all of a database, and says what is in it. Errors call it `name`.
pub(super) fn inspect(database: &Path, name: &Path) -> Result<Contents, BackupError> {
    let connection = open_existing(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let schema = check_schema(&connection, name)?;
    let failed = |error| failure(name, &error);
    let verdict: String =
        connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if verdict != "ok" {
        return Err(BackupError::Damaged { path: name.to_owned(), why: verdict });
    }
    Ok(Contents {
        schema,
        conversations: count(&connection, "conversations").map_err(failed)?,
        messages: count(&connection, "messages").map_err(failed)?,
    })
}

/// Opens a database that is there already, and leaves it as it is.
pub(super) fn open_existing(database: &Path, access: OpenFlags) -> Result<Connection, BackupError> {
    if !database.is_file() {
        return Err(BackupError::Missing { path: database.to_owned() });
    }
    Connection::open_with_flags(database, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .and_then(|connection| connection.busy_timeout(BUSY_TIMEOUT).map(|()| connection))
        .map_err(|error| failure(database, &error))
}

/// How far a schema has come that is one of ours.
pub(super) fn check_schema(connection: &Connection, database: &Path) -> Result<i64, BackupError> {
    let path = database.to_owned();
    match migrations::schema(connection) {
        Ok(Schema::Known(version)) => Ok(version),
        Ok(Schema::None) => Err(BackupError::NotOurs { path }),
        Ok(Schema::Newer { found, known }) => Err(BackupError::Newer { path, found, known }),
        Ok(Schema::Foreign { version }) => Err(BackupError::Foreign { path, version }),
        Err(error) => Err(failure(database, &error)),
    }
}

pub(super) fn count(connection: &Connection, table: &str) -> rusqlite::Result<u64> {
    let rows: i64 = connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
    Ok(u64::try_from(rows).unwrap_or(0))
}

/// What SQLite's refusal says about a file.
pub(super) fn failure(database: &Path, error: &rusqlite::Error) -> BackupError {
    let (path, why) = (database.to_owned(), error.to_string());
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => BackupError::NotOurs { path },
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::TypeMismatch) | None => {
            BackupError::Damaged { path, why }
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => BackupError::InUse { path },
        Some(_) => BackupError::Read { path, why },
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{messages_of, with_messages};
    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_795_348_800_123);

    #[tokio::test]
    async fn a_backup_of_an_open_database_is_one_whole_file() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("test.db");
        let store = with_messages(&database, 0..3).await;
        let backup = make(&database, None, NOON).unwrap();
        assert_eq!(backup.path, folder.path().join("backups/frontdesk-20261122T120000.123Z.db"));
        assert_eq!((backup.contents.conversations, backup.contents.messages), (3, 6));
        assert_eq!(fs::metadata(&backup.path).unwrap().len(), backup.bytes);
        assert_eq!(fs::read_dir(folder.path().join("backups")).unwrap().count(), 1);
        assert_eq!(messages_of(&backup.path), messages_of(&database));
        drop(store);
    }

    #[tokio::test]
    async fn a_backup_never_takes_a_name_that_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("test.db");
        with_messages(&database, 0..1).await;
        make(&database, None, NOON).unwrap();
        let error = make(&database, None, NOON).unwrap_err();
        assert!(matches!(error, BackupError::Exists { .. }), "{error}");
    }

    #[test]
    fn what_is_not_our_database_is_refused_and_nothing_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name| folder.path().join(name);
        let target = path("backup.db");
        let refused = |database: &Path| make(database, Some(&target), NOON).unwrap_err();
        assert!(matches!(refused(&path("missing.db")), BackupError::Missing { .. }));
        assert!(!path("missing.db").exists());
        fs::write(path("notes.txt"), "not a database, but long enough to be looked at as one".repeat(20))
            .unwrap();
        assert!(matches!(refused(&path("notes.txt")), BackupError::NotOurs { .. }));
        Connection::open(path("other.db")).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
        assert!(matches!(refused(&path("other.db")), BackupError::NotOurs { .. }));
        assert!(!target.exists());
    }

    #[tokio::test]
    async fn damage_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("test.db");
        with_messages(&database, 0..200).await;
        let backup = make(&database, None, NOON).unwrap().path;
        let mut bytes = fs::read(&backup).unwrap();
        // Somewhere in the middle, where the messages are.
        let middle = bytes.len() / 2 / 4096 * 4096;
        bytes[middle..middle + 4096].fill(0xA5);
        fs::write(&backup, bytes).unwrap();
        let error = inspect(&backup, &backup).unwrap_err();
        assert!(matches!(error, BackupError::Damaged { .. }), "{error}");
    }

    #[tokio::test]
    async fn what_was_deleted_is_not_in_a_backup() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("test.db");
        with_messages(&database, 0..400).await;
        let connection = Connection::open(&database).unwrap();
        let forget = "INSERT INTO message_words (message_words) VALUES ('delete-all')";
        connection
            .execute_batch(&format!("DELETE FROM messages; DELETE FROM conversations; {forget}"))
            .unwrap();
        drop(connection);
        let needle = b"question";
        let has = |path: &Path| fs::read(path).unwrap().windows(needle.len()).any(|bytes| bytes == needle);
        assert!(has(&database), "SQLite has overwritten it, and this test shows nothing");
        assert!(!has(&make(&database, None, NOON).unwrap().path));
    }
}
