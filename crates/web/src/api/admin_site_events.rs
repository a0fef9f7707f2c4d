use std::future::pending;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use super::Api;
use crate::extract::Admin;
use crate::site_feed::{SiteEvent, follow_site};
use crate::stream::Framing;
use crate::{ApiError, ErrorObject};

/// Tells which conversations change, whatever it is that changes: a list that is kept up to date reads them anew.
///
/// It goes on until the client leaves. Whoever was away reads the list anew. An empty line every 15 seconds keeps proxies awake.
#[utoipa::path(
    get, path = "/v1/admin/events", tag = "admin",
    security(("adminKey" = [])),
    responses(
        (status = 200, description = "The events. NDJSON, one event a line; with `Accept: text/event-stream` server-sent events.",
            content((SiteEvent = "application/x-ndjson"), (SiteEvent = "text/event-stream"))),
        (status = 401, description = "`unauthorized`", body = ErrorObject),
        (status = 403, description = "`origin_denied`", body = ErrorObject),
        (status = 429, description = "`rate_limited`: too many wrong keys.", body = ErrorObject),
        (status = 503, description = "`admin_not_configured` or `storage_unavailable`", body = ErrorObject),
    )
)]
pub(crate) async fn admin_site_events(
    State(api): State<Arc<Api>>,
    admin: Admin,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let feed = api.ports.chat.feeds().open_site(admin.site).await?;
    Ok(follow_site(feed, Framing::asked(&headers), pending()))
}
