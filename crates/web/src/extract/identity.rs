use frontdesk_core::VisitorIdentity;
use http::HeaderMap;

use super::single;
use crate::api::Api;
use crate::identity::TokenError;
use crate::{ApiError, Code};

const HEADER: &str = "x-identity-token";

/// Who the visitor is, as the header `x-identity-token` says; `None` if it is not there.
pub(crate) fn visitor_identity(api: &Api, headers: &HeaderMap) -> Result<Option<VisitorIdentity>, ApiError> {
    let Some(token) = single(headers, HEADER)? else { return Ok(None) };
    api.identity.verify(token, api.ports.clock.now()).map(Some).map_err(|error| {
        let code = match error {
            TokenError::Expired => Code::ExpiredIdentityToken,
            _ => Code::InvalidIdentityToken,
        };
        ApiError::new(code).detail(HEADER, error.to_string())
    })
}
