//! P23: Stop ends an answer wherever it is, and keeps it; leaving ends nothing.

use std::io::Read as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use frontdesk_core::{Message, MessageStatus};
use frontdesk_testkit::{Dice, Effort, ModelServer, Program, Step};
use serde_json::json;

use crate::BINARY;
use crate::visitor::{Kept, Visitor, asked, events, spoken};

const SEED: u64 = 0x5EED_0023;
/// What the promise allows from the request to the closed connection.
const LIMIT: Duration = Duration::from_millis(500);

const WORDS: [&str; 60] = {
    let mut words = ["word "; 60];
    words[7] = "é ";
    words[20] = "漢字 ";
    words[40] = "🙂 ";
    words
};

/// A model that says the words and then neither goes on nor ends; nothing at all if it is asked to be silent.
fn endless() -> ModelServer {
    ModelServer::start(|call| {
        if asked(&call.body).starts_with("silent") {
            return vec![Step::Hang];
        }
        let mut steps = spoken(&call.path, &WORDS, Duration::from_millis(1));
        // The last two events are the end; each is followed by a pause.
        steps.truncate(2 * WORDS.len());
        steps.push(Step::Hang);
        steps
    })
}

fn program(model: &ModelServer) -> Program {
    Program::new(BINARY).set("OPENAI_BASE_URL", &model.base_url()).set("UPSTREAM_API", "chat").started()
}

fn answer(kept: &Kept, visitor: &Visitor) -> Message {
    let messages = kept.messages(visitor);
    assert_eq!(messages.len(), 2, "{messages:?}");
    messages.into_iter().next_back().unwrap()
}

/// Stops an answer of which at least so many bytes have been shown. Gives the text that was shown in the end, and how
/// long the connection to the model stayed open.
fn stop_at(
    program: &Program,
    model: &ModelServer,
    visitor: &Visitor,
    bytes: Option<usize>,
) -> (String, Duration) {
    let message = if bytes.is_some() { "speak" } else { "silent" };
    let mut events = events(visitor.message("/v1/chat/stream", message).open(program.api()).unwrap());
    let mut shown = String::new();
    while shown.len() < bytes.unwrap_or(0) {
        shown += events.next().unwrap()["token"].as_str().unwrap_or_default();
    }
    let asked = Instant::now();
    while model.open_connections() == 0 {
        assert!(asked.elapsed() < LIMIT * 10, "the model is not asked");
        thread::sleep(Duration::from_millis(1));
    }
    let began = Instant::now();
    assert_eq!(program.ask(&visitor.stop()).json(), json!({ "stopped": true }));
    while model.open_connections() > 0 {
        assert!(
            began.elapsed() < LIMIT,
            "seed {SEED:#x}, {bytes:?}: the connection to the model is still open"
        );
        thread::sleep(Duration::from_millis(1));
    }
    let span = began.elapsed();
    let mut last = json!(null);
    for event in events {
        shown += event["token"].as_str().unwrap_or_default();
        last = event;
    }
    assert_eq!((&last["type"], &last["status"]), (&json!("done"), &json!("stopped")), "{last}");
    assert_eq!(last["message"], shown, "seed {SEED:#x}");
    (shown, span)
}

#[test]
fn stop_closes_the_connection_to_the_model_and_keeps_the_text_as_shown() {
    let points = Effort::asked().pick(5, 100);
    let model = endless();
    let mut program = program(&model);
    let mut dice = Dice::new(SEED);
    let all = WORDS.concat().len();
    let mut slowest = Duration::ZERO;
    let stopped: Vec<_> = (0..points)
        .map(|n| {
            let visitor = Visitor::new(format!("visitor-{n}"));
            let point = (n % 10 != 0).then(|| dice.below(all + 1));
            let (shown, span) = stop_at(&program, &model, &visitor, point);
            slowest = slowest.max(span);
            (visitor, shown)
        })
        .collect();
    program.child().kill();
    let kept = Kept::open(program.folder());
    for (visitor, shown) in &stopped {
        let answer = answer(&kept, visitor);
        assert_eq!((answer.status, &answer.text), (MessageStatus::Stopped, shown));
        assert!(WORDS.concat().starts_with(shown));
    }
    println!(
        "{points} answers stopped: the connection to the model closed within {} ms",
        slowest.as_millis()
    );
}

#[test]
fn a_visitor_who_leaves_does_not_end_the_answer() {
    let visitors = Effort::asked().pick(5, 100);
    let model = ModelServer::start(|call| spoken(&call.path, &WORDS, Duration::from_millis(1)));
    let mut program = program(&model);
    let mut dice = Dice::new(SEED);
    let visitors: Vec<_> = (0..visitors).map(|n| Visitor::new(format!("visitor-{n}"))).collect();
    let before_the_end = AtomicUsize::new(0);
    for group in visitors.chunks(10) {
        thread::scope(|scope| {
            for visitor in group {
                // From the first byte of the head on; all of it has some 6,000, or less if words come together.
                let (bytes, address) = (1 + dice.below(4_000), program.api());
                let before_the_end = &before_the_end;
                scope.spawn(move || {
                    let stream = visitor.message("/v1/chat/stream", "speak").open(address).unwrap();
                    let mut seen = Vec::new();
                    stream.take(bytes as u64).read_to_end(&mut seen).unwrap();
                    let is_over = String::from_utf8_lossy(&seen).contains("\"type\":\"done\"");
                    before_the_end.fetch_add(usize::from(!is_over), Ordering::Relaxed);
                });
            }
        });
    }
    program.child().terminate();
    assert!(program.child().wait(Duration::from_secs(10)));
    let kept = Kept::open(program.folder());
    for visitor in &visitors {
        let answer = answer(&kept, visitor);
        assert_eq!((answer.status, answer.text), (MessageStatus::Complete, WORDS.concat()));
    }
    let left = before_the_end.into_inner();
    println!("{left} of {} visitors left before the end: every answer was finished", visitors.len());
    assert!(left > visitors.len() / 2, "hardly anybody left before the end");
}
