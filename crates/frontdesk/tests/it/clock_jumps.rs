//! P13: jumps of the clock are harmless.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use frontdesk_core::MessageStatus;
use frontdesk_testkit::{Dice, Effort, ModelServer, Program, Request, WallClock, exchange};
use serde_json::json;

use crate::BINARY;
use crate::visitor::{Kept, Visitor, asked, events, sign_in, spoken};

const SEED: u64 = 0x5EED_000D;
const VISITORS: usize = 4;
const WORDS: [&str; 6] = ["Time ", "flies ", "like ", "an ", "arrow", "."];

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// How far the clock is ahead, one after the other: each jump by an hour or a day is among the steps, in both directions.
const AHEAD: [i64; 8] = [HOUR, 0, -HOUR, 0, DAY, 0, -DAY, 0];

/// How many requests a client may send, and how soon one more.
const REQUESTS: u32 = 20;
const WINDOW: Duration = Duration::from_secs(10);
const ONE_MORE: Duration = Duration::from_millis(500);

/// Requests of clients with addresses of their own, as a proxy passes them on.
fn from_address(request: Request, n: usize) -> Request {
    request.header("X-Forwarded-For", &format!("10.{}.{}.{}", n >> 16 & 255, n >> 8 & 255, n & 255))
}

/// Sends message after message until it is over, reads every answer to its end, and says what was sent.
fn converse(api: SocketAddr, visitor: &Visitor, addresses: &AtomicUsize, over: &AtomicBool) -> Vec<String> {
    let mut sent = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let text = format!("message {} of {}", sent.len(), visitor.session);
        let message = visitor.message("/v1/chat/stream", &text);
        let message = from_address(message, addresses.fetch_add(1, Ordering::Relaxed));
        let last = events(message.open(api).unwrap()).last().unwrap();
        assert_eq!((&last["type"], &last["message"]), (&json!("done"), &json!(WORDS.concat())), "{last}");
        sent.push(text);
    }
    sent
}

/// A client that asks for more than it may. Says how many of its requests were let in, and within how much time.
fn ask_too_often(api: SocketAddr, over: &AtomicBool) -> (u32, Duration) {
    let key = |request: Request| request.header("x-api-key", Program::PUBLIC_KEY);
    let request = from_address(key(Request::post("/v1/chat", &json!({}))), 0xFF_FFFF);
    let (mut let_in, began) = (0, Instant::now());
    loop {
        let is_last = over.load(Ordering::Relaxed);
        let asked_at = began.elapsed();
        let reply = exchange(api, &request).unwrap();
        match reply.status {
            400 => let_in += 1,
            429 => {
                let seconds = reply.json()["retryAfter"].as_u64().unwrap();
                assert!(seconds <= ONE_MORE.as_secs() + 1, "it is told to wait for {seconds} s");
                if is_last {
                    return (let_in, asked_at);
                }
                thread::sleep(Duration::from_millis(20));
            }
            _ => unreachable!("{reply:?}"),
        }
    }
}

/// Half a request, which a server waits for ten seconds.
fn half_a_request(program: &Program) -> TcpStream {
    let mut stream = TcpStream::connect(program.api()).unwrap();
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n").unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    stream
}

fn is_open(mut stream: &TcpStream) -> bool {
    matches!(stream.read(&mut [0; 64]), Err(error) if [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()))
}

/// What the dashboard says to an operator with this cookie: 200, or the way to the login.
fn status(program: &Program, cookie: &str) -> u16 {
    exchange(program.dashboard(), &Request::get("/").header("Cookie", cookie)).unwrap().status
}

#[test]
fn jumps_of_the_clock_are_harmless() {
    let Some(clock) = WallClock::find() else { return };
    let rounds = Effort::asked().pick(1, 12);
    let model = ModelServer::start(|call| {
        assert!(asked(&call.body).starts_with("message"));
        spoken(&call.path, &WORDS, Duration::from_millis(5))
    });
    let program = Program::new(BINARY)
        .set("OPENAI_BASE_URL", &model.base_url())
        .set("UPSTREAM_API", "chat")
        .set("TRUSTED_PROXIES", "127.0.0.1")
        .set("RATE_LIMIT_MAX_REQUESTS", &REQUESTS.to_string())
        .set("RATE_LIMIT_WINDOW_MS", &WINDOW.as_millis().to_string());
    let mut program = clock.seen_by(program).started();
    let mut dice = Dice::new(SEED);
    let (over, addresses) = (AtomicBool::new(false), AtomicUsize::new(0));
    let visitors: Vec<_> = (0..VISITORS).map(|n| Visitor::new(format!("visitor-{n}"))).collect();
    let (sent, (let_in, span)) = thread::scope(|scope| {
        let (api, over, addresses) = (program.api(), &over, &addresses);
        let talking: Vec<_> = visitors
            .iter()
            .map(|visitor| scope.spawn(move || converse(api, visitor, addresses, over)))
            .collect();
        let asking = scope.spawn(move || ask_too_often(api, over));
        let mut cookie = sign_in(&program);
        for ahead in AHEAD.iter().cycle().take(AHEAD.len() * rounds) {
            let half = half_a_request(&program);
            thread::sleep(Duration::from_millis(dice.below(60) as u64));
            clock.set_ahead(*ahead);
            thread::sleep(Duration::from_millis(20));
            assert!(is_open(&half), "a jump by the clock is no passing of time");
            // Some jumps end what was signed in; none may keep anybody out.
            assert!([200, 303].contains(&status(&program, &cookie)));
            cookie = sign_in(&program);
            assert_eq!(status(&program, &cookie), 200, "{ahead} s ahead");
        }
        over.store(true, Ordering::Relaxed);
        let sent: Vec<_> = talking.into_iter().map(|talking| talking.join().unwrap()).collect();
        (sent, asking.join().unwrap())
    });
    let due = |span: Duration| REQUESTS + u32::try_from(span.as_millis() / ONE_MORE.as_millis()).unwrap();
    assert!((due(span)..=due(span) + 1).contains(&let_in), "{let_in} requests were let in within {span:?}");

    program.child().kill();
    let printed = program.child().printed();
    assert!(!printed.contains("panicked"), "{printed}");
    let kept = Kept::open(program.folder());
    let mut days = BTreeSet::new();
    for (visitor, sent) in visitors.iter().zip(&sent) {
        let stored = kept.messages(visitor);
        days.extend(stored.iter().map(|message| message.created_at.millis() / 1000 / DAY));
        let questions: Vec<_> = stored.iter().step_by(2).map(|message| &message.text).collect();
        assert_eq!(questions, sent.iter().collect::<Vec<_>>(), "{}", visitor.session);
        assert!(stored.iter().skip(1).step_by(2).all(|answer| answer.status == MessageStatus::Complete));
    }
    assert!(days.len() >= 3, "the program did not see the jumps");
    let all: usize = sent.iter().map(Vec::len).sum();
    println!(
        "{} jumps: {all} messages answered, in order; {let_in} requests let in within {span:?}",
        AHEAD.len() * rounds
    );
}
