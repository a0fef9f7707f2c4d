//! P5: a visitor whose connection breaks gets exactly the rest, also from a program that was started again.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use frontdesk_core::MessageStatus;
use frontdesk_testkit::{Cut, Dice, Effort, Fault, ModelServer, Program, Proxy, Way, raise_file_limit};

use crate::BINARY;
use crate::visitor::{Kept, Visitor, asked, events, spoken};

const SEED: u64 = 0x5EED_0005;
const CLIENTS: usize = 8;

/// Words of every length in bytes, and such as JSON has to write differently.
const WORDS: [&str; 8] = ["one ", "zwölf ", "漢字", " 🙂 ", "\n\n", "\"so\" ", "back\\slash ", "\u{7}\t"];

/// What the model answers to a message: some 250 words, which are more than is stored at a time.
fn answer_to(message: &str) -> Vec<&'static str> {
    let seed = message.bytes().fold(SEED, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let mut dice = Dice::new(seed);
    let length = 200 + dice.below(100);
    // Blank answers count as none.
    std::iter::once("So: ").chain((0..length).map(|_| WORDS[dice.below(WORDS.len())])).collect()
}

pub(crate) fn model() -> ModelServer {
    ModelServer::start(|call| spoken(&call.path, &answer_to(asked(&call.body)), Duration::from_millis(1)))
}

/// Three replies of four are cut: within the head, or somewhere in the first 150 events.
pub(crate) fn fault(connection: usize) -> Fault {
    let mut dice = Dice::new(SEED + connection as u64);
    let how = if dice.percent(50) { Cut::Close } else { Cut::Reset };
    match dice.below(4) {
        0 => Fault::None,
        1 => Fault::Cut { way: Way::ToClient, after: dice.below(1_500), how },
        _ => Fault::Cut { way: Way::ToClient, after: dice.below(9_000), how },
    }
}

/// What a visitor has of an answer.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    answer: Option<String>,
    text: String,
    /// `done`, or the code of the error that the answer ended with.
    pub(crate) end: Option<String>,
    /// How many bytes it had to take back, because it had more than the program after a crash.
    pub(crate) taken_back: usize,
}

impl Shown {
    /// One connection. Whatever comes has to follow on what is there.
    fn go_on(&mut self, proxy: SocketAddr, visitor: &Visitor, text: &str) {
        let request = match &self.answer {
            Some(answer) => visitor.rest(answer, self.text.len()),
            None => visitor.message("/v1/chat/stream", text),
        };
        let Ok(stream) = request.open(proxy) else { return };
        for event in events(stream) {
            let seq = event["seq"].as_u64().map(|seq| usize::try_from(seq).unwrap());
            match event["type"].as_str() {
                Some("start") => {
                    self.answer = Some(event["messageId"].as_str().unwrap().to_owned());
                    self.cut_back(seq.unwrap());
                }
                Some("token") => {
                    self.text += event["token"].as_str().unwrap();
                    assert_eq!(seq, Some(self.text.len()), "seed {SEED:#x}: a gap or a repeat: {event}");
                }
                Some("done") => {
                    assert_eq!(event["message"], self.text, "seed {SEED:#x}");
                    self.end = Some("done".to_owned());
                }
                Some("error") => self.end = Some(event["code"].as_str().unwrap().to_owned()),
                _ => assert_eq!(event["code"], "shutting_down", "seed {SEED:#x}: {event}"),
            }
        }
    }

    /// As a client has to: what the program no longer has after a crash is not shown any longer.
    fn cut_back(&mut self, seq: usize) {
        assert!(seq <= self.text.len(), "seed {SEED:#x}: a gap");
        self.taken_back += self.text.len() - seq;
        self.text.truncate(seq);
    }
}

/// Sends a message and follows its answer to the end, over as many connections as it takes, each through any door.
pub(crate) fn read(door: &impl Fn() -> SocketAddr, visitor: &Visitor, text: &str) -> Shown {
    let mut shown = Shown::default();
    let mut furthest = String::new();
    while shown.end.is_none() {
        shown.go_on(door(), visitor, text);
        if shown.text.len() > furthest.len() {
            assert!(shown.text.starts_with(&furthest), "seed {SEED:#x}: other words than were shown before");
            furthest.clone_from(&shown.text);
        }
        thread::sleep(Duration::from_millis(1));
    }
    assert!(furthest.starts_with(&shown.text), "seed {SEED:#x}: other words than were shown before");
    shown
}

