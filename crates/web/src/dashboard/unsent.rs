//! What somebody wrote and could not be kept is given back, on a page that needs no store.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::Method;

use super::error_page::signed_out_page;
use super::form::Form;
use super::session::SignedOut;
use crate::ApiError;
use crate::layers::RequestContext;

/// The fields that people write in, and what stands in them.
const WORDS: [(&str, &str); 3] = [
    ("reply", "Your reply"),
    ("note", "Your internal note, never shown to the visitor"),
    ("text", "Your canned reply"),
];

/// A form of which nothing has become.
#[derive(Clone, Debug)]
pub(crate) struct Unsent {
    /// Where it was to go.
    pub(super) action: String,
    form: Form,
}

impl Unsent {
    /// What was written: the name of the field, what it is, and its text.
    pub(super) fn words(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.form.fields().filter_map(|(name, text)| {
            let (_, label) = WORDS.into_iter().find(|(word, _)| *word == name)?;
            Some((name, label, text))
        })
    }

    /// The fields that nobody writes in.
    pub(super) fn rest(&self) -> impl Iterator<Item = (&str, &str)> {
        self.form.fields().filter(|(name, _)| !WORDS.iter().any(|(word, _)| word == name))
    }
}

/// Hands a form on. If nothing becomes of it, the page that says so has what was written in it, ready to be sent again.
pub(super) async fn give_back(request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let action = request.uri().to_string();
    let context = request.extensions().get::<RequestContext>().cloned();
    let (mut parts, body) = request.into_parts();
    let form = match Form::read(&parts.headers, body).await {
        Ok(form) => form,
        Err(error) => return error.into_response(),
    };
    parts.extensions.insert(form.clone());
    let mut response = next.run(Request::from_parts(parts, Body::empty())).await;
    let unsent = Unsent { action, form };
    if response.extensions().get::<SignedOut>().is_some() {
        let id = context.map(|context| context.id).unwrap_or_default();
        return signed_out_page(unsent, &id).unwrap_or(response);
    }
    if response.extensions().get::<ApiError>().is_some() {
        response.extensions_mut().insert(unsent);
    }
    response
}
