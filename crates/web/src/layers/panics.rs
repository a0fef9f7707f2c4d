use std::any::Any;

use axum::response::{IntoResponse as _, Response};

use crate::{ApiError, Code};

/// One request that meets a defect gets an error; the process and the other requests go on. The panic's message is left
/// out, also of the log: it may quote what visitors wrote.
pub(super) fn to_error(_panic: Box<dyn Any + Send>) -> Response {
    ApiError::new(Code::Internal).because("the program panicked").into_response()
}
