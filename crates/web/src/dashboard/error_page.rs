use askama::Template;
use http::StatusCode;

use super::frame::Frame;
use crate::ApiError;

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    frame: Frame,
    title: &'static str,
    text: &'static str,
    request_id: &'a str,
    /// Whether it is worth trying again.
    retry: bool,
}

/// An error as a page, for browsers. `None` if even that cannot be rendered.
pub(crate) fn error_page(error: &ApiError, request_id: &str) -> Option<String> {
    let facts = error.code.facts();
    let (title, text) = match facts.status {
        StatusCode::NOT_FOUND => {
            ("There is nothing at this address", "It may have been deleted, or the link is wrong.")
        }
        StatusCode::SERVICE_UNAVAILABLE => ("The server cannot do that now", facts.meaning),
        status if status.is_server_error() => {
            ("Something broke on the server", "It is in the log under this name.")
        }
        _ => (facts.error, facts.meaning),
    };
    let retry = facts.status.is_server_error();
    ErrorPage { frame: Frame::bare(), title, text, request_id, retry }.render().ok()
}
