use std::fmt;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use frontdesk_core::{InvalidOperatorName, InvalidText, MAX_TAGS, MessageText, OperatorName, Tag};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde::{Deserialize as _, Deserializer};
use serde_json::Value;
use serde_json::error::Category;
use tokio::time::timeout;

use crate::{ApiError, Code};

/// The largest body that is taken, in bytes. A message of 4000 units needs at most 24,000, written in escapes.
const MAX_BODY: usize = 64 * 1024;

/// The largest document that is taken, in bytes.
const MAX_DOCUMENT: usize = 1024 * 1024;

/// How long a body may take to come in.
const BODY_LIMIT: Duration = Duration::from_secs(30);

/// How deep JSON may be nested.
pub(crate) const MAX_DEPTH: usize = 32;

/// A JSON object as the request's body.
#[derive(Clone, Debug)]
pub(crate) struct JsonBody<T>(pub(crate) T);

/// A type that is read from a JSON object. Its members are `Option`s, so that what is missing can be named.
pub(crate) trait FromJson: DeserializeOwned + Send {}

impl<S: Send + Sync, T: FromJson> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        check_type(request.headers())?;
        let bytes = read(request, MAX_BODY).await?;
        parse(&bytes).map(Self)
    }
}

/// The JSON of a document that is kept as a whole. Only that it is JSON is checked.
#[derive(Clone, Debug)]
pub(crate) struct JsonDocument(pub(crate) String);

impl<S: Send + Sync> FromRequest<S> for JsonDocument {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        check_type(request.headers())?;
        let bytes = read(request, MAX_DOCUMENT).await?;
        let text = readable(&bytes)?;
        serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|_| Code::InvalidJson)?;
        Ok(Self(text.to_owned()))
    }
}

impl JsonDocument {
    /// What the document says, or which of its rules it breaks.
    pub(crate) fn check<T, E: fmt::Display>(
        &self,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, ApiError> {
        parse(&self.0).map_err(|rule| {
            let rule = rule.to_string();
            let code =
                if rule.contains("duplicate field") { Code::DuplicateField } else { Code::InvalidRequest };
            ApiError::new(code).detail("body", rule)
        })
    }
}

/// A member that must be a text.
pub(crate) fn required_text(field: &'static str, value: Option<Value>) -> Result<String, ApiError> {
    let invalid = |rule| Err(ApiError::new(Code::InvalidRequest).detail(field, rule));
    match value {
        Some(Value::String(text)) => Ok(text),
        Some(_) => invalid("must be a string"),
        None => invalid("is required"),
    }
}

/// A member that has to be there, but may be `null`: tells one that is `null` from one that is missing.
pub(crate) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// A member that must be a message.
pub(crate) fn message_text(field: &'static str, value: Option<Value>) -> Result<MessageText, ApiError> {
    MessageText::parse(required_text(field, value)?).map_err(|invalid| {
        let code = match invalid {
            InvalidText::Empty => Code::InvalidRequest,
            InvalidText::Blank => Code::MessageBlank,
            InvalidText::TooLong => Code::MessageTooLong,
            InvalidText::Nul => Code::InvalidCharacter,
        };
        ApiError::new(code).detail(field, invalid.to_string())
    })
}

/// A member that must be what an operator is called.
pub(crate) fn operator_name(field: &'static str, value: Option<Value>) -> Result<OperatorName, ApiError> {
    let invalid =
        |rule: InvalidOperatorName| ApiError::new(Code::InvalidRequest).detail(field, rule.to_string());
    OperatorName::parse(&required_text(field, value)?).map_err(invalid)
}

/// A member that must be `true` or `false`.
pub(crate) fn required_flag(field: &'static str, value: Option<&Value>) -> Result<bool, ApiError> {
    let invalid = |rule| ApiError::new(Code::InvalidRequest).detail(field, rule);
    value.ok_or_else(|| invalid("is required"))?.as_bool().ok_or_else(|| invalid("must be true or false"))
}

/// A member that may be a list of tags.
pub(crate) fn tags(field: &'static str, value: Option<Value>) -> Result<Option<Vec<Tag>>, ApiError> {
    let invalid = |rule: String| ApiError::new(Code::InvalidRequest).detail(field, rule);
    let items = match value {
        None => return Ok(None),
        Some(Value::Array(items)) if items.len() <= MAX_TAGS => items,
        Some(_) => return Err(invalid(format!("must be a list of at most {MAX_TAGS} strings"))),
    };
    let read = |item: Value| {
        let text = item.as_str().ok_or_else(|| invalid("must be strings".to_owned()))?;
        Tag::parse(text).map_err(|rule| invalid(format!("each {rule}")))
    };
    items.into_iter().map(read).collect::<Result<_, _>>().map(Some)
}

fn check_type(headers: &HeaderMap) -> Result<(), ApiError> {
    if headers
        .get(CONTENT_ENCODING)
        .is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        return Err(Code::UnsupportedEncoding.into());
    }
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::to_str);
    match kind {
        Some(Ok(kind)) if is_json_in_utf8(kind) => Ok(()),
        _ => Err(Code::UnsupportedMediaType.into()),
    }
}

