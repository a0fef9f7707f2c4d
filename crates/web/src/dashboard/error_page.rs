use askama::Template;
use axum::response::{Html, IntoResponse as _, Response};
use http::StatusCode;

use super::frame::Frame;
use super::unsent::Unsent;
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
    /// What was written and not kept.
    unsent: Option<Unsent>,
    is_signed_out: bool,
}

/// An error as a page, for browsers. `None` if even that cannot be rendered.
pub(crate) fn error_page(error: &ApiError, request_id: &str, unsent: Option<Unsent>) -> Option<String> {
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
    let page =
        ErrorPage { frame: Frame::bare(), title, text, request_id, retry, unsent, is_signed_out: false };
    page.render().ok()
}

/// The answer to a form that came from nobody who is signed in. `None` if it cannot be rendered.
pub(super) fn signed_out_page(unsent: Unsent, request_id: &str) -> Option<Response> {
    let page = ErrorPage {
        frame: Frame::bare(),
        title: "You were signed out",
        text: "Sign in on a page of its own, then come back here and send it again.",
        request_id,
        retry: true,
        unsent: Some(unsent),
        is_signed_out: true,
    };
    Some((StatusCode::UNAUTHORIZED, Html(page.render().ok()?)).into_response())
}
