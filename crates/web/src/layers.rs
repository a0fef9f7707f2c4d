//! What every route is wrapped in, from the outside in.

mod cors;
mod framing;
mod headers;
mod panics;
mod respond;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use frontdesk_core::{Clock, Random};
use tower_http::catch_panic::CatchPanicLayer;

pub(crate) use headers::Surface;
pub(crate) use respond::RequestContext;

use crate::{AllowedOrigins, TrustedProxies};

/// What the outermost layers need to know.
#[derive(Clone, Debug)]
pub struct Edge {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where request ids come from.
    pub random: Arc<dyn Random>,
    /// Whose word on the client's address is believed.
    pub proxies: TrustedProxies,
}

/// Wraps all routes of a listener, its answers to unknown addresses included.
///
/// With origins their pages can read every answer, also that something went wrong.
pub(crate) fn wrap(router: Router, origins: Option<AllowedOrigins>, edge: Edge, surface: Surface) -> Router {
    // The last one listed is the outermost.
    let router = router.layer(CatchPanicLayer::custom(panics::to_error)).layer(from_fn(framing::check));
    let router = match origins {
        Some(origins) => router.layer(from_fn_with_state(Arc::new(origins), cors::cors)),
        None => router,
    };
    router
        .layer(from_fn_with_state(surface, headers::set))
        .layer(from_fn_with_state((edge, surface), respond::respond))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::get;
    use frontdesk_core::testing::{ManualClock, SeededRandom};
    use http::{Request, StatusCode};
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn a_defect_is_an_error_object_and_not_the_end() {
        let defect = async || -> StatusCode { panic!("index 7 of secrets") };
        let router = Router::new().route("/defect", get(defect)).route("/fine", get(async || StatusCode::OK));
        let edge = Edge {
            clock: Arc::new(ManualClock::default()),
            random: Arc::new(SeededRandom::new(1)),
            proxies: TrustedProxies::default(),
        };
        let origins = AllowedOrigins::parse("https://shop.example").unwrap();
        let router = wrap(router, Some(origins), edge, Surface::Api);
        let ask = |path: &str| {
            let request = Request::get(path).header("host", "a").header("origin", "https://shop.example");
            let request = request.body(Body::empty()).unwrap();
            router.clone().oneshot(request)
        };
        let response = ask("/defect").await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(response.headers().contains_key("x-request-id"));
        assert_eq!(response.headers()["access-control-allow-origin"], "https://shop.example");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let error: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(error["code"], "internal_error");
        assert!(!String::from_utf8_lossy(&body).contains("secrets"));
        assert_eq!(ask("/fine").await.unwrap().status(), StatusCode::OK);
    }
}
