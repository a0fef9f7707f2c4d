//! Whether two stores have the same data.

use std::sync::mpsc::Receiver;

use frontdesk_core::{
    AnswerFacts, Answering, ConversationState, ConversationSummary, Draft, EmailAddress, Feedback,
    FeedbackReason, FinishReason, IdempotencyKey, Message, OperatorName, Rating, StoredKey, TurnFailure,
    Usage, Visit,
};
use sha2::{Digest as _, Sha256};

use super::{MoveError, reading};
use crate::{ExportedConversation, ExportedDocument, ExportedRow, ExportedSetting, ExportedSite, StoreUrl};

/// How many of each there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Settings that are kept with the data.
    pub settings: u64,
    /// Sites.
    pub sites: u64,
    /// Documents of sites.
    pub documents: u64,
    /// Keys.
    pub keys: u64,
    /// Conversations.
    pub conversations: u64,
    /// Messages.
    pub messages: u64,
}

impl Counts {
    /// Counts a row.
    pub fn add(&mut self, row: &ExportedRow) {
        let count = match row {
            ExportedRow::Setting(_) => &mut self.settings,
            ExportedRow::Site(_) => &mut self.sites,
            ExportedRow::Document(_) => &mut self.documents,
            ExportedRow::Key(_) => &mut self.keys,
            ExportedRow::Conversation(_) => &mut self.conversations,
            ExportedRow::Message(..) => &mut self.messages,
        };
        *count += 1;
    }
}

/// What is in a store, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// How many of each.
    pub counts: Counts,
    /// The SHA-256 of all of it, in hexadecimal. It does not depend on the engine.
    pub checksum: String,
}

/// What two stores have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The one.
    pub from: Contents,
    /// The other.
    pub to: Contents,
    /// The first thing that is not the same on both sides, by its id; `None` if everything is.
    pub first_difference: Option<String>,
}

/// Reads two stores from beginning to end and compares them.
pub fn compare_stores(
    from: &StoreUrl,
    to: &StoreUrl,
    tell: &mut dyn FnMut(&Counts),
) -> Result<Comparison, MoveError> {
    reading(from, None, |ours| reading(to, None, |theirs| Ok(compare(&ours, &theirs, tell))))
}

/// After so many rows somebody is told.
const TELL_EVERY: u64 = 1000;

fn compare(
    ours: &Receiver<ExportedRow>,
    theirs: &Receiver<ExportedRow>,
    tell: &mut dyn FnMut(&Counts),
) -> Comparison {
    let (mut from, mut to) = (Side::default(), Side::default());
    let mut first_difference = None;
    for rows in 1.. {
        let (one, other) = (ours.recv().ok(), theirs.recv().ok());
        let Some(named) = one.as_ref().or(other.as_ref()) else { break };
        if one != other && first_difference.is_none() {
            first_difference = Some(name(named));
        }
        from.add(one.as_ref());
        to.add(other.as_ref());
        if rows % TELL_EVERY == 0 {
            tell(&from.counts);
        }
    }
    let (from, to) = (from.contents(), to.contents());
    if first_difference.is_none() && from != to {
        first_difference = Some("the checksums".to_owned());
    }
    Comparison { from, to, first_difference }
}

/// What to call a row: nothing of what people wrote.
fn name(row: &ExportedRow) -> String {
    match row {
        ExportedRow::Setting(setting) => format!("the setting {}", setting.name),
        ExportedRow::Site(site) => format!("the site {}", site.id),
        ExportedRow::Document(it) => format!("the document {} of the site {}", it.name, it.site),
        ExportedRow::Key(key) => format!("the key {}", key.id),
        ExportedRow::Conversation(conversation) => format!("the conversation {}", conversation.summary.id),
        ExportedRow::Message(conversation, message) => {
            format!("the message {} of the conversation {conversation}", message.id)
        }
    }
}

#[derive(Default)]
struct Side {
    counts: Counts,
    checksum: Checksum,
}

impl Side {
    fn add(&mut self, row: Option<&ExportedRow>) {
        if let Some(row) = row {
            self.counts.add(row);
            self.checksum.row(row);
        }
    }

    fn contents(self) -> Contents {
        let digest = self.checksum.0.finalize();
        Contents { counts: self.counts, checksum: crate::hex::encode(&digest) }
    }
}

/// The SHA-256 of rows: of each what it is and all of its fields, each with its length before it.
///
/// Nothing is left out by `..`, so that a new field cannot be forgotten here.
#[derive(Default)]
struct Checksum(Sha256);

