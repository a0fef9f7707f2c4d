use std::any::Any;

use axum::response::{IntoResponse as _, Response};

use crate::{ApiError, Code};

/// One request that meets a defect gets an error; the process and the other requests go on.
#[expect(clippy::needless_pass_by_value, reason = "the layer calls it so")]
pub(super) fn to_error(panic: Box<dyn Any + Send>) -> Response {
    let said = panic.downcast_ref::<String>().map(String::as_str);
    let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    ApiError::new(Code::Internal).because(format!("panic: {said}")).into_response()
}
