use std::collections::BTreeSet;

use async_trait::async_trait;

use super::MemoryStore;
use crate::store::{LoginTry, OperatorStore, StoreError};
use crate::{OperatorName, OperatorSession, ThrottleDecision, Timestamp, TokenHash};

#[async_trait]
impl OperatorStore for MemoryStore {
    async fn operator_password(&self) -> Result<Option<String>, StoreError> {
        Ok(self.lock().password.clone())
    }

    async fn set_operator_password(&self, phc: String, _now: Timestamp) -> Result<(), StoreError> {
        let mut data = self.lock();
        data.password = Some(phc);
        data.sessions.clear();
        Ok(())
    }

    async fn open_operator_session(
        &self,
        session: OperatorSession,
        expired_before: Timestamp,
    ) -> Result<(), StoreError> {
        let mut data = self.lock();
        data.sessions.retain(|_, session| session.created_at >= expired_before);
        data.sessions.insert(session.token, session);
        Ok(())
    }

    async fn operator_session(&self, token: TokenHash) -> Result<Option<OperatorSession>, StoreError> {
        Ok(self.lock().sessions.get(&token).cloned())
    }

    async fn touch_operator_session(&self, token: TokenHash, now: Timestamp) -> Result<(), StoreError> {
        if let Some(session) = self.working()?.sessions.get_mut(&token) {
            session.last_seen_at = now;
        }
        Ok(())
    }

    async fn name_operator_session(&self, token: TokenHash, name: OperatorName) -> Result<(), StoreError> {
        if let Some(session) = self.working()?.sessions.get_mut(&token) {
            session.name = name;
        }
        Ok(())
    }

    async fn operator_names(&self, since: Timestamp) -> Result<Vec<OperatorName>, StoreError> {
        let data = self.lock();
        let seen = data.sessions.values().filter(|session| session.last_seen_at >= since);
        let names: BTreeSet<_> = seen.map(|session| session.name.clone()).collect();
        Ok(names.into_iter().collect())
    }

    async fn end_operator_session(&self, token: TokenHash) -> Result<(), StoreError> {
        self.lock().sessions.remove(&token);
        Ok(())
    }

    async fn end_operator_sessions(&self) -> Result<u64, StoreError> {
        let ended = std::mem::take(&mut self.lock().sessions);
        Ok(u64::try_from(ended.len()).unwrap_or(u64::MAX))
    }

    async fn take_login_try(
        &self,
        tries: Vec<LoginTry>,
        now: Timestamp,
    ) -> Result<ThrottleDecision, StoreError> {
        let mut data = self.lock();
        let mut taken = data.tries.clone();
        let mut decision = ThrottleDecision::Allowed { left: u32::MAX };
        for LoginTry { bucket, rule } in tries {
            match (taken.entry(bucket).or_default().take(rule, now), decision) {
                (ThrottleDecision::Allowed { left }, ThrottleDecision::Allowed { left: least }) => {
                    decision = ThrottleDecision::Allowed { left: left.min(least) };
                }
                (paused, _) => return Ok(paused),
            }
        }
        data.tries = taken;
        Ok(decision)
    }

    async fn forget_login_tries(&self, buckets: Vec<String>) -> Result<(), StoreError> {
        let mut data = self.lock();
        for bucket in buckets {
            data.tries.remove(&bucket);
        }
        Ok(())
    }

    async fn remember_device(&self, device: TokenHash, now: Timestamp) -> Result<(), StoreError> {
        self.lock().devices.insert(device, now);
        Ok(())
    }

    async fn knows_device(&self, device: TokenHash, since: Timestamp) -> Result<bool, StoreError> {
        Ok(self.lock().devices.get(&device).is_some_and(|seen| *seen >= since))
    }
}
