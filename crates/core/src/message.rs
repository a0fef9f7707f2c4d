use crate::{Feedback, IdempotencyKey, MessageId, OperatorName, Timestamp};

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The person on the website.
    Visitor,
    /// The AI.
    Assistant,
    /// A person of the team, to the visitor.
    Operator,
    /// Nobody: something happened. The text is the name of an [`crate::EventKind`].
    Event,
    /// A person of the team, to the team. Neither the visitor nor the AI ever sees it.
    Note,
}

impl Role {
    const ALL: [Self; 5] = [Self::Visitor, Self::Assistant, Self::Operator, Self::Event, Self::Note];

    /// The name used on the wire and in stores; the origin's words for the first two, `user` and `assistant`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Visitor => "user",
            Self::Assistant => "assistant",
            Self::Operator => "operator",
            Self::Event => "event",
            Self::Note => "note",
        }
    }

    /// The role of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// Whether visitors may see what is said in this role.
    pub const fn is_for_visitors(self) -> bool {
        !matches!(self, Self::Note)
    }

    /// Whether this is a part of the talk with the visitor: what the model reads, and what a conversation's preview shows.
    pub const fn is_talk(self) -> bool {
        matches!(self, Self::Visitor | Self::Assistant | Self::Operator)
    }
}

/// How far a message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageStatus {
    /// What is not an answer, stored.
    Accepted,
    /// An answer that is being written.
    Streaming,
    /// An answer that the model brought to its end.
    Complete,
    /// An answer that the visitor stopped; its text is what had arrived.
    Stopped,
    /// An answer that ended before its end; its text is what had arrived.
    Interrupted,
    /// An answer that never began.
    Failed,
}

impl MessageStatus {
    const ALL: [Self; 6] =
        [Self::Accepted, Self::Streaming, Self::Complete, Self::Stopped, Self::Interrupted, Self::Failed];

    /// The name used on the wire and in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Streaming => "streaming",
            Self::Complete => "complete",
            Self::Stopped => "stopped",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
        }
    }

    /// The status of an answer that ended before its end with this text: blank answers count as none.
    pub fn of_broken(text: &str) -> Self {
        if text.trim().is_empty() { Self::Failed } else { Self::Interrupted }
    }

    /// The status of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// Why the model stopped writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FinishReason {
    /// It had said what it wanted to say.
    Stop,
    /// It reached the limit of tokens.
    Length,
    /// A content filter cut it off.
    ContentFilter,
}

impl FinishReason {
    const ALL: [Self; 3] = [Self::Stop, Self::Length, Self::ContentFilter];

    /// The name used on the wire and in stores, as in the OpenAI API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ContentFilter => "content_filter",
        }
    }

    /// The reason of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

/// Why an answer was interrupted or failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TurnFailure {
    /// The model's server refused, could not be reached, or answered with something else.
    Upstream,
    /// The model's server did not answer in time.
    UpstreamTimeout,
    /// The model's server is busy or over its own limit.
    UpstreamBusy,
    /// The model's server does not accept our key, model or request.
    UpstreamMisconfigured,
    /// The model's stream broke off without an end marker.
    UpstreamInterrupted,
    /// The model finished without a word.
    EmptyAnswer,
    /// A content filter left nothing of the answer.
    ContentFiltered,
    /// The answer grew past the limit of size.
    AnswerTooLarge,
    /// The server was shut down while the answer was being written.
    ShuttingDown,
    /// The server ended without warning while the answer was being written.
    Restarted,
    /// The answer could not be stored.
    Storage,
    /// A defect of our own.
    Internal,
}

impl TurnFailure {
    const ALL: [Self; 12] = [
        Self::Upstream,
        Self::UpstreamTimeout,
        Self::UpstreamBusy,
        Self::UpstreamMisconfigured,
        Self::UpstreamInterrupted,
        Self::EmptyAnswer,
        Self::ContentFiltered,
        Self::AnswerTooLarge,
        Self::ShuttingDown,
        Self::Restarted,
        Self::Storage,
        Self::Internal,
    ];

    /// The stable code used on the wire and in stores.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Upstream => "upstream_error",
            Self::UpstreamTimeout => "upstream_timeout",
            Self::UpstreamBusy => "upstream_busy",
            Self::UpstreamMisconfigured => "upstream_misconfigured",
            Self::UpstreamInterrupted => "upstream_interrupted",
            Self::EmptyAnswer => "empty_answer",
            Self::ContentFiltered => "content_filtered",
            Self::AnswerTooLarge => "answer_too_large",
            Self::ShuttingDown => "shutting_down",
            Self::Restarted => "restarted",
            Self::Storage => "storage_unavailable",
            Self::Internal => "internal_error",
        }
    }

    /// The failure with that code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|failure| failure.code() == code)
    }

    /// Whether sending the same message again may bring an answer.
    pub const fn is_retryable(self) -> bool {
        !matches!(self, Self::ContentFiltered | Self::AnswerTooLarge | Self::UpstreamMisconfigured)
    }
}

/// What an answer cost in tokens, as the model's server counted them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the prompt.
    pub input_tokens: u32,
    /// Tokens of the answer.
    pub output_tokens: u32,
}

/// What is known of an answer besides its text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerFacts {
    /// The model that wrote it, as its server names it.
    pub model: Option<String>,
    /// Why the model stopped writing, if it said so.
    pub finish: Option<FinishReason>,
    /// Why the answer was interrupted or failed, if it was.
    pub failure: Option<TurnFailure>,
    /// What it cost, if the model's server said so.
    pub usage: Option<Usage>,
    /// Milliseconds from the visitor's message to the first word.
    pub first_token_millis: Option<u32>,
    /// Milliseconds from the visitor's message to the end.
    pub total_millis: Option<u32>,
}

/// A message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The message's id.
    pub id: MessageId,
    /// Its place in the conversation: 1 for the first, then one more each, without gaps.
    pub seq: u32,
    /// Who wrote it.
    pub role: Role,
    /// The operator who wrote it, or whom an event is about.
    pub author: Option<OperatorName>,
    /// How far it has come.
    pub status: MessageStatus,
    /// The number of the change of its conversation that touched it last.
    pub revision: u32,
    /// Its text, as far as it is stored.
    pub text: String,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// The client's own name for a message of a visitor or an operator.
    pub idempotency_key: Option<IdempotencyKey>,
    /// What is known of an answer; all `None` for everything else.
    pub facts: AnswerFacts,
    /// What the visitor says of an answer.
    pub feedback: Option<Feedback>,
}

impl Message {
    /// Whether the visitor's message may be answered again: this answer to it is not what was owed. One that the model ended at
    /// a limit is.
    pub const fn may_be_replaced(&self) -> bool {
        let is_ended_by_model = self.facts.finish.is_some() && self.facts.failure.is_none();
        matches!(self.status, MessageStatus::Interrupted | MessageStatus::Failed) && !is_ended_by_model
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_value() {
        for status in MessageStatus::ALL {
            assert_eq!(MessageStatus::parse(status.as_str()), Some(status));
        }
        for reason in FinishReason::ALL {
            assert_eq!(FinishReason::parse(reason.as_str()), Some(reason));
        }
        for failure in TurnFailure::ALL {
            assert_eq!(TurnFailure::parse(failure.code()), Some(failure));
        }
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("user"), Some(Role::Visitor));
        assert_eq!(Role::parse("system"), None);
    }
}
