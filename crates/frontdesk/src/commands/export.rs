//! Everything as lines of JSON, in the words of the API.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use frontdesk_core::{
    Clock as _, ConversationState, ConversationSummary, Draft, EmailAddress, Feedback, FeedbackReason,
    FinishReason, Message, OperatorName, Rating, SystemClock, Tag, Timestamp, TurnFailure, Usage, Visit,
    VisitorIdentity,
};
use frontdesk_store::{BackupError, Counts, ExportedRow, NewFile, StoreUrl};
use serde::Serialize;

use super::read_environment;
use crate::config::{Only, Settings};

/// Changes whenever somebody who reads exports has to change something.
const FORMAT_VERSION: u32 = 1;

/// A line. `docs/BACKUP.md` describes them.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Line<'a> {
    Export {
        format_version: u32,
        program_version: &'static str,
        exported_at: i64,
    },
    Site {
        #[serde(rename = "_id")]
        id: String,
        name: &'a str,
        created_at: i64,
    },
    Key {
        #[serde(rename = "_id")]
        id: String,
        site_id: String,
        kind: &'static str,
        created_at: i64,
    },
    Conversation {
        #[serde(rename = "_id")]
        id: String,
        site_id: String,
        session_id: &'a str,
        created_at: i64,
        updated_at: i64,
        last_message: &'a str,
        last_role: &'static str,
        message_count: u32,
        read_count: u32,
        has_secret: bool,
        status: &'static str,
        tags: Vec<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        visitor: Option<VisitorLine<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        assignee: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        answering: Option<AnsweringLine<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        contact: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        rating: Option<&'static str>,
        visit: VisitLine<'a>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        drafts: Vec<DraftLine<'a>>,
    },
    Message(MessageLine<'a>),
    End(CountsLine),
}

/// What an operator has begun to write.
#[derive(Serialize)]
struct DraftLine<'a> {
    name: &'a str,
    kind: &'static str,
    content: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VisitLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    referrer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MessageLine<'a> {
    #[serde(rename = "_id")]
    id: String,
    conversation_id: String,
    place: u32,
    role: &'static str,
    content: &'a str,
    created_at: i64,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_message_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_token_ms: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_ms: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    feedback: Option<FeedbackLine<'a>>,
}

#[derive(Serialize)]
struct FeedbackLine<'a> {
    rating: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'a str>,
}

impl<'a> From<&'a Feedback> for FeedbackLine<'a> {
    fn from(feedback: &'a Feedback) -> Self {
        Self {
            rating: feedback.rating.as_str(),
            reason: feedback.reason.map(FeedbackReason::as_str),
            comment: feedback.comment.as_deref(),
        }
    }
}

impl<'a> From<&'a Draft> for DraftLine<'a> {
    fn from(Draft { operator, kind, text }: &'a Draft) -> Self {
        Self { name: operator.as_str(), kind: kind.as_str(), content: text }
    }
}

/// The operator who answers in place of the AI.
#[derive(Serialize)]
struct AnsweringLine<'a> {
    name: &'a str,
    since: i64,
}

#[derive(Serialize)]
struct VisitorLine<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
}

impl<'a> From<&'a VisitorIdentity> for VisitorLine<'a> {
    fn from(identity: &'a VisitorIdentity) -> Self {
        Self { id: identity.id(), name: identity.name(), email: identity.email() }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UsageLine {
    input_tokens: u32,
    output_tokens: u32,
}

impl From<Usage> for UsageLine {
    fn from(usage: Usage) -> Self {
        Self { input_tokens: usage.input_tokens, output_tokens: usage.output_tokens }
    }
}

/// How many lines of each type there are. Whoever misses this line has half an export.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CountsLine {
    sites: u64,
    keys: u64,
    conversations: u64,
    messages: u64,
}

impl From<Counts> for CountsLine {
    fn from(Counts { settings: _, documents: _, sites, keys, conversations, messages }: Counts) -> Self {
        Self { sites, keys, conversations, messages }
    }
}

