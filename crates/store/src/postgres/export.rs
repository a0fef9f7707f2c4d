use std::io;

use frontdesk_core::{ConversationId, SiteId};
use tokio_postgres::Row;
use uuid::Uuid;

use super::connection::{Connection, Connector};
use super::error::Failure;
use super::migrations::{MIGRATIONS, Schema, schema};
use super::rows::{self, MESSAGE};
use super::statements::{EXPORT_CONVERSATIONS, EXPORT_MESSAGES, EXPORT_SITES, KEYS};
use super::turns::uuid;
use super::{PostgresUrl, Threads, sites};
use crate::{BackupError, ExportedRow, ExportedSite};

/// An export may take its time.
const SETTINGS: &str = "SET statement_timeout = 0";

/// How many conversations are read at a time.
const PAGE: i64 = 100;

/// Where the rows of an export go.
type Take<'a> = dyn FnMut(ExportedRow) -> io::Result<()> + 'a;

enum Broken {
    Postgres(Failure),
    Taker(io::Error),
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self::Postgres(failure)
    }
}

/// Hands out everything that is data, row by row and all of one state.
pub(crate) fn export(url: &PostgresUrl, take: &mut Take<'_>) -> Result<(), BackupError> {
    let failed = |why: String| BackupError::Server { server: url.to_string(), why };
    let threads = Threads::start("postgres-export").map_err(|error| failed(error.to_string()))?;
    let encryption = super::tls::Encryption::of(url).map_err(|error| failed(error.to_string()))?;
    let connector = Connector::new(url.clone(), encryption, threads.handle().clone());
    threads.handle().block_on(in_one_state(&connector, take)).map_err(|broken| match broken {
        Broken::Postgres(failure) => failed(failure.to_string()),
        Broken::Taker(why) => BackupError::Export { why },
    })
}

async fn in_one_state(connector: &Connector, take: &mut Take<'_>) -> Result<(), Broken> {
    let connection = connector.connect_as(&[SETTINGS]).await?;
    connection.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if schema(&connection, &MIGRATIONS).await? != Schema::Known(known) {
        let why =
            "the database's schema is not this program's: start the server of this version once".to_owned();
        return Err(Broken::Postgres(Failure::Corrupt(why)));
    }
    for row in &connection.query(EXPORT_SITES, &[]).await? {
        let site = ExportedSite {
            id: SiteId::from_bytes(rows::id(row, 0)?),
            name: rows::get(row, 1)?,
            created_at: rows::time(row, 2)?,
        };
        let id = site.id;
        take(ExportedRow::Site(site)).map_err(Broken::Taker)?;
        keys(&connection, id, take).await?;
        conversations(&connection, id, take).await?;
    }
    Ok(connection.run("COMMIT").await?)
}

async fn keys(connection: &Connection, site: SiteId, take: &mut Take<'_>) -> Result<(), Broken> {
    for row in &connection.query(KEYS, &[&uuid(site.as_bytes())]).await? {
        let key = sites::read_key(row, site)?;
        let row = ExportedRow::Key { id: key.id, site, kind: key.kind, created_at: key.created_at };
        take(row).map_err(Broken::Taker)?;
    }
    Ok(())
}

/// By id, which is by age.
async fn conversations(connection: &Connection, site: SiteId, take: &mut Take<'_>) -> Result<(), Broken> {
    let mut last = Uuid::nil();
    loop {
        let page = connection.query(EXPORT_CONVERSATIONS, &[&uuid(site.as_bytes()), &last, &PAGE]).await?;
        let ids = page.iter().map(|row| Ok(Uuid::from_bytes(rows::id(row, 0)?)));
        let ids = ids.collect::<Result<Vec<_>, Failure>>()?;
        let Some(newest) = ids.last() else { return Ok(()) };
        last = *newest;
        let messages = connection.query(EXPORT_MESSAGES, &[&ids]).await?;
        let mut messages = messages.iter().peekable();
        for row in &page {
            let summary = rows::summary(row, 0)?;
            let id = summary.id;
            take(ExportedRow::Conversation(site, summary)).map_err(Broken::Taker)?;
            let is_of_it =
                |row: &&Row| rows::id(row, MESSAGE).is_ok_and(|of| ConversationId::from_bytes(of) == id);
            while let Some(row) = messages.next_if(is_of_it) {
                take(ExportedRow::Message(id, rows::message(row, 0)?)).map_err(Broken::Taker)?;
            }
        }
    }
}
