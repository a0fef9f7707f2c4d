use frontdesk_core::{IdempotencyKey, SecretHash, SessionId, SessionKey, SiteId};
use http::HeaderMap;

use super::single;
use crate::{ApiError, Code};

/// The session that a text and the header `x-session-secret` name.
pub(crate) fn session_key(site: SiteId, session: &str, headers: &HeaderMap) -> Result<SessionKey, ApiError> {
    let session = SessionId::parse(session)
        .map_err(|rule| ApiError::new(Code::InvalidSessionId).detail("sessionId", rule.to_string()))?;
    Ok(SessionKey { site, session, secret: session_secret(headers)? })
}

/// The same, with the secret that shows that the session is the client's own.
pub(crate) fn own_session(site: SiteId, session: &str, headers: &HeaderMap) -> Result<SessionKey, ApiError> {
    let session = session_key(site, session, headers)?;
    if session.secret.is_some() { Ok(session) } else { Err(Code::SessionSecretRequired.into()) }
}

/// The hash of the header `x-session-secret`.
pub(crate) fn session_secret(headers: &HeaderMap) -> Result<Option<SecretHash>, ApiError> {
    let Some(secret) = single(headers, "x-session-secret")? else { return Ok(None) };
    let hash = std::str::from_utf8(secret).ok().and_then(|secret| SecretHash::of(secret).ok());
    let invalid = || {
        ApiError::new(Code::InvalidSessionSecret)
            .detail("x-session-secret", "must be 43 base64url characters")
    };
    hash.map(Some).ok_or_else(invalid)
}

/// The header `Idempotency-Key`, or the body's `clientMessageId`. If both are sent they must be the same.
pub(crate) fn idempotency_key(
    headers: &HeaderMap,
    in_body: Option<&str>,
) -> Result<Option<IdempotencyKey>, ApiError> {
    let invalid = |field, rule: String| ApiError::new(Code::InvalidIdempotencyKey).detail(field, rule);
    let in_header = match single(headers, "idempotency-key")? {
        None => None,
        Some(bytes) => {
            let text = std::str::from_utf8(bytes).unwrap_or_default();
            Some(IdempotencyKey::parse(text).map_err(|rule| invalid("Idempotency-Key", rule.to_string()))?)
        }
    };
    let in_body = in_body
        .map(|text| IdempotencyKey::parse(text).map_err(|rule| invalid("clientMessageId", rule.to_string())))
        .transpose()?;
    match (in_header, in_body) {
        (Some(header), Some(body)) if header != body => {
            Err(invalid("clientMessageId", "must be the same as Idempotency-Key".to_owned()))
        }
        (header, body) => Ok(header.or(body)),
    }
}
