use async_trait::async_trait;
use frontdesk_core::{KeyId, KeyKind, SiteDocument, SiteId, SiteStore, StoreError, StoredKey, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

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
        self.read(move |connection| Ok(keys(connection, site)?)).await
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

    async fn site_document(
        &self,
        site: SiteId,
        document: SiteDocument,
    ) -> Result<Option<String>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT text FROM site_documents WHERE site_id = ? AND name = ?";
            let values = params![site.as_bytes(), document.as_str()];
            Ok(connection.prepare_cached(sql)?.query_row(values, |row| row.get(0)).optional()?)
        })
        .await
    }

    async fn set_site_document(
        &self,
        site: SiteId,
        document: SiteDocument,
        text: String,
    ) -> Result<(), StoreError> {
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO site_documents (site_id, name, text) VALUES (?, ?, ?)
                     ON CONFLICT (site_id, name) DO UPDATE SET text = excluded.text",
                )?
                .execute(params![site.as_bytes(), document.as_str(), text])?;
            Ok(())
        })
        .await
    }
}

/// A site's keys, oldest first, then the smaller id.
pub(super) fn keys(connection: &Connection, site: SiteId) -> rusqlite::Result<Vec<StoredKey>> {
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
    keys.collect()
}
