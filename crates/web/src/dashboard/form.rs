//! Forms that browsers send.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use http::{HeaderMap, header};
use http_body_util::{BodyExt as _, Limited};

use crate::{ApiError, Code};

/// The largest form that is taken, in bytes.
const MAX_FORM: usize = 64 * 1024;

/// How long a form may take to come in.
const FORM_LIMIT: Duration = Duration::from_secs(30);

/// The fields of a form, in their order.
#[derive(Clone, Debug)]
pub(super) struct Form(Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = ApiError;

    async fn from_request(mut request: Request, _state: &S) -> Result<Self, ApiError> {
        if let Some(form) = request.extensions_mut().remove() {
            return Ok(form);
        }
        let (parts, body) = request.into_parts();
        Self::read(&parts.headers, body).await
    }
}

impl Form {
    /// Reads a form from the body of a request.
    pub(super) async fn read(headers: &HeaderMap, body: Body) -> Result<Self, ApiError> {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Code::UnsupportedMediaType.into());
        }
        let body = Limited::new(body, MAX_FORM).collect();
        let body = tokio::time::timeout(FORM_LIMIT, body).await.map_err(|_| Code::RequestTimeout)?;
        let bytes = body.map_err(|_| Code::PayloadTooLarge)?.to_bytes();
        Ok(Self(form_urlencoded::parse(&bytes).into_owned().collect()))
    }

    /// A field; empty if it is not there. Of several of the same name the last.
    pub(super) fn text(&self, name: &str) -> &str {
        self.all(name).last().unwrap_or_default()
    }

    /// All fields, in their order.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// All fields of that name.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.fields().filter(move |(other, _)| *other == name).map(|(_, value)| value)
    }
}
