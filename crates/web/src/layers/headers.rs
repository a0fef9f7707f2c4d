use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::header::{STRICT_TRANSPORT_SECURITY, X_FRAME_OPTIONS};
use http::{HeaderName, HeaderValue};

use super::RequestContext;

/// Which listener a response leaves by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Surface {
    /// The public one.
    Api,
    /// The operators' one.
    Dashboard,
}

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");

/// Set on every response that does not say otherwise itself.
const EVERYWHERE: [(HeaderName, &str); 7] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (X_FRAME_OPTIONS, "DENY"),
    (PERMISSIONS_POLICY, "camera=(), microphone=(), geolocation=()"),
    (RESOURCE_POLICY, "same-origin"),
    (ROBOTS, "noindex"),
    (CACHE_CONTROL, "no-store"),
];

/// For what is not a page.
const NO_PAGE: &str = "default-src 'none'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'";

/// For the dashboard's pages: only what this server itself sends, and no script that builds markup from text.
const PAGE: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; \
                    connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; \
                    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// Adds what keeps browsers from doing more with a response than they should.
pub(super) async fn set(State(surface): State<Surface>, request: Request, next: Next) -> Response {
    let is_https =
        request.extensions().get::<RequestContext>().is_some_and(|context| context.client.is_https);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in EVERYWHERE {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    let policy = match surface {
        Surface::Api => NO_PAGE,
        Surface::Dashboard => PAGE,
    };
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(policy));
    let is_html = headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if is_html {
        headers.entry(OPENER_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    }
    if is_https {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    response
}
