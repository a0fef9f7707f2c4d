use std::sync::Arc;

use axum::extract::FromRequestParts;
use frontdesk_core::{KeyKind, SiteId};
use http::request::Parts;

use super::single;
use crate::api::Api;
use crate::layers::RequestContext;
use crate::origins::OriginVerdict;
use crate::{ApiError, Code};

/// Somebody with a site's public key, on a page of an allowed origin or on none.
///
/// Both of the origin's headers come through here: `x-api-key` and `x-widget-api-key`. If both are sent they must be
/// the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visitor {
    /// The site that the key belongs to.
    pub(crate) site: SiteId,
}

impl FromRequestParts<Arc<Api>> for Visitor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, ApiError> {
        check_origin(parts)?;
        let first = single(&parts.headers, "x-api-key")?;
        let second = single(&parts.headers, "x-widget-api-key")?;
        let key = match (first, second) {
            (Some(first), Some(second)) if first != second => None,
            (first, second) => first.or(second),
        };
        match key.and_then(|key| api.keys.site(KeyKind::Public, key)) {
            Some(site) => Ok(Self { site }),
            None => Err(unauthorized(parts, api).await),
        }
    }
}

/// Refuses pages of origins that are not allowed. Scripts outside browsers send no origin, or any they like: this is
/// for the pages of others, not a lock.
pub(super) fn check_origin(parts: &Parts) -> Result<(), ApiError> {
    match parts.extensions.get::<OriginVerdict>() {
        Some(OriginVerdict::Denied) => Err(ApiError::new(Code::OriginDenied)),
        _ => Ok(()),
    }
}

/// Says that the key does not open, until the client has tried too many.
pub(super) async fn unauthorized(parts: &Parts, api: &Api) -> ApiError {
    let Some(context) = parts.extensions.get::<RequestContext>() else {
        return ApiError::new(Code::Unauthorized);
    };
    match api.failed_keys.take(&context.client.subscriber(), &*api.ports.clock).await {
        Ok(()) => ApiError::new(Code::Unauthorized),
        Err(wait) => ApiError::new(Code::RateLimited).retry_after(wait),
    }
}
