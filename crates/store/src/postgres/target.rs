use std::collections::HashMap;

use frontdesk_core::{
    AnswerFacts, Answering, Clock, ConversationId, ConversationState, ConversationSummary, Draft,
    EmailAddress, FeedbackReason, FinishReason, IdempotencyKey, Message, OperatorName, Rating, SessionKey,
    SiteId, StoredKey, TurnFailure, Visit, VisitorIdentity,
};

use super::connection::{Connection, Connector};
use super::error::Failure;
use super::inbox::put_tags;
use super::statements::{
    COUNT_CONVERSATIONS, DROP_SETTING, FOUND, KNOWS, MARK_OF_MOVE, PUT_CONVERSATION, PUT_DOCUMENT, PUT_KEY,
    PUT_MESSAGES, PUT_SESSION, PUT_SETTING, PUT_SITE,
};
use super::tls::Encryption;
use super::turns::{part_of, uuid};
use super::{OpenPostgresError, PostgresStore, PostgresUrl, Threads, rows};
use crate::filtering::joined;
use crate::moving::{Found, Known, MARK, Mark, Target};
use crate::{ExportedConversation, ExportedDocument, ExportedRow, ExportedSite, OpenError};

/// A batch may take longer than a visitor waits.
const SETTINGS: &str = "SET statement_timeout = 60000";

/// A database that data is moved to.
pub(crate) struct PostgresTarget {
    connection: Connection,
    threads: Threads,
}

impl PostgresTarget {
    pub(crate) fn open(url: &PostgresUrl, clock: &dyn Clock) -> Result<Self, OpenError> {
        match PostgresStore::open(url, clock) {
            // That is what it is opened for here.
            Ok(_) | Err(OpenPostgresError::Unfinished) => {}
            Err(error) => return Err(error.into()),
        }
        let threads = Threads::start("postgres-move")?;
        let connector = Connector::new(url.clone(), Encryption::of(url)?, threads.handle().clone());
        let connection = threads.handle().block_on(connector.connect_as(&[SETTINGS]));
        let connection =
            connection.map_err(|failure| OpenPostgresError::unreachable(url.to_string(), &failure))?;
        Ok(Self { connection, threads })
    }

    fn wait_for<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, String> {
        self.threads.handle().block_on(work).map_err(|failure| failure.to_string())
    }
}

impl Target for PostgresTarget {
    fn found(&mut self) -> Result<Found, String> {
        self.wait_for(async {
            let mark = self.connection.query_opt(MARK_OF_MOVE, &[&MARK]).await?;
            let mark = mark.map(|row| rows::get(&row, 0)).transpose()?;
            let Some(row) = self.connection.query_opt(FOUND, &[&MARK]).await? else {
                return Ok(Found { mark, ..Found::default() });
            };
            Ok(Found {
                has_conversations: rows::get(&row, 0)?,
                has_keys: rows::get(&row, 1)?,
                has_settings: rows::get(&row, 2)?,
                mark,
            })
        })
    }

    fn put(&mut self, rows: &[ExportedRow], mark: Option<&Mark>) -> Result<(), String> {
        self.wait_for(async {
            self.connection.run("BEGIN").await?;
            match put(&self.connection, rows, mark).await {
                Ok(()) => self.connection.run("COMMIT").await,
                Err(failure) => {
                    // What is wrong with the connection is what failed.
                    let _ = self.connection.run("ROLLBACK").await;
                    Err(failure)
                }
            }
        })
    }

    fn forget_mark(&mut self) -> Result<(), String> {
        self.wait_for(async { self.connection.execute(DROP_SETTING, &[&MARK]).await.map(drop) })
    }

    fn knows(&mut self, conversation: ConversationId, session: &SessionKey) -> Result<Known, String> {
        let (id, site) = (uuid(conversation.as_bytes()), uuid(session.site.as_bytes()));
        let (name, secret) = (session.session.as_str(), rows::secret(session.secret.as_ref()));
        self.wait_for(async {
            let row = self.connection.query_opt(KNOWS, &[&id, &site, &name, &secret]).await?;
            row.map_or(Ok(Known::default()), |row| {
                Ok(Known { conversation: rows::get(&row, 0)?, session: rows::get(&row, 1)? })
            })
        })
    }
}

