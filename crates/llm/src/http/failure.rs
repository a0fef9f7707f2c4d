//! What a server's refusals mean. Its own words are left out: they may quote prompts or keys.

use std::time::Duration;

use frontdesk_core::{ModelError, ModelErrorKind};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde_json::Value;

/// A refusal by status.
pub(super) fn of_status(status: StatusCode, headers: &HeaderMap) -> ModelError {
    let kind = match status.as_u16() {
        408 | 504 => ModelErrorKind::Timeout,
        429 | 503 | 529 => ModelErrorKind::Busy(retry_after(headers)),
        300..=407 | 410..=428 | 430..=499 => ModelErrorKind::Misconfigured,
        _ => ModelErrorKind::Unavailable,
    };
    let mut error = ModelError::new(kind, format!("the server answered with status {}", status.as_u16()));
    // OpenAI's own word on it, and that of servers that follow it.
    match text(headers, "x-should-retry") {
        Some("true") => error.may_pass = true,
        Some("false") => error.may_pass = false,
        _ => error.may_pass |= status == StatusCode::REQUEST_TIMEOUT,
    }
    error
}

/// `retry-after-ms` as OpenAI sends it, or `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3). A date is taken
/// relative to the response's own, because clocks differ.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name| text(headers, name)?.parse::<f64>().ok().filter(|number| !number.is_nan());
    let seconds = number("retry-after-ms").map(|millis| millis / 1000.0).or_else(|| number("retry-after"));
    if let Some(seconds) = seconds {
        return Duration::try_from_secs_f64(seconds.min(LONGEST_WISH)).ok();
    }
    let date = |name| httpdate::parse_http_date(text(headers, name)?).ok();
    Some(date("retry-after")?.duration_since(date("date")?).unwrap_or_default())
}

/// As long as anybody may ask us to wait, in seconds; more is more than we ever will.
const LONGEST_WISH: f64 = 1e9;

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// A connection that did not come about, or broke.
pub(super) fn of_transport(error: &reqwest::Error) -> ModelError {
    if error.is_timeout() {
        return late("the connection");
    }
    if !error.is_connect() {
        return ModelError::new(ModelErrorKind::Unavailable, "the connection broke");
    }
    // Before there is a connection nothing of a prompt or a key can be in a message.
    let detail = format!("no connection to the server: {}", root_cause(error));
    ModelError::new(ModelErrorKind::Unavailable, detail)
}

fn root_cause(error: &dyn std::error::Error) -> &dyn std::error::Error {
    std::iter::successors(Some(error), |error| error.source()).last().unwrap_or(error)
}

pub(super) fn late(what: &str) -> ModelError {
    ModelError::new(ModelErrorKind::Timeout, format!("waited too long for {what}"))
}

/// The error object that servers send in the middle of a stream. Servers differ in what a code is.
#[derive(Debug, Deserialize)]
pub(super) struct ErrorObject {
    code: Option<Value>,
    #[serde(rename = "type")]
    kind: Option<Value>,
}

impl ErrorObject {
    /// The error of an event that says there is one.
    pub(super) fn read(object: Option<Self>) -> ModelError {
        let unnamed =
            || ModelError::new(ModelErrorKind::Unavailable, "the server sent an error in the stream");
        object.map_or_else(unnamed, Self::into_error)
    }
    pub(super) fn into_error(self) -> ModelError {
        let word = |value: Option<Value>| match value {
            Some(Value::String(text)) => Some(text),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let code = word(self.code).or_else(|| word(self.kind)).unwrap_or_else(|| "none".to_owned());
        let busy = ["429", "503", "529", "rate_limit", "overloaded"].iter().any(|sign| code.contains(sign));
        let kind = if busy { ModelErrorKind::Busy(None) } else { ModelErrorKind::Unavailable };
        let plain = |c: &char| c.is_ascii_alphanumeric() || "_-.".contains(*c);
        let code: String = code.chars().filter(plain).take(64).collect();
        ModelError::new(kind, format!("the server sent an error in the stream, code {code}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, headers: &[(&'static str, &'static str)]) -> ModelErrorKind {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        of_status(StatusCode::from_u16(status).unwrap(), &headers.collect()).kind
    }

    #[test]
    fn every_status_has_a_meaning() {
        for status in [301, 400, 401, 403, 404, 422] {
            assert_eq!(refused(status, &[]), ModelErrorKind::Misconfigured, "{status}");
        }
        for status in [408, 504] {
            assert_eq!(refused(status, &[]), ModelErrorKind::Timeout, "{status}");
        }
        for status in [409, 500, 502] {
            assert_eq!(refused(status, &[]), ModelErrorKind::Unavailable, "{status}");
        }
        for status in [429, 503, 529] {
            assert_eq!(refused(status, &[]), ModelErrorKind::Busy(None), "{status}");
        }
    }

    #[test]
    fn a_busy_server_may_say_when_to_come_back() {
        for (header, wait) in [
            (("retry-after", "2"), Some(2000)),
            (("retry-after", "0.5"), Some(500)),
            (("retry-after-ms", "1500"), Some(1500)),
            (("retry-after", "1e300"), Some(1_000_000_000_000)),
            (("retry-after", "-1"), None),
            (("retry-after", "NaN"), None),
            (("retry-after", "soon"), None),
        ] {
            assert_eq!(
                refused(429, &[header]),
                ModelErrorKind::Busy(wait.map(Duration::from_millis)),
                "{header:?}"
            );
        }
    }

    #[test]
    fn a_busy_server_may_say_so_by_a_date() {
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        for (until, wait) in [
            ("Sun, 06 Nov 1994 08:49:39 GMT", Some(2)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("Sun, 99 Nov 1994 08:00:00 GMT", None),
        ] {
            let kind = refused(429, &[date, ("retry-after", until)]);
            assert_eq!(kind, ModelErrorKind::Busy(wait.map(Duration::from_secs)), "{until}");
        }
        assert_eq!(refused(429, &[("retry-after", date.1)]), ModelErrorKind::Busy(None), "relative to what?");
    }

    #[test]
    fn what_may_pass_is_known_by_the_status_unless_the_server_says_otherwise() {
        let may_pass = |status: u16, header: Option<&'static str>| {
            let headers = header.map(|word| ("x-should-retry".parse().unwrap(), word.parse().unwrap()));
            of_status(StatusCode::from_u16(status).unwrap(), &headers.into_iter().collect()).may_pass
        };
        for (status, expected) in [
            (408, true),
            (409, true),
            (429, true),
            (500, true),
            (503, true),
            (504, false),
            (400, false),
            (401, false),
            (422, false),
        ] {
            assert_eq!(may_pass(status, None), expected, "{status}");
            assert!(may_pass(status, Some("true")) && !may_pass(status, Some("false")), "{status}");
        }
    }

    #[test]
    fn the_servers_own_words_are_left_out() {
        for (json, detail) in [
            (r#"{"code":502,"message":"secret"}"#, "code 502"),
            (r#"{"code":"a\nb c","message":"secret"}"#, "code abc"),
            (r#"{"code":null,"type":"server_error"}"#, "code server_error"),
            (r#"{"message":"secret"}"#, "code none"),
        ] {
            let error = serde_json::from_str::<ErrorObject>(json).unwrap().into_error();
            assert!(error.detail.ends_with(detail) && !error.detail.contains("secret"), "{}", error.detail);
        }
    }
}
