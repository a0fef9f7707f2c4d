use frontdesk_core::Clock;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use sha2::{Digest as _, Sha256};

use super::OpenSqliteError;
use crate::BackupError;

/// A step of the schema: its name, and what it does.
pub(super) type Migration = (&'static str, &'static str);

/// The schema, step by step. What has been released is never edited: its checksum is in every database.
pub(super) const MIGRATIONS: [Migration; 7] = [
    ("0001_first", include_str!("../../migrations/sqlite/0001_first.sql")),
    ("0002_changes", include_str!("../../migrations/sqlite/0002_changes.sql")),
    ("0003_feedback", include_str!("../../migrations/sqlite/0003_feedback.sql")),
    ("0004_nodes", include_str!("../../migrations/sqlite/0004_nodes.sql")),
    ("0005_search", include_str!("../../migrations/sqlite/0005_search.sql")),
    ("0006_inbox", include_str!("../../migrations/sqlite/0006_inbox.sql")),
    ("0007_drafts", include_str!("../../migrations/sqlite/0007_drafts.sql")),
];

/// What a database's schema is to this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Schema {
    /// Not one of ours.
    None,
    /// Ours, as far as this step.
    Known(i64),
    /// Further than this program knows.
    Newer { found: i64, known: i64 },
    /// Like ours, but this step is another one.
    Foreign { version: i64 },
}

/// Finds out what a database's schema is, and leaves it as it is.
pub(super) fn schema(connection: &Connection) -> rusqlite::Result<Schema> {
    let find = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'migrations'";
    if !connection.prepare(find)?.exists([])? {
        return Ok(Schema::None);
    }
    let mut statement = connection.prepare("SELECT version, sha256 FROM migrations ORDER BY version")?;
    let applied = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let applied = applied.collect::<rusqlite::Result<Vec<(i64, [u8; 32])>>>()?;
    for ((version, sha256), (_, sql)) in applied.iter().zip(MIGRATIONS) {
        if *sha256 != checksum(sql) {
            return Ok(Schema::Foreign { version: *version });
        }
    }
    let known = newest(&MIGRATIONS);
    Ok(match applied.last() {
        None => Schema::None,
        Some(&(found, _)) if found > known => Schema::Newer { found, known },
        Some(&(version, _)) => Schema::Known(version),
    })
}

/// The last step there is.
pub(super) fn newest(migrations: &[Migration]) -> i64 {
    i64::try_from(migrations.len()).unwrap_or(i64::MAX)
}

/// Applies what the database has not seen yet, each step in a transaction of its own.
///
/// Before the first step that changes a database which has seen others, `back_up` is called with the number
/// of its schema and the one that it will have. Nobody can write meanwhile, so what it keeps is exactly what the step begins with.
pub(super) fn apply(
    connection: &mut Connection,
    clock: &dyn Clock,
    migrations: &[Migration],
    mut back_up: impl FnMut(i64, i64) -> Result<(), BackupError>,
) -> Result<(), OpenSqliteError> {
    let newest = newest(migrations);
    let mut is_backed_up = false;
    let known = (1_i64..).zip(migrations);
    for (version, &(name, sql)) in known.clone() {
        let failed = |source| OpenSqliteError::Migration { name, source };
        // Immediate, so that of two processes that start at once the second one waits and then finds it done.
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        prepare(&transaction).map_err(failed)?;
        let latest = latest(&transaction).map_err(failed)?;
        if latest > newest {
            return Err(OpenSqliteError::Newer { found: latest, known: newest });
        }
        let checksum = checksum(sql);
        if version <= latest {
            let find = "SELECT sha256 FROM migrations WHERE version = ?";
            let applied: [u8; 32] =
                transaction.query_row(find, [version], |row| row.get(0)).map_err(failed)?;
            if applied != checksum {
                return Err(OpenSqliteError::Foreign { version });
            }
            continue;
        }
        if latest > 0 && !is_backed_up {
            back_up(latest, newest).map_err(OpenSqliteError::Backup)?;
        }
        is_backed_up = true;
        transaction.execute_batch(sql).map_err(failed)?;
        let note = "INSERT INTO migrations (version, name, sha256, applied_at) VALUES (?, ?, ?, ?)";
        transaction.execute(note, params![version, name, checksum, clock.now().millis()]).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        tracing::info!(name, "applied a migration");
    }
    Ok(())
}

/// The last step that was applied.
pub(super) fn latest(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT coalesce(max(version), 0) FROM migrations", [], |row| row.get(0))
}

fn prepare(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS migrations (
             version    INTEGER NOT NULL PRIMARY KEY,
             name       TEXT    NOT NULL,
             sha256     BLOB    NOT NULL,
             applied_at INTEGER NOT NULL
         ) STRICT",
    )
}

