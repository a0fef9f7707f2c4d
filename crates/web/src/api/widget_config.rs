use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::header::VARY;
use http::{HeaderMap, HeaderValue};
use sha2::{Digest as _, Sha256};

use super::Api;
use crate::assets::{self, Caching};
use crate::extract::{ReadQuota, Visitor};
use crate::site_documents::widget_config as widget_config_of;
use crate::widget_config::WidgetConfig;
use crate::{ApiError, Code, ErrorObject};

/// What the site's owner has set for the widget. What a page says goes before it.
#[utoipa::path(
    get, path = "/v1/widget/config", tag = "widget",
    params(("If-None-Match" = Option<String>, Header, description = "The `ETag` of the copy that the client has.")),
    security(("publicKey" = []), ("widgetKey" = [])),
    responses(
        (status = 200, description = "What is set, and `handoff` whether it is set or not.", body = WidgetConfig),
        (status = 304, description = "The client's copy is still good."),
        (status = 401, description = "`unauthorized`", body = ErrorObject),
        (status = 403, description = "`origin_denied`", body = ErrorObject),
        (status = 429, description = "`rate_limited`", body = ErrorObject),
        (status = 503, description = "`storage_unavailable`", body = ErrorObject),
    )
)]
pub(crate) async fn widget_config(
    State(api): State<Arc<Api>>,
    visitor: Visitor,
    _quota: ReadQuota,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let config = widget_config_of(&*api.ports.store, visitor.site).await?.for_widgets();
    let text =
        serde_json::to_string(&config).map_err(|error| ApiError::new(Code::Internal).because(error))?;
    let digest: [u8; 32] = Sha256::digest(&text).into();
    let hash = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let kind = "application/json; charset=utf-8";
    let mut response = assets::respond(&headers, Caching::Private, kind, &hash, text.into(), None);
    // The key names the site, and the address does not.
    response.headers_mut().insert(VARY, HeaderValue::from_static("x-api-key, x-widget-api-key"));
    Ok(response)
}
