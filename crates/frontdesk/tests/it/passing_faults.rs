//! P12: faults that pass are not seen by visitors and cost few more calls; a model that is dead makes nobody wait; another
//! one answers for it.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use frontdesk_core::{MessageStatus, Role};
use frontdesk_testkit::{
    Dice, Effort, Exchange, ModelServer, Program, Step, Wire, exchange, free_port, raise_file_limit, stream,
};

use crate::BINARY;
use crate::visitor::{Kept, Visitor, asked};

const SEED: u64 = 0x5EED_0012;
const CLIENTS: usize = 16;
const MESSAGES_OF_A_SESSION: usize = 10;

/// How soon an answer has to come when the model is left alone.
const AT_ONCE: Duration = Duration::from_millis(100);

/// The faults that pass, before any word. Those who say when to come back say it in every form there is.
fn fault(number: usize) -> Vec<Step> {
    let status = |line: &str| {
        let head =
            format!("HTTP/1.1 {line}\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{{}}");
        vec![Step::Send(head.into_bytes())]
    };
    let stream = |body: &str| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
        vec![Step::Send([head, body].concat().into_bytes())]
    };
    match number % 15 {
        0 => vec![Step::Reset],
        1 => Vec::new(),
        2 => vec![Step::Send(b"HTTP/1.1 200 O".to_vec())],
        3 => status("408 Request Timeout"),
        4 => status("409 Conflict"),
        5 => status("429 Too Many Requests\r\nRetry-After: 0"),
        6 => status("429 Too Many Requests\r\nRetry-After: 0.05"),
        7 => status("429 Too Many Requests\r\nretry-after-ms: 50\r\nRetry-After: 3600"),
        8 => {
            let now = "Sun, 22 Nov 2026 08:49:37 GMT";
            status(&format!(
                "429 Too Many Requests\r\nDate: {now}\r\nRetry-After: Sun, 22 Nov 2026 08:49:38 GMT"
            ))
        }
        9 => status("500 Internal Server Error"),
        10 => status("502 Bad Gateway"),
        11 => status("503 Service Unavailable\r\nRetry-After: 1"),
        12 => status("529 Overloaded"),
        13 => stream("data: {\"error\":{\"code\":\"overloaded_error\"}}\n\n"),
        _ => stream(": nothing yet\n\n"),
    }
}

/// A server on which faults happen to calls as `happens` says, which is told the message.
fn faulty(happens: impl Fn(&str) -> bool + Send + Sync + 'static) -> ModelServer {
    let faults = AtomicUsize::new(0);
    let answers = AtomicUsize::new(0);
    ModelServer::start(move |call| {
        let message = asked(&call.body);
        if happens(message) {
            return fault(faults.fetch_add(1, Ordering::Relaxed));
        }
        // No two answers are alike, so that a second one could not be taken for the first.
        let number = answers.fetch_add(1, Ordering::Relaxed).to_string();
        vec![Step::Send(stream(Wire::UntilClose, &call.path, &["Answer ", &number, " to ", message]))]
    })
}

/// Of so many messages three in ten, taken by chance.
fn three_in_ten(messages: usize) -> HashSet<String> {
    let mut dice = Dice::new(SEED);
    let mut chosen = HashSet::new();
    while chosen.len() < messages * 3 / 10 {
        chosen.insert(text(dice.below(messages)));
    }
    chosen
}

fn text(number: usize) -> String {
    format!("message {number}")
}

fn program(model: &str, other: Option<&ModelServer>) -> Program {
    let program = Program::new(BINARY).set("OPENAI_BASE_URL", model).set("UPSTREAM_API", "chat");
    match other {
        Some(other) => program
            .set("OPENAI_FALLBACK_BASE_URL", &other.base_url())
            .set("OPENAI_FALLBACK_MODELS", "the-other-one"),
        None => program,
    }
}

/// Sends so many messages, many at once, every other one as a stream, and says how many were answered. What was shown is
/// compared with what is stored: one answer for each message, and each answer once.
fn send_all(program: &mut Program, messages: usize) -> usize {
    let sessions: Vec<_> =
        (0..messages / MESSAGES_OF_A_SESSION).map(|n| Visitor::new(format!("visitor-{n}"))).collect();
    let (next, api) = (AtomicUsize::new(0), program.api());
    let talks: Vec<Vec<_>> = thread::scope(|scope| {
        let client = || {
            let mut talks = Vec::new();
            loop {
                let session = next.fetch_add(1, Ordering::Relaxed);
                let Some(visitor) = sessions.get(session) else { return talks };
                let numbers = session * MESSAGES_OF_A_SESSION..(session + 1) * MESSAGES_OF_A_SESSION;
                talks.push(numbers.map(|number| ask(api, visitor, number)).collect());
            }
        };
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        let talks = clients.into_iter().flat_map(|client| client.join().unwrap());
        talks.collect()
    });
    program.child().kill();
    let kept = Kept::open(program.folder());
    let stored = sessions.iter().flat_map(|visitor| kept.messages(visitor));
    let (questions, answers): (Vec<_>, Vec<_>) = stored.partition(|message| message.role == Role::Visitor);
    assert_eq!((questions.len(), answers.len()), (messages, messages), "one answer for each message");
    let complete = answers.iter().filter(|answer| answer.status == MessageStatus::Complete);
    let stored: HashSet<_> = complete.map(|answer| answer.text.clone()).collect();
    let shown: Vec<String> = talks.into_iter().flatten().flatten().collect();
    assert_eq!(shown.iter().cloned().collect::<HashSet<_>>(), stored, "what was shown is what is stored");
    assert_eq!(shown.len(), stored.len(), "no answer twice");
    shown.len()
}

