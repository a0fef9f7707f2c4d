//! How values go over the wire.

use frontdesk_core::{
    AnswerFacts, Answering, ConversationId, ConversationState, ConversationStatus, ConversationSummary,
    Draft, DraftKind, EmailAddress, Feedback, FeedbackReason, FinishReason, HistoryEntry, IdempotencyKey,
    ListCursor, Message, MessageId, MessageStatus, OperatorName, Rating, Role, SecretHash, SessionId,
    SessionKey, StoreError, Tag, Timestamp, TurnFailure, Usage, Visit, VisitorIdentity,
};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use super::error::Failure;

/// A whole number. Convex's are doubles, and are written as such: `7.0`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whole<N>(pub(super) N);

/// Beyond this, doubles leave numbers out.
const LARGEST: f64 = 9_007_199_254_740_991.0;

impl<'de, N: TryFrom<i64>> Deserialize<'de> for Whole<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer)?;
        if number.fract() != 0.0 || number.abs() > LARGEST {
            return Err(D::Error::custom("not a whole number"));
        }
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and within the bounds")]
        let number = number as i64;
        N::try_from(number).map(Self).map_err(|_| D::Error::custom("out of bounds"))
    }
}

/// A moment, in milliseconds.
pub(super) type Moment = Whole<i64>;

impl Moment {
    pub(super) const fn timestamp(self) -> Timestamp {
        Timestamp::from_millis(self.0)
    }
}

/// A message as the functions give it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireMessage {
    id: String,
    seq: Whole<u32>,
    revision: Whole<u32>,
    role: String,
    author: Option<String>,
    status: String,
    text: String,
    created_at: Moment,
    idempotency_key: Option<String>,
    model: Option<String>,
    finish: Option<String>,
    failure: Option<String>,
    input_tokens: Option<Whole<u32>>,
    output_tokens: Option<Whole<u32>>,
    first_token_millis: Option<Whole<u32>>,
    total_millis: Option<Whole<u32>>,
    feedback: Option<WireFeedback>,
}

/// What an operator has begun to write, as the functions give it.
#[derive(Deserialize)]
pub(super) struct WireDraft {
    operator: String,
    kind: String,
    text: String,
}

impl WireDraft {
    pub(super) fn read(self) -> Result<Draft, StoreError> {
        let operator = operator_name(&self.operator)?;
        Ok(Draft { operator, kind: parse("draft", &self.kind, DraftKind::parse)?, text: self.text })
    }
}

pub(super) fn draft(draft: &Draft) -> Value {
    let Draft { operator, kind, text } = draft;
    json!({ "operator": operator.as_str(), "kind": kind.as_str(), "text": text })
}

/// What is said of an answer.
#[derive(Deserialize)]
struct WireFeedback {
    rating: String,
    reason: Option<String>,
    comment: Option<String>,
}

impl WireFeedback {
    fn read(self) -> Result<Feedback, StoreError> {
        Ok(Feedback {
            rating: parse("rating", &self.rating, Rating::parse)?,
            reason: optional("reason", self.reason.as_deref(), FeedbackReason::parse)?,
            comment: self.comment,
        })
    }
}

/// Who a visitor is.
#[derive(Deserialize)]
struct WireIdentity {
    id: String,
    name: Option<String>,
    email: Option<String>,
}

impl WireIdentity {
    fn read(self) -> Result<VisitorIdentity, StoreError> {
        let known = VisitorIdentity::new(self.id, self.name, self.email);
        known.map_err(|_| Failure::corrupt("a visitor's identity is not in order"))
    }
}

/// Who a visitor is, as the functions take it.
pub(super) fn identity(identity: &VisitorIdentity) -> Value {
    let known = json!({ "id": identity.id(), "name": identity.name(), "email": identity.email() });
    Value::Object(members(known))
}

/// What is said of an answer, as the functions take it.
pub(super) fn feedback(feedback: &Feedback) -> Value {
    Value::Object(members(json!({
        "rating": feedback.rating.as_str(),
        "reason": feedback.reason.map(FeedbackReason::as_str),
        "comment": feedback.comment,
    })))
}

