//! P5 for a whole conversation: whoever follows it over connections that break holds in the end what is stored.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use frontdesk_testkit::{
    Cut, Dice, Effort, Fault, ModelServer, Program, Proxy, Way, exchange, raise_file_limit,
};
use serde_json::Value;

use crate::BINARY;
use crate::visitor::{Kept, Visitor, asked, events, spoken};

const SEED: u64 = 0x5EED_00FD;
const VISITORS: usize = 6;

fn model() -> ModelServer {
    ModelServer::start(|call| {
        let words: Vec<_> = asked(&call.body).split_inclusive(' ').cycle().take(60).collect();
        spoken(&call.path, &words, Duration::from_millis(1))
    })
}

/// Every connection is cut, most in the middle of an answer.
fn fault(connection: usize) -> Fault {
    let mut dice = Dice::new(SEED + connection as u64);
    let how = if dice.percent(50) { Cut::Close } else { Cut::Reset };
    Fault::Cut { way: Way::ToClient, after: dice.below(12_000), how }
}

/// A message as the reader has it.
#[derive(Debug)]
struct Held {
    id: String,
    status: String,
    text: String,
}

/// What a reader has, which does what the events say and checks that they fit.
#[derive(Debug, Default)]
struct Reader {
    messages: BTreeMap<u64, Held>,
    revision: u64,
    cursor: Option<String>,
    is_current: bool,
    visits: usize,
}

impl Reader {
    /// One connection, until it breaks or `is_enough` of what there is.
    fn follow(&mut self, proxy: SocketAddr, visitor: &Visitor, is_enough: impl Fn(&Self) -> bool) {
        self.visits += 1;
        self.is_current = false;
        let Ok(stream) = visitor.feed(self.cursor.as_deref()).open(proxy) else { return };
        for event in events(stream) {
            self.apply(&event);
            if is_enough(self) {
                return;
            }
        }
    }

    fn apply(&mut self, event: &Value) {
        match event["type"].as_str() {
            Some("message") => {
                let message = &event["message"];
                let revision = event["revision"].as_u64().unwrap();
                assert!(revision > self.revision, "seed {SEED:#x}: told twice: {event}");
                self.revision = revision;
                let text = |name: &str| message[name].as_str().unwrap().to_owned();
                let held = Held { id: text("id"), status: text("status"), text: text("content") };
                self.messages.insert(message["place"].as_u64().unwrap(), held);
            }
            Some("token") => {
                let id = event["messageId"].as_str().unwrap();
                let held = self.messages.values_mut().find(|held| held.id == id);
                let held = held.unwrap_or_else(|| unreachable!("seed {SEED:#x}: words of nobody: {event}"));
                held.text += event["token"].as_str().unwrap();
                assert_eq!(event["seq"], held.text.len(), "seed {SEED:#x}: a gap or a repeat: {event}");
            }
            Some("state") => self.is_current = event["answering"].is_null(),
            Some("error") => assert_eq!(event["retryable"], true, "{event}"),
            other => unreachable!("seed {SEED:#x}: {other:?}: {event}"),
        }
        if let Some(cursor) = event["cursor"].as_str() {
            self.cursor = Some(cursor.to_owned());
        }
    }
}

/// Sends messages one after the other, each until it is answered.
fn talk(program: SocketAddr, visitor: &Visitor, messages: usize) {
    for n in 0..messages {
        let text = format!("Message {n} of {}", visitor.session);
        let is_answered =
            || exchange(program, &visitor.message("/v1/chat", &text)).is_ok_and(|reply| reply.status == 200);
        while !is_answered() {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A conversation, and a reader who comes and goes until it has all of it.
fn talk_and_read(program: SocketAddr, proxy: &Proxy, visitor: &Visitor, messages: usize) -> Reader {
    let mut reader = Reader::default();
    thread::scope(|scope| {
        scope.spawn(|| talk(program, visitor, messages));
        let has_all = |reader: &Reader| {
            let is_whole = |held: &Held| ["accepted", "complete"].contains(&&*held.status);
            reader.is_current
                && reader.messages.len() == 2 * messages
                && reader.messages.values().all(is_whole)
        };
        while !has_all(&reader) {
            reader.follow(proxy.address(), visitor, has_all);
            thread::sleep(Duration::from_millis(1));
        }
    });
    reader
}

#[test]
fn whoever_follows_a_conversation_over_breaking_connections_holds_what_is_stored() {
    let (cuts, crashes) = Effort::asked().pick((20, 1), (1_000, 10));
    raise_file_limit();
    let model = model();
    let mut program =
        Program::new(BINARY).set("OPENAI_BASE_URL", &model.base_url()).set("UPSTREAM_API", "chat").started();
    let proxy = Proxy::start(program.api(), fault);
    let (api, next) = (program.api(), AtomicUsize::new(0));
    let read: Vec<(Visitor, Reader)> = thread::scope(|scope| {
        let visit = || {
            let mut read = Vec::new();
            while proxy.cuts() < cuts {
                let visitor = Visitor::new(format!("visitor-{}", next.fetch_add(1, Ordering::Relaxed)));
                let reader = talk_and_read(api, &proxy, &visitor, 4);
                read.push((visitor, reader));
            }
            read
        };
        let visits: Vec<_> = (0..VISITORS).map(|_| scope.spawn(visit)).collect();
        let mut dice = Dice::new(SEED);
        for _ in 0..crashes {
            thread::sleep(Duration::from_millis(200 + dice.below(300) as u64));
            program.child().kill();
            program.start();
        }
        visits.into_iter().flat_map(|visit| visit.join().unwrap()).collect()
    });
    program.child().kill();
    let kept = Kept::open(program.folder());
    for (visitor, reader) in &read {
        let stored = kept.messages(visitor);
        assert_eq!(stored.len(), reader.messages.len(), "{}", visitor.session);
        for (message, (place, held)) in stored.iter().zip(&reader.messages) {
            let stored =
                (u64::from(message.seq), message.id.to_string(), message.status.as_str(), &*message.text);
            assert_eq!(stored, (*place, held.id.clone(), &*held.status, &*held.text), "seed {SEED:#x}");
        }
    }
    let visits: usize = read.iter().map(|(_, reader)| reader.visits).sum();
    println!(
        "{} conversations followed in {visits} visits over {} cuts and {crashes} crashes: held as they are stored",
        read.len(),
        proxy.cuts()
    );
    assert!(visits > read.len(), "nobody had to come back");
}
