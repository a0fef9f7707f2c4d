//! Anthropic's Messages: requests, and the events of their answers.

use std::borrow::Cow;

use frontdesk_core::{FinishReason, ModelEnd, ModelError, ModelErrorKind, Prompt, Speaker, Usage};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::failure::ErrorObject;
use super::step::Step;
use super::words::Words;

/// The version of the API that is spoken, which every request has to name.
pub(super) const VERSION: (&str, &str) = ("anthropic-version", "2023-06-01");

/// A request. A conversation has to begin with the visitor there.
pub(super) fn body(model: &str, prompt: &Prompt) -> Map<String, Value> {
    let messages = prompt.messages.iter().skip_while(|message| message.speaker == Speaker::Assistant);
    let messages = messages.map(|message| {
        let role = match message.speaker {
            Speaker::User => "user",
            Speaker::Assistant => "assistant",
        };
        json!({ "role": role, "content": message.text })
    });
    Map::from_iter([
        ("model".to_owned(), json!(model)),
        ("stream".to_owned(), json!(true)),
        ("system".to_owned(), json!(prompt.instructions)),
        ("messages".to_owned(), messages.collect()),
        ("max_tokens".to_owned(), json!(prompt.max_output_tokens)),
    ])
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(default)]
    message: Option<Started>,
    #[serde(default, borrow)]
    delta: Option<Delta<'a>>,
    #[serde(default)]
    usage: Counts,
    #[serde(default)]
    error: Option<ErrorObject>,
}

#[derive(Deserialize)]
struct Started {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    usage: Counts,
}

/// Words, where the event is one of words; why the answer ends, where it is one of that.
#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(default, borrow)]
    text: Option<&'a RawValue>,
    #[serde(default)]
    stop_reason: Option<String>,
}

/// Tokens. What was read from a cache or written to one is part of the prompt, and counted apart.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "these are the API's names")]
struct Counts {
    input_tokens: Option<u32>,
    cache_creation_input_tokens: Option<u32>,
    cache_read_input_tokens: Option<u32>,
    output_tokens: Option<u32>,
}

impl Counts {
    fn input(&self) -> Option<u32> {
        let parts = [self.input_tokens, self.cache_creation_input_tokens, self.cache_read_input_tokens];
        parts.into_iter().flatten().reduce(u32::saturating_add)
    }
}

/// Reads the events of one answer.
#[derive(Debug, Default)]
pub(super) struct Reader {
    words: Words,
    model: Option<String>,
    input_tokens: Option<u32>,
    output_tokens: Option<u32>,
    reason: Option<FinishReason>,
}

impl Reader {
    /// Reads an event, and adds its words to `text`.
    pub(super) fn read(&mut self, data: &str, text: &mut String) -> Result<Step, ModelError> {
        let event: Event<'_> = serde_json::from_str(data).map_err(|_| {
            ModelError::new(ModelErrorKind::Interrupted, "an event of the stream is not what it should be")
        })?;
        match &*event.kind {
            "message_start" => {
                if let Some(message) = event.message {
                    self.model = message.model;
                    self.count(&message.usage);
                }
            }
            "content_block_delta" => self.words.add(event.delta.and_then(|delta| delta.text), text),
            "content_block_stop" => self.words.end(text),
            "message_delta" => {
                self.count(&event.usage);
                let name = event.delta.and_then(|delta| delta.stop_reason);
                self.reason = name.as_deref().map(reason).or(self.reason);
            }
            "message_stop" => return Ok(Step::End(self.end())),
            "error" => return Err(ErrorObject::read(event.error)),
            _ => {}
        }
        Ok(Step::Going)
    }

    /// Keeps the latest counts: those at the end are of the whole answer.
    fn count(&mut self, counts: &Counts) {
        self.input_tokens = counts.input().or(self.input_tokens);
        self.output_tokens = counts.output_tokens.or(self.output_tokens);
    }

    fn end(&mut self) -> ModelEnd {
        let usage = self.input_tokens.map(|input_tokens| Usage {
            input_tokens,
            output_tokens: self.output_tokens.unwrap_or_default(),
        });
        ModelEnd { reason: self.reason.unwrap_or(FinishReason::Stop), usage, model: self.model.take() }
    }
}

