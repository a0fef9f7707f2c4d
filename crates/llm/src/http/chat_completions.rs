//! Chat Completions: requests, and the events of their answers.

use std::borrow::Cow;

use frontdesk_core::{FinishReason, ModelEnd, ModelError, ModelErrorKind, Prompt, Speaker, Usage};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::failure::ErrorObject;
use super::step::Step;
use super::words::Words;

/// A request. OpenAI's own servers have renamed the limit of tokens; others know only its old name.
pub(super) fn body(model: &str, prompt: &Prompt, is_openai: bool) -> Map<String, Value> {
    let system = json!({ "role": "system", "content": prompt.instructions });
    let messages = prompt.messages.iter().map(|message| {
        let role = match message.speaker {
            Speaker::User => "user",
            Speaker::Assistant => "assistant",
        };
        json!({ "role": role, "content": message.text })
    });
    let limit = if is_openai { "max_completion_tokens" } else { "max_tokens" };
    Map::from_iter([
        ("model".to_owned(), json!(model)),
        ("stream".to_owned(), json!(true)),
        ("stream_options".to_owned(), json!({ "include_usage": true })),
        ("messages".to_owned(), std::iter::once(system).chain(messages).collect()),
        (limit.to_owned(), json!(prompt.max_output_tokens)),
    ])
}

/// Reads the events of one answer.
#[derive(Debug, Default)]
pub(super) struct Reader {
    words: Words,
    finish: Option<FinishReason>,
    usage: Option<Usage>,
    model: Option<String>,
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(default, borrow)]
    choices: Option<Vec<Choice<'a>>>,
    #[serde(default)]
    usage: Option<ChunkUsage>,
    #[serde(default, borrow)]
    model: Option<Cow<'a, str>>,
    #[serde(default)]
    error: Option<ErrorObject>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default, borrow)]
    delta: Option<Delta<'a>>,
    #[serde(default, borrow)]
    finish_reason: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(default, borrow)]
    content: Option<&'a RawValue>,
    #[serde(default, borrow)]
    refusal: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ChunkUsage {
    prompt_tokens: u32,
    #[serde(default)]
    completion_tokens: u32,
}

impl Reader {
    /// Reads an event, and adds its words to `text`.
    pub(super) fn read(&mut self, data: &str, text: &mut String) -> Result<Step, ModelError> {
        if data.trim_end() == "[DONE]" {
            let reason = self.finish.unwrap_or(FinishReason::Stop);
            return Ok(Step::End(self.end(reason)));
        }
        let chunk: Chunk<'_> = serde_json::from_str(data).map_err(|_| {
            ModelError::new(ModelErrorKind::Interrupted, "an event of the stream is not what it should be")
        })?;
        if let Some(error) = chunk.error {
            return Err(error.into_error());
        }
        if self.model.is_none() {
            self.model = chunk.model.map(Cow::into_owned);
        }
        if let Some(usage) = chunk.usage {
            self.usage =
                Some(Usage { input_tokens: usage.prompt_tokens, output_tokens: usage.completion_tokens });
        }
        if let Some(choice) = chunk.choices.unwrap_or_default().into_iter().next() {
            if let Some(delta) = choice.delta {
                self.words.add(delta.content, text);
                self.words.add(delta.refusal, text);
            }
            if let Some(reason) = choice.finish_reason {
                self.words.end(text);
                self.finish = Some(finish_reason(&reason)?);
            }
        }
        match (self.finish, self.usage) {
            (Some(reason), Some(_)) => Ok(Step::End(self.end(reason))),
            (Some(_), None) => Ok(Step::Ending),
            (None, _) => Ok(Step::Going),
        }
    }

    /// The end of the answer, if the stream ends here.
    pub(super) fn end_of_stream(&mut self) -> Option<ModelEnd> {
        self.finish.map(|reason| self.end(reason))
    }

    fn end(&mut self, reason: FinishReason) -> ModelEnd {
        ModelEnd { reason, usage: self.usage, model: self.model.take() }
    }
}

/// Only known reasons make a whole answer: vendors have reasons of their own for breaking off.
fn finish_reason(reason: &str) -> Result<FinishReason, ModelError> {
    match reason.to_ascii_lowercase().as_str() {
        "stop" | "end_turn" | "eos" | "eos_token" | "stop_sequence" => Ok(FinishReason::Stop),
        "length" | "max_tokens" | "model_length" => Ok(FinishReason::Length),
        "content_filter" | "safety" => Ok(FinishReason::ContentFilter),
        _ => Err(ModelError::new(
            ModelErrorKind::Interrupted,
            "the model broke off for a reason that is not known",
        )),
    }
}

