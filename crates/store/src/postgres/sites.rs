use async_trait::async_trait;
use frontdesk_core::{KeyId, KeyKind, SiteId, SiteStore, StoreError, StoredKey, Timestamp};
use tokio_postgres::Row;

use super::engine::Repeat;
use super::error::Failure;
use super::statements::{ADD_KEY, ENSURE_SITE, KEYS};
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
