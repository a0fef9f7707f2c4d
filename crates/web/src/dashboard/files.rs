use axum::response::Response;
use http::HeaderMap;

use crate::assets::{self, Caching};
use crate::extract::PathText;
use crate::{ApiError, Code};

/// Style sheet, script and icon, under addresses that have their hash in them.
pub(super) async fn file(PathText(name): PathText, headers: HeaderMap) -> Result<Response, ApiError> {
    let asset = assets::find_hashed(&name).ok_or(Code::NotFound)?;
    Ok(asset.respond(&headers, Caching::Immutable))
}

/// The address of a file.
pub(super) fn address(name: &str) -> String {
    assets::find(name).map(|asset| format!("/assets/{}", asset.hashed_name())).unwrap_or_default()
}
