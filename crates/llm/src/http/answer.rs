//! An answer as it comes in over the network.

use std::time::Duration;

use frontdesk_core::{ModelError, ModelErrorKind, ModelEvent};
use reqwest::Response;
use tokio::time::{Instant, timeout_at};

use super::step::Step;
use super::{ApiForm, ModelTimeouts, chat_completions, failure, messages, responses};
use crate::{SseError, SseReader};

/// The largest event that is read, in bytes.
const MAX_EVENT: usize = 64 * 1024;

/// How long to wait for the bill once the answer has ended.
const USAGE_PATIENCE: Duration = Duration::from_secs(2);

/// Reads one answer.
pub(crate) struct Answer {
    response: Response,
    events: SseReader,
    form: Form,
    timeouts: ModelTimeouts,
    /// When all of it must have come.
    total_by: Instant,
    /// When the next byte must have come.
    next_by: Instant,
    ending: bool,
    /// What follows the words that were just given.
    then: Option<Result<ModelEvent, ModelError>>,
    over: bool,
}

enum Form {
    ChatCompletions(chat_completions::Reader),
    Responses(responses::Reader),
    Messages(messages::Reader),
}

impl Answer {
    pub(crate) fn new(response: Response, form: ApiForm, timeouts: ModelTimeouts, begun: Instant) -> Self {
        let form = match form {
            ApiForm::ChatCompletions => Form::ChatCompletions(chat_completions::Reader::default()),
            ApiForm::Responses => Form::Responses(responses::Reader::default()),
            ApiForm::Messages => Form::Messages(messages::Reader::default()),
        };
        Self {
            response,
            events: SseReader::new(MAX_EVENT),
            form,
            timeouts,
            total_by: begun + timeouts.total,
            next_by: begun + timeouts.first_byte,
            ending: false,
            then: None,
            over: false,
        }
    }

    /// The next event; `None` after the last one.
    pub(crate) async fn next(&mut self) -> Option<Result<ModelEvent, ModelError>> {
        if let Some(event) = self.then.take() {
            return Some(event);
        }
        while !self.over {
            let mut text = String::new();
            let last = match self.read_some().await {
                Ok(()) => self.read_events(&mut text),
                Err(end) => Some(end),
            };
            self.over = last.is_some();
            if !text.is_empty() {
                self.then = last;
                return Some(Ok(ModelEvent::Delta(text)));
            }
            if last.is_some() {
                return last;
            }
        }
        None
    }

    /// Takes in more bytes, or says how the answer ends if there are none.
    async fn read_some(&mut self) -> Result<(), Result<ModelEvent, ModelError>> {
        let by = self.next_by.min(self.total_by);
        match timeout_at(by, self.response.chunk()).await {
            Ok(Ok(Some(bytes))) => {
                let patience = if self.ending { USAGE_PATIENCE } else { self.timeouts.idle };
                self.next_by = Instant::now() + patience;
                self.events.push(&bytes);
                Ok(())
            }
            Ok(Ok(None)) => Err(self.broken_off(|| {
                ModelError::new(ModelErrorKind::Interrupted, "the stream ended without an end marker")
            })),
            Ok(Err(_)) => Err(self.broken_off(|| {
                ModelError::new(
                    ModelErrorKind::Interrupted,
                    "the connection broke in the middle of the stream",
                )
            })),
            Err(_) => Err(self.broken_off(|| failure::late("the next byte"))),
        }
    }

    /// Reads the events that have come in whole, adds their words to `text`, and says how the answer ends if it does.
    fn read_events(&mut self, text: &mut String) -> Option<Result<ModelEvent, ModelError>> {
        loop {
            let step = match self.events.next_event() {
                Ok(None) => return None,
                Ok(Some(data)) => match &mut self.form {
                    Form::ChatCompletions(reader) => reader.read(data, text),
                    Form::Responses(reader) => reader.read(data, text),
                    Form::Messages(reader) => reader.read(data, text),
                },
                Err(error) => Err(unreadable(error)),
            };
            match step {
                Ok(Step::Going) => {}
                Ok(Step::Ending) => {
                    if !std::mem::replace(&mut self.ending, true) {
                        self.next_by = Instant::now() + USAGE_PATIENCE;
                    }
                }
                Ok(Step::End(end)) => return Some(Ok(ModelEvent::End(end))),
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// The end of an answer whose stream is over: a good one if its words had ended before.
    fn broken_off(&mut self, error: impl FnOnce() -> ModelError) -> Result<ModelEvent, ModelError> {
        let end = match &mut self.form {
            Form::ChatCompletions(reader) => reader.end_of_stream(),
            Form::Responses(_) | Form::Messages(_) => None,
        };
        end.map(ModelEvent::End).ok_or_else(error)
    }
}

fn unreadable(error: SseError) -> ModelError {
    let kind = match error {
        SseError::TooLarge { .. } => ModelErrorKind::TooLarge,
        SseError::NotUtf8 => ModelErrorKind::Interrupted,
    };
    ModelError::new(kind, error.to_string())
}
