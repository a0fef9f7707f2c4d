use async_trait::async_trait;

use super::StoreError;
use crate::{SiteDocument, SiteId, StoredKey, Timestamp};

/// Sites and their keys.
#[async_trait]
pub trait SiteStore: Send + Sync {
    /// Makes a site unless it exists.
    async fn ensure_site(&self, site: SiteId, name: &str, now: Timestamp) -> Result<(), StoreError>;

    /// A site's keys, oldest first, then the smaller id.
    async fn keys(&self, site: SiteId) -> Result<Vec<StoredKey>, StoreError>;

    /// Keeps a new key. A key with the same text is a conflict.
    async fn add_key(&self, key: StoredKey) -> Result<(), StoreError>;

    /// A site's document, as it was kept last; `None` if it never was.
    async fn site_document(&self, site: SiteId, document: SiteDocument)
    -> Result<Option<String>, StoreError>;

    /// Keeps a site's document, in place of the one before. The text is without U+0000.
    async fn set_site_document(
        &self,
        site: SiteId,
        document: SiteDocument,
        text: String,
    ) -> Result<(), StoreError>;
}
