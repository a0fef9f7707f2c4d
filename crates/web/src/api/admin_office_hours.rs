use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use frontdesk_core::OfficeHours;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use crate::extract::{Admin, JsonDocument};
use crate::reply::JsonReply;
use crate::site_documents::{office_hours, set_office_hours};
use crate::{ApiError, ErrorObject};

/// When somebody of the team is there.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OfficeHoursForm {
    /// The name of a time zone.
    #[schema(example = "Europe/Berlin")]
    zone: String,
    /// The hours of each day, from `monday` to `sunday`; on days that are left out nobody is there.
    days: BTreeMap<String, Vec<OpenHoursForm>>,
    /// Days on which nobody is there at all, such as `2026-12-25`.
    holidays: Vec<String>,
}

/// Some hours of a day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OpenHoursForm {
    /// The first minute.
    #[schema(example = "09:00")]
    from: String,
    /// The first minute in which nobody is there any more; a day ends at `24:00`.
    #[schema(example = "17:30")]
    to: String,
}

/// When somebody of the team is there.
#[utoipa::path(
    get, path = "/v1/admin/office-hours", tag = "admin",
    security(("adminKey" = [])),
    responses(
        (status = 200, description = "The hours; `null` if none are set, which means always.", body = Option<OfficeHoursForm>),
        (status = 401, description = "`unauthorized`", body = ErrorObject),
        (status = 403, description = "`origin_denied`", body = ErrorObject),
        (status = 429, description = "`rate_limited`: too many wrong keys.", body = ErrorObject),
        (status = 503, description = "`admin_not_configured` or `storage_unavailable`", body = ErrorObject),
    )
)]
pub(crate) async fn admin_office_hours(
    State(api): State<Arc<Api>>,
    admin: Admin,
) -> Result<JsonReply<Option<OfficeHours>>, ApiError> {
    Ok(JsonReply(office_hours(&*api.ports.store, admin.site).await?))
}

/// Sets when somebody of the team is there. At other times visitors who ask for a person are told until when nobody is.
#[utoipa::path(
    put, path = "/v1/admin/office-hours", tag = "admin",
    request_body = OfficeHoursForm,
    security(("adminKey" = [])),
    responses(
        (status = 200, description = "The hours as they are now, with every day.", body = OfficeHoursForm),
        (status = 400, description = "It is not in order; `details` says what.", body = ErrorObject),
        (status = 401, description = "`unauthorized`", body = ErrorObject),
        (status = 403, description = "`origin_denied`", body = ErrorObject),
        (status = 408, description = "`request_timeout`", body = ErrorObject),
        (status = 413, description = "`payload_too_large`: it may have 1 MiB.", body = ErrorObject),
        (status = 415, description = "`unsupported_media_type` or `unsupported_encoding`", body = ErrorObject),
        (status = 429, description = "`rate_limited`: too many wrong keys.", body = ErrorObject),
        (status = 503, description = "`admin_not_configured`, `storage_unavailable` or `storage_full`", body = ErrorObject),
    )
)]
pub(crate) async fn set_admin_office_hours(
    State(api): State<Arc<Api>>,
    admin: Admin,
    body: JsonDocument,
) -> Result<JsonReply<OfficeHours>, ApiError> {
    let hours = body.check(OfficeHours::parse_json)?;
    set_office_hours(&*api.ports.store, admin.site, Some(&hours)).await?;
    Ok(JsonReply(hours))
}

/// Takes the hours away: from then on somebody of the team is there always.
#[utoipa::path(
    delete, path = "/v1/admin/office-hours", tag = "admin",
    security(("adminKey" = [])),
    responses(
        (status = 204, description = "No hours are set, since now or since before."),
        (status = 401, description = "`unauthorized`", body = ErrorObject),
        (status = 403, description = "`origin_denied`", body = ErrorObject),
        (status = 429, description = "`rate_limited`: too many wrong keys.", body = ErrorObject),
        (status = 503, description = "`admin_not_configured`, `storage_unavailable` or `storage_full`", body = ErrorObject),
    )
)]
pub(crate) async fn delete_admin_office_hours(
    State(api): State<Arc<Api>>,
    admin: Admin,
) -> Result<StatusCode, ApiError> {
    set_office_hours(&*api.ports.store, admin.site, None).await?;
    Ok(StatusCode::NO_CONTENT)
}
