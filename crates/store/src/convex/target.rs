use std::sync::Arc;

use frontdesk_core::{
    AnswerFacts, ConversationId, ConversationSummary, FinishReason, IdempotencyKey, Message, OperatorName,
    Rating, SessionKey, StoreError, StoredKey, SystemRandom, TurnFailure,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use super::export::in_words;
use super::{ConvexSettings, ConvexStore, OpenConvexError, values};
use crate::moving::{Found, Known, MARK, Mark, Target};
use crate::{ExportedConversation, ExportedDocument, ExportedRow, ExportedSite, OpenError};

/// How many messages go with one call, and how many bytes of text: `PUT_AT_ONCE` in `convex/functions/moving.ts`, and far
/// from what Convex allows.
const MESSAGES: usize = 500;
const BYTES: usize = 2 * 1024 * 1024;

/// A deployment that data is moved to.
#[derive(Debug)]
pub(crate) struct ConvexTarget {
    store: ConvexStore,
    runtime: Runtime,
    /// The site of the conversation whose messages come now.
    site: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireFound {
    has_conversations: bool,
    has_keys: bool,
    has_settings: bool,
    mark: Option<String>,
}

#[derive(Deserialize)]
struct WireKnown {
    conversation: bool,
    session: bool,
}

impl ConvexTarget {
    pub(crate) fn open(settings: &ConvexSettings) -> Result<Self, OpenError> {
        match ConvexStore::open(settings, Arc::new(SystemRandom)) {
            // That is what it is opened for here.
            Ok(_) | Err(OpenConvexError::Unfinished) => {}
            Err(error) => return Err(error.into()),
        }
        let store = ConvexStore::new(settings, Arc::new(SystemRandom))?;
        let runtime = Builder::new_current_thread().enable_all().build().map_err(OpenConvexError::Runtime)?;
        Ok(Self { store, runtime, site: String::new() })
    }

    fn wait_for<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, String> {
        self.runtime.block_on(work).map_err(|error| in_words(&error))
    }

    fn call_put(&self, call: &Put) -> Result<(), String> {
        let args = json!({
            "settings": call.settings,
            "sites": call.sites,
            "documents": call.documents,
            "keys": call.keys,
            "conversations": call.conversations,
            "messages": call.messages,
        });
        self.wait_for(self.store.mutation("moving:put", args))
    }
}

/// What goes with one call.
#[derive(Default)]
struct Put {
    settings: Vec<Value>,
    sites: Vec<Value>,
    documents: Vec<Value>,
    keys: Vec<Value>,
    conversations: Vec<Value>,
    messages: Vec<Value>,
    bytes: usize,
}

impl Target for ConvexTarget {
    fn found(&mut self) -> Result<Found, String> {
        let found: WireFound = self.wait_for(self.store.query("moving:found", json!({ "mark": MARK })))?;
        Ok(Found {
            has_conversations: found.has_conversations,
            has_keys: found.has_keys,
            has_settings: found.has_settings,
            mark: found.mark,
        })
    }

    /// Messages that are too many for one call go before, so that a conversation is there only as a whole.
    fn put(&mut self, rows: &[ExportedRow], mark: Option<&Mark>) -> Result<(), String> {
        let mut last = Put::default();
        for row in rows {
            match row {
                ExportedRow::Setting(setting) => {
                    last.settings.push(json!({ "name": setting.name, "value": setting.value }));
                }
                ExportedRow::Site(ExportedSite { id, name, created_at }) => {
                    let created_at = created_at.millis();
                    last.sites.push(json!({ "site": id.to_string(), "name": name, "createdAt": created_at }));
                }
                ExportedRow::Document(ExportedDocument { site, name, text }) => {
                    last.documents.push(json!({ "site": site.to_string(), "name": name, "text": text }));
                }
                ExportedRow::Key(key) => last.keys.push(wire_key(key)),
                ExportedRow::Conversation(conversation) => {
                    self.site = conversation.site.to_string();
                    last.conversations.push(wire_conversation(conversation));
                }
                ExportedRow::Message(conversation, message) => {
                    if last.messages.len() == MESSAGES || last.bytes + message.text.len() > BYTES {
                        let messages = std::mem::take(&mut last.messages);
                        last.bytes = 0;
                        self.call_put(&Put { messages, ..Put::default() })?;
                    }
                    last.bytes += message.text.len();
                    last.messages.push(wire_message(&self.site, *conversation, message));
                }
            }
        }
        if let Some(mark) = mark {
            last.settings.push(json!({ "name": MARK, "value": mark.to_string() }));
        }
        self.call_put(&last)
    }

    fn forget_mark(&mut self) -> Result<(), String> {
        self.wait_for(self.store.mutation("moving:dropSetting", json!({ "name": MARK })))
    }

    fn knows(&mut self, conversation: ConversationId, session: &SessionKey) -> Result<Known, String> {
        let mut args = values::session(session);
        args.insert("conversation".to_owned(), conversation.to_string().into());
        let found: WireKnown = self.wait_for(self.store.query("moving:knows", Value::Object(args)))?;
        Ok(Known { conversation: found.conversation, session: found.session })
    }
}

fn wire_key(key: &StoredKey) -> Value {
    let StoredKey { id, site, kind, sha256, text, created_at } = key;
    let members = values::members(json!({
        "key": id.to_string(),
        "site": site.to_string(),
        "kind": kind.as_str(),
        "sha256": values::hex(sha256),
        "text": text,
        "createdAt": created_at.millis(),
    }));
    Value::Object(members)
}

fn wire_conversation(conversation: &ExportedConversation) -> Value {
    let ExportedConversation { site, secret, summary, drafts } = conversation;
    let ConversationSummary {
        id,
        session,
        has_secret: _,
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
    let members = values::members(json!({
        "conversation": id.to_string(),
        "site": site.to_string(),
        "session": session.as_str(),
        "secret": values::secret(secret.as_ref()),
        "createdAt": created_at.millis(),
        "updatedAt": updated_at.millis(),
        "lastMessage": last_message,
        "lastRole": last_role.as_str(),
        "messageCount": message_count,
        "revision": revision,
        "identity": identity.as_ref().map(values::identity),
        "readCount": read_count,
        "rating": rating.map(Rating::as_str),
        "visit": values::visit(visit),
        "state": values::state(state),
        "drafts": drafts.iter().map(values::draft).collect::<Vec<_>>(),
    }));
    Value::Object(members)
}

fn wire_message(site: &str, conversation: ConversationId, message: &Message) -> Value {
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
    let message = values::members(json!({
        "id": id.to_string(),
        "seq": seq,
        "revision": revision,
        "role": role.as_str(),
        "author": author.as_ref().map(OperatorName::as_str),
        "status": status.as_str(),
        "text": text,
        "createdAt": created_at.millis(),
        "idempotencyKey": idempotency_key.as_ref().map(IdempotencyKey::as_str),
        "model": model,
        "finish": finish.map(FinishReason::as_str),
        "failure": failure.map(TurnFailure::code),
        "inputTokens": usage.map(|usage| usage.input_tokens),
        "outputTokens": usage.map(|usage| usage.output_tokens),
        "firstTokenMillis": first_token_millis,
        "totalMillis": total_millis,
        "feedback": feedback.as_ref().map(values::feedback),
    }));
    json!({ "site": site, "conversation": conversation.to_string(), "message": message })
}
