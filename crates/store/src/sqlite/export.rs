use std::io;
use std::path::Path;

use frontdesk_core::{KeyId, KeyKind, SiteId, Timestamp};
use rusqlite::{Connection, OpenFlags, params};

use super::backup::{check_schema, failure, open_existing};
use super::migrations::{MIGRATIONS, newest};
use super::rows::{self, MESSAGE, SUMMARY};
use crate::{BackupError, ExportedRow, ExportedSite};

/// Where the rows of an export go.
type Take<'a> = dyn FnMut(ExportedRow) -> io::Result<()> + 'a;

/// Hands out everything that is data, row by row and all of one state.
pub(crate) fn export(database: &Path, take: &mut Take<'_>) -> Result<(), BackupError> {
    let connection = open_existing(database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let (found, known) = (check_schema(&connection, database)?, newest(&MIGRATIONS));
    if found < known {
        return Err(BackupError::Older { path: database.to_owned(), found, known });
    }
    in_one_state(&connection, take).map_err(|error| match error {
        Broken::Sqlite(error) => failure(database, &error),
        Broken::Taker(why) => BackupError::Export { why },
    })
}

enum Broken {
    Sqlite(rusqlite::Error),
    Taker(io::Error),
}

impl From<rusqlite::Error> for Broken {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

fn in_one_state(connection: &Connection, take: &mut Take<'_>) -> Result<(), Broken> {
    let transaction = connection.unchecked_transaction()?;
    for site in sites(&transaction)? {
        let id = site.id;
        take(ExportedRow::Site(site)).map_err(Broken::Taker)?;
        keys(&transaction, id, take)?;
        conversations(&transaction, id, take)?;
    }
    Ok(transaction.commit()?)
}

fn sites(connection: &Connection) -> rusqlite::Result<Vec<ExportedSite>> {
    let mut statement = connection.prepare("SELECT id, name, created_at FROM sites ORDER BY id")?;
    let sites = statement.query_map([], |row| {
        Ok(ExportedSite {
            id: SiteId::from_bytes(row.get(0)?),
            name: row.get(1)?,
            created_at: Timestamp::from_millis(row.get(2)?),
        })
    })?;
    sites.collect()
}

fn keys(connection: &Connection, site: SiteId, take: &mut Take<'_>) -> Result<(), Broken> {
    let sql = "SELECT id, kind, created_at FROM keys WHERE site_id = ? ORDER BY created_at, id";
    let mut statement = connection.prepare(sql)?;
    let keys = statement.query_map([site.as_bytes()], |row| {
        Ok(ExportedRow::Key {
            id: KeyId::from_bytes(row.get(0)?),
            site,
            kind: rows::text(row, 1, KeyKind::parse)?,
            created_at: Timestamp::from_millis(row.get(2)?),
        })
    })?;
    for key in keys {
        take(key?).map_err(Broken::Taker)?;
    }
    Ok(())
}

/// By id, which is by age: there is an index for that, so nothing has to be held to be sorted.
fn conversations(connection: &Connection, site: SiteId, take: &mut Take<'_>) -> Result<(), Broken> {
    let sql = format!("SELECT {SUMMARY} FROM conversations WHERE +site_id = ? ORDER BY id");
    let mut statement = connection.prepare(&sql)?;
    for summary in statement.query_map([site.as_bytes()], rows::summary)? {
        let summary = summary?;
        let id = summary.id;
        take(ExportedRow::Conversation(site, summary)).map_err(Broken::Taker)?;
        let sql = format!("SELECT {MESSAGE} FROM messages WHERE conversation_id = ? ORDER BY seq");
        let mut messages = connection.prepare_cached(&sql)?;
        for message in messages.query_map(params![id.as_bytes()], rows::message)? {
            take(ExportedRow::Message(id, message?)).map_err(Broken::Taker)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::with_messages;
    use super::*;

    #[tokio::test]
    async fn everything_is_handed_out_once_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("test.db");
        let store = with_messages(&database, 0..3).await;
        let mut words = Vec::new();
        export(&database, &mut |row| {
            words.push(match row {
                ExportedRow::Site(site) => site.name,
                ExportedRow::Key { kind, .. } => kind.as_str().to_owned(),
                ExportedRow::Conversation(_, summary) => summary.session.as_str().to_owned(),
                ExportedRow::Message(_, message) => message.text,
            });
            Ok(())
        })
        .unwrap();
        let mut expected = vec!["default".to_owned()];
        for n in 0..3 {
            expected.extend([format!("visitor-{n}"), format!("question {n}"), format!("answer {n}")]);
        }
        assert_eq!(words, expected);
        drop(store);
    }

    #[tokio::test]
    async fn whoever_takes_no_more_is_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("test.db");
        with_messages(&database, 0..1).await;
        let error = export(&database, &mut |_| Err(io::ErrorKind::BrokenPipe.into())).unwrap_err();
        assert!(matches!(error, BackupError::Export { .. }), "{error}");
    }
}