async fn put(connection: &Connection, rows: &[ExportedRow], mark: Option<&Mark>) -> Result<(), Failure> {
    let mut made: HashMap<(SiteId, i16), i64> = HashMap::new();
    let mut messages = Vec::new();
    for row in rows {
        match row {
            ExportedRow::Setting(setting) => put_setting(connection, &setting.name, &setting.value).await?,
            ExportedRow::Site(ExportedSite { id, name, created_at }) => {
                let (id, created_at) = (uuid(id.as_bytes()), created_at.millis());
                connection.execute(PUT_SITE, &[&id, name, &created_at]).await?;
            }
            ExportedRow::Document(ExportedDocument { site, name, text }) => {
                connection.execute(PUT_DOCUMENT, &[&uuid(site.as_bytes()), name, text]).await?;
            }
            ExportedRow::Key(key) => put_key(connection, key).await?,
            ExportedRow::Conversation(conversation) => {
                let part = part_of(conversation.summary.id);
                *made.entry((conversation.site, part)).or_default() +=
                    put_conversation(connection, conversation).await?;
            }
            ExportedRow::Message(conversation, message) => messages.push((*conversation, message)),
        }
    }
    put_messages(connection, &messages).await?;
    for ((site, part), count) in made.into_iter().filter(|(_, count)| *count > 0) {
        connection.execute(COUNT_CONVERSATIONS, &[&uuid(site.as_bytes()), &part, &count]).await?;
    }
    match mark {
        Some(mark) => put_setting(connection, MARK, &mark.to_string()).await,
        None => Ok(()),
    }
}

async fn put_setting(connection: &Connection, name: &str, value: &str) -> Result<(), Failure> {
    connection.execute(PUT_SETTING, &[&name, &value]).await.map(drop)
}

async fn put_key(connection: &Connection, key: &StoredKey) -> Result<(), Failure> {
    let StoredKey { id, site, kind, sha256, text, created_at } = key;
    let (id, site) = (uuid(id.as_bytes()), uuid(site.as_bytes()));
    let (kind, sha256, created_at) = (kind.as_str(), &sha256[..], created_at.millis());
    connection.execute(PUT_KEY, &[&id, &site, &kind, &sha256, text, &created_at]).await.map(drop)
}

/// Says how many were made: one, or none if it was there.
async fn put_conversation(
    connection: &Connection,
    conversation: &ExportedConversation,
) -> Result<i64, Failure> {
    let ExportedConversation { site, secret, summary, drafts } = conversation;
    let ConversationSummary {
        id,
        session,
        has_secret,
        created_at,
        updated_at,
        last_message,
        last_role,
        message_count,
        read_count,
        revision,
        identity,
        visit,
        state,
        rating,
    } = summary;
    let Visit { page, referrer, user_agent, language } = visit;
    let ConversationState { status, answering, assignee, tags, contact } = state;
    let (answering, since) = match answering {
        Some(Answering { operator, since }) => (Some(operator.as_str()), Some(since.millis())),
        None => (None, None),
    };
    let assignee = assignee.as_ref().map(OperatorName::as_str);
    let contact = contact.as_ref().map(EmailAddress::as_str);
    let identity = identity.as_ref();
    let (visitor, name) = (identity.map(VisitorIdentity::id), identity.and_then(VisitorIdentity::name));
    let email = identity.and_then(VisitorIdentity::email);
    let conversation = *id;
    let (id, site, session) = (uuid(id.as_bytes()), uuid(site.as_bytes()), session.as_str());
    let (created_at, updated_at) = (created_at.millis(), updated_at.millis());
    let (count, revision) = (i64::from(*message_count), i64::from(*revision));
    let (read_count, rating) = (i64::from(*read_count), rating.map(Rating::as_str));
    let row: super::connection::Values<'_> = &[
        &id,
        &site,
        &session,
        has_secret,
        &created_at,
        &updated_at,
        last_message,
        &last_role.as_str(),
        &count,
        &revision,
        &visitor,
        &name,
        &email,
        &read_count,
        &rating,
        page,
        referrer,
        user_agent,
        language,
        &status.as_str(),
        &answering,
        &since,
        &assignee,
        &joined(tags),
        &contact,
    ];
    let secret = rows::secret(secret.as_ref());
    let of_session: super::connection::Values<'_> = &[&site, &session, &secret, &id, &created_at];
    let made = connection.execute_all(&[(PUT_CONVERSATION, row), (PUT_SESSION, of_session)]).await?;
    put_tags(connection, conversation, tags).await?;
    for Draft { operator, kind, text } in drafts {
        super::drafts::put(connection, conversation, operator, *kind, text).await?;
    }
    Ok(made.first().map_or(0, |made| i64::from(*made > 0)))
}

