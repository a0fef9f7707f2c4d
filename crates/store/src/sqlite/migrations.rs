use frontdesk_core::Clock;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use sha2::{Digest as _, Sha256};

use super::OpenSqliteError;

/// The schema, step by step. What has been released is never edited: its checksum is in every database.
const MIGRATIONS: [(&str, &str); 1] =
    [("0001_first", include_str!("../../migrations/sqlite/0001_first.sql"))];

/// Applies what the database has not seen yet, each step in a transaction of its own.
pub(super) fn run(connection: &mut Connection, clock: &dyn Clock) -> Result<(), OpenSqliteError> {
    apply(connection, clock, &MIGRATIONS)
}

fn apply(
    connection: &mut Connection,
    clock: &dyn Clock,
    migrations: &[(&'static str, &str)],
) -> Result<(), OpenSqliteError> {
    let known = (1_i64..).zip(migrations);
    for (version, &(name, sql)) in known.clone() {
        let failed = |source| OpenSqliteError::Migration { name, source };
        // Immediate, so that of two processes that start at once the second one waits and then finds it done.
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        prepare(&transaction).map_err(failed)?;
        let latest: i64 = transaction
            .query_row("SELECT coalesce(max(version), 0) FROM migrations", [], |row| row.get(0))
            .map_err(failed)?;
        let newest = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
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
        transaction.execute_batch(sql).map_err(failed)?;
        let note = "INSERT INTO migrations (version, name, sha256, applied_at) VALUES (?, ?, ?, ?)";
        transaction.execute(note, params![version, name, checksum, clock.now().millis()]).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        tracing::info!(name, "applied a migration");
    }
    Ok(())
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

    const ONE: (&str, &str) = ("0001_one", "CREATE TABLE one (a INTEGER)");
    const TWO: (&str, &str) = ("0002_two", "CREATE TABLE two (a INTEGER); INSERT INTO one VALUES (1)");

    fn run_all(
        connection: &mut Connection,
        migrations: &[(&'static str, &str)],
    ) -> Result<(), OpenSqliteError> {
        apply(connection, &ManualClock::default(), migrations)
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
}
