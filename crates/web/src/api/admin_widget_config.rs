use std::sync::Arc;

use axum::extract::State;
use frontdesk_core::SiteDocument;

use super::Api;
use crate::extract::{Admin, JsonBody};
use crate::reply::JsonReply;
use crate::widget_config::{WidgetConfig, WidgetConfigBody};
use crate::{ApiError, Code, ErrorObject};

/// Sets what the widget is given, in place of all that was set before.
#[utoipa::path(
    put, path = "/v1/admin/widget-config", tag = "admin",
    request_body = WidgetConfig,
    security(("adminKey" = [])),
    responses(
        (status = 200, description = "What is set now.", body = WidgetConfig),
        (status = 400, description = "A member is not in order, or not known; `details` names it.", body = ErrorObject),
        (status = 401, description = "`unauthorized`", body = ErrorObject),
        (status = 403, description = "`origin_denied`", body = ErrorObject),
        (status = 408, description = "`request_timeout`", body = ErrorObject),
        (status = 413, description = "`payload_too_large`", body = ErrorObject),
        (status = 415, description = "`unsupported_media_type` or `unsupported_encoding`", body = ErrorObject),
        (status = 429, description = "`rate_limited`: too many wrong keys.", body = ErrorObject),
        (status = 503, description = "`admin_not_configured`, `storage_unavailable` or `storage_full`", body = ErrorObject),
    )
)]
pub(crate) async fn admin_widget_config(
    State(api): State<Arc<Api>>,
    admin: Admin,
    JsonBody(body): JsonBody<WidgetConfigBody>,
) -> Result<JsonReply<WidgetConfig>, ApiError> {
    let config = body.check()?;
    let text =
        serde_json::to_string(&config).map_err(|error| ApiError::new(Code::Internal).because(error))?;
    api.ports.store.set_site_document(admin.site, SiteDocument::WidgetConfig, text).await?;
    Ok(JsonReply(config))
}
