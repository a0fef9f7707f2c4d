//! Answers as streams of events, in the two framings that clients ask for.

mod framing;

use axum::response::Response;
use bytes::Bytes;
use frontdesk_core::{
    ConversationId, DeliveredMessage, MessageId, Turn, TurnEnd, TurnReader, TurnUpdate, Usage,
};
use futures_util::stream;
use http::HeaderValue;
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::ApiError;
use crate::api::chat::{AnsweredBy, DELIVERED};
use crate::reply::REPLAYED;

pub(crate) use framing::{Framing, HEARTBEAT};

/// An event of an answer. Clients ignore members and types that they do not know.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum StreamEvent<'a> {
    /// The message is stored, and its answer begins.
    #[serde(rename_all = "camelCase")]
    Start {
        conversation_id: String,
        /// The answer; not there if an operator has the conversation.
        #[serde(skip_serializing_if = "Option::is_none")]
        message_id: Option<String>,
        /// The cursor that the stream begins at: 0, or where a resumed one was left. Smaller than that only after a crash
        /// of the server, of an answer whose last words were not stored: then the client cuts its text back to as many
        /// bytes (UTF-8).
        seq: usize,
    },
    /// More text.
    #[serde(rename_all = "camelCase")]
    Token {
        token: &'a str,
        /// The cursor after this text: what to resume with.
        seq: usize,
    },
    /// The end of an answer that the model or the visitor brought to its end.
    #[serde(rename_all = "camelCase")]
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
    /// An operator has the conversation: there is no answer, and the operator's words come with the session's events.
    #[serde(rename = "done", rename_all = "camelCase")]
    Delivered {
        /// Empty.
        message: &'static str,
        conversation_id: String,
        seq: usize,
        /// `delivered`.
        status: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        answered_by: Option<AnsweredBy>,
    },
    /// The end of an answer that was interrupted or failed. Its text so far is kept.
    #[serde(rename_all = "camelCase")]
    Error {
        /// What happened, for people.
        error: &'static str,
        /// The stable name that programs go by.
        code: &'static str,
        /// Whether sending the same message again may bring an answer.
        retryable: bool,
        /// For how many seconds to stay away: there if `POST /v1/chat` would answer this code with a 503, and the same
        /// number.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
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

/// A response that follows a turn to its end.
pub(crate) fn follow(turn: Turn, framing: Framing, request_id: &str) -> Response {
    let repeated = turn.repeated;
    let follower = Follower {
        conversation: turn.conversation,
        answer: turn.answer,
        reader: turn.reader,
        framing,
        request_id: request_id.to_owned(),
        step: Step::Start,
    };
    let events = stream::unfold(follower, async |mut follower| Some((follower.next().await?, follower)));
    let mut response = framing.respond(events);
    if repeated {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// A response that says that an operator has the conversation.
pub(crate) fn deliver(delivered: &DeliveredMessage, framing: Framing) -> Response {
    let conversation_id = delivered.conversation.to_string();
    let events = [
        StreamEvent::Start { conversation_id: conversation_id.clone(), message_id: None, seq: 0 },
        StreamEvent::Delivered {
            message: "",
            conversation_id,
            seq: 0,
            status: DELIVERED,
            answered_by: delivered.operator.as_ref().map(AnsweredBy::from),
        },
    ];
    let mut response = framing.respond(stream::iter(events.map(|event| framing.encode(Some(0), &event))));
    if delivered.repeated {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
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
                Some(self.encode(&StreamEvent::Start {
                    conversation_id: self.conversation.to_string(),
                    message_id: Some(self.answer.to_string()),
                    seq: self.reader.cursor(),
                }))
            }
            Step::Text => match timeout(HEARTBEAT, self.reader.next()).await {
                Err(_) => Some(self.framing.heartbeat()),
                Ok(TurnUpdate::Text { text, cursor }) => {
                    Some(self.encode(&StreamEvent::Token { token: &text, seq: cursor }))
                }
                Ok(TurnUpdate::End(end)) => {
                    self.step = Step::Over;
                    Some(self.encode(&self.last_event(end)))
                }
            },
            Step::Over => None,
        }
    }

    fn encode(&self, event: &StreamEvent<'_>) -> Bytes {
        let (StreamEvent::Start { seq, .. }
        | StreamEvent::Token { seq, .. }
        | StreamEvent::Done { seq, .. }
        | StreamEvent::Delivered { seq, .. }
        | StreamEvent::Error { seq, .. }) = event;
        self.framing.encode(Some(seq), event)
    }

    fn last_event(&self, end: TurnEnd) -> StreamEvent<'_> {
        let (conversation_id, message_id) = (self.conversation.to_string(), self.answer.to_string());
        let seq = self.reader.cursor();
        match end.failure {
            Some(failure) => {
                let error = ApiError::of_turn(failure, end.retry_after);
                let facts = error.code.facts();
                StreamEvent::Error {
                    error: facts.error,
                    code: facts.code,
                    retryable: failure.is_retryable(),
                    retry_after: error.retry_after,
                    conversation_id,
                    message_id,
                    seq,
                    request_id: &self.request_id,
                }
            }
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
