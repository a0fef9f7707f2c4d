//! Answers as streams of events, in the two framings that clients ask for.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use frontdesk_core::{ConversationId, MessageId, Turn, TurnEnd, TurnFailure, TurnReader, TurnUpdate, Usage};
use futures_util::stream;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::Code;

/// Silence is broken this often, so that proxies do not take the connection for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const NO_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// An event of an answer. Clients ignore members and types that they do not know.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub(crate) enum StreamEvent<'a> {
    /// The message is stored, and its answer begins.
    Start {
        conversation_id: String,
        /// The answer.
        message_id: String,
        /// The cursor that the stream begins at: 0, or where a resumed one was left.
        seq: usize,
    },
    /// More text.
    Token {
        token: &'a str,
        /// The cursor after this text: what to resume with.
        seq: usize,
    },
    /// The end of an answer that the model or the visitor brought to its end.
    Done {
        /// All of its text.
        message: String,
        conversation_id: String,
        message_id: String,
        seq: usize,
        /// `complete`, `stopped`, or `interrupted` if it was cut at a limit: see `finishReason`.
        status: &'static str,
        /// Why the model stopped: `stop`, `length` or `content_filter`.
        #[serde(skip_serializing_if = "Option::is_none")]
        finish_reason: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        usage: Option<TokenUsage>,
    },
    /// The end of an answer that was interrupted or failed. Its text so far is kept.
    Error {
        /// What happened, for people.
        error: &'static str,
        /// The stable name that programs go by.
        code: &'static str,
        /// Whether sending the same message again may bring an answer.
        retryable: bool,
        conversation_id: String,
        message_id: String,
        seq: usize,
        /// Names the request in the server's log.
        request_id: &'a str,
    },
}

/// What an answer cost, in tokens as the model's server counts them.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TokenUsage {
    pub(crate) input_tokens: u32,
    pub(crate) output_tokens: u32,
}

impl From<Usage> for TokenUsage {
    fn from(usage: Usage) -> Self {
        Self { input_tokens: usage.input_tokens, output_tokens: usage.output_tokens }
    }
}

/// How events are told apart in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// One JSON object a line; an empty line is a heartbeat.
    Ndjson,
    /// Server-sent events, with the cursor as id; a comment is a heartbeat.
    Sse,
}

impl Framing {
    /// What the client asks for: NDJSON, as the origin sent it, unless it accepts nothing but server-sent events.
    pub(crate) fn asked(headers: &HeaderMap) -> Self {
        let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let first = accepted.split([',', ';']).next().unwrap_or_default().trim();
        if first.eq_ignore_ascii_case("text/event-stream") { Self::Sse } else { Self::Ndjson }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson; charset=utf-8",
            Self::Sse => "text/event-stream; charset=utf-8",
        }
    }

    fn heartbeat(self) -> Bytes {
        match self {
            Self::Ndjson => Bytes::from_static(b"\n"),
            Self::Sse => Bytes::from_static(b":\n\n"),
        }
    }

    fn encode(self, event: &StreamEvent<'_>) -> Bytes {
        let mut bytes = Vec::with_capacity(128);
        if self == Self::Sse {
            let (StreamEvent::Start { seq, .. }
            | StreamEvent::Token { seq, .. }
            | StreamEvent::Done { seq, .. }
            | StreamEvent::Error { seq, .. }) = event;
            bytes.extend_from_slice(format!("id: {seq}\ndata: ").as_bytes());
        }
        // Strings and numbers into memory: there is nothing that could fail.
        let _ = serde_json::to_writer(&mut bytes, event);
        bytes.extend_from_slice(match self {
            Self::Ndjson => b"\n",
            Self::Sse => b"\n\n",
        });
        bytes.into()
    }
}

/// A response that follows a turn to its end.
pub(crate) fn follow(turn: Turn, framing: Framing, request_id: &str) -> Response {
    let mut headers = HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static(framing.content_type())),
        (CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform")),
        (NO_BUFFERING, HeaderValue::from_static("no")),
    ]);
    if turn.repeated {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
    let follower = Follower {
        conversation: turn.conversation,
        answer: turn.answer,
        reader: turn.reader,
        framing,
        request_id: request_id.to_owned(),
        step: Step::Start,
    };
    let events = stream::unfold(follower, async |mut follower| {
        let bytes = follower.next().await?;
        Some((Ok::<_, std::convert::Infallible>(bytes), follower))
    });
    (headers, Body::from_stream(events)).into_response()
}

struct Follower {
    conversation: ConversationId,
    answer: MessageId,
    reader: TurnReader,
    framing: Framing,
    request_id: String,
    step: Step,
}

enum Step {
    Start,
    Text,
    Over,
}

impl Follower {
    async fn next(&mut self) -> Option<Bytes> {
        match self.step {
            Step::Start => {
                self.step = Step::Text;
                Some(self.framing.encode(&StreamEvent::Start {
                    conversation_id: self.conversation.to_string(),
                    message_id: self.answer.to_string(),
                    seq: self.reader.cursor(),
                }))
            }
            Step::Text => match timeout(HEARTBEAT, self.reader.next()).await {
                Err(_) => Some(self.framing.heartbeat()),
                Ok(TurnUpdate::Text { text, cursor }) => {
                    Some(self.framing.encode(&StreamEvent::Token { token: &text, seq: cursor }))
                }
                Ok(TurnUpdate::End(end)) => {
                    self.step = Step::Over;
                    Some(self.framing.encode(&self.last_event(end)))
                }
            },
            Step::Over => None,
        }
    }

    fn last_event(&self, end: TurnEnd) -> StreamEvent<'_> {
        let (conversation_id, message_id) = (self.conversation.to_string(), self.answer.to_string());
        let seq = self.reader.cursor();
        match end.failure {
            Some(failure) => error_event(failure, conversation_id, message_id, seq, &self.request_id),
            None => StreamEvent::Done {
                message: self.reader.text(),
                conversation_id,
                message_id,
                seq,
                status: end.status.as_str(),
                finish_reason: end.finish.map(frontdesk_core::FinishReason::as_str),
                usage: end.usage.map(TokenUsage::from),
            },
        }
    }
}

fn error_event(
    failure: TurnFailure,
    conversation_id: String,
    message_id: String,
    seq: usize,
    request_id: &str,
) -> StreamEvent<'_> {
    let facts = Code::Turn(failure).facts();
    StreamEvent::Error {
        error: facts.error,
        code: facts.code,
        retryable: failure.is_retryable(),
        conversation_id,
        message_id,
        seq,
        request_id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ndjson_is_sent_unless_server_sent_events_are_asked_for() {
        for (accept, framing) in [
            ("", Framing::Ndjson),
            ("*/*", Framing::Ndjson),
            ("text/html", Framing::Ndjson),
            ("application/x-ndjson, text/event-stream", Framing::Ndjson),
            ("text/event-stream", Framing::Sse),
            ("Text/Event-Stream;q=1, */*", Framing::Sse),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
            assert_eq!(Framing::asked(&headers), framing, "{accept}");
        }
    }

    #[test]
    fn events_are_framed_as_asked() {
        let event = StreamEvent::Token { token: "a\nb", seq: 3 };
        assert_eq!(&*Framing::Ndjson.encode(&event), b"{\"type\":\"token\",\"token\":\"a\\nb\",\"seq\":3}\n");
        assert_eq!(
            &*Framing::Sse.encode(&event),
            b"id: 3\ndata: {\"type\":\"token\",\"token\":\"a\\nb\",\"seq\":3}\n\n"
        );
    }
}
