use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use serde::Serialize;

use crate::{ApiError, Code};

/// A JSON object for a request that may have been sent before under the same idempotency key.
pub(crate) fn replayable(body: &impl Serialize, is_repeated: bool) -> Response {
    let mut response = JsonReply(body).into_response();
    if is_repeated {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// Says that nothing new was stored, because it had been before under the same idempotency key.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A JSON object as the response's body.
#[derive(Clone, Debug)]
pub(crate) struct JsonReply<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for JsonReply<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response(),
            Err(error) => ApiError::new(Code::Internal).because(error).into_response(),
        }
    }
}
