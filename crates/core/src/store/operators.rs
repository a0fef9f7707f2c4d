use async_trait::async_trait;

use super::StoreError;
use crate::{OperatorName, OperatorSession, ThrottleDecision, ThrottleRule, Timestamp, TokenHash};

/// Operators' passwords, sessions and tries to sign in.
#[async_trait]
pub trait OperatorStore: Send + Sync {
    /// The hash of the dashboard's password in PHC form; `None` if none was ever stored.
    async fn operator_password(&self) -> Result<Option<String>, StoreError>;

    /// Replaces the password's hash, and ends every session.
    async fn set_operator_password(&self, phc: String, now: Timestamp) -> Result<(), StoreError>;

    /// Keeps a session that was just opened, and forgets all that were opened before `expired_before`.
    async fn open_operator_session(
        &self,
        session: OperatorSession,
        expired_before: Timestamp,
    ) -> Result<(), StoreError>;

    /// The session of a browser's token; `None` if there is none.
    async fn operator_session(&self, token: TokenHash) -> Result<Option<OperatorSession>, StoreError>;

    /// Notes that a session's browser was seen. Does nothing if there is no such session.
    async fn touch_operator_session(&self, token: TokenHash, now: Timestamp) -> Result<(), StoreError>;

    /// Changes what the operator of a session is called. Does nothing if there is no such session.
    async fn name_operator_session(&self, token: TokenHash, name: OperatorName) -> Result<(), StoreError>;

    /// What operators are called who have been seen since then: each name once, in their order.
    async fn operator_names(&self, since: Timestamp) -> Result<Vec<OperatorName>, StoreError>;

    /// Ends a session. Does nothing if there is no such session.
    async fn end_operator_session(&self, token: TokenHash) -> Result<(), StoreError>;

    /// Ends every session, and says how many there were.
    async fn end_operator_sessions(&self) -> Result<u64, StoreError>;

    /// Takes one try to sign in out of every given bucket, or refuses it and takes none.
    async fn take_login_try(
        &self,
        tries: Vec<LoginTry>,
        now: Timestamp,
    ) -> Result<ThrottleDecision, StoreError>;

    /// Forgets the tries taken from these buckets.
    async fn forget_login_tries(&self, buckets: Vec<String>) -> Result<(), StoreError>;

    /// Remembers a browser in which somebody has signed in.
    async fn remember_device(&self, device: TokenHash, now: Timestamp) -> Result<(), StoreError>;

    /// Whether somebody has signed in in this browser since `since`.
    async fn knows_device(&self, device: TokenHash, since: Timestamp) -> Result<bool, StoreError>;
}

/// A bucket to take a try from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginTry {
    /// Names the bucket.
    pub bucket: String,
    /// How much it holds.
    pub rule: ThrottleRule,
}
