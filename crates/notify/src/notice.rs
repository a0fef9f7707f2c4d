//! What the team is told.

use frontdesk_core::{ConversationId, NoticeId, PersonRequest, Timestamp};

/// Something to tell the team.
#[derive(Debug)]
pub(crate) struct Notice {
    /// The same however often it is sent.
    pub(crate) id: NoticeId,
    /// When it came about.
    pub(crate) created_at: Timestamp,
    /// What it is.
    pub(crate) news: News,
}

/// What happened.
#[derive(Debug)]
pub(crate) enum News {
    /// Somebody asked for a person.
    Asked(PersonRequest),
    /// More people asked for a person than are told of one by one.
    Summary(Summary),
    /// Somebody tries whether notices arrive.
    Test,
}

/// Those who asked for a person and were not told of one by one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    /// How many.
    pub(crate) count: u32,
    /// The first of them.
    pub(crate) first: Vec<PersonRequest>,
}

impl Summary {
    /// How many are named.
    const NAMED: usize = 20;

    pub(crate) fn of(request: &PersonRequest) -> Self {
        Self { count: 1, first: vec![request.clone()] }
    }

    pub(crate) fn add(&mut self, request: &PersonRequest) {
        self.count = self.count.saturating_add(1);
        if self.first.len() < Self::NAMED {
            self.first.push(request.clone());
        }
    }
}

/// The dashboard's address, if it is known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dashboard(pub(crate) Option<String>);

impl Dashboard {
    /// Where a conversation is read.
    pub(crate) fn link(&self, conversation: ConversationId) -> Option<String> {
        Some(format!("{}/conversations/{conversation}", self.0.as_ref()?.trim_end_matches('/')))
    }

    /// The same for people: its id where nobody knows where the dashboard is.
    pub(crate) fn place(&self, conversation: ConversationId) -> String {
        self.link(conversation).unwrap_or_else(|| conversation.to_string())
    }
}
