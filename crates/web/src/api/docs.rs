//! Pages that explain the API. They load nothing from outside.

use std::collections::BTreeMap;

use askama::Template;
use axum::response::{Html, IntoResponse as _, Response};
use http::header::CONTENT_SECURITY_POLICY;
use http::{HeaderMap, StatusCode};

use crate::assets::{self, Caching};
use crate::error::Facts;
use crate::extract::PathText;
use crate::{ApiError, Code};

/// The viewer styles its own shadow roots with style elements; it may load the document and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "docs.html")]
struct DocsPage {
    viewer: String,
}

#[derive(Template)]
#[template(path = "docs-errors.html")]
struct ErrorsPage {
    errors: Vec<ErrorRow>,
}

struct ErrorRow {
    code: &'static str,
    status: StatusCode,
    error: &'static str,
    meanings: Vec<&'static str>,
}

/// The API document, to be read.
pub(crate) async fn page() -> Result<Response, ApiError> {
    let viewer = assets::find("rapidoc.js").map(assets::Asset::hashed_name).unwrap_or_default();
    html(&DocsPage { viewer })
}

/// The error codes. The `type` of error objects leads here.
pub(crate) async fn errors() -> Result<Response, ApiError> {
    let mut rows: BTreeMap<&str, ErrorRow> = BTreeMap::new();
    for Facts { status, code, error, meaning } in Code::ALL.map(Code::facts) {
        let row = rows.entry(code).or_insert(ErrorRow { code, status, error, meanings: Vec::new() });
        row.meanings.push(meaning);
    }
    html(&ErrorsPage { errors: rows.into_values().collect() })
}

/// What those pages load.
pub(crate) async fn file(PathText(name): PathText, headers: HeaderMap) -> Result<Response, ApiError> {
    let asset =
        assets::find_hashed(&name).filter(|asset| asset.name == "rapidoc.js").ok_or(Code::NotFound)?;
    Ok(asset.respond(&headers, Caching::Immutable))
}

fn html(page: &impl Template) -> Result<Response, ApiError> {
    let body = page.render().map_err(|error| ApiError::new(Code::Internal).because(error))?;
    Ok(([(CONTENT_SECURITY_POLICY, POLICY)], Html(body)).into_response())
}