/// `application/json`, with no charset or with UTF-8 (RFC 8259, section 8.1).
fn is_json_in_utf8(kind: &str) -> bool {
    let mut parts = kind.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    is_json
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
                value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
            }
            _ => true,
        })
}

async fn read(request: Request<Body>, most: usize) -> Result<Bytes, ApiError> {
    let announced =
        request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > u64::try_from(most).unwrap_or(u64::MAX)) {
        return Err(Code::PayloadTooLarge.into());
    }
    let body = Limited::new(request.into_body(), most);
    match timeout(BODY_LIMIT, body.collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Code::PayloadTooLarge.into()),
        Ok(Err(error)) => Err(ApiError::new(Code::BadRequest).because(error)),
        Err(_) => Err(Code::RequestTimeout.into()),
    }
}

/// Reads a body.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let text = readable(bytes)?;
    if !text.trim_start().starts_with('{') {
        // Told apart so that an array is not called bad JSON.
        let code = match serde_json::from_str::<serde::de::IgnoredAny>(text) {
            Ok(_) => Code::InvalidRequest,
            Err(_) => Code::InvalidJson,
        };
        return Err(ApiError::new(code).detail("body", "must be a JSON object"));
    }
    serde_json::from_str(text).map_err(|error| match error.classify() {
        Category::Data if error.to_string().starts_with("duplicate field") => Code::DuplicateField.into(),
        Category::Data => Code::InvalidRequest.into(),
        Category::Io | Category::Syntax | Category::Eof => Code::InvalidJson.into(),
    })
}

/// A text that may be JSON.
fn readable(bytes: &[u8]) -> Result<&str, ApiError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| Code::InvalidUtf8)?;
    if is_too_deep(bytes) {
        return Err(
            ApiError::new(Code::InvalidJson).detail("body", "must not be nested deeper than 32 levels")
        );
    }
    Ok(text)
}

fn is_too_deep(json: &[u8]) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'{' | b'[' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Message {
        message: Option<Value>,
    }

    fn message(body: &[u8]) -> Result<String, Code> {
        parse::<Message>(body)
            .and_then(|body| required_text("message", body.message))
            .map_err(|error| error.code)
    }

    #[test]
    fn only_json_in_utf8_is_taken() {
        for kind in [
            "application/json",
            "APPLICATION/JSON",
            "application/json;charset=UTF-8",
            "application/json; charset=\"utf-8\"",
        ] {
            assert!(is_json_in_utf8(kind), "{kind}");
        }
        for kind in [
            "",
            "text/plain",
            "application/json; charset=latin1",
            "application/problem+json",
            "application/jsonp",
        ] {
            assert!(!is_json_in_utf8(kind), "{kind}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_apart() {
        for (body, code) in [
            (&b""[..], Code::InvalidJson),
            (b"{bad", Code::InvalidJson),
            (b"[]", Code::InvalidRequest),
            (b"[\"a\",\"b\"]", Code::InvalidRequest),
            (b"null", Code::InvalidRequest),
            (b"{}", Code::InvalidRequest),
            (b"{\"message\":1}", Code::InvalidRequest),
            (b"{\"message\":null}", Code::InvalidRequest),
            (b"{\"message\":\"a\",\"message\":\"b\"}", Code::DuplicateField),
            (b"{\"message\":\"\\ud800\"}", Code::InvalidJson),
            (b"{\"message\":\"\xFF\"}", Code::InvalidUtf8),
            (b"{\"message\":\"a\"} x", Code::InvalidJson),
        ] {
            assert_eq!(message(body), Err(code), "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn odd_but_harmless_bodies_are_taken() {
        for body in [
            "\u{FEFF}{\"message\":\"a\"}",
            "{\"message\":\"a\",\"role\":\"system\",\"__proto__\":{},\"n\":1e400,\"m\":-0,\"k\":18446744073709551616}",
            " {\"message\":\"\\u0061\"}\n",
            "{\"message\":\"a\",\"x\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[\"}",
        ] {
            assert_eq!(message(body.as_bytes()), Ok("a".to_owned()), "{body}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_before_it_is_read() {
        let nested =
            |depth: usize| format!("{{\"message\":\"a\",\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(message(nested(31).as_bytes()), Ok("a".to_owned()));
        assert_eq!(message(nested(32).as_bytes()), Err(Code::InvalidJson));
        assert_eq!(message(nested(10_000).as_bytes()), Err(Code::InvalidJson));
    }
}