fn reason(name: &str) -> FinishReason {
    match name {
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "refusal" => FinishReason::ContentFilter,
        _ => FinishReason::Stop,
    }
}

#[cfg(test)]
mod tests {
    use frontdesk_core::PromptMessage;

    use super::*;

    fn read_all(events: &[&str]) -> (String, Result<Option<ModelEnd>, ModelErrorKind>) {
        let (mut reader, mut text) = (Reader::default(), String::new());
        for event in events {
            match reader.read(event, &mut text) {
                Ok(Step::End(end)) => return (text, Ok(Some(end))),
                Ok(Step::Going | Step::Ending) => {}
                Err(error) => return (text, Err(error.kind)),
            }
        }
        (text, Ok(None))
    }

    #[test]
    fn a_request_begins_with_the_visitor() {
        let say = |speaker, text: &str| PromptMessage { speaker, text: text.to_owned() };
        let prompt = Prompt {
            instructions: "be brief".to_owned(),
            messages: vec![
                say(Speaker::Assistant, "0"),
                say(Speaker::User, "one"),
                say(Speaker::Assistant, "1"),
                say(Speaker::User, "two"),
            ],
            max_output_tokens: 9,
        };
        let expected = json!({
            "model": "m", "stream": true, "system": "be brief", "max_tokens": 9,
            "messages": [
                { "role": "user", "content": "one" },
                { "role": "assistant", "content": "1" },
                { "role": "user", "content": "two" },
            ],
        });
        assert_eq!(Value::Object(body("m", &prompt)), expected);
    }

    #[test]
    fn an_answer_is_read_with_its_usage() {
        let events = [
            r#"{"type":"message_start","message":{"model":"m-1","usage":{"input_tokens":5,"cache_read_input_tokens":10,"output_tokens":1}}}"#,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
            r#"{"type":"ping"}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Hel"}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"l\u00f6"}}"#,
            r#"{"type":"content_block_stop","index":1}"#,
            r#"{"type":"something_new","x":1}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}"#,
            r#"{"type":"message_stop"}"#,
        ];
        let end = ModelEnd {
            reason: FinishReason::Stop,
            usage: Some(Usage { input_tokens: 15, output_tokens: 2 }),
            model: Some("m-1".to_owned()),
        };
        assert_eq!(read_all(&events), ("Hellö".to_owned(), Ok(Some(end))));
        assert_eq!(read_all(&events[..9]), ("Hellö".to_owned(), Ok(None)), "without its end it is not whole");
    }

    #[test]
    fn an_answer_says_why_it_ended() {
        for (name, expected) in [
            ("max_tokens", FinishReason::Length),
            ("refusal", FinishReason::ContentFilter),
            ("stop_sequence", FinishReason::Stop),
        ] {
            let delta = format!(r#"{{"type":"message_delta","delta":{{"stop_reason":"{name}"}}}}"#);
            let end = read_all(&[&delta, r#"{"type":"message_stop"}"#]).1.unwrap().unwrap();
            assert_eq!((end.reason, end.usage), (expected, None));
        }
    }

    #[test]
    fn errors_in_the_stream_are_errors() {
        for (event, kind) in [
            (
                r#"{"type":"error","error":{"type":"overloaded_error","message":"x"}}"#,
                ModelErrorKind::Busy(None),
            ),
            (r#"{"type":"error","error":{"type":"rate_limit_error"}}"#, ModelErrorKind::Busy(None)),
            (r#"{"type":"error","error":{"type":"api_error"}}"#, ModelErrorKind::Unavailable),
            ("{\"type\":", ModelErrorKind::Interrupted),
        ] {
            assert_eq!(read_all(&[event]).1, Err(kind), "{event}");
        }
    }
}
