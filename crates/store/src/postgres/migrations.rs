use std::sync::Arc;

use frontdesk_core::Timestamp;
use sha2::{Digest as _, Sha256};

use super::connection::{Connection, Connector};
use super::error::Failure;
use super::statements::MARK_OF_MOVE;
use super::{OpenPostgresError, rows};
use crate::moving::MARK;

/// A step of the schema: its name, and what it does.
pub(super) type Migration = (&'static str, &'static str);

/// The schema, step by step. What has been released is never edited: its checksum is in every database.
pub(super) const MIGRATIONS: [Migration; 6] = [
    ("0001_first", include_str!("../../migrations/postgres/0001_first.sql")),
    ("0002_feedback", include_str!("../../migrations/postgres/0002_feedback.sql")),
    ("0003_nodes", include_str!("../../migrations/postgres/0003_nodes.sql")),
    ("0004_search", include_str!("../../migrations/postgres/0004_search.sql")),
    ("0005_inbox", include_str!("../../migrations/postgres/0005_inbox.sql")),
    ("0006_drafts", include_str!("../../migrations/postgres/0006_drafts.sql")),
];

/// A migration may take its time, but what is in its way may not.
const SETTINGS: &str = "SET statement_timeout = 0; SET lock_timeout = 60000";

/// Held by whoever changes the schema, until the end of the transaction: "frontdes" in ASCII.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7382085259403486579)";

const PREPARE: &str = "CREATE TABLE IF NOT EXISTS migrations (
                           version    BIGINT NOT NULL PRIMARY KEY,
                           name       TEXT   NOT NULL,
                           sha256     BYTEA  NOT NULL,
                           applied_at BIGINT NOT NULL
                       )";
const APPLIED: &str = "SELECT version, sha256 FROM migrations ORDER BY version";
const NOTE: &str = "INSERT INTO migrations (version, name, sha256, applied_at) VALUES ($1, $2, $3, $4)";
const ENCODING: &str = "SELECT current_setting('server_encoding')";

/// What a database's schema is to this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Schema {
    /// Ours, as far as this step; 0 for none.
    Known(i64),
    /// Further than this program knows.
    Newer { found: i64, known: i64 },
    /// Like ours, but this step is another one.
    Foreign { version: i64 },
}

/// Applies what the database has not seen yet, each step in a transaction of its own.
pub(super) async fn apply(
    connector: Arc<Connector>,
    now: Timestamp,
    migrations: &'static [Migration],
) -> Result<(), OpenPostgresError> {
    let server = || connector.url().to_string();
    let refused =
        |failure: Failure| OpenPostgresError::Refused { server: server(), why: failure.to_string() };
    let connecting = connector.connect_as(&[SETTINGS]).await;
    let connection = connecting.map_err(|failure| OpenPostgresError::unreachable(server(), &failure))?;
    let encoding = connection.query(ENCODING, &[]).await.map_err(refused)?;
    let encoding: &str = encoding.first().map_or(Ok(""), |row| rows::get(row, 0)).map_err(refused)?;
    if encoding != "UTF8" {
        let why = format!("the database's encoding is {encoding}, and has to be UTF8");
        return Err(OpenPostgresError::Refused { server: server(), why });
    }
    for (version, (name, sql)) in (1_i64..).zip(migrations) {
        let failed = |failure: Failure| OpenPostgresError::Migration { name, why: failure.to_string() };
        // Of two processes that start at once the second one waits and then finds it done.
        connection.run(&format!("BEGIN; {LOCK}; {PREPARE}")).await.map_err(failed)?;
        match schema(&connection, migrations).await.map_err(failed)? {
            Schema::Newer { found, known } => return Err(OpenPostgresError::Newer { found, known }),
            Schema::Foreign { version } => return Err(OpenPostgresError::Foreign { version }),
            Schema::Known(latest) if version <= latest => {
                connection.run("ROLLBACK").await.map_err(failed)?;
                continue;
            }
            Schema::Known(_) => {}
        }
        connection.run(sql).await.map_err(failed)?;
        let values: super::connection::Values<'_> = &[&version, name, &checksum(sql), &now.millis()];
        connection.execute(NOTE, values).await.map_err(failed)?;
        connection.run("COMMIT").await.map_err(failed)?;
        tracing::info!(name, "applied a migration");
    }
    let mark = connection.query_opt(MARK_OF_MOVE, &[&MARK]).await.map_err(refused)?;
    if mark.is_some() { Err(OpenPostgresError::Unfinished) } else { Ok(()) }
}

/// Finds out what a database's schema is, and leaves it as it is. Fails if there has never been one.
pub(super) async fn schema(connection: &Connection, migrations: &[Migration]) -> Result<Schema, Failure> {
    let known = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
    let mut latest = 0;
    for (at, row) in connection.query(APPLIED, &[]).await?.iter().enumerate() {
        latest = rows::get(row, 0)?;
        let ours = migrations.get(at).map(|(_, sql)| checksum(sql));
        if ours.is_some_and(|ours| rows::get::<&[u8]>(row, 1).ok() != Some(&ours[..])) {
            return Ok(Schema::Foreign { version: latest });
        }
    }
    Ok(if latest > known { Schema::Newer { found: latest, known } } else { Schema::Known(latest) })
}

fn checksum(sql: &str) -> Vec<u8> {
    Sha256::digest(sql.as_bytes()).to_vec()
}
