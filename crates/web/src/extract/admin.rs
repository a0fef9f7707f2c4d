use std::sync::Arc;

use axum::extract::FromRequestParts;
use frontdesk_core::{KeyKind, SiteId};
use http::request::Parts;

use super::single;
use super::visitor::{check_origin, unauthorized};
use crate::api::Api;
use crate::{ApiError, Code};

/// Somebody with a site's admin key, in the header `x-admin-api-key`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admin {
    /// The site that the key belongs to.
    pub(crate) site: SiteId,
}

impl FromRequestParts<Arc<Api>> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, ApiError> {
        check_origin(parts)?;
        if !api.keys.has(KeyKind::Admin) {
            return Err(ApiError::new(Code::AdminNotConfigured));
        }
        let key = single(&parts.headers, "x-admin-api-key")?;
        match key.and_then(|key| api.keys.site(KeyKind::Admin, key)) {
            Some(site) => Ok(Self { site }),
            None => Err(unauthorized(parts, api).await),
        }
    }
}