impl WireMessage {
    pub(super) fn read(self) -> Result<Message, StoreError> {
        let usage = match (self.input_tokens, self.output_tokens) {
            (Some(Whole(input_tokens)), Some(Whole(output_tokens))) => {
                Some(Usage { input_tokens, output_tokens })
            }
            _ => None,
        };
        let number = |number: Option<Whole<u32>>| number.map(|Whole(number)| number);
        Ok(Message {
            id: message_id(&self.id)?,
            seq: self.seq.0,
            revision: self.revision.0,
            role: parse("role", &self.role, Role::parse)?,
            author: operator(self.author.as_deref())?,
            status: parse("status", &self.status, MessageStatus::parse)?,
            text: self.text,
            created_at: self.created_at.timestamp(),
            idempotency_key: optional("idempotency key", self.idempotency_key.as_deref(), |key| {
                IdempotencyKey::parse(key).ok()
            })?,
            facts: AnswerFacts {
                model: self.model,
                finish: optional("finish", self.finish.as_deref(), FinishReason::parse)?,
                failure: optional("failure", self.failure.as_deref(), TurnFailure::parse)?,
                usage,
                first_token_millis: number(self.first_token_millis),
                total_millis: number(self.total_millis),
            },
            feedback: self.feedback.map(WireFeedback::read).transpose()?,
        })
    }
}

/// Reads messages in their order.
pub(super) fn messages(messages: Vec<WireMessage>) -> Result<Vec<Message>, StoreError> {
    messages.into_iter().map(WireMessage::read).collect()
}

/// A conversation without its messages, as the functions give it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireSummary {
    id: String,
    session: String,
    has_secret: bool,
    created_at: Moment,
    updated_at: Moment,
    last_message: String,
    last_role: String,
    message_count: Whole<u32>,
    read_count: Whole<u32>,
    revision: Whole<u32>,
    identity: Option<WireIdentity>,
    #[serde(default)]
    visit: WireVisit,
    state: WireState,
    rating: Option<String>,
}

/// What operators make of a conversation, as the functions give it.
#[derive(Deserialize)]
pub(super) struct WireState {
    status: String,
    answering: Option<WireAnswering>,
    assignee: Option<String>,
    tags: Vec<String>,
    contact: Option<String>,
}

#[derive(Deserialize)]
struct WireAnswering {
    operator: String,
    since: Moment,
}

impl WireState {
    pub(super) fn read(self) -> Result<ConversationState, StoreError> {
        let answering = |WireAnswering { operator, since }: WireAnswering| {
            Ok::<_, StoreError>(Answering { operator: operator_name(&operator)?, since: since.timestamp() })
        };
        let tags = self.tags.iter().map(|tag| parse("tag", tag, |tag| Tag::parse(tag).ok()));
        Ok(ConversationState {
            status: parse("status", &self.status, ConversationStatus::parse)?,
            answering: self.answering.map(answering).transpose()?,
            assignee: operator(self.assignee.as_deref())?,
            tags: tags.collect::<Result<_, _>>()?,
            contact: optional("address", self.contact.as_deref(), |contact| {
                EmailAddress::parse(contact).ok()
            })?,
        })
    }
}

/// What operators make of a conversation, as the functions take it.
pub(super) fn state(state: &ConversationState) -> Value {
    let ConversationState { status, answering, assignee, tags, contact } = state;
    Value::Object(members(json!({
        "status": status.as_str(),
        "answering": answering.as_ref().map(|Answering { operator, since }| {
            json!({ "operator": operator.as_str(), "since": since.millis() })
        }),
        "assignee": assignee.as_ref().map(OperatorName::as_str),
        "tags": tags.iter().map(Tag::as_str).collect::<Vec<_>>(),
        "contact": contact.as_ref().map(EmailAddress::as_str),
    })))
}

/// What a visitor's browser says of the visit.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireVisit {
    page: Option<String>,
    referrer: Option<String>,
    user_agent: Option<String>,
    language: Option<String>,
}

/// What a visitor's browser says of the visit, as the functions take it; nothing if it says nothing.
pub(super) fn visit(visit: &Visit) -> Option<Value> {
    let Visit { page, referrer, user_agent, language } = visit;
    let members = members(json!({
        "page": page, "referrer": referrer, "userAgent": user_agent, "language": language,
    }));
    (!members.is_empty()).then_some(Value::Object(members))
}

/// What an operator is called.
pub(super) fn operator_name(text: &str) -> Result<OperatorName, StoreError> {
    parse("operator", text, |name| OperatorName::parse(name).ok())
}

fn operator(text: Option<&str>) -> Result<Option<OperatorName>, StoreError> {
    text.map(operator_name).transpose()
}

