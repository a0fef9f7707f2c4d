//! The origin's tables, put together to conversations.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::vec::IntoIter;

use frontdesk_core::{
    AnswerFacts, ConversationId, ConversationState, ConversationSummary, Message, MessageId, MessageStatus,
    Role, SessionId, SiteId, Timestamp, Visit, preview,
};

use super::lines::{Line, Lines};
use super::rows::{self, CONVERSATIONS, MESSAGES, Rule};
use super::{Skipped, ids};
use crate::{BackupError, ExportedConversation};

/// Who is told of a row that is left out.
type Skip<'a> = dyn FnMut(Skipped) + 'a;

/// An export whose rows have been looked through.
#[derive(Debug)]
pub(super) struct Export {
    conversations: IntoIter<Begun>,
    messages: Lines,
}

/// A conversation, and where its messages are.
#[derive(Debug)]
struct Begun {
    id: ConversationId,
    /// The line of its oldest row.
    line: u64,
    session: SessionId,
    created_at: Timestamp,
    updated_at: Timestamp,
    messages: Vec<Place>,
}

/// Where a message is, and what orders it.
#[derive(Clone, Copy, Debug)]
struct Place {
    id: MessageId,
    created_at: Timestamp,
    stored_at: f64,
    line: u64,
    offset: u64,
}

/// A conversation with its messages.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) line: u64,
    pub(super) conversation: ExportedConversation,
    pub(super) messages: Vec<Message>,
}

/// The origin's ids, and which of the conversations they became.
type Numbers = HashMap<String, usize>;

impl Export {
    /// Looks through a folder, row by row, and leaves out what is not in order.
    pub(super) fn read(folder: &Path, skip: &mut Skip<'_>) -> Result<Self, BackupError> {
        let table = |name: &str| Lines::open(&folder.join(name).join("documents.jsonl"));
        let (conversations, mut messages) = (table(CONVERSATIONS)?, table(MESSAGES)?);
        let (mut begun, numbers) = read_conversations(conversations, skip)?;
        find_messages(&mut messages, &mut begun, &numbers, skip)?;
        begun.sort_by_key(|conversation| (conversation.created_at, conversation.id));
        Ok(Self { conversations: begun.into_iter(), messages })
    }

    /// The next conversation that has messages, by age; `None` if there are no more.
    pub(super) fn next(&mut self, skip: &mut Skip<'_>) -> Result<Option<Found>, BackupError> {
        for mut begun in self.conversations.by_ref() {
            // Of one moment, in the order in which they were stored.
            begun.messages.sort_by(|one, other| {
                let by_time = one.created_at.cmp(&other.created_at);
                by_time.then(one.stored_at.total_cmp(&other.stored_at)).then(one.line.cmp(&other.line))
            });
            let mut messages = Vec::with_capacity(begun.messages.len());
            for place in &begun.messages {
                let seq = u32::try_from(messages.len() + 1).unwrap_or(u32::MAX);
                match read_message(&mut self.messages, place, seq)? {
                    Ok(message) => messages.push(message),
                    Err(rule) => skip(skipped(MESSAGES, place.line, rule)),
                }
            }
            if let Some(last) = messages.last() {
                let conversation = begun.with(last, messages.len());
                return Ok(Some(Found { line: begun.line, conversation, messages }));
            }
            skip(skipped(CONVERSATIONS, begun.line, "must have messages"));
        }
        Ok(None)
    }
}

impl Begun {
    fn with(&self, last: &Message, count: usize) -> ExportedConversation {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        ExportedConversation {
            site: SiteId::DEFAULT,
            // The origin had no secrets: whoever knows the session goes on with it, as there.
            secret: None,
            summary: ConversationSummary {
                id: self.id,
                session: self.session.clone(),
                has_secret: false,
                created_at: self.created_at,
                updated_at: self.updated_at.max(last.created_at),
                last_message: preview(&last.text).to_owned(),
                last_role: last.role,
                message_count: count,
                // Nobody wants all that was there before to be new.
                read_count: count,
                revision: count,
                identity: None,
                visit: Visit::default(),
                state: ConversationState::default(),
                rating: None,
            },
            drafts: Vec::new(),
        }
    }
}

