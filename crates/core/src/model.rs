use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::Stream;
use thiserror::Error;

use crate::{FinishReason, Prompt, TurnFailure, Usage};

/// A language model that answers a prompt word by word.
#[async_trait]
pub trait Model: fmt::Debug + Send + Sync {
    /// Begins an answer.
    ///
    /// Dropping the future or the stream ends the work at the model's server as well. An answer is whole only if the
    /// stream brought [`ModelEvent::End`]; a stream that just ends was cut off.
    async fn stream(&self, prompt: Prompt) -> Result<AnswerStream, ModelError>;

    /// What operators know this model by.
    fn name(&self) -> &str;
}

/// An answer as it is being written.
pub type AnswerStream = Pin<Box<dyn Stream<Item = Result<ModelEvent, ModelError>> + Send>>;

/// A step of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelEvent {
    /// More text.
    Delta(String),
    /// The model brought its answer to an end.
    End(ModelEnd),
}

/// How a model ended its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelEnd {
    /// Why it stopped.
    pub reason: FinishReason,
    /// What the answer cost, if the server said so.
    pub usage: Option<Usage>,
    /// The model that wrote it, if the server said so.
    pub model: Option<String>,
}

/// A server may say anything; no visitor is sent away for longer.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(1);

/// What went wrong with a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelErrorKind {
    /// It refused, could not be reached, or answered with something else.
    Unavailable,
    /// It did not answer in time.
    Timeout,
    /// It is busy or over its own limit, and said when to come back if it knew.
    Busy(Option<Duration>),
    /// It does not accept our key, model or request: somebody has to change the settings.
    Misconfigured,
    /// Its stream broke off without an end marker.
    Interrupted,
    /// A single event of its stream was larger than we take.
    TooLarge,
}

impl ModelErrorKind {
    /// The failure that visitors and operators are told of.
    pub const fn failure(self) -> TurnFailure {
        match self {
            Self::Unavailable => TurnFailure::Upstream,
            Self::Timeout => TurnFailure::UpstreamTimeout,
            Self::Busy(_) => TurnFailure::UpstreamBusy,
            Self::Misconfigured => TurnFailure::UpstreamMisconfigured,
            Self::Interrupted => TurnFailure::UpstreamInterrupted,
            Self::TooLarge => TurnFailure::AnswerTooLarge,
        }
    }

    /// When visitors are told to come back, if the model's server said so; at most an hour, whatever it said.
    pub fn retry_after(self) -> Option<Duration> {
        match self {
            Self::Busy(wish) => wish.map(|wish| wish.min(LONGEST_RETRY_AFTER)),
            Self::Unavailable | Self::Timeout | Self::Misconfigured | Self::Interrupted | Self::TooLarge => {
                None
            }
        }
    }
}

/// A model's failure: what we do about it, and what operators read in the log.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{detail}")]
pub struct ModelError {
    /// What went wrong.
    pub kind: ModelErrorKind,
    /// For the log: statuses and codes, never keys, prompts or the server's own words.
    pub detail: String,
    /// Whether it may pass, so that the same request, sent again in a moment, may be answered.
    pub may_pass: bool,
}

impl ModelError {
    /// A failure of that kind.
    pub fn new(kind: ModelErrorKind, detail: impl Into<String>) -> Self {
        let may_pass = match kind {
            ModelErrorKind::Unavailable | ModelErrorKind::Busy(_) | ModelErrorKind::Interrupted => true,
            // Whoever has waited for one answer in vain is not made to wait for a second one.
            ModelErrorKind::Timeout | ModelErrorKind::Misconfigured | ModelErrorKind::TooLarge => false,
        };
        Self { kind, detail: detail.into(), may_pass }
    }
}