/// Exports everything to a new file, or to standard output.
pub(crate) fn export(file: Option<&Path>) -> anyhow::Result<ExitCode> {
    let settings = Settings::read(&read_environment()?, Only::Dashboard)?;
    let now = SystemClock::start().now();
    match file.filter(|file| *file != Path::new("-")) {
        None => write_all(&settings.store, io::stdout().lock(), now)?,
        Some(file) => {
            let new = NewFile::begin(file)?;
            write_all(&settings.store, new.file(), now)?;
            new.publish()?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn write_all(store: &StoreUrl, output: impl Write, now: Timestamp) -> Result<(), BackupError> {
    let mut output = BufWriter::new(output);
    let mut counts = Counts::default();
    let program_version = env!("CARGO_PKG_VERSION");
    let first = Line::Export { format_version: FORMAT_VERSION, program_version, exported_at: now.millis() };
    let failed = |why| BackupError::Export { why };
    write_line(&mut output, &first).map_err(failed)?;
    frontdesk_store::export(store, &mut |row| {
        counts.add(&row);
        write_row(&mut output, &row)
    })?;
    write_line(&mut output, &Line::End(counts.into())).and_then(|()| output.flush()).map_err(failed)
}

/// Hashes, settings and documents are left out: they are secret, or mean nothing elsewhere.
fn write_row(output: &mut impl Write, row: &ExportedRow) -> io::Result<()> {
    let line = match row {
        ExportedRow::Setting(_) | ExportedRow::Document(_) => return Ok(()),
        ExportedRow::Site(site) => {
            Line::Site { id: site.id.to_string(), name: &site.name, created_at: site.created_at.millis() }
        }
        ExportedRow::Key(key) => Line::Key {
            id: key.id.to_string(),
            site_id: key.site.to_string(),
            kind: key.kind.as_str(),
            created_at: key.created_at.millis(),
        },
        ExportedRow::Conversation(conversation) => {
            conversation_line(conversation.site.to_string(), &conversation.summary, &conversation.drafts)
        }
        ExportedRow::Message(conversation, message) => {
            Line::Message(message_line(conversation.to_string(), message))
        }
    };
    write_line(output, &line)
}

fn conversation_line<'a>(site_id: String, summary: &'a ConversationSummary, drafts: &'a [Draft]) -> Line<'a> {
    let ConversationState { status, answering, assignee, tags, contact } = &summary.state;
    let Visit { page, referrer, user_agent, language } = &summary.visit;
    Line::Conversation {
        id: summary.id.to_string(),
        site_id,
        session_id: summary.session.as_str(),
        created_at: summary.created_at.millis(),
        updated_at: summary.updated_at.millis(),
        last_message: &summary.last_message,
        last_role: summary.last_role.as_str(),
        message_count: summary.message_count,
        read_count: summary.read_count,
        has_secret: summary.has_secret,
        status: status.as_str(),
        tags: tags.iter().map(Tag::as_str).collect(),
        visitor: summary.identity.as_ref().map(VisitorLine::from),
        assignee: assignee.as_ref().map(OperatorName::as_str),
        answering: answering.as_ref().map(|answering| AnsweringLine {
            name: answering.operator.as_str(),
            since: answering.since.millis(),
        }),
        contact: contact.as_ref().map(EmailAddress::as_str),
        rating: summary.rating.map(Rating::as_str),
        visit: VisitLine {
            page: page.as_deref(),
            referrer: referrer.as_deref(),
            user_agent: user_agent.as_deref(),
            language: language.as_deref(),
        },
        drafts: drafts.iter().map(DraftLine::from).collect(),
    }
}

fn message_line(conversation_id: String, message: &Message) -> MessageLine<'_> {
    let facts = &message.facts;
    MessageLine {
        id: message.id.to_string(),
        conversation_id,
        place: message.seq,
        role: message.role.as_str(),
        content: &message.text,
        created_at: message.created_at.millis(),
        status: message.status.as_str(),
        name: message.author.as_ref().map(OperatorName::as_str),
        client_message_id: message.idempotency_key.as_ref().map(frontdesk_core::IdempotencyKey::as_str),
        model: facts.model.as_deref(),
        finish_reason: facts.finish.map(FinishReason::as_str),
        code: facts.failure.map(TurnFailure::code),
        usage: facts.usage.map(UsageLine::from),
        first_token_ms: facts.first_token_millis,
        total_ms: facts.total_millis,
        feedback: message.feedback.as_ref().map(FeedbackLine::from),
    }
}

fn write_line(output: &mut impl Write, line: &Line<'_>) -> io::Result<()> {
    serde_json::to_writer(&mut *output, line)?;
    output.write_all(b"\n")
}
