//! P18: a database of every schema that there has been is upgraded, also when that is broken off.

use std::fs;
use std::path::Path;

use frontdesk_core::SystemClock;
use frontdesk_core::testing::ManualClock;
use rusqlite::Connection;

use super::migrations::{self, MIGRATIONS};
use super::{OpenSqliteError, SqliteStore, connection};
use crate::upgrading::{CONVERSATIONS, kill_again_and_again, store_of_this_process};

const PROCESS: &str = "sqlite::upgrading::the_process_that_upgrades";

/// A database of the first schema with conversations, brought as far as that one.
fn database(path: &Path, schema: usize) {
    let clock = ManualClock::default();
    let mut connection = connection::open(path).unwrap();
    migrations::apply(&mut connection, &clock, &MIGRATIONS[..1], |_, _| Ok(())).unwrap();
    let id = |prefix: char| format!("CAST(printf('{prefix}%015d', n) AS BLOB)");
    let (site, conversation) = ("x'00000000000070008000000000000001'", id('c'));
    let (question, answer) = (id('q'), id('a'));
    connection
        .execute_batch(&format!(
            "INSERT INTO sites VALUES ({site}, 'default', 1, {CONVERSATIONS});
             INSERT INTO settings VALUES ('operator_password', 'hash');
             CREATE TEMP TABLE numbers AS WITH RECURSIVE numbers (n) AS (
                 VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < {CONVERSATIONS}
             ) SELECT n FROM numbers;
             INSERT INTO conversations SELECT {conversation}, {site}, 'v' || n, 0, n, n, 'answer ' || n, 'assistant', 2 FROM numbers;
             INSERT INTO sessions SELECT {site}, 'v' || n, x'', {conversation}, n FROM numbers;
             INSERT INTO messages (id, site_id, conversation_id, seq, role, status, text, created_at)
                 SELECT {question}, {site}, {conversation}, 1, 'user', 'accepted', 'question ' || n, n FROM numbers
                 UNION ALL
                 SELECT {answer}, {site}, {conversation}, 2, 'assistant', 'complete', 'answer ' || n, n FROM numbers;"
        ))
        .unwrap();
    migrations::apply(&mut connection, &clock, &MIGRATIONS[..schema], |_, _| Ok(())).unwrap();
}

/// Everything that the first schema had is there, once, and how far the schema has come.
fn look(path: &Path) -> i64 {
    let connection = Connection::open(path).unwrap();
    let text = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(text("PRAGMA integrity_check"), "ok");
    let words = "SELECT count(*) || ' ' || count(DISTINCT conversation_id) || ' ' || sum(seq) || ' ' ||
                        sum(CAST(substr(text, instr(text, ' ') + 1) AS INTEGER)) FROM messages";
    let sum = CONVERSATIONS * (CONVERSATIONS + 1);
    let (conversations, messages) = (CONVERSATIONS, 2 * CONVERSATIONS);
    assert_eq!(text(words), format!("{messages} {conversations} {} {sum}", 3 * conversations));
    assert_eq!(text("SELECT count(*) || '' FROM sessions"), conversations.to_string());
    assert_eq!(text("SELECT value FROM settings"), "hash");
    migrations::latest(&connection).unwrap()
}

fn newest() -> i64 {
    migrations::newest(&MIGRATIONS)
}

#[test]
fn every_schema_is_upgraded_with_a_backup_and_the_older_program_refuses_what_is_newer() {
    for schema in 1..=MIGRATIONS.len() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        database(&path, schema);
        drop(SqliteStore::open(&path, &ManualClock::default()).unwrap());
        assert_eq!(look(&path), newest(), "from {schema}");
        let backups = || fs::read_dir(folder.path().join("backups")).into_iter().flatten().flatten();
        assert_eq!(backups().count(), usize::from(schema < MIGRATIONS.len()), "from {schema}");
        for backup in backups() {
            assert_eq!(look(&backup.path()), i64::try_from(schema).unwrap());
        }
        if schema < MIGRATIONS.len() {
            let older = SqliteStore::open_as(&path, &ManualClock::default(), &MIGRATIONS[..schema]);
            assert!(matches!(older.unwrap_err(), OpenSqliteError::Newer { .. }), "from {schema}");
        }
    }
}

#[test]
#[ignore = "it is the process that the other test kills"]
fn the_process_that_upgrades() {
    // Backups are named by the time.
    drop(SqliteStore::open(Path::new(&store_of_this_process()), &SystemClock::start()).unwrap());
}

#[test]
fn an_upgrade_that_is_killed_at_any_moment_loses_nothing_and_can_be_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut kills = 0;
    for schema in 1..MIGRATIONS.len() {
        let model = folder.path().join(format!("model-{schema}.db"));
        database(&model, schema);
        let mut count = 0;
        let make = || {
            count += 1;
            let path = folder.path().join(format!("{schema}-{count}/test.db"));
            fs::create_dir(path.parent().unwrap()).unwrap();
            fs::copy(&model, &path).unwrap();
            path.to_str().unwrap().to_owned()
        };
        kills += kill_again_and_again(PROCESS, schema as u64, make, |store| {
            let found = look(Path::new(store));
            assert!((i64::try_from(schema).unwrap()..=newest()).contains(&found), "{found}");
        });
        for at in 1..=count {
            let folder = folder.path().join(format!("{schema}-{at}"));
            assert_eq!(look(&folder.join("test.db")), newest());
            let backups = fs::read_dir(folder.join("backups")).unwrap().flatten().map(|entry| entry.path());
            let mut backups = backups.filter(|path| path.extension().is_some_and(|kind| kind == "db"));
            assert!(backups.any(|backup| look(&backup) < newest()), "there is no way back from {at}");
        }
    }
    assert!(kills > 0, "no process was killed before it was through");
}
