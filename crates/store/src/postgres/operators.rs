use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use frontdesk_core::{
    LoginTry, OperatorName, OperatorSession, OperatorStore, StoreError, ThrottleDecision, ThrottleState,
    Timestamp, TokenHash,
};
use tokio_postgres::Row;

use super::PostgresStore;
use super::connection::{Connection, Values};
use super::engine::Repeat;
use super::error::Failure;
use super::rows;
use super::statements::{
    END_OPERATOR_SESSION, END_OPERATOR_SESSIONS, FORGET_OLD_TRIES, FORGET_TRIES, KNOWS_DEVICE, LOCK_TRIES,
    MAKE_TRIES, NAME_OPERATOR_SESSION, OPEN_OPERATOR_SESSION, OPERATOR_NAMES, OPERATOR_SESSION, PASSWORD,
    REMEMBER_DEVICE, SET_PASSWORD, TAKE_TRIES, TOUCH_OPERATOR_SESSION,
};

/// The name of the setting that holds the password's hash.
const PASSWORD_NAME: &str = "operator_password";

/// Tries are forgotten after this many milliseconds at the latest: a day, longer than any window or pause.
const TRIES_KEPT: i64 = 24 * 60 * 60 * 1000;

#[async_trait]
impl OperatorStore for PostgresStore {
    async fn operator_password(&self) -> Result<Option<String>, StoreError> {
        let rows = self.engine.read(PASSWORD, &[&PASSWORD_NAME]).await?;
        Ok(rows.first().map(|row| rows::get(row, 0)).transpose()?)
    }

    async fn set_operator_password(&self, phc: String, _now: Timestamp) -> Result<(), StoreError> {
        self.engine.execute(Repeat::Harmless, SET_PASSWORD, &[&PASSWORD_NAME, &phc]).await.map(drop)
    }

    async fn open_operator_session(
        &self,
        session: OperatorSession,
        expired_before: Timestamp,
    ) -> Result<(), StoreError> {
        let OperatorSession { token, password_fingerprint, created_at, last_seen_at, user_agent, name } =
            &session;
        let (token, fingerprint) = (&token.as_bytes()[..], &password_fingerprint[..]);
        let (created_at, last_seen_at) = (created_at.millis(), last_seen_at.millis());
        let expired = expired_before.millis();
        let values: Values<'_> =
            &[&token, &fingerprint, &created_at, &last_seen_at, user_agent, &expired, &name.as_str()];
        self.engine.execute(Repeat::Harmless, OPEN_OPERATOR_SESSION, values).await.map(drop)
    }

