use async_trait::async_trait;
use frontdesk_core::{KeyId, KeyKind, SiteDocument, SiteId, SiteStore, StoreError, StoredKey, Timestamp};
use tokio_postgres::Row;

use super::engine::Repeat;
use super::error::Failure;
use super::statements::{ADD_KEY, ENSURE_SITE, KEYS, SET_SITE_DOCUMENT, SITE_DOCUMENT};
use super::turns::uuid;
use super::{PostgresStore, rows};

#[async_trait]
impl SiteStore for PostgresStore {
    async fn ensure_site(&self, site: SiteId, name: &str, now: Timestamp) -> Result<(), StoreError> {
        let (id, now) = (uuid(site.as_bytes()), now.millis());
        self.engine.execute(Repeat::Harmless, ENSURE_SITE, &[&id, &name, &now]).await.map(drop)
    }

    async fn keys(&self, site: SiteId) -> Result<Vec<StoredKey>, StoreError> {
        let rows = self.engine.read(KEYS, &[&uuid(site.as_bytes())]).await?;
        Ok(rows.iter().map(|row| read_key(row, site)).collect::<Result<_, _>>()?)
    }

    async fn add_key(&self, key: StoredKey) -> Result<(), StoreError> {
        let (id, site) = (uuid(key.id.as_bytes()), uuid(key.site.as_bytes()));
        let (kind, sha256, created_at) = (key.kind.as_str(), &key.sha256[..], key.created_at.millis());
        let values: super::connection::Values<'_> = &[&id, &site, &kind, &sha256, &key.text, &created_at];
        self.engine.execute(Repeat::Doubles, ADD_KEY, values).await.map(drop)
    }

    async fn site_document(
        &self,
        site: SiteId,
        document: SiteDocument,
    ) -> Result<Option<String>, StoreError> {
        let values: super::connection::Values<'_> = &[&uuid(site.as_bytes()), &document.as_str()];
        let rows = self.engine.read(SITE_DOCUMENT, values).await?;
        Ok(rows.first().map(|row| rows::get(row, 0)).transpose()?)
    }

    async fn set_site_document(
        &self,
        site: SiteId,
        document: SiteDocument,
        text: String,
    ) -> Result<(), StoreError> {
        let values: super::connection::Values<'_> = &[&uuid(site.as_bytes()), &document.as_str(), &text];
        self.engine.execute(Repeat::Harmless, SET_SITE_DOCUMENT, values).await.map(drop)
    }
}

pub(super) fn read_key(row: &Row, site: SiteId) -> Result<StoredKey, Failure> {
    Ok(StoredKey {
        id: KeyId::from_bytes(rows::id(row, 0)?),
        site,
        kind: rows::text(row, 1, KeyKind::parse)?,
        sha256: rows::bytes(row, 2)?,
        text: rows::get(row, 3)?,
        created_at: rows::time(row, 4)?,
    })
}
