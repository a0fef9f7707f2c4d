//! Rows of the origin's tables, and what they must be.

use frontdesk_core::{Role, SessionId, Timestamp};
use serde::Deserialize;

pub(super) const CONVERSATIONS: &str = "conversations";
pub(super) const MESSAGES: &str = "messages";

/// The longest text of a message, in bytes: what an answer here has at most.
const LONGEST: usize = 256 * 1024;

/// The longest id, in bytes. Convex's have about 32.
const LONGEST_ID: usize = 128;

/// The latest moment that JavaScript knows, in milliseconds.
const LATEST: f64 = 8.64e15;

/// Why a row is left out. Says nothing of what is in it.
pub(super) type Rule = &'static str;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireConversation {
    #[serde(rename = "_id")]
    id: String,
    #[serde(rename = "_creationTime")]
    creation_time: Option<f64>,
    session_id: String,
    created_at: Option<f64>,
    updated_at: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireMessage {
    #[serde(rename = "_id")]
    id: String,
    #[serde(rename = "_creationTime")]
    creation_time: Option<f64>,
    conversation_id: String,
    role: String,
    content: String,
    created_at: Option<f64>,
}

/// A conversation that is in order.
#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) id: String,
    pub(super) session: SessionId,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

/// A message that is in order.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) conversation: String,
    pub(super) role: Role,
    pub(super) content: String,
    pub(super) created_at: Timestamp,
    /// When Convex stored it, to order those of one moment.
    pub(super) stored_at: f64,
}

pub(super) fn conversation(line: &[u8]) -> Result<Conversation, Rule> {
    let row: WireConversation = serde_json::from_slice(line)
        .map_err(|_| "must be a JSON object with the texts _id and sessionId, and numbers for its times")?;
    let created_at = time(row.created_at.or(row.creation_time))?;
    Ok(Conversation {
        id: id(row.id)?,
        session: SessionId::parse(&row.session_id)
            .map_err(|_| "sessionId must be one that is accepted here (see docs/API.md)")?,
        created_at,
        updated_at: row.updated_at.map_or(Ok(created_at), |updated_at| time(Some(updated_at)))?,
    })
}

pub(super) fn message(line: &[u8]) -> Result<Message, Rule> {
    let row: WireMessage = serde_json::from_slice(line).map_err(
        |_| "must be a JSON object with the texts _id, conversationId, role and content, and numbers for its times",
    )?;
    let created_at = time(row.created_at.or(row.creation_time))?;
    if row.content.is_empty() {
        return Err("content must not be empty");
    }
    if row.content.contains('\0') {
        return Err("content must not contain U+0000");
    }
    if row.content.len() > LONGEST {
        return Err("content must have at most 256 KiB");
    }
    Ok(Message {
        id: id(row.id)?,
        conversation: id(row.conversation_id)?,
        role: Role::parse(&row.role)
            .filter(|role| matches!(role, Role::Visitor | Role::Assistant))
            .ok_or("role must be user or assistant")?,
        content: row.content,
        created_at,
        stored_at: row.creation_time.unwrap_or_default(),
    })
}

fn id(id: String) -> Result<String, Rule> {
    let is_fit = (1..=LONGEST_ID).contains(&id.len());
    is_fit.then_some(id).ok_or("ids must have 1 to 128 bytes")
}

fn time(millis: Option<f64>) -> Result<Timestamp, Rule> {
    let millis = millis.filter(|millis| (0.0..=LATEST).contains(millis));
    let millis = millis.ok_or("its times must be milliseconds since 1970")?;
    #[expect(clippy::cast_possible_truncation, reason = "a part of a millisecond does not count")]
    Ok(Timestamp::from_millis(millis as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_as_convex_writes_them() {
        let row = r#"{"_creationTime":1763826000000.5,"_id":"j57a","createdAt":1763826000000.0,"lastMessage":"hi","sessionId":"s","updatedAt":1763826001000.0}"#;
        let read = conversation(row.as_bytes()).unwrap();
        assert_eq!((read.id.as_str(), read.session.as_str()), ("j57a", "s"));
        assert_eq!(
            (read.created_at.millis(), read.updated_at.millis()),
            (1_763_826_000_000, 1_763_826_001_000)
        );
        let row = r#"{"_creationTime":1763826000000.5,"_id":"k","content":"😀\n","conversationId":"j57a","role":"assistant"}"#;
        let read = message(row.as_bytes()).unwrap();
        assert_eq!((read.role, read.content.as_str()), (Role::Assistant, "😀\n"));
        assert_eq!(read.created_at.millis(), 1_763_826_000_000);
    }

    #[test]
    fn what_is_not_in_order_is_refused_by_a_rule_that_does_not_repeat_it() {
        let good = r#"{"_id":"k","content":"canary","conversationId":"j","role":"user","createdAt":1}"#;
        message(good.as_bytes()).unwrap();
        let nested = "[".repeat(100_000);
        let long = "x".repeat(LONGEST + 1);
        for (from, to) in [
            ("\"k\"", "\"\""),
            ("\"k\"", "7"),
            ("\"k\"", &format!("\"{}\"", "k".repeat(129))),
            ("\"canary\"", "\"\""),
            ("\"canary\"", "\"canary\\u0000\""),
            ("\"canary\"", "\"canary\\ud800\""),
            ("\"canary\"", "null"),
            ("\"canary\"", &format!("\"{long}\"")),
            ("\"canary\"", &nested),
            ("\"user\"", "\"system\""),
            ("\"createdAt\":1", "\"createdAt\":-1"),
            ("\"createdAt\":1", "\"createdAt\":1e300"),
            ("\"createdAt\":1", "\"createdAt\":\"canary\""),
            ("\"createdAt\":1", "\"createdAt\":1,\"createdAt\":2"),
            ("\"createdAt\":1", "\"x\":1"),
            ("}", ""),
            ("}", "}}"),
        ] {
            let row = good.replace(from, to);
            let rule = message(row.as_bytes()).unwrap_err();
            assert!(rule.contains("must") && !rule.contains("canary"), "{rule}");
        }
        assert!(message(b"{\"_id\":\"\xff\"}").is_err());
    }
}
