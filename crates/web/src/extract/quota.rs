use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::api::Api;
use crate::layers::RequestContext;
use crate::limit::Quota;
use crate::proxies::Subscriber;
use crate::{ApiError, Code};

/// Takes one of the messages that a client may send in a while.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SendQuota;

/// Takes one of the other requests that a client may send in a while.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadQuota;

/// Takes one of the times that a client may say in a while that somebody types.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TypingQuota;

impl FromRequestParts<Arc<Api>> for TypingQuota {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, ApiError> {
        take(&api.typing, parts, api).await.map(|()| Self)
    }
}

impl FromRequestParts<Arc<Api>> for SendQuota {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, ApiError> {
        take(&api.sends, parts, api).await.map(|()| Self)
    }
}

impl FromRequestParts<Arc<Api>> for ReadQuota {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, ApiError> {
        take(&api.reads, parts, api).await.map(|()| Self)
    }
}

async fn take(quota: &Quota<Subscriber>, parts: &Parts, api: &Api) -> Result<(), ApiError> {
    let Some(context) = parts.extensions.get::<RequestContext>() else {
        return Err(ApiError::new(Code::Internal).because("a request without a context"));
    };
    let taken = quota.take(&context.client.subscriber(), &*api.ports.clock).await;
    taken.map_err(|wait| ApiError::new(Code::RateLimited).retry_after(wait))
}