impl WireSummary {
    pub(super) fn read(self) -> Result<ConversationSummary, StoreError> {
        Ok(ConversationSummary {
            id: conversation_id(&self.id)?,
            session: parse("session", &self.session, |session| SessionId::parse(session).ok())?,
            has_secret: self.has_secret,
            created_at: self.created_at.timestamp(),
            updated_at: self.updated_at.timestamp(),
            last_message: self.last_message,
            last_role: parse("role", &self.last_role, Role::parse)?,
            message_count: self.message_count.0,
            revision: self.revision.0,
            identity: self.identity.map(WireIdentity::read).transpose()?,
            read_count: self.read_count.0,
            visit: Visit {
                page: self.visit.page,
                referrer: self.visit.referrer,
                user_agent: self.visit.user_agent,
                language: self.visit.language,
            },
            state: self.state.read()?,
            rating: optional("rating", self.rating.as_deref(), Rating::parse)?,
        })
    }
}

#[derive(Deserialize)]
pub(super) struct WireHistoryEntry {
    role: String,
    author: Option<String>,
    status: String,
    text: String,
}

impl WireHistoryEntry {
    pub(super) fn read(self) -> Result<HistoryEntry, StoreError> {
        Ok(HistoryEntry {
            role: parse("role", &self.role, Role::parse)?,
            author: operator(self.author.as_deref())?,
            status: parse("status", &self.status, MessageStatus::parse)?,
            text: self.text,
        })
    }
}

/// A place in the list of conversations.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WirePlace {
    updated_at: Moment,
    id: String,
}

impl WirePlace {
    pub(super) fn read(&self) -> Result<ListCursor, StoreError> {
        Ok(ListCursor { updated_at: self.updated_at.timestamp(), id: conversation_id(&self.id)? })
    }
}

pub(super) fn place(cursor: ListCursor) -> Value {
    json!({ "updatedAt": cursor.updated_at.millis(), "id": cursor.id.to_string() })
}

/// The members that name a session.
pub(super) fn session(key: &SessionKey) -> Map<String, Value> {
    members(json!({
        "site": key.site.to_string(),
        "session": key.session.as_str(),
        "secret": secret(key.secret.as_ref()),
    }))
}

/// What stands for a session's secret; nothing for those without one.
pub(super) fn secret(secret: Option<&SecretHash>) -> String {
    secret.map_or_else(String::new, |secret| hex(secret.as_bytes()))
}

/// The hash of a session's secret; nothing for those without one.
pub(super) fn optional_secret(text: &str) -> Result<Option<SecretHash>, StoreError> {
    (!text.is_empty()).then(|| bytes(text).map(SecretHash::from_bytes)).transpose()
}

/// The members of a JSON object but those that are `null`: to Convex, nothing and `null` are not the same.
pub(super) fn members(value: Value) -> Map<String, Value> {
    let Value::Object(members) = value else { return Map::new() };
    members.into_iter().filter(|(_, member)| !member.is_null()).collect()
}

pub(super) fn conversation_id(text: &str) -> Result<ConversationId, StoreError> {
    parse("id", text, ConversationId::parse)
}

pub(super) fn message_id(text: &str) -> Result<MessageId, StoreError> {
    parse("id", text, MessageId::parse)
}

/// Reads the text of a value.
pub(super) fn parse<T>(what: &str, text: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, StoreError> {
    parse(text).ok_or_else(|| Failure::corrupt(&format!("unknown {what} of {} bytes", text.len())))
}

fn optional<T>(
    what: &str,
    text: Option<&str>,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, StoreError> {
    text.map(|text| parse(what, text, &read)).transpose()
}

pub(super) use crate::hex::encode as hex;

/// Thirty-two bytes out of hexadecimal text.
pub(super) fn bytes(text: &str) -> Result<[u8; 32], StoreError> {
    parse("hash", text, |text| {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
        }
        Some(bytes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_doubles_and_must_be_whole() {
        let read = |text: &str| serde_json::from_str::<Whole<u32>>(text).map(|Whole(number)| number).ok();
        assert_eq!(
            (read("7.0"), read("7"), read("-0.0"), read("1e3")),
            (Some(7), Some(7), Some(0), Some(1000))
        );
        assert_eq!(
            (read("7.5"), read("-1.0"), read("4294967296.0"), read("\"7\"")),
            (None, None, None, None)
        );
        let moment = |text: &str| serde_json::from_str::<Moment>(text).map(Moment::timestamp).ok();
        assert_eq!(moment("9007199254740991.0"), Some(Timestamp::from_millis(9_007_199_254_740_991)));
        assert_eq!(moment("9007199254740992.0"), None);
    }

    #[test]
    fn hashes_survive_their_text_form() {
        let hash: [u8; 32] = std::array::from_fn(|at| u8::try_from(at * 8).unwrap());
        assert_eq!(bytes(&hex(&hash)).unwrap(), hash);
        for bad in [String::new(), "0".repeat(63), "g".repeat(64), "é".repeat(32)] {
            assert!(bytes(&bad).is_err(), "{bad}");
        }
    }
}
