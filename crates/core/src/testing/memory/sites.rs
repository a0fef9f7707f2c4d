use async_trait::async_trait;

use super::MemoryStore;
use crate::store::{SiteStore, StoreError, StoreErrorKind};
use crate::{SiteDocument, SiteId, StoredKey, Timestamp};

#[async_trait]
impl SiteStore for MemoryStore {
    async fn ensure_site(&self, site: SiteId, name: &str, _now: Timestamp) -> Result<(), StoreError> {
        self.lock().sites.entry(site).or_insert_with(|| name.to_owned());
        Ok(())
    }

    async fn keys(&self, site: SiteId) -> Result<Vec<StoredKey>, StoreError> {
        let mut keys: Vec<_> = self.lock().keys.iter().filter(|key| key.site == site).cloned().collect();
        keys.sort_by_key(|key| (key.created_at, key.id));
        Ok(keys)
    }

    async fn add_key(&self, key: StoredKey) -> Result<(), StoreError> {
        let mut data = self.lock();
        if data.keys.iter().any(|other| other.sha256 == key.sha256) {
            return Err(StoreError::new(StoreErrorKind::Conflict, "the key exists"));
        }
        data.keys.push(key);
        Ok(())
    }

    async fn site_document(
        &self,
        site: SiteId,
        document: SiteDocument,
    ) -> Result<Option<String>, StoreError> {
        Ok(self.readable()?.documents.get(&(site, document)).cloned())
    }

    async fn set_site_document(
        &self,
        site: SiteId,
        document: SiteDocument,
        text: String,
    ) -> Result<(), StoreError> {
        self.working()?.documents.insert((site, document), text);
        Ok(())
    }
}
