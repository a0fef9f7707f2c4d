use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_LANGUAGE};
use sha2::{Digest as _, Sha256};

use super::Api;
use crate::assets::{self, Caching};
use crate::extract::PathText;
use crate::locales::Locale;
use crate::{ApiError, Code};

const NAME: &str = "chat-widget.js";

/// The widget's file: the one that this program carries, or one that the site's owner has put in its place.
#[derive(Debug)]
pub(crate) enum Bundle {
    Own,
    Other { bytes: Bytes, hash: String },
}

impl Bundle {
    pub(super) fn new(other: Option<Bytes>) -> Self {
        let Some(bytes) = other else { return Self::Own };
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        let hash = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        Self::Other { bytes, hash }
    }

    fn hash(&self) -> &str {
        match self {
            Self::Own => assets::find(NAME).map_or("", |asset| asset.hash),
            Self::Other { hash, .. } => hash,
        }
    }

    fn respond(&self, request: &HeaderMap, caching: Caching) -> Response {
        let mut response = match self {
            Self::Own => match assets::find(NAME) {
                Some(asset) => asset.respond(request, caching),
                None => return axum::response::IntoResponse::into_response(ApiError::new(Code::NotFound)),
            },
            Self::Other { bytes, hash } => {
                let kind = "text/javascript; charset=utf-8";
                assets::respond(request, caching, kind, hash, bytes.clone(), None)
            }
        };
        open_to_all_pages(&mut response);
        response
    }
}

/// Every page may load it: checking its integrity needs CORS, and pages that isolate themselves need the other.
fn open_to_all_pages(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
}

/// The chat widget, for a `<script>` tag.
///
/// `/widget/chat-widget.<hash>.js` is the same file under an address that never changes its content; the hash is the
/// ETag of this one.
#[utoipa::path(
    get, path = "/widget/chat-widget.js", tag = "widget",
    responses(
        (status = 200, description = "The widget.", content_type = "text/javascript", body = String),
        (status = 304, description = "The client's copy is still good."),
    )
)]
pub(crate) async fn chat_widget(State(api): State<Arc<Api>>, headers: HeaderMap) -> Response {
    api.widget.respond(&headers, Caching::Stable)
}

/// The widget's words in the language of a tag, or in English, which it fetches when it is opened.
pub(crate) async fn locale(PathText(file): PathText, headers: HeaderMap) -> Result<Response, ApiError> {
    let Locale { words, language } = file.strip_suffix(".json").and_then(Locale::of).ok_or(Code::NotFound)?;
    let mut response = words.respond(&headers, Caching::Stable);
    open_to_all_pages(&mut response);
    if let Ok(language) = HeaderValue::from_str(&language) {
        response.headers_mut().insert(CONTENT_LANGUAGE, language);
    }
    Ok(response)
}

/// The widget under the address with its hash.
pub(crate) async fn hashed_chat_widget(
    State(api): State<Arc<Api>>,
    PathText(file): PathText,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if file != format!("chat-widget.{}.js", api.widget.hash()) {
        return Err(Code::NotFound.into());
    }
    Ok(api.widget.respond(&headers, Caching::Immutable))
}