fn checksum(sql: &str) -> [u8; 32] {
    Sha256::digest(sql.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use frontdesk_core::testing::ManualClock;

    use super::*;

    const ONE: Migration = ("0001_one", "CREATE TABLE one (a INTEGER)");
    const TWO: Migration = ("0002_two", "CREATE TABLE two (a INTEGER); INSERT INTO one VALUES (1)");

    fn run_all(connection: &mut Connection, migrations: &[Migration]) -> Result<(), OpenSqliteError> {
        apply(connection, &ManualClock::default(), migrations, |_, _| Ok(()))
    }

    fn database() -> Connection {
        Connection::open_in_memory().unwrap()
    }

    #[test]
    fn each_migration_is_applied_once() {
        let mut connection = database();
        run_all(&mut connection, &[ONE]).unwrap();
        run_all(&mut connection, &[ONE, TWO]).unwrap();
        run_all(&mut connection, &[ONE, TWO]).unwrap();
        let rows: i64 = connection.query_row("SELECT count(*) FROM one", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 1);
    }

    #[test]
    fn a_newer_schema_is_refused() {
        let mut connection = database();
        run_all(&mut connection, &[ONE, TWO]).unwrap();
        let error = run_all(&mut connection, &[ONE]).unwrap_err();
        assert!(matches!(error, OpenSqliteError::Newer { found: 2, known: 1 }), "{error}");
    }

    #[test]
    fn a_backup_is_asked_for_once_and_only_of_what_was_there_before() {
        const THREE: Migration = ("0003_three", "CREATE TABLE three (a INTEGER)");
        let mut connection = database();
        let mut asked = Vec::new();
        let mut run = |migrations: &[Migration]| {
            let back_up = |latest, next| {
                asked.push((latest, next));
                Ok(())
            };
            apply(&mut connection, &ManualClock::default(), migrations, back_up).unwrap();
        };
        run(&[ONE]);
        run(&[ONE]);
        run(&[ONE, TWO, THREE]);
        run(&[ONE, TWO, THREE]);
        assert_eq!(asked, [(1, 3)]);
    }

    #[test]
    fn nothing_is_changed_without_its_backup() {
        let mut connection = database();
        run_all(&mut connection, &[ONE]).unwrap();
        let full = |_, _| {
            let why = std::io::ErrorKind::StorageFull.into();
            Err(BackupError::Write { path: "backup.db".into(), why })
        };
        let error = apply(&mut connection, &ManualClock::default(), &[ONE, TWO], full).unwrap_err();
        assert!(matches!(error, OpenSqliteError::Backup(_)), "{error}");
        assert!(connection.prepare("SELECT * FROM two").is_err());
    }

    #[test]
    fn an_edited_migration_is_refused() {
        let mut connection = database();
        run_all(&mut connection, &[ONE]).unwrap();
        let error = run_all(&mut connection, &[("0001_one", "CREATE TABLE other (a INTEGER)")]).unwrap_err();
        assert!(matches!(error, OpenSqliteError::Foreign { version: 1 }), "{error}");
    }

    #[test]
    fn a_migration_that_fails_leaves_nothing_behind() {
        let mut connection = database();
        let broken = ("0002_broken", "CREATE TABLE two (a INTEGER); INSERT INTO missing VALUES (1)");
        assert!(run_all(&mut connection, &[ONE, broken]).is_err());
        run_all(&mut connection, &[ONE, TWO]).unwrap();
    }

    #[test]
    fn conversations_of_the_first_schema_have_their_messages_numbered_as_changes() {
        let mut connection = database();
        run_all(&mut connection, &MIGRATIONS[..1]).unwrap();
        connection
            .execute_batch(
                "INSERT INTO sites (id, name, created_at) VALUES (x'01', 'default', 0);
                 INSERT INTO conversations VALUES
                     (x'0A', x'01', 'a', 1, 0, 0, 'four', 'assistant', 4), (x'0B', x'01', 'b', 1, 0, 0, 'two', 'user', 2);
                 INSERT INTO messages (id, site_id, conversation_id, seq, role, status, text, created_at) VALUES
                     (x'A1', x'01', x'0A', 1, 'user', 'accepted', 'one', 0),
                     (x'A2', x'01', x'0A', 2, 'assistant', 'complete', 'two', 0),
                     (x'B1', x'01', x'0B', 1, 'user', 'accepted', 'one', 0),
                     (x'B2', x'01', x'0B', 2, 'assistant', 'streaming', 'tw', 0),
                     (x'A3', x'01', x'0A', 3, 'user', 'accepted', 'three', 0),
                     (x'A4', x'01', x'0A', 4, 'assistant', 'complete', 'four', 0);",
            )
            .unwrap();
        run_all(&mut connection, &MIGRATIONS).unwrap();
        let all = "SELECT group_concat(hex(id) || ' ' || revision, ', ') FROM";
        let read = |table: &str| -> String {
            connection
                .query_row(&format!("{all} (SELECT * FROM {table} ORDER BY id)"), [], |row| row.get(0))
                .unwrap()
        };
        assert_eq!(read("conversations"), "0A 4, 0B 2");
        assert_eq!(read("messages"), "A1 1, A2 2, A3 3, A4 4, B1 1, B2 2");
    }

    #[test]
    fn after_the_seventh_step_visitors_and_operators_may_name_messages_alike() {
        let mut connection = database();
        run_all(&mut connection, &MIGRATIONS[..6]).unwrap();
        let say = |connection: &Connection, id: u8, role: &str| {
            let message = "INSERT INTO messages (id, site_id, conversation_id, seq, role, status, text, created_at, revision, idempotency_key)
                           VALUES (?1, x'01', x'0A', ?2, ?3, 'accepted', '', 0, ?2, 'name')";
            connection.execute(message, params![[id], id, role])
        };
        connection
            .execute_batch(
                "INSERT INTO sites (id, name, created_at) VALUES (x'01', 'default', 0);
                 INSERT INTO conversations (id, site_id, session, has_secret, created_at, updated_at, last_message, last_role, message_count)
                     VALUES (x'0A', x'01', 'a', 1, 0, 0, '', 'user', 1);",
            )
            .unwrap();
        say(&connection, 1, "user").unwrap();
        let is_taken = |error: rusqlite::Error| error.to_string().ends_with("messages.idempotency_key");
        assert!(is_taken(say(&connection, 2, "operator").unwrap_err()));
        run_all(&mut connection, &MIGRATIONS).unwrap();
        say(&connection, 2, "operator").unwrap();
        for role in ["user", "operator"] {
            assert!(is_taken(say(&connection, 3, role).unwrap_err()));
        }
    }
}
