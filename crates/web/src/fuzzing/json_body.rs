use frontdesk_core::SiteId;
use http::{HeaderMap, StatusCode};
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::Code;
use crate::api::chat::ChatRequest;
use crate::extract::json::{MAX_DEPTH, parse};

/// The body of a visitor's message.
///
/// What is taken has to be what a general reader of JSON finds in it, within the documented rules; what is within these
/// rules has to be taken; and a refusal has to be the client's fault.
pub fn json_body(bytes: &[u8]) {
    let sent = parse::<ChatRequest>(bytes).and_then(|body| body.check(SiteId::DEFAULT, &HeaderMap::new()));
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let json = serde_json::from_slice::<Value>(text);
    match sent {
        Ok(sent) => {
            // Numbers that are too large, and halves of surrogate pairs, are no fault in members that nobody reads.
            assert!(serde_json::from_slice::<IgnoredAny>(text).is_ok());
            let Ok(json) = json else { return };
            assert_eq!(json["sessionId"].as_str(), Some(sent.session.session.as_str()));
            assert_eq!(json["message"].as_str(), Some(sent.text.as_str()));
            assert_eq!(
                json["clientMessageId"].as_str(),
                sent.idempotency_key.as_ref().map(frontdesk_core::IdempotencyKey::as_str)
            );
            assert!(is_in_order(&json));
            assert!(sent.session.secret.is_none() && sent.session.site == SiteId::DEFAULT);
        }
        Err(error) => {
            assert_eq!(error.code.facts().status, StatusCode::BAD_REQUEST);
            if let Ok(json) = json {
                let is_told_twice = error.code == Code::DuplicateField;
                assert!(is_told_twice || !is_in_order(&json), "{json} is refused: {error}");
            }
        }
    }
}

/// The rules of `docs/API.md` for a message.
fn is_in_order(json: &Value) -> bool {
    let is_session = |text: &str| {
        (1..=128).contains(&text.len())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || ['.', '_', ':', '-'].contains(&c))
    };
    let is_readable = |text: &str| {
        let is_blank = |c: char| {
            c.is_whitespace()
                || c.is_control()
                || "\u{AD}\u{61C}\u{180E}\u{FEFF}".contains(c)
                || ('\u{200B}'..='\u{200F}').contains(&c)
                || ('\u{202A}'..='\u{202E}').contains(&c)
                || ('\u{2060}'..='\u{206F}').contains(&c)
                || ('\u{FE00}'..='\u{FE0F}').contains(&c)
        };
        (1..=4000).contains(&text.encode_utf16().count())
            && !text.contains('\0')
            && !text.chars().all(is_blank)
    };
    let is_key = |text: &str| (1..=255).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic());
    json["sessionId"].as_str().is_some_and(is_session)
        && json["message"].as_str().is_some_and(is_readable)
        && (json["clientMessageId"].is_null() || json["clientMessageId"].as_str().is_some_and(is_key))
        && depth(json) <= MAX_DEPTH
}

fn depth(json: &Value) -> usize {
    match json {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