async fn put_messages(
    connection: &Connection,
    messages: &[(ConversationId, &Message)],
) -> Result<(), Failure> {
    let mut columns = Columns::default();
    for (conversation, message) in messages {
        columns.add(*conversation, message);
    }
    connection.execute(PUT_MESSAGES, &columns.values()).await.map(drop)
}

/// Messages, column by column.
#[derive(Default)]
struct Columns<'a> {
    ids: Vec<uuid::Uuid>,
    conversations: Vec<uuid::Uuid>,
    seqs: Vec<i64>,
    revisions: Vec<i64>,
    roles: Vec<&'a str>,
    statuses: Vec<&'a str>,
    texts: Vec<&'a str>,
    created_at: Vec<i64>,
    keys: Vec<Option<&'a str>>,
    models: Vec<Option<&'a str>>,
    finishes: Vec<Option<&'a str>>,
    failures: Vec<Option<&'a str>>,
    input_tokens: Vec<Option<i64>>,
    output_tokens: Vec<Option<i64>>,
    first_tokens: Vec<Option<i64>>,
    totals: Vec<Option<i64>>,
    ratings: Vec<Option<&'a str>>,
    reasons: Vec<Option<&'a str>>,
    comments: Vec<Option<&'a str>>,
    authors: Vec<Option<&'a str>>,
}

impl<'a> Columns<'a> {
    fn add(&mut self, conversation: ConversationId, message: &'a Message) {
        let Message {
            id,
            seq,
            revision,
            role,
            author,
            status,
            text,
            created_at,
            idempotency_key,
            facts,
            feedback,
        } = message;
        let AnswerFacts { model, finish, failure, usage, first_token_millis, total_millis } = facts;
        self.ids.push(uuid(id.as_bytes()));
        self.conversations.push(uuid(conversation.as_bytes()));
        self.seqs.push((*seq).into());
        self.revisions.push((*revision).into());
        self.roles.push(role.as_str());
        self.statuses.push(status.as_str());
        self.texts.push(text);
        self.created_at.push(created_at.millis());
        self.keys.push(idempotency_key.as_ref().map(IdempotencyKey::as_str));
        self.models.push(model.as_deref());
        self.finishes.push(finish.map(FinishReason::as_str));
        self.failures.push(failure.map(TurnFailure::code));
        self.input_tokens.push(usage.map(|usage| usage.input_tokens.into()));
        self.output_tokens.push(usage.map(|usage| usage.output_tokens.into()));
        self.first_tokens.push(first_token_millis.map(i64::from));
        self.totals.push(total_millis.map(i64::from));
        let feedback = feedback.as_ref();
        self.ratings.push(feedback.map(|feedback| feedback.rating.as_str()));
        self.reasons.push(feedback.and_then(|feedback| feedback.reason).map(FeedbackReason::as_str));
        self.comments.push(feedback.and_then(|feedback| feedback.comment.as_deref()));
        self.authors.push(author.as_ref().map(OperatorName::as_str));
    }

    fn values(&self) -> [&(dyn tokio_postgres::types::ToSql + Sync); 20] {
        [
            &self.ids,
            &self.conversations,
            &self.seqs,
            &self.revisions,
            &self.roles,
            &self.statuses,
            &self.texts,
            &self.created_at,
            &self.keys,
            &self.models,
            &self.finishes,
            &self.failures,
            &self.input_tokens,
            &self.output_tokens,
            &self.first_tokens,
            &self.totals,
            &self.ratings,
            &self.reasons,
            &self.comments,
            &self.authors,
        ]
    }
}
