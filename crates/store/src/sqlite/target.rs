use std::collections::HashMap;
use std::path::Path;

use frontdesk_core::{
    AnswerFacts, Clock, ConversationId, ConversationState, ConversationSummary, Draft, EmailAddress,
    FeedbackReason, FinishReason, IdempotencyKey, Message, OperatorName, Rating, SessionKey, SiteId,
    StoredKey, TurnFailure, Visit, VisitorIdentity,
};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::{OpenSqliteError, SqliteStore, connection, drafts, inbox, rows};
use crate::filtering::joined;
use crate::moving::{Found, Known, MARK, Mark, Target};
use crate::{ExportedConversation, ExportedDocument, ExportedRow, ExportedSetting, ExportedSite, OpenError};

/// A file that data is moved to.
#[derive(Debug)]
pub(crate) struct SqliteTarget {
    connection: Connection,
}

impl SqliteTarget {
    pub(crate) fn open(path: &Path, clock: &dyn Clock) -> Result<Self, OpenError> {
        match SqliteStore::open(path, clock) {
            // That is what it is opened for here.
            Ok(_) | Err(OpenSqliteError::Unfinished) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(Self { connection: connection::open(path)? })
    }
}

impl Target for SqliteTarget {
    fn found(&mut self) -> Result<Found, String> {
        let sql = "SELECT EXISTS (SELECT 1 FROM conversations), EXISTS (SELECT 1 FROM keys),
                          EXISTS (SELECT 1 FROM settings WHERE name <> ?1),
                          (SELECT value FROM settings WHERE name = ?1)";
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Found {
                has_conversations: row.get(0)?,
                has_keys: row.get(1)?,
                has_settings: row.get(2)?,
                mark: row.get(3)?,
            })
        };
        self.connection.query_row(sql, [MARK], read).map_err(|error| in_words(&error))
    }

    fn put(&mut self, rows: &[ExportedRow], mark: Option<&Mark>) -> Result<(), String> {
        put(&mut self.connection, rows, mark).map_err(|error| in_words(&error))
    }

    fn forget_mark(&mut self) -> Result<(), String> {
        self.connection
            .execute("DELETE FROM settings WHERE name = ?", [MARK])
            .map(drop)
            .map_err(|error| in_words(&error))
    }

    fn knows(&mut self, conversation: ConversationId, session: &SessionKey) -> Result<Known, String> {
        let sql = "SELECT EXISTS (SELECT 1 FROM conversations WHERE id = ?),
                          EXISTS (SELECT 1 FROM sessions WHERE site_id = ? AND session = ? AND secret = ?)";
        let values = params![
            conversation.as_bytes(),
            session.site.as_bytes(),
            session.session.as_str(),
            rows::secret(session.secret.as_ref())
        ];
        let read = |row: &rusqlite::Row<'_>| Ok(Known { conversation: row.get(0)?, session: row.get(1)? });
        self.connection.query_row(sql, values, read).map_err(|error| in_words(&error))
    }
}

fn in_words(error: &rusqlite::Error) -> String {
    error.to_string()
}

fn put(connection: &mut Connection, rows: &[ExportedRow], mark: Option<&Mark>) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut made: HashMap<SiteId, i64> = HashMap::new();
    for row in rows {
        match row {
            ExportedRow::Setting(ExportedSetting { name, value }) => put_setting(&transaction, name, value)?,
            ExportedRow::Site(site) => put_site(&transaction, site)?,
            ExportedRow::Document(document) => put_document(&transaction, document)?,
            ExportedRow::Key(key) => put_key(&transaction, key)?,
            ExportedRow::Conversation(conversation) => {
                *made.entry(conversation.site).or_default() += put_conversation(&transaction, conversation)?;
            }
            ExportedRow::Message(conversation, message) => put_message(&transaction, *conversation, message)?,
        }
    }
    for (site, count) in made {
        let sql = "UPDATE sites SET conversation_count = conversation_count + ? WHERE id = ?";
        transaction.prepare_cached(sql)?.execute(params![count, site.as_bytes()])?;
    }
    if let Some(mark) = mark {
        put_setting(&transaction, MARK, &mark.to_string())?;
    }
    transaction.commit()
}

fn put_setting(transaction: &Transaction<'_>, name: &str, value: &str) -> rusqlite::Result<()> {
    let sql = "INSERT INTO settings (name, value) VALUES (?, ?)
               ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    transaction.prepare_cached(sql)?.execute([name, value]).map(drop)
}

fn put_site(transaction: &Transaction<'_>, site: &ExportedSite) -> rusqlite::Result<()> {
    let ExportedSite { id, name, created_at } = site;
    let sql = "INSERT INTO sites (id, name, created_at) VALUES (?, ?, ?)
               ON CONFLICT (id) DO UPDATE SET name = excluded.name, created_at = excluded.created_at";
    transaction.prepare_cached(sql)?.execute(params![id.as_bytes(), name, created_at.millis()]).map(drop)
}

