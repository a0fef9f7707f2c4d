//! SQLite: one file, one thread that writes, some that read.
//!
//! Write-ahead logging with `synchronous=FULL`: a commit is on disk when it returns. The writer takes everything that is
//! waiting into one transaction, so that many messages share the price of one flush.

mod backup;
mod before_migration;
mod changes;
mod connection;
mod conversations;
mod drafts;
mod error;
mod export;
mod filtering;
mod inbox;
mod migrations;
mod nodes;
mod operators;
#[cfg(test)]
mod power_cut;
mod readers;
mod restore;
mod rows;
mod search;
mod sites;
mod target;
mod turns;
#[cfg(test)]
mod upgrading;
mod words;
mod writer;

use std::fs;
use std::path::Path;

use frontdesk_core::{Clock, StoreError};
use rusqlite::Connection;

pub(crate) use backup::make as back_up;
pub use backup::{Backup, Contents};
pub(crate) use connection::prepare_folder;
use error::Failure;
pub use error::OpenSqliteError;
pub(crate) use export::export;
use migrations::{MIGRATIONS, Migration};
use readers::Readers;
pub use restore::Restored;
pub(crate) use restore::restore;
pub(crate) use target::SqliteTarget;
use writer::Writer;

use crate::moving::MARK;

/// A store in a file.
#[derive(Debug)]
pub(crate) struct SqliteStore {
    // In this order, because fields are dropped in it: the connection that is closed last tidies the files up.
    readers: Readers,
    writer: Writer,
}

impl SqliteStore {
    /// Opens the file, making it and its folder if they are missing, and brings its schema up to date. What is there
    /// already is backed up before its schema is changed.
    pub(crate) fn open(path: &Path, clock: &dyn Clock) -> Result<Self, OpenSqliteError> {
        Self::open_as(path, clock, &MIGRATIONS)
    }

    fn open_as(path: &Path, clock: &dyn Clock, migrations: &[Migration]) -> Result<Self, OpenSqliteError> {
        prepare_folder(path)?;
        let mut connection = connection::open(path)?;
        let mut kept = None;
        let migrated = migrations::apply(&mut connection, clock, migrations, |latest, next| {
            kept = Some((latest, before_migration::back_up(path, next, clock.now())?));
            Ok(())
        });
        match kept {
            Some((_, kept)) if migrated.is_ok() => before_migration::forget_old(&kept),
            // Nothing was changed, so a start that fails again and again must not keep a backup of each time.
            Some((before, kept)) if migrations::latest(&connection).is_ok_and(|latest| latest == before) => {
                let _ = fs::remove_file(kept);
            }
            _ => {}
        }
        migrated?;
        if is_half_moved(&connection)? {
            return Err(OpenSqliteError::Unfinished);
        }
        let readers = Readers::start(path)?;
        Ok(Self { readers, writer: Writer::start(connection)? })
    }

    /// Does some reading, all of it on one state of the data.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.read(work).await
    }

    /// Does some writing as one unit. When this returns, it is on disk.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.write(work).await
    }
}

