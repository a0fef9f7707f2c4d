//! Responses: requests, and the events of their answers.

use std::borrow::Cow;

use frontdesk_core::{FinishReason, ModelEnd, ModelError, ModelErrorKind, Prompt, Speaker, Usage};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::failure::ErrorObject;
use super::step::Step;
use super::words::Words;

/// A request. Nothing is kept at the server: our store is the truth.
pub(super) fn body(model: &str, prompt: &Prompt) -> Map<String, Value> {
    let input = prompt.messages.iter().map(|message| {
        match message.speaker {
            Speaker::User => json!({ "role": "user", "content": message.text }),
            // Earlier answers are items of output; not every server takes them in the short form of questions.
            Speaker::Assistant => json!({
                "type": "message", "role": "assistant", "content": [{ "type": "output_text", "text": message.text }],
            }),
        }
    });
    Map::from_iter([
        ("model".to_owned(), json!(model)),
        ("stream".to_owned(), json!(true)),
        ("store".to_owned(), json!(false)),
        ("instructions".to_owned(), json!(prompt.instructions)),
        ("input".to_owned(), input.collect()),
        ("max_output_tokens".to_owned(), json!(prompt.max_output_tokens)),
    ])
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(default, borrow)]
    /// Words, where the event is one of words; objects elsewhere.
    delta: Option<&'a RawValue>,
    #[serde(default)]
    response: Option<EndedResponse>,
    #[serde(default)]
    error: Option<ErrorObject>,
    #[serde(default)]
    code: Option<Value>,
}

#[derive(Deserialize)]
struct EndedResponse {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    usage: Option<ResponseUsage>,
    #[serde(default)]
    error: Option<ErrorObject>,
    #[serde(default)]
    incomplete_details: Option<IncompleteDetails>,
}

#[derive(Deserialize)]
struct ResponseUsage {
    input_tokens: u32,
    #[serde(default)]
    output_tokens: u32,
}

#[derive(Deserialize)]
struct IncompleteDetails {
    #[serde(default)]
    reason: Option<String>,
}

/// Reads the events of one answer.
#[derive(Debug, Default)]
pub(super) struct Reader {
    words: Words,
}

impl Reader {
    /// Reads an event, and adds its words to `text`.
    pub(super) fn read(&mut self, data: &str, text: &mut String) -> Result<Step, ModelError> {
        if data.trim_end() == "[DONE]" {
            // Some servers add it from habit; the end was told before it.
            return Ok(Step::Going);
        }
        let event: Event<'_> = serde_json::from_str(data).map_err(|_| {
            ModelError::new(ModelErrorKind::Interrupted, "an event of the stream is not what it should be")
        })?;
        match &*event.kind {
            "response.output_text.delta" | "response.refusal.delta" => {
                self.words.add(event.delta, text);
                Ok(Step::Going)
            }
            "response.output_text.done" => {
                self.words.end(text);
                Ok(Step::Going)
            }
            "response.completed" => Ok(Step::End(end(event.response, FinishReason::Stop))),
            "response.incomplete" => {
                let details =
                    event.response.as_ref().and_then(|response| response.incomplete_details.as_ref());
                let reason = match details.and_then(|details| details.reason.as_deref()) {
                    Some("content_filter") => FinishReason::ContentFilter,
                    _ => FinishReason::Length,
                };
                Ok(Step::End(end(event.response, reason)))
            }
            "response.failed" => Err(ErrorObject::read(event.response.and_then(|response| response.error))),
            "error" => {
                let code = event.code.map(|code| json!({ "code": code }));
                Err(ErrorObject::read(event.error.or_else(|| serde_json::from_value(code?).ok())))
            }
            _ => Ok(Step::Going),
        }
    }
}

fn end(response: Option<EndedResponse>, reason: FinishReason) -> ModelEnd {
    let (usage, model) = response.map_or((None, None), |response| (response.usage, response.model));
    let usage =
        usage.map(|usage| Usage { input_tokens: usage.input_tokens, output_tokens: usage.output_tokens });
    ModelEnd { reason, usage, model }
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
    fn a_request_keeps_nothing_at_the_server() {
        let say = |speaker, text: &str| PromptMessage { speaker, text: text.to_owned() };
        let prompt = Prompt {
            instructions: "be brief".to_owned(),
            messages: vec![
                say(Speaker::User, "one"),
                say(Speaker::Assistant, "1"),
                say(Speaker::User, "two"),
            ],
            max_output_tokens: 9,
        };
        let expected = json!({
            "model": "m", "stream": true, "store": false, "instructions": "be brief", "max_output_tokens": 9,
            "input": [
                { "role": "user", "content": "one" },
                { "type": "message", "role": "assistant", "content": [{ "type": "output_text", "text": "1" }] },
                { "role": "user", "content": "two" },
            ],
        });
        assert_eq!(Value::Object(body("m", &prompt)), expected);
    }

    #[test]
    fn an_answer_is_read_with_its_usage() {
        let events = [
            r#"{"type":"response.created","response":{"id":"r","status":"in_progress","error":null,"usage":null}}"#,
            r#"{"type":"response.output_item.added","item":{"type":"reasoning"}}"#,
            r#"{"type":"response.function_call_arguments.delta","delta":{"a":1}}"#,
            r#"{"type":"response.output_text.delta","delta":"Hel","sequence_number":4}"#,
            r#"{"type":"response.output_text.delta","delta":"l\u00f6"}"#,
            r#"{"type":"response.something_new","delta":"x"}"#,
            r#"{"type":"response.completed","response":{"model":"m-1","error":null,"usage":{"input_tokens":5,"output_tokens":2}}}"#,
        ];
        let end = ModelEnd {
            reason: FinishReason::Stop,
            usage: Some(Usage { input_tokens: 5, output_tokens: 2 }),
            model: Some("m-1".to_owned()),
        };
        assert_eq!(read_all(&events), ("Hellö".to_owned(), Ok(Some(end))));
    }

    #[test]
    fn an_incomplete_answer_says_why() {
        for (details, reason) in [
            (r#"{"reason":"max_output_tokens"}"#, FinishReason::Length),
            (r#"{"reason":"content_filter"}"#, FinishReason::ContentFilter),
            ("null", FinishReason::Length),
        ] {
            let event =
                format!(r#"{{"type":"response.incomplete","response":{{"incomplete_details":{details}}}}}"#);
            assert_eq!(read_all(&[&event]).1.unwrap().unwrap().reason, reason);
        }
    }

    #[test]
    fn errors_in_the_stream_are_errors() {
        for (event, kind) in [
            (
                r#"{"type":"response.failed","response":{"error":{"code":"server_error"}}}"#,
                ModelErrorKind::Unavailable,
            ),
            (r#"{"type":"error","code":"server_is_overloaded","message":"x"}"#, ModelErrorKind::Busy(None)),
            (r#"{"type":"error","error":{"code":"rate_limit_exceeded"}}"#, ModelErrorKind::Busy(None)),
            (r#"{"type":"error"}"#, ModelErrorKind::Unavailable),
            ("{\"type\":", ModelErrorKind::Interrupted),
        ] {
            assert_eq!(read_all(&[event]).1, Err(kind), "{event}");
        }
    }

    #[test]
    fn a_stream_without_an_end_marker_has_no_end() {
        let word = r#"{"type":"response.output_text.delta","delta":"Hi"}"#;
        let all_said = r#"{"type":"response.output_text.done","text":"Hi"}"#;
        assert_eq!(read_all(&[word, all_said, "[DONE]"]), ("Hi".to_owned(), Ok(None)));
    }
}