    async fn operator_session(&self, token: TokenHash) -> Result<Option<OperatorSession>, StoreError> {
        let rows = self.engine.read(OPERATOR_SESSION, &[&&token.as_bytes()[..]]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(Some(OperatorSession {
            token,
            password_fingerprint: rows::bytes(row, 0)?,
            created_at: rows::time(row, 1)?,
            last_seen_at: rows::time(row, 2)?,
            user_agent: rows::get(row, 3)?,
            name: rows::text(row, 4, name)?,
        }))
    }

    async fn touch_operator_session(&self, token: TokenHash, now: Timestamp) -> Result<(), StoreError> {
        let (token, now) = (&token.as_bytes()[..], now.millis());
        self.engine.execute(Repeat::Harmless, TOUCH_OPERATOR_SESSION, &[&token, &now]).await.map(drop)
    }

    async fn name_operator_session(&self, token: TokenHash, name: OperatorName) -> Result<(), StoreError> {
        let values: Values<'_> = &[&&token.as_bytes()[..], &name.as_str()];
        self.engine.execute(Repeat::Harmless, NAME_OPERATOR_SESSION, values).await.map(drop)
    }

    async fn operator_names(&self, since: Timestamp) -> Result<Vec<OperatorName>, StoreError> {
        let rows = self.engine.read(OPERATOR_NAMES, &[&since.millis()]).await?;
        Ok(rows.iter().map(|row| rows::text(row, 0, name)).collect::<Result<_, _>>()?)
    }

    async fn end_operator_session(&self, token: TokenHash) -> Result<(), StoreError> {
        self.engine.execute(Repeat::Harmless, END_OPERATOR_SESSION, &[&&token.as_bytes()[..]]).await.map(drop)
    }

    async fn end_operator_sessions(&self) -> Result<u64, StoreError> {
        self.engine.execute(Repeat::Harmless, END_OPERATOR_SESSIONS, &[]).await
    }

    async fn take_login_try(
        &self,
        tries: Vec<LoginTry>,
        now: Timestamp,
    ) -> Result<ThrottleDecision, StoreError> {
        let tries: Arc<[LoginTry]> = tries.into();
        // A try that may have been counted is not counted again: the operator is told to try once more.
        let taking = self
            .engine
            .transact(Repeat::Doubles, |connection| take_try(connection, Arc::clone(&tries), now))
            .await;
        match taking {
            Ok(decision) => Ok(decision),
            Err(undone) => Err(undone.failure.into()),
        }
    }

    async fn forget_login_tries(&self, buckets: Vec<String>) -> Result<(), StoreError> {
        self.engine.execute(Repeat::Harmless, FORGET_TRIES, &[&buckets]).await.map(drop)
    }

    async fn remember_device(&self, device: TokenHash, now: Timestamp) -> Result<(), StoreError> {
        let (token, now) = (&device.as_bytes()[..], now.millis());
        self.engine.execute(Repeat::Harmless, REMEMBER_DEVICE, &[&token, &now]).await.map(drop)
    }

    async fn knows_device(&self, device: TokenHash, since: Timestamp) -> Result<bool, StoreError> {
        let (token, since) = (&device.as_bytes()[..], since.millis());
        Ok(!self.engine.read(KNOWS_DEVICE, &[&token, &since]).await?.is_empty())
    }
}

fn name(text: &str) -> Option<OperatorName> {
    OperatorName::parse(text).ok()
}

async fn take_try(
    connection: Arc<Connection>,
    tries: Arc<[LoginTry]>,
    now: Timestamp,
) -> Result<ThrottleDecision, Failure> {
    let mut buckets: Vec<_> = tries.iter().map(|one| one.bucket.as_str()).collect();
    buckets.sort_unstable();
    buckets.dedup();
    connection.execute(MAKE_TRIES, &[&buckets]).await?;
    let mut states = BTreeMap::new();
    for row in &connection.query(LOCK_TRIES, &[&buckets]).await? {
        states.insert(rows::get::<String>(row, 0)?, read_tries(row)?);
    }
    let mut least = u32::MAX;
    for LoginTry { bucket, rule } in &*tries {
        match states.entry(bucket.clone()).or_default().take(*rule, now) {
            ThrottleDecision::Allowed { left } => least = least.min(left),
            paused @ ThrottleDecision::Paused { .. } => return Ok(paused),
        }
    }
    let names: Vec<_> = states.keys().map(String::as_str).collect();
    let counts: Vec<_> = states.values().map(|state| i64::from(state.tries)).collect();
    let tried_at: Vec<_> = states.values().map(|state| state.last_try_at.millis()).collect();
    let paused_until: Vec<_> = states.values().map(|state| state.paused_until.millis()).collect();
    connection.execute(TAKE_TRIES, &[&names, &counts, &tried_at, &paused_until]).await?;
    let old = now.millis().saturating_sub(TRIES_KEPT);
    connection.execute(FORGET_OLD_TRIES, &[&old, &buckets]).await?;
    Ok(ThrottleDecision::Allowed { left: least })
}

fn read_tries(row: &Row) -> Result<ThrottleState, Failure> {
    Ok(ThrottleState {
        tries: rows::number(row, 1)?,
        last_try_at: rows::time(row, 2)?,
        paused_until: rows::time(row, 3)?,
    })
}
