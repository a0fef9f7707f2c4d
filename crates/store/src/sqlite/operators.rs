use async_trait::async_trait;
use frontdesk_core::{
    LoginTry, OperatorName, OperatorSession, OperatorStore, StoreError, ThrottleDecision, ThrottleState,
    Timestamp, TokenHash,
};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::SqliteStore;
use super::error::Failure;
use super::rows;

/// The name of the setting that holds the password's hash.
const PASSWORD: &str = "operator_password";

/// Tries are forgotten after this many milliseconds at the latest: a day, longer than any window or pause.
const TRIES_KEPT: i64 = 24 * 60 * 60 * 1000;

#[async_trait]
impl OperatorStore for SqliteStore {
    async fn operator_password(&self) -> Result<Option<String>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT value FROM settings WHERE name = ?";
            Ok(connection.prepare_cached(sql)?.query_row([PASSWORD], |row| row.get(0)).optional()?)
        })
        .await
    }

    async fn set_operator_password(&self, phc: String, _now: Timestamp) -> Result<(), StoreError> {
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO settings (name, value) VALUES (?, ?)
                     ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                )?
                .execute([PASSWORD, &phc])?;
            end_sessions(connection)?;
            Ok(())
        })
        .await
    }

    async fn open_operator_session(
        &self,
        session: OperatorSession,
        expired_before: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(move |connection| {
            connection
                .prepare_cached("DELETE FROM operator_sessions WHERE created_at < ?")?
                .execute([expired_before.millis()])?;
            connection
                .prepare_cached(
                    "INSERT INTO operator_sessions
                         (token, password_fingerprint, created_at, last_seen_at, user_agent, name)
                     VALUES (?, ?, ?, ?, ?, ?)",
                )?
                .execute(params![
                    session.token.as_bytes(),
                    session.password_fingerprint,
                    session.created_at.millis(),
                    session.last_seen_at.millis(),
                    session.user_agent,
                    session.name.as_str(),
                ])?;
            Ok(())
        })
        .await
    }

    async fn operator_session(&self, token: TokenHash) -> Result<Option<OperatorSession>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT password_fingerprint, created_at, last_seen_at, user_agent, name
                       FROM operator_sessions WHERE token = ?";
            let read = |row: &rusqlite::Row<'_>| {
                Ok(OperatorSession {
                    token,
                    password_fingerprint: row.get(0)?,
                    created_at: Timestamp::from_millis(row.get(1)?),
                    last_seen_at: Timestamp::from_millis(row.get(2)?),
                    user_agent: row.get(3)?,
                    name: name(row, 4)?,
                })
            };
            Ok(connection.prepare_cached(sql)?.query_row([token.as_bytes()], read).optional()?)
        })
        .await
    }

    async fn touch_operator_session(&self, token: TokenHash, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |connection| {
            let sql = "UPDATE operator_sessions SET last_seen_at = ? WHERE token = ?";
            connection.prepare_cached(sql)?.execute(params![now.millis(), token.as_bytes()])?;
            Ok(())
        })
        .await
    }

    async fn name_operator_session(&self, token: TokenHash, name: OperatorName) -> Result<(), StoreError> {
        self.write(move |connection| {
            let sql = "UPDATE operator_sessions SET name = ? WHERE token = ?";
            connection.prepare_cached(sql)?.execute(params![name.as_str(), token.as_bytes()])?;
            Ok(())
        })
        .await
    }

    async fn operator_names(&self, since: Timestamp) -> Result<Vec<OperatorName>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT DISTINCT name FROM operator_sessions WHERE last_seen_at >= ? ORDER BY name";
            let mut statement = connection.prepare_cached(sql)?;
            let names = statement.query_map([since.millis()], |row| name(row, 0))?;
            Ok(names.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn end_operator_session(&self, token: TokenHash) -> Result<(), StoreError> {
        self.write(move |connection| {
            let sql = "DELETE FROM operator_sessions WHERE token = ?";
            connection.prepare_cached(sql)?.execute([token.as_bytes()])?;
            Ok(())
        })
        .await
    }

    async fn end_operator_sessions(&self) -> Result<u64, StoreError> {
        self.write(end_sessions).await
    }

    async fn take_login_try(
        &self,
        tries: Vec<LoginTry>,
        now: Timestamp,
    ) -> Result<ThrottleDecision, StoreError> {
        self.write(move |connection| take_try(connection, &tries, now)).await
    }

    async fn forget_login_tries(&self, buckets: Vec<String>) -> Result<(), StoreError> {
        self.write(move |connection| {
            let mut forget = connection.prepare_cached("DELETE FROM login_tries WHERE bucket = ?")?;
            for bucket in &buckets {
                forget.execute([bucket])?;
            }
            Ok(())
        })
        .await
    }

    async fn remember_device(&self, device: TokenHash, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO operator_devices (token, seen_at) VALUES (?, ?)
                     ON CONFLICT (token) DO UPDATE SET seen_at = excluded.seen_at",
                )?
                .execute(params![device.as_bytes(), now.millis()])?;
            Ok(())
        })
        .await
    }

    async fn knows_device(&self, device: TokenHash, since: Timestamp) -> Result<bool, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT 1 FROM operator_devices WHERE token = ? AND seen_at >= ?";
            Ok(connection.prepare_cached(sql)?.exists(params![device.as_bytes(), since.millis()])?)
        })
        .await
    }
}

fn name(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<OperatorName> {
    rows::text(row, column, |name| OperatorName::parse(name).ok())
}

fn end_sessions(connection: &Connection) -> Result<u64, Failure> {
    let ended = connection.prepare_cached("DELETE FROM operator_sessions")?.execute([])?;
    Ok(u64::try_from(ended).unwrap_or(u64::MAX))
}

fn take_try(
    connection: &Connection,
    tries: &[LoginTry],
    now: Timestamp,
) -> Result<ThrottleDecision, Failure> {
    let mut least = u32::MAX;
    let mut taken = Vec::with_capacity(tries.len());
    for LoginTry { bucket, rule } in tries {
        let mut state = read_tries(connection, bucket)?;
        match state.take(*rule, now) {
            ThrottleDecision::Allowed { left } => least = least.min(left),
            paused @ ThrottleDecision::Paused { .. } => return Ok(paused),
        }
        taken.push((bucket, state));
    }
    connection
        .prepare_cached("DELETE FROM login_tries WHERE max(last_try_at, paused_until) < ?")?
        .execute([now.millis().saturating_sub(TRIES_KEPT)])?;
    let mut keep = connection.prepare_cached(
        "INSERT INTO login_tries (bucket, tries, last_try_at, paused_until) VALUES (?, ?, ?, ?)
         ON CONFLICT (bucket) DO UPDATE
         SET tries = excluded.tries, last_try_at = excluded.last_try_at, paused_until = excluded.paused_until",
    )?;
    for (bucket, state) in taken {
        keep.execute(params![bucket, state.tries, state.last_try_at.millis(), state.paused_until.millis()])?;
    }
    Ok(ThrottleDecision::Allowed { left: least })
}

fn read_tries(connection: &Connection, bucket: &str) -> Result<ThrottleState, Failure> {
    let sql = "SELECT tries, last_try_at, paused_until FROM login_tries WHERE bucket = ?";
    let read = |row: &rusqlite::Row<'_>| {
        Ok(ThrottleState {
            tries: row.get(0)?,
            last_try_at: Timestamp::from_millis(row.get(1)?),
            paused_until: Timestamp::from_millis(row.get(2)?),
        })
    };
    Ok(connection.prepare_cached(sql)?.query_row([bucket], read).optional()?.unwrap_or_default())
}
