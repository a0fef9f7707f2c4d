use async_trait::async_trait;
use frontdesk_core::{KeyId, KeyKind, SiteDocument, SiteId, SiteStore, StoreError, StoredKey, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ConvexStore;
use super::values::{self, Moment};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireKey {
    key: String,
    kind: String,
    sha256: String,
    text: Option<String>,
    created_at: Moment,
}

impl WireKey {
    pub(super) fn read(self, site: SiteId) -> Result<StoredKey, StoreError> {
        Ok(StoredKey {
            id: values::parse("id", &self.key, KeyId::parse)?,
            site,
            kind: values::parse("kind", &self.kind, KeyKind::parse)?,
            sha256: values::bytes(&self.sha256)?,
            text: self.text,
            created_at: self.created_at.timestamp(),
        })
    }
}

#[async_trait]
impl SiteStore for ConvexStore {
    async fn ensure_site(&self, site: SiteId, name: &str, now: Timestamp) -> Result<(), StoreError> {
        let args = json!({ "site": site.to_string(), "name": name, "now": now.millis() });
        self.mutation("sites:ensure", args).await
    }

    async fn keys(&self, site: SiteId) -> Result<Vec<StoredKey>, StoreError> {
        let found: Vec<WireKey> = self.query("sites:keys", json!({ "site": site.to_string() })).await?;
        found.into_iter().map(|key| key.read(site)).collect()
    }

    async fn add_key(&self, key: StoredKey) -> Result<(), StoreError> {
        let args = values::members(json!({
            "key": key.id.to_string(),
            "site": key.site.to_string(),
            "kind": key.kind.as_str(),
            "sha256": values::hex(&key.sha256),
            "text": key.text,
            "createdAt": key.created_at.millis(),
        }));
        self.mutation("sites:addKey", Value::Object(args)).await
    }

    async fn site_document(
        &self,
        site: SiteId,
        document: SiteDocument,
    ) -> Result<Option<String>, StoreError> {
        self.query("sites:document", json!({ "site": site.to_string(), "name": document.as_str() })).await
    }

    async fn set_site_document(
        &self,
        site: SiteId,
        document: SiteDocument,
        text: String,
    ) -> Result<(), StoreError> {
        let args = json!({ "site": site.to_string(), "name": document.as_str(), "text": text });
        self.mutation("sites:setDocument", args).await
    }
}
