//! What a site's owner has set, as it is kept.

use std::fmt;

use frontdesk_core::{CannedReplies, OfficeHours, SiteDocument, SiteId, Store, StoreError};
use tracing::error;

use crate::widget_config::WidgetConfig;

/// What is kept where no hours are set any more.
const ALWAYS: &str = "null";

/// When somebody of the team is there; `None` means always.
pub(crate) async fn office_hours(store: &dyn Store, site: SiteId) -> Result<Option<OfficeHours>, StoreError> {
    let parse = |text: &str| match text {
        ALWAYS => Ok(None),
        text => OfficeHours::parse_json(text).map(Some),
    };
    Ok(read(store, site, SiteDocument::OfficeHours, parse).await?.flatten())
}

/// Keeps when somebody of the team is there; `None` means always.
pub(crate) async fn set_office_hours(
    store: &dyn Store,
    site: SiteId,
    hours: Option<&OfficeHours>,
) -> Result<(), StoreError> {
    let text = hours.map_or_else(|| ALWAYS.to_owned(), OfficeHours::to_json);
    store.set_site_document(site, SiteDocument::OfficeHours, text).await
}

/// What operators have ready to send.
pub(crate) async fn canned_replies(store: &dyn Store, site: SiteId) -> Result<CannedReplies, StoreError> {
    Ok(read(store, site, SiteDocument::CannedReplies, CannedReplies::parse_json).await?.unwrap_or_default())
}

/// What is set for the widget.
pub(crate) async fn widget_config(store: &dyn Store, site: SiteId) -> Result<WidgetConfig, StoreError> {
    let parse = |text: &str| serde_json::from_str(text);
    Ok(read(store, site, SiteDocument::WidgetConfig, parse).await?.unwrap_or_default())
}

/// What is kept and cannot be read counts as not set, so that a site goes on without it.
async fn read<T, E: fmt::Display>(
    store: &dyn Store,
    site: SiteId,
    document: SiteDocument,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, StoreError> {
    let Some(text) = store.site_document(site, document).await? else { return Ok(None) };
    match parse(&text) {
        Ok(value) => Ok(Some(value)),
        Err(reason) => {
            error!(document = document.as_str(), %reason, "a site's document cannot be read and counts as not set");
            Ok(None)
        }
    }
}
