use async_trait::async_trait;
use frontdesk_core::{KeyId, KeyKind, SiteId, SiteStore, StoreError, StoredKey, Timestamp};
use rusqlite::params;

use super::{SqliteStore, rows};

#[async_trait]
impl SiteStore for SqliteStore {
    async fn ensure_site(&self, site: SiteId, name: &str, now: Timestamp) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO sites (id, name, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                )?
                .execute(params![site.as_bytes(), name, now.millis()])?;
            Ok(())
        })
        .await
    }

    async fn keys(&self, site: SiteId) -> Result<Vec<StoredKey>, StoreError> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, kind, sha256, text, created_at FROM keys WHERE site_id = ? ORDER BY created_at, id",
            )?;
            let keys = statement.query_map([site.as_bytes()], |row| {
                Ok(StoredKey {
                    id: KeyId::from_bytes(row.get(0)?),
                    site,
                    kind: rows::text(row, 1, KeyKind::parse)?,
                    sha256: row.get(2)?,
                    text: row.get(3)?,
                    created_at: Timestamp::from_millis(row.get(4)?),
                })
            })?;
            Ok(keys.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn add_key(&self, key: StoredKey) -> Result<(), StoreError> {
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO keys (id, site_id, kind, sha256, text, created_at) VALUES (?, ?, ?, ?, ?, ?)",
                )?
                .execute(params![
                    key.id.as_bytes(),
                    key.site.as_bytes(),
                    key.kind.as_str(),
                    key.sha256,
                    key.text,
                    key.created_at.millis(),
                ])?;
            Ok(())
        })
        .await
    }
}
