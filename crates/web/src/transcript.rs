//! A conversation as a file: for programs as JSON, for people as Markdown.

use frontdesk_core::{
    ConversationSummary, Cost, EventKind, FeedbackReason, Message, OperatorName, Prices, Role, Timestamp,
    VisitorIdentity,
};
use jiff::Timestamp as Instant;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::api::VisibleMessage;
use crate::{ApiError, Code};

/// The form of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Markdown,
    /// For operators' tables.
    Csv,
}

/// Who a copy is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// The conversation's visitor, who is "you" in it.
    Visitor,
    Operators,
}

impl Format {
    /// The form of that name, for operators.
    pub(crate) fn asked(name: &str) -> Result<Self, ApiError> {
        match name {
            "json" => Ok(Self::Json),
            "markdown" => Ok(Self::Markdown),
            "csv" => Ok(Self::Csv),
            _ => Err(ApiError::new(Code::InvalidQuery).detail("format", "must be json, markdown or csv")),
        }
    }

    const fn ending(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Markdown => "md",
            Self::Csv => "csv",
        }
    }

    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::Markdown => "text/markdown; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }
}

/// Who a visitor is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VisibleVisitor {
    /// The site's own id of the visitor.
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// Who says so: `site`, in a signed token.
    source: &'static str,
}

impl From<&VisitorIdentity> for VisibleVisitor {
    fn from(identity: &VisitorIdentity) -> Self {
        Self {
            id: identity.id().to_owned(),
            name: identity.name().map(str::to_owned),
            email: identity.email().map(str::to_owned),
            source: "site",
        }
    }
}

/// A copy that is being written.
pub(crate) struct Transcript {
    format: Format,
    reader: Reader,
    /// What stands before the first message.
    head: Option<String>,
    file_name: String,
    has_messages: bool,
    prices: Prices,
}

impl Transcript {
    pub(crate) fn new(
        format: Format,
        reader: Reader,
        conversation: &ConversationSummary,
        now: Timestamp,
        prices: Prices,
    ) -> Self {
        let id = conversation.id.to_string();
        let (tail, ending) = (&id[id.len() - 4..], format.ending());
        let file_name = format!("frontdesk-conversation-c_{tail}-{}.{ending}", moment(now, "%F"));
        let head = match format {
            Format::Json => json_head(conversation, now),
            Format::Markdown => {
                format!("# Conversation of {}\n", moment(conversation.created_at, "%-d %B %Y"))
            }
            Format::Csv => CSV_HEAD.to_owned(),
        };
        Self { format, reader, head: Some(head), file_name, has_messages: false, prices }
    }

    pub(crate) fn file_name(&self) -> &str {
        &self.file_name
    }

    /// The next messages.
    pub(crate) fn messages(&mut self, messages: Vec<Message>) -> String {
        let mut text = self.head.take().unwrap_or_default();
        for message in messages {
            match self.format {
                Format::Json => {
                    if self.has_messages {
                        text.push(',');
                    }
                    // It has text keys and no other values than texts and numbers.
                    text += &serde_json::to_string(&VisibleMessage::from(message)).unwrap_or_default();
                }
                Format::Markdown => text += &markdown(&message, self.reader),
                Format::Csv => text += &csv_row(&message, &self.prices),
            }
            self.has_messages = true;
        }
        text
    }

    /// What stands after the last message.
    pub(crate) const fn end(&self) -> &'static str {
        match self.format {
            Format::Json => "]}",
            Format::Markdown | Format::Csv => "",
        }
    }
}

/// The object up to its messages.
fn json_head(conversation: &ConversationSummary, now: Timestamp) -> String {
    let members = [
        ("formatVersion", json!(1)),
        ("exportedAt", json!(now.millis())),
        ("conversationId", json!(conversation.id.to_string())),
        ("sessionId", json!(conversation.session.as_str())),
        ("createdAt", json!(conversation.created_at.millis())),
        ("updatedAt", json!(conversation.updated_at.millis())),
        ("visitor", json!(conversation.identity.as_ref().map(VisibleVisitor::from))),
    ];
    let members = members.map(|(name, value)| format!("\"{name}\":{value},"));
    format!("{{{}\"messages\":[", members.concat())
}