fn skipped(table: &'static str, line: u64, rule: Rule) -> Skipped {
    Skipped { table, line, rule: rule.to_owned() }
}

/// Reads a row of a line.
fn row_of<T>(line: Line, read: impl FnOnce(&[u8]) -> Result<T, Rule>) -> Result<T, Rule> {
    read(&line.bytes.ok_or("must not be longer than a row can be")?)
}

/// All conversations, and which of them each of the origin's ids is. Two of one session, which a race in the origin could
/// make, become one: a session has one conversation here.
fn read_conversations(mut lines: Lines, skip: &mut Skip<'_>) -> Result<(Vec<Begun>, Numbers), BackupError> {
    let mut begun: Vec<Begun> = Vec::new();
    let mut sessions: HashMap<SessionId, usize> = HashMap::new();
    let mut numbers = Numbers::new();
    for number in 1.. {
        let Some(line) = lines.next()? else { break };
        let row = match row_of(line, rows::conversation) {
            Ok(row) if numbers.contains_key(&row.id) => Err("its _id must not have come before"),
            other => other,
        };
        let row = match row {
            Ok(row) => row,
            Err(rule) => {
                skip(skipped(CONVERSATIONS, number, rule));
                continue;
            }
        };
        let at = *sessions.entry(row.session.clone()).or_insert(begun.len());
        let id = ids::conversation(&row.id, row.created_at);
        numbers.insert(row.id, at);
        match begun.get_mut(at) {
            // Named after the older one, whichever comes first.
            Some(known) => {
                known.updated_at = known.updated_at.max(row.updated_at);
                if (row.created_at, id) < (known.created_at, known.id) {
                    (known.created_at, known.id, known.line) = (row.created_at, id, number);
                }
            }
            None => begun.push(Begun {
                id,
                line: number,
                session: row.session,
                created_at: row.created_at,
                updated_at: row.updated_at,
                messages: Vec::new(),
            }),
        }
    }
    Ok((begun, numbers))
}

/// Notes of each conversation where its messages are.
fn find_messages(
    lines: &mut Lines,
    begun: &mut [Begun],
    numbers: &Numbers,
    skip: &mut Skip<'_>,
) -> Result<(), BackupError> {
    let mut known: HashSet<MessageId> = HashSet::new();
    for number in 1.. {
        let Some(line) = lines.next()? else { break };
        let offset = line.offset;
        let found = row_of(line, rows::message).and_then(|row| {
            let id = ids::message(&row.id, row.created_at);
            let at = numbers.get(&row.conversation).ok_or("its conversation must be there and in order")?;
            let conversation = begun.get_mut(*at).ok_or("its conversation must be there and in order")?;
            if !known.insert(id) {
                return Err("its _id must not have come before");
            }
            let (created_at, stored_at) = (row.created_at, row.stored_at);
            conversation.messages.push(Place { id, created_at, stored_at, line: number, offset });
            Ok(())
        });
        if let Err(rule) = found {
            skip(skipped(MESSAGES, number, rule));
        }
    }
    Ok(())
}

/// Reads a message that was found before. The inner error is for a file that has changed since.
fn read_message(lines: &mut Lines, place: &Place, seq: u32) -> Result<Result<Message, Rule>, BackupError> {
    const CHANGED: Rule = "must stay as it is while it is imported";
    let Some(line) = lines.at(place.offset)? else { return Ok(Err(CHANGED)) };
    Ok(row_of(line, rows::message).and_then(|row| {
        if ids::message(&row.id, row.created_at) != place.id {
            return Err(CHANGED);
        }
        let status = match row.role {
            Role::Assistant => MessageStatus::Complete,
            _ => MessageStatus::Accepted,
        };
        Ok(Message {
            id: place.id,
            seq,
            revision: seq,
            role: row.role,
            author: None,
            status,
            text: row.content,
            created_at: row.created_at,
            idempotency_key: None,
            facts: AnswerFacts::default(),
            feedback: None,
        })
    }))
}
