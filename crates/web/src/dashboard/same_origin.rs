use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, Method, Uri, header};

use crate::{ApiError, Code};

/// Refuses what other sites make an operator's browser send.
///
/// Everything that changes something must come from the dashboard's own pages: browsers say so in `Sec-Fetch-Site`
/// (W3C Fetch Metadata), older ones in `Origin`. A request that says neither is refused too.
pub(super) async fn check(request: Request, next: Next) -> Response {
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if is_safe || is_same_origin(request.headers()) {
        return next.run(request).await;
    }
    ApiError::new(Code::Forbidden).into_response()
}

fn is_same_origin(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site.as_bytes() == b"same-origin";
    }
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()?.parse::<Uri>().ok());
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    match (origin.as_ref().and_then(Uri::authority), host) {
        (Some(origin), Some(host)) => origin.as_str().eq_ignore_ascii_case(host),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(headers: &[(&'static str, &'static str)]) -> bool {
        is_same_origin(
            &headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect(),
        )
    }

    #[test]
    fn a_browser_says_where_a_request_comes_from() {
        assert!(same(&[("sec-fetch-site", "same-origin")]));
        for site in ["same-site", "cross-site", "none", ""] {
            assert!(!same(&[("sec-fetch-site", site), ("host", "a"), ("origin", "http://a")]), "{site}");
        }
    }

    #[test]
    fn an_older_browser_says_it_by_its_origin() {
        assert!(same(&[("host", "desk.example"), ("origin", "https://desk.example")]));
        assert!(same(&[("host", "localhost:3000"), ("origin", "http://localhost:3000")]));
        for origin in
            ["https://evil.example", "https://desk.example.evil.example", "https://desk.example:1", "null"]
        {
            assert!(!same(&[("host", "desk.example"), ("origin", origin)]), "{origin}");
        }
        assert!(!same(&[("host", "desk.example")]));
        assert!(!same(&[]));
    }
}
