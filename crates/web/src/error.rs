//! Refusals and failures, as clients see them.
//!
//! There is one error object, everywhere: the origin's `{"error": "..."}` with its exact strings, and beside it a stable
//! `code`, the request's id, and the members of RFC 9457. What went wrong inside is kept apart, for the log.

mod code;

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use frontdesk_core::{Answering, FollowError, SendError, StoreError, StoreErrorKind, TurnFailure};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::AnsweringOperator;

pub(crate) use code::{Code, Facts};

/// A refusal or failure on its way to a client.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    pub(crate) code: Code,
    /// For how many seconds to stay away. Every 429 and 503 says so.
    pub(crate) retry_after: Option<u64>,
    /// Which members are wrong, and how.
    pub(crate) details: Vec<Detail>,
    /// The operator who has the conversation, if that is what is wrong.
    pub(crate) answering: Option<AnsweringOperator>,
    /// For the log.
    pub(crate) cause: Option<Arc<dyn Error + Send + Sync>>,
}

/// What is wrong with one member of a request. Names rules, never values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Detail {
    /// The member.
    pub(crate) field: Cow<'static, str>,
    /// The rule it breaks.
    pub(crate) rule: Cow<'static, str>,
}

impl ApiError {
    /// A refusal with that code.
    pub(crate) fn new(code: Code) -> Self {
        let needs_retry_after =
            matches!(code.facts().status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        let retry_after = needs_retry_after.then_some(match code {
            Code::AdminNotConfigured => 3600,
            Code::ShuttingDown | Code::Turn(_) => 5,
            _ => 1,
        });
        Self { code, retry_after, details: Vec::new(), answering: None, cause: None }
    }

    /// Says when to come back; at least a second from now.
    #[must_use]
    pub(crate) fn retry_after(self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Self { retry_after: Some(seconds.max(1)), ..self }
    }

    /// The refusal of what only the operator may do who has the conversation.
    pub(crate) fn taken(by: &Answering) -> Self {
        Self { answering: Some(by.into()), ..Self::new(Code::ConversationTaken) }
    }

    /// The failure of an answer, with what the model's server said of when to come back.
    pub(crate) fn of_turn(failure: TurnFailure, wait: Option<Duration>) -> Self {
        let error = Self::new(Code::Turn(failure));
        match wait {
            Some(wait) => error.retry_after(wait),
            None => error,
        }
    }

    /// Names a member that is wrong.
    #[must_use]
    pub(crate) fn detail(mut self, field: &'static str, rule: impl Into<Cow<'static, str>>) -> Self {
        self.details.push(Detail { field: Cow::Borrowed(field), rule: rule.into() });
        self
    }

    /// Keeps the cause for the log.
    #[must_use]
    pub(crate) fn because(self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { cause: Some(cause.into().into()), ..self }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.facts().error)
    }
}

impl From<Code> for ApiError {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::new(error.kind.into()).because(error)
    }
}

impl From<StoreErrorKind> for Code {
    fn from(kind: StoreErrorKind) -> Self {
        match kind {
            StoreErrorKind::Unavailable => Self::StorageUnavailable,
            StoreErrorKind::Full => Self::StorageFull,
            StoreErrorKind::Conflict | StoreErrorKind::Corrupt => Self::Internal,
        }
    }
}

impl From<SendError> for ApiError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Busy => Self::new(Code::ConversationBusy).retry_after(Duration::from_secs(1)),
            SendError::Mismatch => Self::new(Code::IdempotencyMismatch),
            SendError::Overloaded => Self::new(Code::Overloaded),
            SendError::ShuttingDown => Self::new(Code::ShuttingDown),
            SendError::Store(error) => error.into(),
            SendError::Broken => Self::new(Code::Internal).because(error),
        }
    }
}

impl From<FollowError> for ApiError {
    fn from(error: FollowError) -> Self {
        match error {
            FollowError::Cursor(_) => {
                Self::new(Code::InvalidCursor).detail("after", "must be a cursor of this answer")
            }
            FollowError::Store(error) => error.into(),
        }
    }
}

impl IntoResponse for ApiError {
    /// Only the status is set here; `layers::respond` writes the body, because it knows the request.
    fn into_response(self) -> Response {
        let mut response = self.code.facts().status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The error object.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorObject {
    /// What happened, for people. The origin's own sentence where it had one.
    pub(crate) error: &'static str,
    /// The stable name that programs go by.
    pub(crate) code: &'static str,
    /// Names the request in the server's log.
    pub(crate) request_id: String,
    /// For how many seconds to stay away; also in the `Retry-After` header. Every 429 and 503 has it. With
    /// `upstream_busy` it is what the model's server said, but at most an hour, and 5 if it said nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after: Option<u64>,
    /// Which members are wrong, and how.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) details: Vec<Detail>,
    /// With `conversation_taken`: the operator who has the conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) answering: Option<AnsweringOperator>,
    /// Where the code is documented (RFC 9457, section 3.1.1).
    pub(crate) r#type: String,
    /// The same as `error` (RFC 9457, section 3.1.3).
    pub(crate) title: &'static str,
    /// The same as the response's status (RFC 9457, section 3.1.2).
    pub(crate) status: u16,
    /// What it means and what to do (RFC 9457, section 3.1.4).
    pub(crate) detail: &'static str,
}

impl ErrorObject {
    /// The object for an error of a request.
    pub(crate) fn new(error: &ApiError, request_id: String) -> Self {
        let facts = error.code.facts();
        Self {
            error: facts.error,
            code: facts.code,
            request_id,
            retry_after: error.retry_after,
            details: error.details.clone(),
            answering: error.answering.clone(),
            r#type: format!("/docs/errors#{}", facts.code),
            title: facts.error,
            status: facts.status.as_u16(),
            detail: facts.meaning,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn a_code_has_one_meaning_wherever_it_is_told() {
        let mut seen = HashMap::new();
        for code in Code::ALL {
            let facts = code.facts();
            let status = seen.entry(facts.code).or_insert(facts.status);
            assert_eq!(*status, facts.status, "{}", facts.code);
            assert!(facts.meaning.ends_with('.'), "{}", facts.code);
        }
    }

    #[test]
    fn every_refusal_that_may_pass_says_when() {
        for code in Code::ALL {
            let error = ApiError::new(code);
            let temporary = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE]
                .contains(&code.facts().status);
            assert_eq!(error.retry_after.is_some(), temporary, "{code:?}");
        }
    }

    #[test]
    fn a_wait_is_rounded_up_to_whole_seconds() {
        for (millis, seconds) in [(0, 1), (1, 1), (1000, 1), (1001, 2)] {
            let error = ApiError::new(Code::RateLimited).retry_after(Duration::from_millis(millis));
            assert_eq!(error.retry_after, Some(seconds));
        }
    }
}
