use axum::extract::{FromRequestParts, RawPathParams};
use frontdesk_core::ConversationId;
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

/// The longest id that is looked for.
const MAX_ID: usize = 128;

/// The conversation that the address names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PathConversation(pub(crate) ConversationId);

impl<S: Send + Sync> FromRequestParts<S> for PathConversation {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let PathText(text) = PathText::from_request_parts(parts, state).await?;
        conversation_id(&text).map(Self).map_err(ApiError::from)
    }
}

/// The conversation of that id, which need not exist.
pub(crate) fn conversation_id(text: &str) -> Result<ConversationId, Code> {
    if text.len() > MAX_ID {
        return Err(Code::InvalidConversationId);
    }
    ConversationId::parse(text).ok_or(Code::ConversationNotFound)
}
