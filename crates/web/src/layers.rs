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

pub(crate) use cors::cors;
pub(crate) use headers::Surface;
pub(crate) use respond::RequestContext;

use crate::TrustedProxies;

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
pub(crate) fn wrap(router: Router, edge: Edge, surface: Surface) -> Router {
    // The last one listed is the outermost.
    router
        .layer(CatchPanicLayer::custom(panics::to_error))
        .layer(from_fn(framing::check))
        .layer(from_fn_with_state(surface, headers::set))
        .layer(from_fn_with_state((edge, surface), respond::respond))
}
