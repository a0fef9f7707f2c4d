use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;

/// Silence is broken this often, so that proxies do not take the connection for dead.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(15);

const NO_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// How events are told apart in a stream.
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

    /// What breaks the silence.
    pub(crate) fn heartbeat(self) -> Bytes {
        match self {
            Self::Ndjson => Bytes::from_static(b"\n"),
            Self::Sse => Bytes::from_static(b":\n\n"),
        }
    }

    /// An event, with the cursor after it if it moves it.
    pub(crate) fn encode(self, cursor: Option<impl fmt::Display>, event: &impl Serialize) -> Bytes {
        let mut bytes = Vec::with_capacity(128);
        if self == Self::Sse {
            if let Some(cursor) = cursor {
                bytes.extend_from_slice(format!("id: {cursor}\n").as_bytes());
            }
            bytes.extend_from_slice(b"data: ");
        }
        // Strings and numbers into memory: there is nothing that could fail.
        let _ = serde_json::to_writer(&mut bytes, event);
        bytes.extend_from_slice(match self {
            Self::Ndjson => b"\n",
            Self::Sse => b"\n\n",
        });
        bytes.into()
    }

    /// A response of these events. They are asked for only when the reader has room for more.
    pub(crate) fn respond(self, events: impl Stream<Item = Bytes> + Send + 'static) -> Response {
        let headers = HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static(self.content_type())),
            (CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform")),
            (NO_BUFFERING, HeaderValue::from_static("no")),
        ]);
        (headers, Body::from_stream(events.map(Ok::<_, Infallible>))).into_response()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
        let event = json!({ "token": "a\nb" });
        assert_eq!(&*Framing::Ndjson.encode(Some(3), &event), b"{\"token\":\"a\\nb\"}\n");
        assert_eq!(&*Framing::Sse.encode(Some(3), &event), b"id: 3\ndata: {\"token\":\"a\\nb\"}\n\n");
        assert_eq!(&*Framing::Sse.encode(None::<u8>, &event), b"data: {\"token\":\"a\\nb\"}\n\n");
    }
}
