use std::sync::Arc;

use axum::extract::State;
use frontdesk_core::{Feedback, FeedbackReason, MessageId, RateAnswer, RatedAnswer, Rating, check_comment};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Api;
use crate::extract::{FromJson, JsonBody, PathText, ReadQuota, Visitor, present, session_secret};
use crate::reply::JsonReply;
use crate::{ApiError, Code, ErrorObject};

/// What a visitor says of an answer. Other members are ignored.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(crate) struct FeedbackRequest {
    /// `up`, `down`, or `null` to take back what was said.
    #[schema(value_type = Option<String>, required, pattern = "^(up|down)$")]
    #[serde(default, deserialize_with = "present")]
    rating: Option<Value>,
    /// Only with `down`: `incorrect`, `outdated`, `unanswered` or `unclear`.
    #[schema(value_type = Option<String>, pattern = "^(incorrect|outdated|unanswered|unclear)$")]
    reason: Option<Value>,
    /// Only with a rating: up to 1000 UTF-16 code units.
    #[schema(value_type = Option<String>, max_length = 1000)]
    comment: Option<Value>,
}

impl FromJson for FeedbackRequest {}

impl FeedbackRequest {
    fn check(self) -> Result<Option<Feedback>, ApiError> {
        let invalid = |field, rule| ApiError::new(Code::InvalidRequest).detail(field, rule);
        let rating = match self.rating {
            None => return Err(invalid("rating", "is required")),
            Some(Value::Null) => None,
            Some(Value::String(text)) => {
                Some(Rating::parse(&text).ok_or_else(|| invalid("rating", "must be up, down or null"))?)
            }
            Some(_) => return Err(invalid("rating", "must be up, down or null")),
        };
        let reason = match self.reason {
            None => None,
            Some(reason) if rating == Some(Rating::Down) => {
                let known = reason.as_str().and_then(FeedbackReason::parse);
                let rule = "must be incorrect, outdated, unanswered or unclear";
                Some(known.ok_or_else(|| invalid("reason", rule))?)
            }
            Some(_) => return Err(invalid("reason", "is only for the rating down")),
        };
        let comment = match self.comment {
            None => None,
            Some(Value::String(text)) if rating.is_some() => check_comment(text)
                .map_err(|rule| ApiError::new(Code::InvalidRequest).detail("comment", rule.to_string()))?,
            Some(Value::String(_)) => return Err(invalid("comment", "is only for a rating")),
            Some(_) => return Err(invalid("comment", "must be a string")),
        };
        Ok(rating.map(|rating| Feedback { rating, reason, comment }))
    }
}

/// What is kept of an answer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FeedbackReply {
    message_id: String,
    /// `null` if it was taken back.
    feedback: Option<VisibleFeedback>,
}

/// What the visitor says of an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VisibleFeedback {
    /// `up` or `down`.
    rating: &'static str,
    /// `incorrect`, `outdated`, `unanswered` or `unclear`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

impl From<Feedback> for VisibleFeedback {
    fn from(feedback: Feedback) -> Self {
        Self {
            rating: feedback.rating.as_str(),
            reason: feedback.reason.map(FeedbackReason::as_str),
            comment: feedback.comment,
        }
    }
}

/// Rates an answer, in place of what was said of it before.
///
/// Sending the same again changes nothing. Everybody who follows the conversation is told.
#[utoipa::path(
    post, path = "/v1/messages/{messageId}/feedback", tag = "chat",
    request_body = FeedbackRequest,
    params(
        ("messageId" = String, Path, description = "An answer that has ended."),
        ("x-session-secret" = String, Header, description = "The session's secret."),
    ),
    security(("publicKey" = []), ("widgetKey" = [])),
    responses(
        (status = 200, description = "What is kept now.", body = FeedbackReply),
        (status = 400, description = "The request is not in order; `code` says how.", body = ErrorObject),
        (status = 401, description = "`unauthorized` or `session_secret_required`", body = ErrorObject),
        (status = 403, description = "`origin_denied`", body = ErrorObject),
        (status = 404, description = "There is no such answer, or it is somebody else's.", body = ErrorObject),
        (status = 408, description = "`request_timeout`", body = ErrorObject),
        (status = 409, description = "`answer_not_ended`", body = ErrorObject),
        (status = 413, description = "`payload_too_large`", body = ErrorObject),
        (status = 415, description = "`unsupported_media_type` or `unsupported_encoding`", body = ErrorObject),
        (status = 429, description = "`rate_limited`", body = ErrorObject),
        (status = 503, description = "`storage_unavailable` or `storage_full`", body = ErrorObject),
    )
)]
pub(crate) async fn feedback(
    State(api): State<Arc<Api>>,
    visitor: Visitor,
    _quota: ReadQuota,
    PathText(answer): PathText,
    headers: HeaderMap,
    JsonBody(body): JsonBody<FeedbackRequest>,
) -> Result<JsonReply<FeedbackReply>, ApiError> {
    let feedback = body.check()?;
    let secret = session_secret(&headers)?.ok_or(Code::SessionSecretRequired)?;
    let answer = MessageId::parse(&answer).ok_or(Code::NotFound)?;
    let rating = RateAnswer { site: visitor.site, secret, answer, feedback: feedback.clone() };
    match api.ports.chat.rate(rating).await?.ok_or(Code::NotFound)? {
        RatedAnswer::NotEnded => Err(Code::AnswerNotEnded.into()),
        RatedAnswer::Kept { .. } => Ok(JsonReply(FeedbackReply {
            message_id: answer.to_string(),
            feedback: feedback.map(VisibleFeedback::from),
        })),
    }
}
