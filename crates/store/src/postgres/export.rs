use std::collections::{HashMap, VecDeque};
use std::io;

use frontdesk_core::{ConversationId, Draft, SiteId};
use tokio_postgres::Row;
use uuid::Uuid;

use super::connection::{Connection, Connector};
use super::error::Failure;
use super::migrations::{MIGRATIONS, Schema, schema};
use super::rows::{self, MESSAGE, SUMMARY};
use super::statements::{
    EXPORT_CONVERSATIONS, EXPORT_DOCUMENTS, EXPORT_DRAFTS, EXPORT_MESSAGES, EXPORT_SETTINGS, EXPORT_SITES,
    KEYS,
};
use super::turns::uuid;
use super::{PostgresUrl, Threads, drafts, sites};
use crate::exported::Place;
use crate::moving::MARK;
use crate::{
    BackupError, ExportedConversation, ExportedDocument, ExportedRow, ExportedSetting, ExportedSite,
};

/// An export may take its time.
const SETTINGS: &str = "SET statement_timeout = 0";

/// How many conversations are read at a time, and how many messages: the longest are a quarter of a megabyte.
const PAGE: i64 = 100;
const MESSAGES: i64 = 250;

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

/// Hands out everything that is data, row by row and all of one state; of the conversations those after that place.
pub(crate) fn export(
    url: &PostgresUrl,
    after: Option<Place>,
    take: &mut Take<'_>,
) -> Result<(), BackupError> {
    let failed = |why: String| BackupError::Server { server: url.to_string(), why };
    let threads = Threads::start("postgres-export").map_err(|error| failed(error.to_string()))?;
    let encryption = super::tls::Encryption::of(url).map_err(|error| failed(error.to_string()))?;
    let connector = Connector::new(url.clone(), encryption, threads.handle().clone());
    threads.handle().block_on(in_one_state(&connector, after, take)).map_err(|broken| match broken {
        Broken::Postgres(failure) => failed(failure.to_string()),
        Broken::Taker(why) => BackupError::Export { why },
    })
}

async fn in_one_state(
    connector: &Connector,
    after: Option<Place>,
    take: &mut Take<'_>,
) -> Result<(), Broken> {
    let connection = connector.connect_as(&[SETTINGS]).await?;
    connection.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if schema(&connection, &MIGRATIONS).await? != Schema::Known(known) {
        let why =
            "the database's schema is not this program's: start the server of this version once".to_owned();
        return Err(Broken::Postgres(Failure::Corrupt(why)));
    }
    for row in &connection.query(EXPORT_SETTINGS, &[&MARK]).await? {
        let setting = ExportedSetting { name: rows::get(row, 0)?, value: rows::get(row, 1)? };
        take(ExportedRow::Setting(setting)).map_err(Broken::Taker)?;
    }
    for row in &connection.query(EXPORT_SITES, &[]).await? {
        let site = ExportedSite {
            id: SiteId::from_bytes(rows::id(row, 0)?),
            name: rows::get(row, 1)?,
            created_at: rows::time(row, 2)?,
        };
        let id = site.id;
        take(ExportedRow::Site(site)).map_err(Broken::Taker)?;
        documents(&connection, id, take).await?;
        keys(&connection, id, take).await?;
        if let Some(after) = Place::within(after, id) {
            conversations(&connection, id, after, take).await?;
        }
    }
    Ok(connection.run("COMMIT").await?)
}

async fn documents(connection: &Connection, site: SiteId, take: &mut Take<'_>) -> Result<(), Broken> {
    for row in &connection.query(EXPORT_DOCUMENTS, &[&uuid(site.as_bytes())]).await? {
        let document = ExportedDocument { site, name: rows::get(row, 0)?, text: rows::get(row, 1)? };
        take(ExportedRow::Document(document)).map_err(Broken::Taker)?;
    }
    Ok(())
}

async fn keys(connection: &Connection, site: SiteId, take: &mut Take<'_>) -> Result<(), Broken> {
    for row in &connection.query(KEYS, &[&uuid(site.as_bytes())]).await? {
        take(ExportedRow::Key(sites::read_key(row, site)?)).map_err(Broken::Taker)?;
    }
    Ok(())
}

/// By id, which is by age.
async fn conversations(
    connection: &Connection,
    site: SiteId,
    after: ConversationId,
    take: &mut Take<'_>,
) -> Result<(), Broken> {
    let mut last = uuid(after.as_bytes());
    loop {
        let page = connection.query(EXPORT_CONVERSATIONS, &[&uuid(site.as_bytes()), &last, &PAGE]).await?;
        let ids = page.iter().map(|row| Ok(Uuid::from_bytes(rows::id(row, 0)?)));
        let ids = ids.collect::<Result<Vec<_>, Failure>>()?;
        let Some(newest) = ids.last() else { return Ok(()) };
        last = *newest;
        let mut drafts = drafts_of(connection, &ids).await?;
        let mut messages = Messages { connection, ids, found: VecDeque::new(), next: Some((Uuid::nil(), 0)) };
        for row in &page {
            let summary = rows::summary(row, 0)?;
            let id = summary.id;
            let conversation = ExportedConversation {
                site,
                secret: rows::optional_secret(row, SUMMARY)?,
                summary,
                drafts: drafts.remove(&id).unwrap_or_default(),
            };
            take(ExportedRow::Conversation(Box::new(conversation))).map_err(Broken::Taker)?;
            while let Some(row) = messages.next_of(id).await? {
                take(ExportedRow::Message(id, rows::message(&row, 0)?)).map_err(Broken::Taker)?;
            }
        }
    }
}

/// What operators have begun to write in some conversations.
async fn drafts_of(
    connection: &Connection,
    conversations: &Vec<Uuid>,
) -> Result<HashMap<ConversationId, Vec<Draft>>, Failure> {
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for row in &connection.query(EXPORT_DRAFTS, &[conversations]).await? {
        let of = ConversationId::from_bytes(rows::id(row, 3)?);
        found.entry(of).or_default().push(drafts::read(row)?);
    }
    Ok(found)
}

/// The messages of some conversations in their order, a portion at a time.
struct Messages<'a> {
    connection: &'a Connection,
    ids: Vec<Uuid>,
    found: VecDeque<Row>,
    /// Behind which conversation and place the next portion begins; `None` if there is none.
    next: Option<(Uuid, i64)>,
}

impl Messages<'_> {
    /// The next message, if it belongs to that conversation.
    async fn next_of(&mut self, conversation: ConversationId) -> Result<Option<Row>, Failure> {
        if let (true, Some((last, place))) = (self.found.is_empty(), self.next) {
            let values: super::connection::Values<'_> = &[&self.ids, &last, &place, &MESSAGES];
            self.found = self.connection.query(EXPORT_MESSAGES, values).await?.into();
            let is_full = i64::try_from(self.found.len()).is_ok_and(|found| found == MESSAGES);
            self.next = match self.found.back() {
                Some(newest) if is_full => Some((rows::get(newest, MESSAGE)?, rows::get(newest, 1)?)),
                _ => None,
            };
        }
        let is_of_it = self.found.front().map(|row| rows::id(row, MESSAGE)).transpose()?;
        let is_of_it = is_of_it.is_some_and(|of| ConversationId::from_bytes(of) == conversation);
        Ok(if is_of_it { self.found.pop_front() } else { None })
    }
}
