use std::sync::Arc;

use axum::extract::State;
use frontdesk_core::{CannedReplies, SiteDocument};
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use crate::extract::{Admin, JsonDocument};
use crate::reply::JsonReply;
use crate::site_documents::canned_replies;
use crate::{ApiError, ErrorObject};

/// A reply that operators have ready.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CannedReplyForm {
    /// What to type for it. No other reply has the same.
    #[schema(pattern = "^[a-z0-9-]{1,32}$", example = "hours")]
    shortcut: String,
    /// What is sent: 1 to 4000 UTF-16 code units, not blank.
    #[schema(min_length = 1, max_length = 4000)]
    text: String,
}

/// The replies that operators have ready, in their order.
#[utoipa::path(
    get, path = "/v1/admin/canned-replies", tag = "admin",
    security(("adminKey" = [])),
    responses(
        (status = 200, description = "The replies.", body = Vec<CannedReplyForm>),
        (status = 401, description = "`unauthorized`", body = ErrorObject),
        (status = 403, description = "`origin_denied`", body = ErrorObject),
        (status = 429, description = "`rate_limited`: too many wrong keys.", body = ErrorObject),
        (status = 503, description = "`admin_not_configured` or `storage_unavailable`", body = ErrorObject),
    )
)]
pub(crate) async fn admin_canned_replies(
    State(api): State<Arc<Api>>,
    admin: Admin,
) -> Result<JsonReply<CannedReplies>, ApiError> {
    Ok(JsonReply(canned_replies(&*api.ports.store, admin.site).await?))
}

/// Sets the replies that operators have ready, in place of all that were there: at most 200.
#[utoipa::path(
    put, path = "/v1/admin/canned-replies", tag = "admin",
    request_body = Vec<CannedReplyForm>,
    security(("adminKey" = [])),
    responses(
        (status = 200, description = "The replies as they are now.", body = Vec<CannedReplyForm>),
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
pub(crate) async fn set_admin_canned_replies(
    State(api): State<Arc<Api>>,
    admin: Admin,
    body: JsonDocument,
) -> Result<JsonReply<CannedReplies>, ApiError> {
    let replies = body.check(CannedReplies::parse_json)?;
    let document = SiteDocument::CannedReplies;
    api.ports.store.set_site_document(admin.site, document, replies.to_json()).await?;
    Ok(JsonReply(replies))
}