impl Checksum {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn number(&mut self, number: i64) {
        self.bytes(&number.to_le_bytes());
    }

    /// What may be missing: that it is there, and then the thing itself.
    fn option<T>(&mut self, value: Option<T>, add: impl FnOnce(&mut Self, T)) {
        self.number(value.is_some().into());
        if let Some(value) = value {
            add(self, value);
        }
    }

    fn row(&mut self, row: &ExportedRow) {
        match row {
            ExportedRow::Setting(ExportedSetting { name, value }) => {
                self.text("setting");
                self.text(name);
                self.text(value);
            }
            ExportedRow::Site(ExportedSite { id, name, created_at }) => {
                self.text("site");
                self.bytes(id.as_bytes());
                self.text(name);
                self.number(created_at.millis());
            }
            ExportedRow::Document(ExportedDocument { site, name, text }) => {
                self.text("document");
                self.bytes(site.as_bytes());
                self.text(name);
                self.text(text);
            }
            ExportedRow::Key(StoredKey { id, site, kind, sha256, text, created_at }) => {
                self.text("key");
                self.bytes(id.as_bytes());
                self.bytes(site.as_bytes());
                self.text(kind.as_str());
                self.bytes(sha256);
                self.option(text.as_deref(), Self::text);
                self.number(created_at.millis());
            }
            ExportedRow::Conversation(conversation) => self.conversation(conversation),
            ExportedRow::Message(conversation, message) => {
                self.text("message");
                self.bytes(conversation.as_bytes());
                self.message(message);
            }
        }
    }

    fn conversation(&mut self, conversation: &ExportedConversation) {
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
        self.text("conversation");
        self.bytes(site.as_bytes());
        self.option(secret.as_ref(), |this, secret| this.bytes(secret.as_bytes()));
        self.bytes(id.as_bytes());
        self.text(session.as_str());
        self.number((*has_secret).into());
        self.number(created_at.millis());
        self.number(updated_at.millis());
        self.text(last_message);
        self.text(last_role.as_str());
        self.number((*message_count).into());
        self.number((*revision).into());
        self.option(identity.as_ref(), |this, identity| {
            this.text(identity.id());
            this.option(identity.name(), Self::text);
            this.option(identity.email(), Self::text);
        });
        self.number((*read_count).into());
        self.option(rating.map(Rating::as_str), Self::text);
        self.visit(visit);
        self.state(state);
        self.number(i64::try_from(drafts.len()).unwrap_or(i64::MAX));
        for Draft { operator, kind, text } in drafts {
            self.text(operator.as_str());
            self.text(kind.as_str());
            self.text(text);
        }
    }

    fn visit(&mut self, Visit { page, referrer, user_agent, language }: &Visit) {
        for text in [page, referrer, user_agent, language] {
            self.option(text.as_deref(), Self::text);
        }
    }

    fn state(&mut self, state: &ConversationState) {
        let ConversationState { status, answering, assignee, tags, contact } = state;
        self.text(status.as_str());
        self.option(answering.as_ref(), |this, Answering { operator, since }| {
            this.text(operator.as_str());
            this.number(since.millis());
        });
        self.option(assignee.as_ref().map(OperatorName::as_str), Self::text);
        self.number(i64::try_from(tags.len()).unwrap_or(i64::MAX));
        for tag in tags {
            self.text(tag.as_str());
        }
        self.option(contact.as_ref().map(EmailAddress::as_str), Self::text);
    }

    fn message(&mut self, message: &Message) {
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
        self.bytes(id.as_bytes());
        self.number((*seq).into());
        self.number((*revision).into());
        self.text(role.as_str());
        self.option(author.as_ref().map(OperatorName::as_str), Self::text);
        self.text(status.as_str());
        self.text(text);
        self.number(created_at.millis());
        self.option(idempotency_key.as_ref().map(IdempotencyKey::as_str), Self::text);
        self.option(model.as_deref(), Self::text);
        self.option(finish.map(FinishReason::as_str), Self::text);
        self.option(failure.map(TurnFailure::code), Self::text);
        self.option(*usage, |this, Usage { input_tokens, output_tokens }| {
            this.number(input_tokens.into());
            this.number(output_tokens.into());
        });
        self.option(*first_token_millis, |this, millis| this.number(millis.into()));
        self.option(*total_millis, |this, millis| this.number(millis.into()));
        self.option(feedback.as_ref(), |this, Feedback { rating, reason, comment }| {
            this.text(rating.as_str());
            this.option(reason.map(FeedbackReason::as_str), Self::text);
            this.option(comment.as_deref(), Self::text);
        });
    }
}
