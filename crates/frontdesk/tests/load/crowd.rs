//! What the visitors of these tests do, and how long they wait.

use std::io::{Error, Result};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use frontdesk_testkit::{Connection, Head, Program, Request};
use serde_json::{Value, json};

/// A visitor with a session and a secret of its own.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    session: String,
    secret: String,
}

impl Visitor {
    pub(crate) fn new(session: impl Into<String>) -> Self {
        let session = session.into();
        Self { secret: format!("{session:A<43}"), session }
    }

    pub(crate) fn message(&self, text: &str) -> Request {
        let body = json!({ "sessionId": self.session, "message": text });
        self.with_keys(Request::post("/v1/chat/stream", &body))
    }

    pub(crate) fn answer(&self, answer: &str) -> Request {
        self.with_keys(Request::get(format!("/v1/chat/stream/{answer}")))
    }

    pub(crate) fn stop(&self) -> Request {
        self.with_keys(Request::post("/v1/chat/stop", &json!({ "sessionId": self.session })))
    }

    pub(crate) fn history(&self) -> Request {
        self.with_keys(Request::get(format!("/v1/sessions/{}/messages", self.session)))
    }

    fn with_keys(&self, request: Request) -> Request {
        request.header("x-api-key", Program::PUBLIC_KEY).header("x-session-secret", &self.secret)
    }
}

/// An answer that has been shown as far as it came.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) id: String,
    pub(crate) text: String,
    /// The last event.
    pub(crate) end: Value,
}

/// An answer that is being read.
#[derive(Debug)]
pub(crate) struct Answer {
    connection: Connection,
    pub(crate) shown: Shown,
}

/// What came of a request for an answer.
#[derive(Debug)]
pub(crate) enum Reply {
    Begun(Answer),
    Refused(Head, Value, Connection),
}

impl Answer {
    /// Sends a request and waits until the answer begins: for its first text, or its end if it has none.
    pub(crate) async fn ask(mut connection: Connection, request: &Request) -> Result<Reply> {
        connection.send(request).await?;
        let head = connection.head().await?;
        if head.status != 200 {
            let body = connection.body(&head).await?;
            return Ok(Reply::Refused(head, serde_json::from_str(&body).map_err(Error::other)?, connection));
        }
        let shown = Shown { id: String::new(), text: String::new(), end: Value::Null };
        let mut answer = Self { connection, shown };
        while answer.shown.text.is_empty() && answer.next().await? {}
        Ok(Reply::Begun(answer))
    }

    /// The same, for those who are not to be refused.
    pub(crate) async fn begin(connection: Connection, request: &Request) -> Self {
        match Self::ask(connection, request).await.unwrap() {
            Reply::Begun(answer) => answer,
            Reply::Refused(head, body, _) => unreachable!("{head:?} {body}"),
        }
    }

    /// Reads what comes next, and says whether there may be more.
    async fn next(&mut self) -> Result<bool> {
        let Some(chunk) = self.connection.chunk().await? else { return Ok(false) };
        for line in chunk.lines().filter(|line| !line.is_empty()) {
            let event: Value = serde_json::from_str(line).map_err(Error::other)?;
            match event["type"].as_str() {
                Some("start") => self.shown.id = event["messageId"].as_str().unwrap_or_default().to_owned(),
                Some("token") => self.shown.text += event["token"].as_str().unwrap_or_default(),
                _ => self.shown.end = event,
            }
        }
        Ok(true)
    }

    /// Reads to the end. The connection can be used again.
    pub(crate) async fn finish(mut self) -> Result<(Shown, Connection)> {
        while self.next().await? {}
        Ok((self.shown, self.connection))
    }

    /// Whether it has not been broken off, as far as is known now. Nothing more can be read of it.
    pub(crate) fn is_open(&self) -> bool {
        self.connection.is_open()
    }
}

/// How long things took.
#[derive(Clone, Debug, Default)]
pub(crate) struct Times {
    all: Vec<Duration>,
}

impl Times {
    pub(crate) fn add(&mut self, time: Duration) {
        self.all.push(time);
    }

    pub(crate) fn extend(&mut self, other: &Self) {
        self.all.extend(&other.all);
    }

    pub(crate) fn count(&self) -> usize {
        self.all.len()
    }

    /// The time that so many in a hundred did not exceed; none if there is nothing.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.all.clone();
        sorted.sort_unstable();
        let place = (sorted.len() * percent).div_ceil(100).max(1) - 1;
        sorted.get(place).copied().unwrap_or_default()
    }

    /// For people: the middle and the slow end.
    pub(crate) fn in_words(&self) -> String {
        let [middle, slow] = [50, 99].map(|percent| self.percentile(percent).as_secs_f64() * 1000.0);
        format!("p50 {middle:.1} ms, p99 {slow:.1} ms of {}", self.count())
    }
}

/// Asks for `/health` every so often until `over`.
pub(crate) async fn health(address: SocketAddr, pause: Duration, over: Instant) -> Times {
    let mut times = Times::default();
    let mut connection = Connection::open(address).await.unwrap();
    while Instant::now() < over {
        let began = Instant::now();
        let (head, _) = connection.ask(&Request::get("/health")).await.unwrap();
        assert_eq!(head.status, 200);
        times.add(began.elapsed());
        tokio::time::sleep(pause).await;
    }
    times
}
