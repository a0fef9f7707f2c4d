use std::io;
use std::path::Path;

use frontdesk_core::{ConversationId, SiteId, Timestamp};
use rusqlite::{Connection, OpenFlags, Row, params};

use super::backup::{check_schema, failure, open_existing};
use super::migrations::{MIGRATIONS, newest};
use super::rows::{self, MESSAGE, SUMMARY, SUMMARY_COLUMNS};
use super::{drafts, sites};
use crate::exported::Place;
use crate::moving::MARK;
use crate::{
    BackupError, ExportedConversation, ExportedDocument, ExportedRow, ExportedSetting, ExportedSite,
};

/// Where the rows of an export go.
type Take<'a> = dyn FnMut(ExportedRow) -> io::Result<()> + 'a;

/// Hands out everything that is data, row by row and all of one state; of the conversations those after that place.
pub(crate) fn export(database: &Path, after: Option<Place>, take: &mut Take<'_>) -> Result<(), BackupError> {
    let connection = open_existing(database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let (found, known) = (check_schema(&connection, database)?, newest(&MIGRATIONS));
    if found < known {
        return Err(BackupError::Older { path: database.to_owned(), found, known });
    }
    in_one_state(&connection, after, take).map_err(|error| match error {
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

fn in_one_state(connection: &Connection, after: Option<Place>, take: &mut Take<'_>) -> Result<(), Broken> {
    let transaction = connection.unchecked_transaction()?;
    settings(&transaction, take)?;
    for site in all_sites(&transaction)? {
        let id = site.id;
        take(ExportedRow::Site(site)).map_err(Broken::Taker)?;
        documents(&transaction, id, take)?;
        for key in sites::keys(&transaction, id)? {
            take(ExportedRow::Key(key)).map_err(Broken::Taker)?;
        }
        if let Some(after) = Place::within(after, id) {
            conversations(&transaction, id, after, take)?;
        }
    }
    Ok(transaction.commit()?)
}

fn settings(connection: &Connection, take: &mut Take<'_>) -> Result<(), Broken> {
    let mut statement =
        connection.prepare("SELECT name, value FROM settings WHERE name <> ? ORDER BY name")?;
    let settings =
        statement.query_map([MARK], |row| Ok(ExportedSetting { name: row.get(0)?, value: row.get(1)? }))?;
    for setting in settings {
        take(ExportedRow::Setting(setting?)).map_err(Broken::Taker)?;
    }
    Ok(())
}

fn all_sites(connection: &Connection) -> rusqlite::Result<Vec<ExportedSite>> {
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

fn documents(connection: &Connection, site: SiteId, take: &mut Take<'_>) -> Result<(), Broken> {
    let mut statement =
        connection.prepare("SELECT name, text FROM site_documents WHERE site_id = ? ORDER BY name")?;
    let documents = statement.query_map([site.as_bytes()], |row| {
        Ok(ExportedDocument { site, name: row.get(0)?, text: row.get(1)? })
    })?;
    for document in documents {
        take(ExportedRow::Document(document?)).map_err(Broken::Taker)?;
    }
    Ok(())
}

/// By id, which is by age: there is an index for that, so nothing has to be held to be sorted.
fn conversations(
    connection: &Connection,
    site: SiteId,
    after: ConversationId,
    take: &mut Take<'_>,
) -> Result<(), Broken> {
    let sql = format!(
        "SELECT {SUMMARY}, (SELECT secret FROM sessions WHERE conversation_id = conversations.id)
         FROM conversations WHERE +site_id = ? AND id > ? ORDER BY id"
    );
    let mut statement = connection.prepare(&sql)?;
    let read = |row: &Row<'_>| {
        Ok(ExportedConversation {
            site,
            secret: rows::optional_secret(row, SUMMARY_COLUMNS)?,
            summary: rows::summary(row)?,
            drafts: Vec::new(),
        })
    };
    for conversation in statement.query_map(params![site.as_bytes(), after.as_bytes()], read)? {
        let mut conversation = conversation?;
        conversation.drafts = drafts::of_conversation(connection, conversation.summary.id)?;
        let id = conversation.summary.id;
        take(ExportedRow::Conversation(Box::new(conversation))).map_err(Broken::Taker)?;
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
        export(&database, None, &mut |row| {
            words.push(match row {
                ExportedRow::Site(site) => site.name,
                ExportedRow::Setting(setting) => setting.name,
                ExportedRow::Document(document) => document.name,
                ExportedRow::Key(key) => key.kind.as_str().to_owned(),
                ExportedRow::Conversation(it) => it.summary.session.as_str().to_owned(),
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
        let error = export(&database, None, &mut |_| Err(io::ErrorKind::BrokenPipe.into())).unwrap_err();
        assert!(matches!(error, BackupError::Export { .. }), "{error}");
    }
}
