//! What tests of lost connections share: the events of a stream that may break, and what is stored in the end.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use frontdesk_core::{Message, SecretHash, SessionId, SessionKey, SiteId, Store, SystemClock, ThreadPage};
use frontdesk_store::{StoreUrl, open};
use frontdesk_testkit::{Program, Request, Step, Wire, exchange, stream};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// A visitor with a session and a secret of its own.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    pub(crate) session: String,
    secret: String,
}

impl Visitor {
    pub(crate) fn new(session: impl Into<String>) -> Self {
        let session = session.into();
        Self { secret: format!("{session:A<43}"), session }
    }

    /// A message, under a name by which it can be sent again.
    pub(crate) fn message(&self, path: &str, text: &str) -> Request {
        let body = json!({ "sessionId": self.session, "message": text });
        let name: String = text.replace(char::is_whitespace, "-").chars().take(255).collect();
        self.with_keys(Request::post(path, &body)).header("Idempotency-Key", &name)
    }

    /// The rest of an answer.
    pub(crate) fn rest(&self, answer: &str, cursor: usize) -> Request {
        self.with_keys(Request::get(format!("/v1/chat/stream/{answer}?after={cursor}")))
    }

    /// The feed of the conversation, from a cursor on.
    pub(crate) fn feed(&self, cursor: Option<&str>) -> Request {
        let after = cursor.map_or_else(String::new, |cursor| format!("?after={cursor}"));
        self.with_keys(Request::get(format!("/v1/sessions/{}/events{after}", self.session)))
    }

    /// The conversation, as its visitor may read it.
    pub(crate) fn history(&self) -> Request {
        self.with_keys(Request::get(format!("/v1/sessions/{}/messages", self.session)))
    }

    /// The end of whatever is being written.
    pub(crate) fn stop(&self) -> Request {
        self.with_keys(Request::post("/v1/chat/stop", &json!({ "sessionId": self.session })))
    }

    /// The wish to talk to a person.
    pub(crate) fn asking_for_a_person(&self, body: &Value) -> Request {
        self.with_keys(Request::post(format!("/v1/sessions/{}/handoff", self.session), body))
    }

    /// What the visitor says of an answer.
    pub(crate) fn rating(&self, answer: &str, rating: &str) -> Request {
        let path = format!("/v1/messages/{answer}/feedback");
        self.with_keys(Request::post(path, &json!({ "rating": rating })))
    }

    /// The end of the conversation and of all that is known of it.
    pub(crate) fn deletion(&self) -> Request {
        self.with_keys(Request::delete(format!("/v1/sessions/{}", self.session)))
    }

    fn with_keys(&self, request: Request) -> Request {
        request.header("x-api-key", Program::PUBLIC_KEY).header("x-session-secret", &self.secret)
    }
}

/// The JSON objects of a response, as far as they arrive: events, or the one object of a refusal.
pub(crate) fn events(stream: TcpStream) -> impl Iterator<Item = Value> {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    // A line that was cut is not JSON; heads and the sizes of chunks are not objects.
    lines.filter_map(|line| serde_json::from_str::<Value>(&line).ok().filter(Value::is_object))
}

/// A model's answer, word by word with pauses.
pub(crate) fn spoken(path: &str, words: &[&str], pause: std::time::Duration) -> Vec<Step> {
    let bytes = stream(Wire::UntilClose, path, words);
    let text = String::from_utf8(bytes).unwrap();
    let pieces = text.split_inclusive("\n\n").map(|piece| Step::Send(piece.as_bytes().to_vec()));
    pieces.flat_map(|piece| [piece, Step::Pause(pause)]).collect()
}

/// The visitor's last message in a call of the model.
pub(crate) fn asked(body: &Value) -> &str {
    let messages = body["messages"].as_array().unwrap();
    messages.last().unwrap()["content"].as_str().unwrap()
}

/// Signs an operator in, and gives the cookie.
pub(crate) fn sign_in(program: &Program) -> String {
    let login = Request::post("/api/login", &json!({ "password": Program::PASSWORD }))
        .header("Sec-Fetch-Site", "same-origin");
    let reply = exchange(program.dashboard(), &login).unwrap();
    assert_eq!(reply.status, 200, "{reply:?}");
    let cookies = reply.head.lines().filter_map(|line| line.strip_prefix("set-cookie: "));
    let pairs = cookies.filter_map(|cookie| cookie.split(';').next());
    pairs.collect::<Vec<_>>().join("; ")
}

/// The database of a program that has ended.
pub(crate) struct Kept {
    store: Arc<dyn Store>,
    runtime: Runtime,
}

impl Kept {
    pub(crate) fn open(folder: &Path) -> Self {
        Self::open_url(&StoreUrl::Sqlite(folder.join("data/frontdesk.db")))
    }

    /// The same in any store.
    pub(crate) fn open_url(url: &StoreUrl) -> Self {
        let store = open(url, &SystemClock::start()).unwrap();
        Self { store, runtime: Runtime::new().unwrap() }
    }

    /// What is stored of a visitor's conversation, in order; without holes, or it fails.
    pub(crate) fn messages(&self, visitor: &Visitor) -> Vec<Message> {
        let key = SessionKey {
            site: SiteId::DEFAULT,
            session: SessionId::parse(&visitor.session).unwrap(),
            secret: Some(SecretHash::of(&visitor.secret).unwrap()),
        };
        let page = ThreadPage { before: None, limit: u32::MAX };
        let thread = self.runtime.block_on(self.store.session_thread(&key, page)).unwrap();
        let Some(thread) = thread else { return Vec::new() };
        let places = thread.messages.iter().map(|message| message.seq);
        assert!(places.eq(1..=thread.conversation.message_count), "holes in {}", visitor.session);
        thread.messages
    }
}
