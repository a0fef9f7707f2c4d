use std::fmt;

use async_trait::async_trait;

use crate::{ConversationId, EmailAddress, SiteId, Timestamp};

/// Tells the team outside the dashboard that a visitor wants to talk to a person.
///
/// What is to be told is queued and told later, or dropped and logged: nothing of it fails, and none of it takes long, so
/// that nobody who waits for a reply has to wait for a mail.
#[async_trait]
pub trait Notifier: fmt::Debug + Send + Sync {
    /// Tells that somebody asked for a person.
    async fn person_asked(&self, request: PersonRequest);
}

/// Somebody who asked for a person.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonRequest {
    /// The website they are on.
    pub site: SiteId,
    /// Their conversation.
    pub conversation: ConversationId,
    /// Who they are: their name, or the one that is made up for them.
    pub visitor: String,
    /// What they wrote last; empty if they have written nothing.
    pub message: String,
    /// Where an answer reaches them when they have left.
    pub contact: Option<EmailAddress>,
    /// The page they are on, as their browser says.
    pub page: Option<String>,
    /// Whether they were told that nobody is there.
    pub is_away: bool,
    /// When they asked.
    pub at: Timestamp,
}

impl fmt::Debug for PersonRequest {
    /// Says whose conversation it is, so that who people are and what they write does not end up in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersonRequest({})", self.conversation)
    }
}
