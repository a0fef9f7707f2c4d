use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;

use crate::{ApiError, Code};

/// The one part of the address that the route leaves open, decoded.
#[derive(Clone, Debug)]
pub(crate) struct PathText(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathText {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        // Refused are parts that are not UTF-8 when decoded: there is nothing of that name.
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| Code::NotFound)?;
        let text = params.iter().next().map(|(_, text)| text.to_owned());
        text.map(Self).ok_or_else(|| ApiError::new(Code::Internal).because("a route without an open part"))
    }
}
