//! Files that are served as they are. They are part of the program.

use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// A file, also compressed.
#[derive(Debug)]
pub(crate) struct Asset {
    pub(crate) name: &'static str,
    kind: &'static str,
    /// The first eight bytes of its SHA-256, in hexadecimal.
    pub(crate) hash: &'static str,
    pub(crate) bytes: &'static [u8],
    gzip: &'static [u8],
}

/// For how long a response may be used again.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Caching {
    /// Under this address the file may change: it is asked for again after five minutes.
    Stable,
    /// Only by the client itself, and asked for again after a minute: others get something else under this address.
    Private,
    /// The address has the file's hash in it: what it gives never changes.
    Immutable,
}

impl Caching {
    fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Stable => "public, max-age=300, stale-while-revalidate=86400",
            Self::Private => "private, max-age=60, stale-while-revalidate=86400",
            Self::Immutable => "public, max-age=31536000, immutable",
        })
    }
}

/// The file of that name.
pub(crate) fn find(name: &str) -> Option<&'static Asset> {
    FILES.iter().find(|asset| asset.name == name)
}

impl Asset {
    /// A response with the file, or word that the client's copy is still good.
    pub(crate) fn respond(&self, request: &HeaderMap, caching: Caching) -> Response {
        respond(
            request,
            caching,
            self.kind,
            self.hash,
            Bytes::from_static(self.bytes),
            Some(Bytes::from_static(self.gzip)),
        )
    }

    /// The file's name with its hash in it, as in `dashboard.0123456789abcdef.css`.
    pub(crate) fn hashed_name(&self) -> String {
        match self.name.rsplit_once('.') {
            Some((stem, ending)) => format!("{stem}.{}.{ending}", self.hash),
            None => format!("{}.{}", self.name, self.hash),
        }
    }
}

/// The file that a name with a hash in it stands for.
pub(crate) fn find_hashed(name: &str) -> Option<&'static Asset> {
    FILES.iter().find(|asset| asset.hashed_name() == name)
}

pub(crate) fn respond(
    request: &HeaderMap,
    caching: Caching,
    kind: &'static str,
    hash: &str,
    bytes: Bytes,
    gzip: Option<Bytes>,
) -> Response {
    let tag = format!("\"{hash}\"");
    let mut headers = HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (CACHE_CONTROL, caching.header()),
        (VARY, HeaderValue::from_static("accept-encoding")),
    ]);
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    if names(request, IF_NONE_MATCH.as_str(), |known| known.trim_start_matches("W/") == tag || known == "*") {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let takes_gzip = names(request, ACCEPT_ENCODING.as_str(), |coding| {
        let mut parts = coding.split(';').map(str::trim);
        parts.next() == Some("gzip") && !matches!(parts.next(), Some("q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    });
    match gzip.filter(|_| takes_gzip) {
        Some(gzip) => {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            (headers, gzip).into_response()
        }
        None => (headers, bytes).into_response(),
    }
}

/// Whether an entry of a header's list is what is looked for.
fn names(headers: &HeaderMap, name: &str, is_it: impl Fn(&str) -> bool) -> bool {
    let mut lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.any(|line| line.split(',').any(|entry| is_it(entry.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(headers: &[(&'static str, &str)]) -> Response {
        let headers =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        find("favicon.svg").unwrap().respond(&headers, Caching::Stable)
    }

    #[test]
    fn a_file_is_found_by_its_name_and_by_its_hashed_name() {
        let file = find("favicon.svg").unwrap();
        assert_eq!(find_hashed(&file.hashed_name()).unwrap().name, "favicon.svg");
        assert!(find("missing").is_none());
        assert!(find_hashed("favicon.0000000000000000.svg").is_none());
    }

    #[test]
    fn it_is_compressed_for_those_who_take_it() {
        for (accept, coding) in [
            ("gzip", true),
            ("br, gzip;q=0.5", true),
            ("gzip;q=0", false),
            ("br", false),
            ("x-gzipped", false),
        ] {
            let response = get(&[("accept-encoding", accept)]);
            assert_eq!(response.headers().contains_key(CONTENT_ENCODING), coding, "{accept}");
        }
    }

    #[test]
    fn a_copy_that_is_still_good_is_not_sent_again() {
        let tag = get(&[]).headers()[ETAG].to_str().unwrap().to_owned();
        for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            assert_eq!(get(&[("if-none-match", &known)]).status(), StatusCode::NOT_MODIFIED, "{known}");
        }
        assert_eq!(get(&[("if-none-match", "\"x\"")]).status(), StatusCode::OK);
    }
}
