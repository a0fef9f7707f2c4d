use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tracing::{Level, error, info, warn};

use super::{Edge, Surface};
use crate::dashboard::{Unsent, error_page};
use crate::proxies::Client;
use crate::serve::Peer;
use crate::{ApiError, Code, ErrorObject};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What is known of a request before anything else looks at it.
#[derive(Clone, Debug)]
pub(crate) struct RequestContext {
    /// Names the request in the log and in error objects.
    pub(crate) id: Arc<str>,
    /// Who sent it.
    pub(crate) client: Client,
}

/// Names the request, finds out who sent it, writes the error object if it fails, and logs one line.
pub(super) async fn respond(
    State((edge, surface)): State<(Edge, Surface)>,
    mut request: Request,
    next: Next,
) -> Response {
    let begun = edge.clock.elapsed();
    let context = RequestContext { id: new_id(&edge), client: find_client(&edge, &request) };
    let method = request.method().clone();
    // The route and not the address: addresses name sessions and conversations.
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let form = ErrorForm::asked(surface, &request);
    request.extensions_mut().insert(context.clone());

    let mut response = next.run(request).await;
    let failure = refusal(&mut response);
    if let Some(failure) = &failure {
        write_error(&mut response, failure, &context, form);
    }
    if let Ok(id) = HeaderValue::from_str(&context.id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }

    let millis = u64::try_from((edge.clock.elapsed().saturating_sub(begun)).as_millis()).unwrap_or(u64::MAX);
    let status = response.status().as_u16();
    let code = failure.as_ref().map(|failure| failure.code.facts().code);
    let cause = failure.as_ref().and_then(|failure| failure.cause.as_deref());
    let cause = cause.map(|cause| cause as &dyn std::error::Error);
    let route = route.as_deref().unwrap_or("none");
    if failure.as_ref().is_some_and(|failure| failure.code.is_meant()) {
        warn!(request_id = &*context.id, %method, route, status, millis, code, "request");
    } else if response.status().is_server_error() {
        error!(request_id = &*context.id, %method, route, status, millis, code, cause, "request");
    } else if matches!(route, "/health" | "/ready") {
        tracing::debug!(request_id = &*context.id, %method, route, status, millis, "request");
    } else {
        tracing::event!(Level::INFO, request_id = &*context.id, %method, route, status, millis, code, "request");
    }
    response
}

fn new_id(edge: &Edge) -> Arc<str> {
    let mut bytes = [0; 9];
    edge.random.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes).into()
}

fn find_client(edge: &Edge, request: &Request) -> Client {
    static WARNED: AtomicBool = AtomicBool::new(false);

    let peer = request.extensions().get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.0.ip());
    if edge.proxies.is_unknown_proxy(peer, request.headers()) && !WARNED.swap(true, Ordering::Relaxed) {
        warn!(%peer, "a proxy that is not in TRUSTED_PROXIES passes requests on: all its visitors share one limit");
    }
    edge.proxies.client(peer, request.headers())
}

/// How an error is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ErrorForm {
    /// `application/json`, which is what clients look for.
    Json,
    /// The same object as `application/problem+json` (RFC 9457), for those who ask for it.
    Problem,
    /// A page, for people who look at the dashboard.
    Page,
}

impl ErrorForm {
    fn asked(surface: Surface, request: &Request) -> Self {
        let is_page = matches!(surface, Surface::Dashboard) && !request.uri().path().starts_with("/api/");
        if is_page && accepts(request.headers(), "text/html") {
            Self::Page
        } else if accepts(request.headers(), "application/problem+json") {
            Self::Problem
        } else {
            Self::Json
        }
    }
}

fn accepts(headers: &HeaderMap, kind: &str) -> bool {
    let mut lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
    lines.any(|line| line.split(',').any(|accepted| accepted.trim().starts_with(kind)))
}

/// Why a response is an error; also if the router said so and not one of us.
fn refusal(response: &mut Response) -> Option<ApiError> {
    response.extensions_mut().remove::<ApiError>().or_else(|| match response.status() {
        StatusCode::METHOD_NOT_ALLOWED => Some(ApiError::new(Code::MethodNotAllowed)),
        _ => None,
    })
}

fn write_error(response: &mut Response, failure: &ApiError, context: &RequestContext, form: ErrorForm) {
    let unsent = response.extensions_mut().remove::<Unsent>();
    let page = if form == ErrorForm::Page { error_page(failure, &context.id, unsent) } else { None };
    let (kind, body) = if let Some(page) = page {
        ("text/html; charset=utf-8", page.into_bytes())
    } else {
        let object = ErrorObject::new(failure, context.id.to_string());
        let is_problem = form == ErrorForm::Problem;
        let kind = if is_problem { "application/problem+json" } else { "application/json; charset=utf-8" };
        (kind, serde_json::to_vec(&object).unwrap_or_default())
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Some(seconds) = failure.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    *response.body_mut() = Body::from(body);
    if failure.cause.is_some() && !response.status().is_server_error() {
        info!(
            request_id = &*context.id,
            cause = failure.cause.as_deref().map(|c| c as &dyn std::error::Error),
            "refused"
        );
    }
}