/// Every text is a quotation, so that nothing in it passes for a heading of ours or for somebody else's words.
fn markdown(message: &Message, reader: Reader) -> String {
    let at = moment(message.created_at, "%F %H:%M UTC");
    let author = message.author.as_ref().map(OperatorName::as_str);
    let who = match message.role {
        Role::Visitor if reader == Reader::Visitor => "You",
        Role::Visitor => "Visitor",
        Role::Assistant => "Assistant",
        Role::Operator => author.unwrap_or("The team"),
        Role::Note => {
            return format!(
                "\n## Note by {}, {at}\n\n{}",
                author.unwrap_or("the team"),
                quoted(&message.text)
            );
        }
        Role::Event => return format!("\n*{}, {at}.*\n", event_in_words(&message.text, author)),
    };
    let text = if message.text.is_empty() { "*No answer.*\n".to_owned() } else { quoted(&message.text) };
    let rated = message.feedback.as_ref().map(|feedback| {
        let rating = feedback.rating.as_str();
        let reason =
            feedback.reason.map(|reason| format!(": {}", reason_in_words(reason))).unwrap_or_default();
        let comment = feedback.comment.as_deref().map(quoted).unwrap_or_default();
        let who = if reader == Reader::Visitor { "You" } else { "The visitor" };
        format!("\n*{who} rated this {rating}{reason}.*\n\n{comment}")
    });
    format!("\n## {who}, {at}\n\n{text}{}", rated.unwrap_or_default())
}

/// Something that happened, for people.
pub(crate) fn event_in_words(event: &str, author: Option<&str>) -> String {
    let who = author.unwrap_or("Somebody");
    match EventKind::parse(event) {
        Some(EventKind::Joined) => format!("{who} joined"),
        Some(EventKind::Left) => format!("{who} left"),
        Some(EventKind::Asked) => "Asked for a person".to_owned(),
        Some(EventKind::Away) => "Asked for a person while the team was away".to_owned(),
        Some(EventKind::Closed) => "The conversation was closed".to_owned(),
        Some(EventKind::Reopened) => "The conversation was opened again".to_owned(),
        None => "Something happened".to_owned(),
    }
}

/// The first line of a table.
const CSV_HEAD: &str =
    "time,role,name,status,text,rating,reason,comment,model,input tokens,output tokens,cost,currency\r\n";

/// A message as a line of a table (RFC 4180).
fn csv_row(message: &Message, prices: &Prices) -> String {
    let feedback = message.feedback.as_ref();
    let usage = message.facts.usage;
    let cost = prices.of_answer(&message.facts);
    let text = match message.role {
        Role::Event => event_in_words(&message.text, message.author.as_ref().map(OperatorName::as_str)),
        _ => message.text.clone(),
    };
    let cells = [
        moment(message.created_at, "%FT%H:%M:%SZ"),
        message.role.as_str().to_owned(),
        message.author.as_ref().map(|name| name.as_str().to_owned()).unwrap_or_default(),
        message.status.as_str().to_owned(),
        text,
        feedback.map(|it| it.rating.as_str().to_owned()).unwrap_or_default(),
        feedback
            .and_then(|it| it.reason)
            .map(|reason| reason_in_words(reason).to_owned())
            .unwrap_or_default(),
        feedback.and_then(|it| it.comment.clone()).unwrap_or_default(),
        message.facts.model.clone().unwrap_or_default(),
        usage.map(|usage| usage.input_tokens.to_string()).unwrap_or_default(),
        usage.map(|usage| usage.output_tokens.to_string()).unwrap_or_default(),
        cost.as_ref().map(Cost::exact).unwrap_or_default(),
        cost.as_ref().map(|cost| cost.currency().to_owned()).unwrap_or_default(),
    ];
    cells.map(|cell| csv_cell(&cell)).join(",") + "\r\n"
}

/// A cell that is text to every program that reads tables. What some take for a formula gets an apostrophe in front of it
/// (OWASP, CSV Injection).
fn csv_cell(text: &str) -> String {
    let looks_like_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']);
    let mark = if looks_like_formula { "'" } else { "" };
    if looks_like_formula || text.contains([',', '"', '\n', '\r']) {
        format!("\"{mark}{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn quoted(text: &str) -> String {
    text.lines().flat_map(|line| ["> ", line, "\n"]).collect()
}

/// Why an answer did not help, for people.
pub(crate) const fn reason_in_words(reason: FeedbackReason) -> &'static str {
    match reason {
        FeedbackReason::Incorrect => "not correct",
        FeedbackReason::Outdated => "out of date",
        FeedbackReason::Unanswered => "did not answer",
        FeedbackReason::Unclear => "hard to follow",
    }
}

fn moment(at: Timestamp, form: &str) -> String {
    let at = Instant::from_millisecond(at.millis()).unwrap_or_default();
    at.to_zoned(TimeZone::UTC).strftime(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_of_a_table_is_a_formula() {
        for (text, cell) in [
            ("Hello", "Hello"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"\n", "\"say \"\"hi\"\"\n\""),
            ("=1+1", "\"'=1+1\""),
            ("=HYPERLINK(\"http://evil.example\")", "\"'=HYPERLINK(\"\"http://evil.example\"\")\""),
            ("+49 30 1234", "\"'+49 30 1234\""),
            ("-2", "\"'-2\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("\r=1", "\"'\r=1\""),
            ("＝1", "\"'＝1\""),
            ("", ""),
        ] {
            assert_eq!(csv_cell(text), cell, "{text:?}");
        }
    }
}
