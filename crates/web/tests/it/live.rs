//! Streams of events, as they come.

use axum::body::Body;
use http::{Response, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;

use crate::desk::Call;

/// The events of a stream, as they come.
pub(crate) struct Live {
    body: Body,
}

impl Live {
    pub(crate) async fn begin(call: Call) -> Self {
        let response = call.begin().await;
        assert_eq!(response.status(), StatusCode::OK);
        Self::of(response)
    }

    pub(crate) fn of(response: Response<Body>) -> Self {
        Self { body: response.into_body() }
    }

    /// The next piece; `None` at the end.
    pub(crate) async fn piece(&mut self) -> Option<String> {
        let frame = self.body.frame().await?.unwrap();
        Some(String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap())
    }

    pub(crate) async fn next(&mut self) -> Value {
        let piece = self.piece().await.unwrap();
        let line = piece.lines().find_map(|line| line.strip_prefix("data: ")).unwrap_or(&piece);
        serde_json::from_str(line).unwrap_or_else(|error| unreachable!("{error}: {piece}"))
    }

    pub(crate) async fn take(&mut self, count: usize) -> Vec<Value> {
        let mut taken = Vec::new();
        for _ in 0..count {
            taken.push(self.next().await);
        }
        taken
    }

    /// The first event that is so; what comes before it is passed over.
    pub(crate) async fn find(&mut self, mut is_meant: impl FnMut(&Value) -> bool) -> Value {
        loop {
            let event = self.next().await;
            if is_meant(&event) {
                return event;
            }
        }
    }
}