/// The answer to a message; `None` if there was none.
fn ask(api: SocketAddr, visitor: &Visitor, number: usize) -> Option<String> {
    let path = if number.is_multiple_of(2) { "/v1/chat" } else { "/v1/chat/stream" };
    let reply = exchange(api, &visitor.message(path, &text(number))).unwrap();
    let end = reply.events().pop().unwrap();
    let answer = end["message"].as_str()?.to_owned();
    assert!(answer.ends_with(&format!(" to {}", text(number))), "{answer:?} is for another message");
    Some(answer)
}

#[test]
fn faults_that_pass_are_not_seen_by_visitors_and_cost_few_more_calls() {
    let messages = Effort::asked().pick(20, 1000);
    raise_file_limit();
    let chosen = Mutex::new(three_in_ten(messages));
    let model = faulty(move |message| chosen.lock().unwrap().remove(message));
    let mut program = program(&model.base_url(), None).started();
    let began = Instant::now();
    let answered = send_all(&mut program, messages);
    let calls = model.calls().len();
    println!(
        "{answered} of {messages} messages answered with {calls} calls in {} s",
        began.elapsed().as_secs()
    );
    assert!(answered * 1000 >= messages * 995, "{answered} of {messages} were answered");
    assert!(calls * 10 <= messages * 13, "{calls} calls for {messages} messages");
    assert!(calls * 10 > messages * 12, "hardly anything was wrong");
}

/// Every call fails with a chance of three in ten, whatever happened to the message before: with the two further tries of
/// one model 97 messages in 100 are answered then, and two models answer nearly all.
#[test]
fn two_models_answer_where_three_calls_in_ten_fail() {
    if Effort::asked() == Effort::Quick {
        return;
    }
    raise_file_limit();
    let messages = 500;
    thread::scope(|scope| {
        for (with_another, least) in [(false, 940), (true, 995)] {
            scope.spawn(move || {
                let (model, other) = (faulty(by_chance(1)), faulty(by_chance(2)));
                let mut program = program(&model.base_url(), with_another.then_some(&other)).started();
                let answered = send_all(&mut program, messages);
                let calls = model.calls().len() + other.calls().len();
                let models = 1 + usize::from(with_another);
                println!("{answered} of {messages} messages answered by {models} with {calls} calls");
                assert!(answered * 1000 >= messages * least, "{answered} of {messages} were answered");
                assert!(calls * 10 <= messages * 15, "{calls} calls for {messages} messages");
            });
        }
    });
}

/// Three calls in ten: which ones depends on the message and on how often it was asked, and not on who comes first.
fn by_chance(model: u64) -> impl Fn(&str) -> bool + Send + Sync + 'static {
    let tries = Mutex::new(HashMap::<String, u64>::new());
    move |message| {
        let mut tries = tries.lock().unwrap();
        let tries = tries.entry(message.to_owned()).or_default();
        *tries += 1;
        let number: u64 = message.rsplit(' ').next().unwrap().parse().unwrap();
        Dice::new(SEED + model * 1_000_000 + number * 10 + *tries).percent(30)
    }
}

#[test]
fn a_dead_model_makes_nobody_wait_and_another_one_answers_for_it() {
    let other = ModelServer::saying(&["All ", "is ", "well."]);
    let (alone, with_other) = thread::scope(|scope| {
        let alone = scope.spawn(|| ask_a_dead_model(None));
        let with_other = ask_a_dead_model(Some(&other));
        (alone.join().unwrap(), with_other)
    });
    println!(
        "the slowest of 20 refusals took {alone:?}, and of 20 answers of the other model {with_other:?}"
    );
    let told: HashSet<_> = other.calls().iter().map(|call| call.body["model"].to_string()).collect();
    assert_eq!(told, HashSet::from(["\"the-other-one\"".to_owned()]));
}

/// Asks until the model is left alone, and says how long the slowest of the next 20 replies took.
fn ask_a_dead_model(other: Option<&ModelServer>) -> Duration {
    let program = program(&format!("http://127.0.0.1:{}/v1", free_port()), other).started();
    let (api, is_answered) = (program.api(), other.is_some());
    // Eight messages, each tried three times, are enough to know.
    thread::scope(|scope| {
        for n in 0..8 {
            scope.spawn(move || check(&once(api, &format!("first-{n}")).0, is_answered));
        }
    });
    let round = |round| {
        let ask = |n| {
            let (reply, span) = once(api, &format!("round-{round}-{n}"));
            check(&reply, is_answered);
            if !is_answered {
                assert_eq!(reply.json()["code"], "upstream_busy", "{}", reply.body);
                let seconds = reply.json()["retryAfter"].as_u64().unwrap();
                assert!((1..=10).contains(&seconds), "{}", reply.body);
            }
            span
        };
        (0..20).map(ask).max().unwrap()
    };
    // A machine with much to do makes everybody late, so there are three rounds.
    let mut slowest = (0..3).map(round);
    let in_time = slowest.find(|slowest| *slowest <= AT_ONCE);
    in_time.unwrap_or_else(|| unreachable!("they still have to wait"))
}

/// Sends a message of a session of its own, and says how long the answer took.
fn once(api: SocketAddr, session: &str) -> (Exchange, Duration) {
    let request = Visitor::new(session).message("/v1/chat", "Hello");
    let began = Instant::now();
    (exchange(api, &request).unwrap(), began.elapsed())
}

fn check(reply: &Exchange, is_answered: bool) {
    if is_answered {
        assert_eq!((reply.status, &reply.json()["message"]), (200, &"All is well.".into()), "{}", reply.body);
    } else {
        let code = reply.json()["code"].as_str().unwrap_or_default().to_owned();
        let is_expected = [(502, "upstream_error"), (503, "upstream_busy")].contains(&(reply.status, &code));
        assert!(is_expected, "{}", reply.body);
    }
}