fn put_document(transaction: &Transaction<'_>, document: &ExportedDocument) -> rusqlite::Result<()> {
    let ExportedDocument { site, name, text } = document;
    let sql = "INSERT INTO site_documents (site_id, name, text) VALUES (?, ?, ?) ON CONFLICT (site_id, name) DO NOTHING";
    transaction.prepare_cached(sql)?.execute(params![site.as_bytes(), name, text]).map(drop)
}

fn put_key(transaction: &Transaction<'_>, key: &StoredKey) -> rusqlite::Result<()> {
    let StoredKey { id, site, kind, sha256, text, created_at } = key;
    let sql = "INSERT INTO keys (id, site_id, kind, sha256, text, created_at) VALUES (?, ?, ?, ?, ?, ?)
               ON CONFLICT (id) DO NOTHING";
    let values = params![id.as_bytes(), site.as_bytes(), kind.as_str(), sha256, text, created_at.millis()];
    transaction.prepare_cached(sql)?.execute(values).map(drop)
}

/// Says how many were made: one, or none if it was there.
fn put_conversation(
    transaction: &Transaction<'_>,
    conversation: &ExportedConversation,
) -> rusqlite::Result<i64> {
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
    let identity = identity.as_ref();
    let Visit { page, referrer, user_agent, language } = visit;
    let ConversationState { status, answering, assignee, tags, contact } = state;
    let answering = answering.as_ref();
    let sql =
        "INSERT INTO conversations (id, site_id, session, has_secret, created_at, updated_at, last_message,
                                          last_role, message_count, revision, visitor_id, visitor_name,
                                          visitor_email, read_count, rating, page, referrer, user_agent, language,
                                          status, answering, answering_since, assignee, tags, contact, number)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT coalesce(max(number), 0) + 1 FROM conversations))
               ON CONFLICT (id) DO NOTHING";
    let made = transaction.prepare_cached(sql)?.execute(params![
        id.as_bytes(),
        site.as_bytes(),
        session.as_str(),
        has_secret,
        created_at.millis(),
        updated_at.millis(),
        last_message,
        last_role.as_str(),
        message_count,
        revision,
        identity.map(VisitorIdentity::id),
        identity.and_then(VisitorIdentity::name),
        identity.and_then(VisitorIdentity::email),
        read_count,
        rating.map(Rating::as_str),
        page,
        referrer,
        user_agent,
        language,
        status.as_str(),
        answering.map(|answering| answering.operator.as_str()),
        answering.map(|answering| answering.since.millis()),
        assignee.as_ref().map(OperatorName::as_str),
        joined(tags),
        contact.as_ref().map(EmailAddress::as_str),
    ])?;
    inbox::put_tags(transaction, *site, *id, tags, updated_at.millis())?;
    for Draft { operator, kind, text } in drafts {
        drafts::put(transaction, *id, operator, *kind, text)?;
    }
    let sql =
        "INSERT INTO sessions (site_id, session, secret, conversation_id, created_at) VALUES (?, ?, ?, ?, ?)
               ON CONFLICT (site_id, session, secret) DO NOTHING";
    transaction.prepare_cached(sql)?.execute(params![
        site.as_bytes(),
        session.as_str(),
        rows::secret(secret.as_ref()),
        id.as_bytes(),
        created_at.millis(),
    ])?;
    Ok(i64::from(made > 0))
}

fn put_message(
    transaction: &Transaction<'_>,
    conversation: ConversationId,
    message: &Message,
) -> rusqlite::Result<()> {
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
    let feedback = feedback.as_ref();
    let sql =
        "INSERT INTO messages (id, site_id, conversation_id, seq, revision, role, status, text, created_at,
                                     idempotency_key, model, finish, failure, input_tokens, output_tokens,
                                     first_token_millis, total_millis, rating, rating_reason, rating_comment, author)
               SELECT ?2, site_id, id, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20
               FROM conversations WHERE id = ?1
               ON CONFLICT (id) DO NOTHING";
    let values = params![
        conversation.as_bytes(),
        id.as_bytes(),
        seq,
        revision,
        role.as_str(),
        status.as_str(),
        text,
        created_at.millis(),
        idempotency_key.as_ref().map(IdempotencyKey::as_str),
        model,
        finish.map(FinishReason::as_str),
        failure.map(TurnFailure::code),
        usage.map(|usage| usage.input_tokens),
        usage.map(|usage| usage.output_tokens),
        first_token_millis,
        total_millis,
        feedback.map(|feedback| feedback.rating.as_str()),
        feedback.and_then(|feedback| feedback.reason).map(FeedbackReason::as_str),
        feedback.and_then(|feedback| feedback.comment.as_deref()),
        author.as_ref().map(OperatorName::as_str),
    ];
    transaction.prepare_cached(sql)?.execute(values).map(drop)
}
