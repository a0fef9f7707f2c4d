use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use frontdesk_core::{
    LoginTry, OperatorName, OperatorSession, OperatorStore, StoreError, ThrottleDecision, Timestamp,
    TokenHash,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ConvexStore;
use super::error::Failure;
use super::values::{self, Moment, Whole};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSession {
    password_fingerprint: String,
    created_at: Moment,
    last_seen_at: Moment,
    user_agent: String,
    name: Option<String>,
}

#[derive(Deserialize)]
struct WireDecision {
    left: Option<Whole<u32>>,
    wait: Option<Whole<u64>>,
}

#[async_trait]
impl OperatorStore for ConvexStore {
    async fn operator_password(&self) -> Result<Option<String>, StoreError> {
        self.query("operators:password", json!({})).await
    }

    async fn set_operator_password(&self, phc: String, _now: Timestamp) -> Result<(), StoreError> {
        self.until_done("operators:setPassword", json!({ "phc": phc })).await
    }

    async fn open_operator_session(
        &self,
        session: OperatorSession,
        expired_before: Timestamp,
    ) -> Result<(), StoreError> {
        let args = json!({
            "session": {
                "token": values::hex(session.token.as_bytes()),
                "passwordFingerprint": values::hex(&session.password_fingerprint),
                "createdAt": session.created_at.millis(),
                "lastSeenAt": session.last_seen_at.millis(),
                "userAgent": session.user_agent,
                "name": session.name.as_str(),
            },
            "expiredBefore": expired_before.millis(),
        });
        self.until_done("operators:openSession", args).await
    }

    async fn operator_session(&self, token: TokenHash) -> Result<Option<OperatorSession>, StoreError> {
        let args = json!({ "token": values::hex(token.as_bytes()) });
        let found: Option<WireSession> = self.query("operators:openedSession", args).await?;
        let Some(found) = found else { return Ok(None) };
        Ok(Some(OperatorSession {
            token,
            password_fingerprint: values::bytes(&found.password_fingerprint)?,
            created_at: found.created_at.timestamp(),
            last_seen_at: found.last_seen_at.timestamp(),
            user_agent: found.user_agent,
            // Those that were opened before operators had names have none.
            name: found.name.as_deref().map(values::operator_name).transpose()?.unwrap_or_default(),
        }))
    }

    async fn touch_operator_session(&self, token: TokenHash, now: Timestamp) -> Result<(), StoreError> {
        let args = json!({ "token": values::hex(token.as_bytes()), "now": now.millis() });
        self.mutation("operators:touchSession", args).await
    }

    async fn name_operator_session(&self, token: TokenHash, name: OperatorName) -> Result<(), StoreError> {
        let args = json!({ "token": values::hex(token.as_bytes()), "name": name.as_str() });
        self.mutation("operators:nameSession", args).await
    }

    async fn operator_names(&self, since: Timestamp) -> Result<Vec<OperatorName>, StoreError> {
        let names: Vec<Option<String>> =
            self.query("operators:names", json!({ "since": since.millis() })).await?;
        let names = names.iter().map(|name| match name {
            Some(name) => values::operator_name(name),
            None => Ok(OperatorName::default()),
        });
        Ok(names.collect::<Result<BTreeSet<_>, _>>()?.into_iter().collect())
    }

    async fn end_operator_session(&self, token: TokenHash) -> Result<(), StoreError> {
        let args = json!({ "tokens": [values::hex(token.as_bytes())] });
        self.mutation("operators:endSessions", args).await
    }

    /// First reads which there are: so it can tell how many they were, also when the answer to ending them is lost.
    async fn end_operator_sessions(&self) -> Result<u64, StoreError> {
        let mut count = 0;
        loop {
            let tokens: Vec<String> = self.query("operators:sessions", json!({})).await?;
            if tokens.is_empty() {
                return Ok(count);
            }
            let () = self.mutation("operators:endSessions", json!({ "tokens": tokens })).await?;
            count += u64::try_from(tokens.len()).unwrap_or(u64::MAX);
        }
    }

    async fn take_login_try(
        &self,
        tries: Vec<LoginTry>,
        now: Timestamp,
    ) -> Result<ThrottleDecision, StoreError> {
        // Names this call: sent again, it must not count as another try.
        let mut call = [0; 16];
        self.random.fill(&mut call);
        let tries = tries.iter().map(|LoginTry { bucket, rule }| {
            json!({
                "bucket": bucket,
                "rule": {
                    "freeTries": rule.free_tries,
                    "window": millis(rule.window),
                    "firstPause": millis(rule.first_pause),
                    "longestPause": millis(rule.longest_pause),
                },
            })
        });
        let tries: Vec<Value> = tries.collect();
        let args = json!({ "call": values::hex(&call), "tries": tries, "now": now.millis() });
        match self.mutation("operators:takeTry", args).await? {
            WireDecision { left: Some(Whole(left)), wait: None } => Ok(ThrottleDecision::Allowed { left }),
            WireDecision { left: None, wait: Some(Whole(wait)) } => {
                Ok(ThrottleDecision::Paused { wait: Duration::from_millis(wait) })
            }
            _ => Err(Failure::corrupt("neither allowed nor paused")),
        }
    }

    async fn forget_login_tries(&self, buckets: Vec<String>) -> Result<(), StoreError> {
        self.mutation("operators:forgetTries", json!({ "buckets": buckets })).await
    }

    async fn remember_device(&self, device: TokenHash, now: Timestamp) -> Result<(), StoreError> {
        let args = json!({ "token": values::hex(device.as_bytes()), "now": now.millis() });
        self.mutation("operators:rememberDevice", args).await
    }

    async fn knows_device(&self, device: TokenHash, since: Timestamp) -> Result<bool, StoreError> {
        let args = json!({ "token": values::hex(device.as_bytes()), "since": since.millis() });
        self.query("operators:knowsDevice", args).await
    }
}

impl ConvexStore {
    /// Calls a function that deletes a bounded number of rows and says whether there are more.
    async fn until_done(&self, path: &str, args: Value) -> Result<(), StoreError> {
        while self.mutation::<bool>(path, args.clone()).await? {}
        Ok(())
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
