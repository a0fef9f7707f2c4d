//! What handlers are given. Each of these can refuse the request; a handler's signature shows which do.

mod admin;
mod identity;
pub(crate) mod json;
mod path;
mod query;
mod quota;
mod session;
mod visit;
mod visitor;

pub(crate) use admin::Admin;
pub(crate) use identity::visitor_identity;
pub(crate) use json::{
    FromJson, JsonBody, JsonDocument, message_text, operator_name, present, required_flag, required_text,
    tags,
};
pub(crate) use path::{PathConversation, PathText, conversation_id};
pub(crate) use query::Query;
pub(crate) use quota::{ReadQuota, SendQuota, TypingQuota};
pub(crate) use session::{idempotency_key, own_session, session_key, session_secret};
pub(crate) use visit::{page_address, visit};
pub(crate) use visitor::Visitor;

use http::HeaderMap;

use crate::{ApiError, Code};

/// The bytes of a header that may be there once; `None` if it is not there.
pub(crate) fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a [u8]>, ApiError> {
    let mut lines = headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (value, None) => Ok(value.map(http::HeaderValue::as_bytes)),
        _ => Err(ApiError::new(Code::DuplicateHeader).detail("headers", format!("{name} may be sent once"))),
    }
}