#[cfg(test)]
mod tests {
    use frontdesk_core::PromptMessage;

    use super::*;

    fn read(events: &[&str]) -> (String, Result<Option<ModelEnd>, ModelErrorKind>) {
        let (mut reader, mut text) = (Reader::default(), String::new());
        for event in events {
            match reader.read(event, &mut text) {
                Ok(Step::End(end)) => return (text, Ok(Some(end))),
                Ok(Step::Going | Step::Ending) => {}
                Err(error) => return (text, Err(error.kind)),
            }
        }
        (text, Ok(reader.end_of_stream()))
    }

    fn stopped(usage: Option<Usage>, model: Option<&str>) -> ModelEnd {
        ModelEnd { reason: FinishReason::Stop, usage, model: model.map(str::to_owned) }
    }

    #[test]
    fn a_request_has_the_instructions_the_talk_and_the_limit() {
        let prompt = Prompt {
            instructions: "be brief".to_owned(),
            messages: vec![PromptMessage { speaker: Speaker::User, text: "hello".to_owned() }],
            max_output_tokens: 9,
        };
        let expected = json!({
            "model": "m", "stream": true, "stream_options": { "include_usage": true }, "max_tokens": 9,
            "messages": [{ "role": "system", "content": "be brief" }, { "role": "user", "content": "hello" }],
        });
        assert_eq!(Value::Object(body("m", &prompt, false)), expected);
        assert_eq!(body("m", &prompt, true)["max_completion_tokens"], 9);
    }

    #[test]
    fn an_answer_is_read_with_its_usage() {
        let events = [
            r#"{"id":"1","model":"m-1","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#,
            r#"{"choices":[{"delta":{"content":"Hel"}}]}"#,
            r#"{"choices":[{"delta":{"content":"l\u00f6"},"finish_reason":null}]}"#,
            r#"{"choices":[{"delta":{},"finish_reason":"stop"}],"usage":null}"#,
            r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}"#,
        ];
        let usage = Usage { input_tokens: 5, output_tokens: 2 };
        assert_eq!(read(&events), ("Hellö".to_owned(), Ok(Some(stopped(Some(usage), Some("m-1"))))));
    }

    #[test]
    fn odd_but_known_servers_are_read() {
        // Azure begins without choices; llama.cpp begins with null; some send no usage, or no [DONE].
        let azure = r#"{"choices":[],"prompt_filter_results":[]}"#;
        let llama = r#"{"choices":[{"delta":{"content":null,"role":"assistant"},"finish_reason":null}],"timings":{}}"#;
        let thinking = r#"{"choices":[{"delta":{"reasoning_content":"hmm"}}]}"#;
        let word = r#"{"choices":[{"delta":{"content":"Hi"}}]}"#;
        let end = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
        assert_eq!(
            read(&[azure, llama, thinking, word, end]),
            ("Hi".to_owned(), Ok(Some(stopped(None, None))))
        );
        assert_eq!(read(&[word, "[DONE]"]), ("Hi".to_owned(), Ok(Some(stopped(None, None)))));
        let both = r#"{"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}"#;
        assert_eq!(read(&[both, "[DONE]"]), ("Hi".to_owned(), Ok(Some(stopped(None, None)))));
    }

    #[test]
    fn a_stream_without_an_end_marker_has_no_end() {
        assert_eq!(read(&[r#"{"choices":[{"delta":{"content":"Hi"}}]}"#]), ("Hi".to_owned(), Ok(None)));
    }

    #[test]
    fn errors_in_the_stream_are_errors() {
        for (event, kind) in [
            (
                r#"{"error":{"code":502,"message":"x"},"choices":[{"finish_reason":"error"}]}"#,
                ModelErrorKind::Unavailable,
            ),
            (r#"{"error":{"type":"rate_limit_error"}}"#, ModelErrorKind::Busy(None)),
            (r#"{"choices":[{"finish_reason":"error"}]}"#, ModelErrorKind::Interrupted),
            (
                r#"{"choices":[{"finish_reason":"insufficient_system_resource"}]}"#,
                ModelErrorKind::Interrupted,
            ),
            ("{\"choices\":", ModelErrorKind::Interrupted),
            ("\"word\"", ModelErrorKind::Interrupted),
        ] {
            assert_eq!(read(&[event]).1, Err(kind), "{event}");
        }
    }
}
