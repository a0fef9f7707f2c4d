use crate::{Answering, ConversationId, EmailAddress, Message, OperatorName, Visit};

/// What became of taking a conversation over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TakeOver {
    /// It is the operator's now.
    Taken,
    /// It was before.
    Yours,
    /// Somebody else has it.
    TakenBy(Answering),
}

/// What became of handing a conversation back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandBack {
    /// The AI answers again.
    Done,
    /// It did all the time.
    NotTaken,
    /// Somebody else has it.
    TakenBy(Answering),
}

/// What became of what an operator said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It is stored, and whoever follows the conversation sees it.
    Sent(Message),
    /// It was said before under the same idempotency key.
    Repeated(Message),
    /// Somebody else has the conversation; nothing was stored.
    TakenBy(Answering),
}

/// What became of a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Noted {
    /// It is stored.
    Written(Message),
    /// It was written before under the same idempotency key.
    Repeated(Message),
}

/// A visitor asks for a person.
#[derive(Clone, Debug, Default)]
pub struct AskForPerson {
    /// Where to write to if nobody comes; what was given before stays.
    pub contact: Option<EmailAddress>,
    /// Whether nobody is there now.
    pub is_away: bool,
    /// What the visitor's browser says of the visit.
    pub visit: Visit,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The conversation.
    pub conversation: ConversationId,
    /// Who answers already.
    pub answering: Option<OperatorName>,
}
