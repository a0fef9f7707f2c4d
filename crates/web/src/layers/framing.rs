use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, Method, Uri, Version, header};

use crate::serve::{MalformedHead, close_after};
use crate::{ApiError, Code};

/// Refuses requests that another server in front may have understood differently.
pub(super) async fn check(request: Request, next: Next) -> Response {
    let is_malformed = request.extensions().get::<MalformedHead>().is_some();
    if is_malformed || !names_one_host(request.version(), request.uri(), request.headers()) {
        let mut response = ApiError::new(Code::BadRequest).into_response();
        close_after(&mut response);
        return response;
    }
    if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
        return ApiError::new(Code::MethodNotAllowed).into_response();
    }
    let has_stated_length = !request.headers().contains_key(header::TRANSFER_ENCODING);
    let mut response = next.run(request).await;
    if !has_stated_length {
        // Where its body ends is not followed, so neither is what comes behind it.
        close_after(&mut response);
    }
    response
}

/// Whether a request names its host once (RFC 9112, section 3.2), and its target no other one.
fn names_one_host(version: Version, uri: &Uri, headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(header::HOST).iter();
    match (lines.next(), lines.next()) {
        (Some(host), None) => uri
            .authority()
            .is_none_or(|target| host.to_str().is_ok_and(|host| host.eq_ignore_ascii_case(target.as_str()))),
        (None, _) => version < Version::HTTP_11,
        (Some(_), Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fine(target: &str, hosts: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(header::HOST, host.parse().unwrap());
        }
        names_one_host(Version::HTTP_11, &target.parse().unwrap(), &headers)
    }

    #[test]
    fn a_request_names_one_host() {
        assert!(fine("/health", &["a.example"]));
        assert!(fine("http://A.example/health", &["a.example"]));
        assert!(!fine("/health", &[]));
        assert!(!fine("/health", &["a.example", "a.example"]));
        assert!(!fine("http://evil.example/health", &["a.example"]));
        assert!(!fine("http://a.example:8080/health", &["a.example"]));
    }

    #[test]
    fn http_1_0_may_leave_the_host_out() {
        assert!(names_one_host(Version::HTTP_10, &Uri::from_static("/health"), &HeaderMap::new()));
    }
}