/// Whether a move to this database was not finished.
fn is_half_moved(connection: &Connection) -> Result<bool, OpenSqliteError> {
    let find = "SELECT 1 FROM settings WHERE name = ?";
    let found = connection.prepare(find).and_then(|mut find| find.exists([MARK]));
    found.map_err(|source| OpenSqliteError::Open {
        path: connection.path().unwrap_or_default().into(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use std::ops::Range;
    use std::path::PathBuf;
    use std::time::Duration;

    use frontdesk_core::testing::{ManualClock, SeededRandom};
    use frontdesk_core::{
        AnswerFacts, CloseTurn, ConversationId, ConversationStore as _, MessageId, MessageStatus,
        MessageText, NodeId, OpenTurn, SessionId, SessionKey, SiteId, SiteStore as _, Timestamp, TurnIds,
        Visit,
    };

    use frontdesk_testkit::SmallDisk;

    use super::*;

    /// A database with these conversations, each a question and its answer; still open.
    pub(super) async fn with_messages(path: &Path, numbers: Range<u64>) -> SqliteStore {
        with_messages_as(path, numbers, &MIGRATIONS).await
    }

    async fn with_messages_as(path: &Path, numbers: Range<u64>, migrations: &[Migration]) -> SqliteStore {
        let clock = ManualClock::default();
        let store = SqliteStore::open_as(path, &clock, migrations).unwrap();
        let (site, now) = (SiteId::DEFAULT, Timestamp::default());
        store.ensure_site(site, "default", now).await.unwrap();
        for n in numbers {
            clock.advance(Duration::from_millis(n + 1));
            let random = SeededRandom::new(n);
            let ids = TurnIds {
                conversation: ConversationId::mint(&clock, &random),
                visitor_message: MessageId::mint(&clock, &random),
                answer: MessageId::mint(&clock, &random),
            };
            let session = SessionId::parse(&format!("visitor-{n}")).unwrap();
            let turn = OpenTurn {
                session: SessionKey { site, session, secret: None },
                text: MessageText::parse(format!("question {n}")).unwrap(),
                idempotency_key: None,
                ids,
                node: NodeId::NONE,
                now,
                history_limit: 1,
                history_since: now,
                identity: None,
                visit: Visit::default(),
            };
            store.open_turn(turn).await.unwrap();
            let ending = CloseTurn {
                site,
                answer: ids.answer,
                status: MessageStatus::Complete,
                text: format!("answer {n}"),
                facts: AnswerFacts::default(),
                now,
            };
            store.close_turn(ending).await.unwrap();
        }
        store
    }

    /// The texts of all messages of a database.
    pub(super) fn messages_of(path: &Path) -> Vec<String> {
        let connection = Connection::open(path).unwrap();
        let sql = "SELECT text FROM messages ORDER BY conversation_id, seq";
        let mut statement = connection.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    fn backups(folder: &Path) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(folder.join("backups")) else { return Vec::new() };
        let mut backups: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        backups.sort();
        backups
    }

    /// The schema with so many more steps.
    fn later(steps: usize) -> Vec<Migration> {
        const STEPS: [Migration; 2] = [
            ("later_a", "ALTER TABLE sites ADD COLUMN a TEXT"),
            ("later_b", "ALTER TABLE sites ADD COLUMN b TEXT"),
        ];
        [&MIGRATIONS[..], &STEPS[..steps]].concat()
    }

    #[tokio::test]
    async fn a_database_is_backed_up_before_its_schema_changes_and_the_backup_is_the_way_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        drop(with_messages(&path, 0..2).await);
        drop(with_messages(&path, 2..3).await);
        assert!(backups(folder.path()).is_empty(), "nothing was changed");

        drop(with_messages_as(&path, 3..4, &later(2)).await);
        let [backup] = &backups(folder.path())[..] else { unreachable!("one backup") };
        let name = backup.file_name().unwrap().to_str().unwrap();
        let ending = format!("-before-schema-{}.db", MIGRATIONS.len() + 2);
        let moment = name.strip_prefix("frontdesk-").unwrap().strip_suffix(&ending).unwrap();
        assert!(
            moment.chars().all(|c| c.is_ascii_digit() || "TZ.".contains(c)),
            "more than a moment: {name}"
        );
        assert_eq!(messages_of(&path).len(), 8);

        // The older program refuses the newer database, and takes the backup.
        let older = SqliteStore::open(&path, &ManualClock::default());
        assert!(matches!(older.unwrap_err(), OpenSqliteError::Newer { .. }));
        restore(&path, backup, true, Timestamp::default()).unwrap();
        drop(SqliteStore::open(&path, &ManualClock::default()).unwrap());
        assert_eq!(messages_of(&path).len(), 6);
    }

    #[tokio::test]
    async fn the_newest_automatic_backups_are_kept_and_nobody_elses_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        drop(with_messages(&path, 0..1).await);
        back_up(&path, None, Timestamp::default()).unwrap();
        let own = backups(folder.path()).remove(0);
        for older in ["19990101T000000.000Z", "20010101T000000.000Z"] {
            let name = format!("frontdesk-{older}-before-schema-0.db");
            fs::write(folder.path().join("backups").join(name), "").unwrap();
        }
        let clock = ManualClock::default();
        for next in 2..=7 {
            clock.advance(Duration::from_secs(1));
            let newest = before_migration::back_up(&path, next, clock.now()).unwrap();
            before_migration::forget_old(&newest);
        }
        let kept = backups(folder.path());
        assert!(kept.contains(&own));
        let automatic: Vec<_> = kept.iter().filter(|path| **path != own).collect();
        assert_eq!(automatic.len(), 5, "{automatic:?}");
        assert!(automatic.iter().all(|path| fs::metadata(path).unwrap().len() > 0), "the oldest go first");
    }

    #[tokio::test]
    async fn a_start_that_fails_again_and_again_does_not_fill_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        drop(with_messages(&path, 0..1).await);
        let broken = [&MIGRATIONS[..], &[("broken", "INSERT INTO missing VALUES (1)")]].concat();
        for _ in 0..3 {
            let error = SqliteStore::open_as(&path, &ManualClock::default(), &broken).unwrap_err();
            assert!(matches!(error, OpenSqliteError::Migration { .. }), "{error}");
            assert!(backups(folder.path()).is_empty());
        }
    }

    #[test]
    fn a_schema_is_not_changed_on_a_disk_that_has_no_room_for_its_backup() {
        let name = "sqlite::tests::a_schema_is_not_changed_on_a_disk_that_has_no_room_for_its_backup";
        SmallDisk::lend(name, 1024, |disk| {
            let path = disk.folder().join("test.db");
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            drop(runtime.block_on(with_messages(&path, 0..2)));
            let mut failures = String::new();
            // Opening takes some room too, and changing the schema takes more than the backup.
            for room in (0..).step_by(16 * 1024) {
                let ballast = disk.fill();
                let all = fs::metadata(&ballast).unwrap().len();
                fs::File::options().write(true).open(&ballast).unwrap().set_len(all - room).unwrap();
                let opened = SqliteStore::open_as(&path, &ManualClock::default(), &later(1));
                fs::remove_file(ballast).unwrap();
                let Err(error) = opened else { break };
                assert!(error.to_string().ends_with("disk is full"), "{error}");
                failures += &error.to_string();
                assert!(backups(disk.folder()).is_empty());
                let connection = Connection::open(&path).unwrap();
                assert_eq!(migrations::latest(&connection).unwrap(), migrations::newest(&MIGRATIONS));
            }
            assert!(failures.contains("cannot back the database up"), "{failures}");
            assert_eq!(backups(disk.folder()).len(), 1);
            assert_eq!(messages_of(&path).len(), 4);
        });
    }
}
