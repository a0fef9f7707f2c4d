use std::mem;

use crate::ExportedRow;
use crate::exported::Place;

/// How many rows are written at once, and how many bytes of text: little enough for a transaction of Convex.
const ROWS: usize = 250;
const BYTES: usize = 1024 * 1024;

/// Rows that are written at once.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) rows: Vec<ExportedRow>,
    /// Behind the last conversation that is there as a whole when these are written.
    pub(super) whole: Option<Place>,
    /// The conversation whose messages come now.
    begun: Option<Place>,
    bytes: usize,
}

impl Batch {
    pub(super) fn new(whole: Option<Place>) -> Self {
        Self { rows: Vec::new(), whole, begun: None, bytes: 0 }
    }

    /// Adds a row, and gives what was there before if it is full.
    pub(super) fn add(&mut self, row: ExportedRow) -> Option<Self> {
        if let ExportedRow::Conversation(conversation) = &row {
            let place = Place { site: conversation.site, conversation: conversation.summary.id };
            self.whole = self.begun.replace(place).or(self.whole);
        }
        self.bytes += bytes_of(&row);
        let is_full = self.rows.len() == ROWS || self.bytes > BYTES;
        let full = (is_full && !self.rows.is_empty()).then(|| {
            let next = Self { rows: Vec::new(), whole: self.whole, begun: self.begun, bytes: bytes_of(&row) };
            mem::replace(self, next)
        });
        self.rows.push(row);
        full
    }

    /// Says that there are no more rows.
    pub(super) fn end(&mut self) {
        self.whole = self.begun.or(self.whole);
    }
}

/// How much text a row has that may be long.
fn bytes_of(row: &ExportedRow) -> usize {
    match row {
        ExportedRow::Conversation(conversation) => {
            conversation.drafts.iter().map(|draft| draft.text.len()).sum()
        }
        ExportedRow::Message(_, message) => message.text.len(),
        ExportedRow::Document(document) => document.text.len(),
        ExportedRow::Setting(_) | ExportedRow::Site(_) | ExportedRow::Key(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use frontdesk_core::{
        AnswerFacts, ConversationId, ConversationState, ConversationSummary, Message, MessageId,
        MessageStatus, Role, SessionId, SiteId, Timestamp, Visit,
    };

    use super::*;
    use crate::ExportedConversation;

    fn conversation(n: u8) -> ExportedRow {
        let now = Timestamp::default();
        ExportedRow::Conversation(Box::new(ExportedConversation {
            site: SiteId::DEFAULT,
            secret: None,
            summary: ConversationSummary {
                id: ConversationId::from_bytes([n; 16]),
                session: SessionId::parse("a").unwrap(),
                has_secret: false,
                created_at: now,
                updated_at: now,
                last_message: String::new(),
                last_role: Role::Visitor,
                message_count: 0,
                read_count: 0,
                revision: 0,
                identity: None,
                visit: Visit::default(),
                state: ConversationState::default(),
                rating: None,
            },
            drafts: Vec::new(),
        }))
    }

    fn message(of: u8, text: String) -> ExportedRow {
        let message = Message {
            id: MessageId::from_bytes([of; 16]),
            seq: 1,
            revision: 1,
            role: Role::Visitor,
            author: None,
            status: MessageStatus::Accepted,
            text,
            created_at: Timestamp::default(),
            idempotency_key: None,
            facts: AnswerFacts::default(),
            feedback: None,
        };
        ExportedRow::Message(ConversationId::from_bytes([of; 16]), message)
    }

    fn place(n: u8) -> Place {
        Place { site: SiteId::DEFAULT, conversation: ConversationId::from_bytes([n; 16]) }
    }

    #[test]
    fn the_mark_is_never_behind_what_is_not_there_as_a_whole() {
        let mut batch = Batch::new(None);
        assert!(batch.add(conversation(1)).is_none());
        for _ in 2..ROWS {
            assert!(batch.add(message(1, String::new())).is_none());
        }
        assert!(batch.add(conversation(2)).is_none());
        let full = batch.add(message(2, String::new())).unwrap();
        assert_eq!(
            (full.rows.len(), full.whole),
            (ROWS, Some(place(1))),
            "the second has a message still to come"
        );
        assert_eq!(batch.whole, Some(place(1)));
        batch.end();
        assert_eq!((batch.rows.len(), batch.whole), (1, Some(place(2))));
    }

    #[test]
    fn long_texts_fill_a_batch_too() {
        let mut batch = Batch::new(Some(place(9)));
        assert!(batch.add(conversation(1)).is_none());
        assert!(batch.add(message(1, "x".repeat(BYTES / 2))).is_none());
        assert!(batch.add(message(1, "x".repeat(BYTES / 2))).is_none());
        let full = batch.add(message(1, "x".to_owned())).unwrap();
        assert_eq!((full.rows.len(), full.whole), (3, Some(place(9))));
        assert_eq!(batch.rows.len(), 1);
    }
}
