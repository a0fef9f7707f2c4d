//! P3: one message, one row, one answer, however often it has to be sent.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use frontdesk_core::{MessageStatus, Role};
use frontdesk_testkit::{
    Cut, Dice, Effort, Fault, ModelServer, Program, Proxy, Step, Way, Wire, exchange, raise_file_limit,
    stream,
};
use serde_json::Value;

use crate::BINARY;
use crate::visitor::{Kept, Visitor, asked, events};

const SEED: u64 = 0x5EED_0003;
const CLIENTS: usize = 16;
/// Enough for a conversation to be longer than what the model reads of it.
const MESSAGES_OF_A_SESSION: usize = 20;

/// Of a hundred connections about eighty are to be cut. A request has some 450 bytes, a reply some 1,500.
pub(crate) fn fault(connection: usize) -> Fault {
    let mut dice = Dice::new(SEED + connection as u64);
    let how = if dice.percent(50) { Cut::Close } else { Cut::Reset };
    match dice.below(100) {
        0..35 => Fault::Cut { way: Way::ToServer, after: dice.below(460), how },
        35..80 => Fault::Cut { way: Way::ToClient, after: dice.below(1600), how },
        80..85 => Fault::Delay(Duration::from_millis(dice.below(20) as u64)),
        85..88 => Fault::Slow { bytes: 300, every: Duration::from_millis(1) },
        _ => Fault::None,
    }
}

/// An answer as a client saw it whole.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    id: String,
    text: String,
}

impl Shown {
    fn of(end: &Value) -> Self {
        let text = |name: &str| end[name].as_str().unwrap_or_else(|| unreachable!("{end}")).to_owned();
        Self { id: text("messageId"), text: text("message") }
    }
}

/// Sends a message once; `None` if the connection broke before the answer's end.
fn try_streaming(proxy: SocketAddr, visitor: &Visitor, text: &str) -> Option<Shown> {
    let stream = visitor.message("/v1/chat/stream", text).open(proxy).ok()?;
    let mut tokens = String::new();
    for event in events(stream) {
        match event["type"].as_str() {
            Some("start") => {}
            Some("token") => tokens += event["token"].as_str().unwrap(),
            Some("done") => {
                let shown = Shown::of(&event);
                assert_eq!(shown.text, tokens, "the words that were shown are not those of the end");
                return Some(shown);
            }
            _ => unreachable!("seed {SEED:#x}: {text}: {event}"),
        }
    }
    None
}

/// The same in one piece.
fn try_whole(proxy: SocketAddr, visitor: &Visitor, text: &str) -> Option<Shown> {
    let reply = exchange(proxy, &visitor.message("/v1/chat", text)).ok()?;
    let body = serde_json::from_str(&reply.body).ok()?;
    assert_eq!(reply.status, 200, "seed {SEED:#x}: {text}: {body}");
    Some(Shown::of(&body))
}

/// Sends messages one after the other, each until its answer has come whole; and some once more.
fn talk(door: &impl Fn() -> SocketAddr, visitor: &Visitor, sends: &AtomicUsize) -> Vec<(String, Shown)> {
    (0..MESSAGES_OF_A_SESSION)
        .map(|n| {
            let text = format!("{} message {n}", visitor.session);
            let send = || {
                sends.fetch_add(1, Ordering::Relaxed);
                if n % 2 == 0 {
                    try_streaming(door(), visitor, &text)
                } else {
                    try_whole(door(), visitor, &text)
                }
            };
            let shown = std::iter::repeat_with(send).flatten().next().unwrap();
            if n % 5 == 0
                && let Some(again) = send()
            {
                assert_eq!(again, shown, "a second answer to {text}");
            }
            (text, shown)
        })
        .collect()
}

/// What was said to a visitor, and what was answered.
pub(crate) type Talk = (Visitor, Vec<(String, Shown)>);

/// A model of which no two answers are alike, so that a second one could not be taken for the first.
pub(crate) fn model() -> ModelServer {
    let answers = AtomicUsize::new(0);
    ModelServer::start(move |call| {
        let number = answers.fetch_add(1, Ordering::Relaxed).to_string();
        let words = ["Answer ", &number, " to ", asked(&call.body)];
        vec![Step::Send(stream(Wire::UntilClose, &call.path, &words))]
    })
}

/// Sends so many messages, each through any door until it is answered. Gives the talks, and how often something was sent.
pub(crate) fn talk_all(door: &(impl Fn() -> SocketAddr + Sync), messages: usize) -> (Vec<Talk>, usize) {
    let visitors: Vec<_> =
        (0..messages / MESSAGES_OF_A_SESSION).map(|n| Visitor::new(format!("visitor-{n}"))).collect();
    let (next, sends) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let talks: Vec<_> = thread::scope(|scope| {
        let client = || {
            let mut talks = Vec::new();
            while let Some(visitor) = visitors.get(next.fetch_add(1, Ordering::Relaxed)) {
                talks.push((visitor.clone(), talk(door, visitor, &sends)));
            }
            talks
        };
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    assert_eq!(talks.len() * MESSAGES_OF_A_SESSION, messages);
    (talks, sends.into_inner())
}

/// Compares what visitors were shown with what is stored.
pub(crate) fn compare(kept: &Kept, talks: &[Talk]) {
    for (visitor, talk) in talks {
        let stored = kept.messages(visitor);
        let (questions, answers): (Vec<_>, Vec<_>) =
            stored.iter().partition(|message| message.role == Role::Visitor);
        let asked: Vec<_> = talk.iter().map(|(text, _)| text.as_str()).collect();
        assert!(questions.iter().map(|message| message.text.as_str()).eq(asked), "{stored:?}");
        assert!(answers.iter().all(|answer| answer.status == MessageStatus::Complete), "{stored:?}");
        let answers: Vec<_> = answers
            .iter()
            .map(|answer| Shown { id: answer.id.to_string(), text: answer.text.clone() })
            .collect();
        assert!(answers.iter().eq(talk.iter().map(|(_, shown)| shown)), "{answers:?}");
    }
}

#[test]
fn a_message_that_is_sent_until_it_is_answered_is_stored_once_and_answered_once() {
    let messages = Effort::asked().pick(60, 10_000);
    raise_file_limit();
    let model = model();
    let mut program =
        Program::new(BINARY).set("OPENAI_BASE_URL", &model.base_url()).set("UPSTREAM_API", "chat").started();
    let proxy = Proxy::start(program.api(), fault);
    let began = Instant::now();
    let (talks, sends) = talk_all(&|| proxy.address(), messages);
    let span = began.elapsed();
    program.child().kill();
    compare(&Kept::open(program.folder()), &talks);
    println!(
        "{messages} messages, sent {sends} times in {} s over a proxy that cut {} connections: each stored and answered once",
        span.as_secs(),
        proxy.cuts()
    );
    assert_eq!(model.calls().len(), messages, "the model was not asked once for each message");
    assert!(proxy.cuts() > messages / 2, "the proxy hardly cut anything");
}