/// Compares what a visitor has with what the model said and what is stored.
pub(crate) fn compare(kept: &Kept, visitor: &Visitor, text: &str, shown: &Shown) {
    let stored = kept.messages(visitor);
    assert_eq!(stored.len(), 2, "{stored:?}");
    assert_eq!(stored[1].text, shown.text, "seed {SEED:#x}: {}", visitor.session);
    assert_eq!(Some(stored[1].id.to_string()), shown.answer);
    let whole = answer_to(text).concat();
    match shown.end.as_deref() {
        Some("done") => {
            assert_eq!(shown.taken_back, 0, "seed {SEED:#x}: {}", visitor.session);
            assert_eq!((stored[1].status, &shown.text), (MessageStatus::Complete, &whole));
        }
        Some("restarted" | "shutting_down") => {
            assert!(whole.starts_with(&shown.text));
            let status =
                if shown.text.is_empty() { MessageStatus::Failed } else { MessageStatus::Interrupted };
            assert_eq!(stored[1].status, status, "{stored:?}");
        }
        end => unreachable!("{end:?}"),
    }
}

fn program(model: &ModelServer) -> Program {
    Program::new(BINARY)
        .set("OPENAI_BASE_URL", &model.base_url())
        .set("UPSTREAM_API", "chat")
        .set("SHUTDOWN_TIMEOUT_MS", "50")
}

#[test]
fn a_visitor_whose_connection_breaks_gets_exactly_the_rest() {
    let cuts = Effort::asked().pick(20, 1_000);
    raise_file_limit();
    let model = model();
    let mut program = program(&model).started();
    let proxy = Proxy::start(program.api(), fault);
    let next = AtomicUsize::new(0);
    let read_all: Vec<_> = thread::scope(|scope| {
        let client = || {
            let mut read_here = Vec::new();
            while proxy.cuts() < cuts {
                let visitor = Visitor::new(format!("visitor-{}", next.fetch_add(1, Ordering::Relaxed)));
                let text = format!("Hello from {}", visitor.session);
                let shown = read(&|| proxy.address(), &visitor, &text);
                assert_eq!((shown.taken_back, shown.end.as_deref()), (0, Some("done")));
                read_here.push((visitor, text, shown));
            }
            read_here
        };
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    program.child().kill();
    let kept = Kept::open(program.folder());
    for (visitor, text, shown) in &read_all {
        compare(&kept, visitor, text, shown);
    }
    println!("{} answers over {} cuts: every byte once", read_all.len(), proxy.cuts());
}

#[test]
fn a_visitor_gets_the_rest_from_a_program_that_was_started_again() {
    let (rounds, longest) = Effort::asked().pick((2, 350), (40, 800));
    raise_file_limit();
    let model = model();
    let mut program = program(&model).started();
    let proxy = Proxy::start(program.api(), fault);
    let mut dice = Dice::new(SEED);
    let mut read_all = Vec::new();
    for round in 0..rounds {
        let is_crash = round % 2 == 0;
        let visitors: Vec<_> = (0..CLIENTS).map(|n| Visitor::new(format!("visitor-{round}-{n}"))).collect();
        let read_here: Vec<_> = thread::scope(|scope| {
            let reading: Vec<_> = visitors
                .iter()
                .map(|visitor| {
                    let text = format!("Hello from {}", visitor.session);
                    let address = proxy.address();
                    scope.spawn(move || (visitor.clone(), text.clone(), read(&|| address, visitor, &text)))
                })
                .collect();
            thread::sleep(Duration::from_millis(20 + dice.below(longest) as u64));
            if is_crash {
                program.child().kill();
            } else {
                program.child().terminate();
                assert!(program.child().wait(Duration::from_secs(10)));
            }
            program.start();
            reading.into_iter().map(|reading| reading.join().unwrap()).collect()
        });
        if !is_crash {
            assert!(read_here.iter().all(|(_, _, shown)| shown.taken_back == 0), "an orderly end lost words");
        }
        read_all.extend(read_here);
    }
    program.child().kill();
    let kept = Kept::open(program.folder());
    for (visitor, text, shown) in &read_all {
        compare(&kept, visitor, text, shown);
    }
    let count = |is_so: fn(&Shown) -> bool| read_all.iter().filter(|(_, _, shown)| is_so(shown)).count();
    let taken_back = count(|shown| shown.taken_back > 0);
    let interrupted = count(|shown| shown.end.as_deref() != Some("done"));
    println!(
        "{} answers over {rounds} restarts and {} cuts: {interrupted} interrupted, of {taken_back} the last words taken back",
        read_all.len(),
        proxy.cuts(),
    );
    assert!(interrupted > 0, "no restart came in the middle of an answer");
    assert!(taken_back > 0 || Effort::asked() == Effort::Quick, "no crash took anything");
}
