//! P11: whatever a model's server does, its visitor is told in time what came of it, what was said is kept, and nothing
//! is left open. [`table`] is the list of faults.

mod servers;
mod table;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use frontdesk_testkit::{Effort, Exchange, Program, Request, exchange};
use serde_json::{Value, json};

use crate::BINARY;
use crate::visitor::Visitor;
use servers::{KEY, Server};
use table::{By, End, Row};

/// How much later than its limit an answer may end.
const GRACE: Duration = Duration::from_secs(1);

/// A machine with much to do makes everybody late: an answer has to end in time once in so many tries.
const TRIES: usize = 3;

/// How many faults are tried at once.
const AT_ONCE: usize = 6;

/// A message whose answer nothing happens to.
const WELL: &str = "well";

#[test]
fn every_fault_of_a_models_server_has_its_end() {
    let rows = table::rows();
    let quick = || table::rows().into_iter().filter(|row| row.by == By::Now).step_by(6).collect();
    let rows = Effort::asked().pick(quick(), rows);
    let (next, latest) = (AtomicUsize::new(0), Mutex::new((Duration::ZERO, "")));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let in_time = (0..TRIES).map(|_| try_fault(row)).find(|late| *late <= GRACE);
                    let late = in_time.unwrap_or_else(|| unreachable!("{} ends too late", row.fault));
                    let mut latest = latest.lock().unwrap();
                    *latest = (*latest).max((late, row.fault));
                }
            });
        }
    });
    let (late, fault) = latest.into_inner().unwrap();
    println!("{} faults; the latest end came {} ms after its limit ({fault})", rows.len(), late.as_millis());
}

/// Lets a fault happen to an answer in one piece and to a stream, and says how late the later end was.
fn try_fault(row: &Row) -> Duration {
    let fault = row.fault;
    let server = Server::start(row);
    let mut program = Program::new(BINARY)
        .set("OPENAI_BASE_URL", server.base_url())
        .set("OPENAI_API_KEY", KEY)
        .set("UPSTREAM_API", "chat")
        .set("UPSTREAM_FIRST_BYTE_TIMEOUT_MS", &row.timeout(By::FirstByte))
        .set("UPSTREAM_IDLE_TIMEOUT_MS", &row.timeout(By::Idle))
        .set("UPSTREAM_TOTAL_TIMEOUT_MS", &row.timeout(By::Total));
    if let Some((name, value)) = server.variable(program.folder()) {
        program = program.set(name, &value);
    }
    program.start();
    // The connection that asked whether it serves may take a moment to go.
    thread::sleep(Duration::from_millis(50));
    let sockets = program.child().sockets();

    let (whole, stream) = (Visitor::new("whole"), Visitor::new("stream"));
    let api = program.api();
    let ask = |request: &Request| {
        let began = Instant::now();
        (exchange(api, request).unwrap(), began.elapsed())
    };
    let ((reply, whole_span), (events, stream_span)) = thread::scope(|scope| {
        let in_one_piece = scope.spawn(|| ask(&whole.message("/v1/chat", fault)));
        let in_pieces = ask(&stream.message("/v1/chat/stream", fault));
        (in_one_piece.join().unwrap(), in_pieces)
    });
    check_reply(row, &reply);
    let shown = check_events(row, &events);
    check_stored(row, &stored(&program, &whole));
    let kept = stored(&program, &stream);
    check_stored(row, &kept);
    assert_eq!(kept["content"], shown, "{fault}: what was shown is not what is stored");

    let spans = [whole_span, stream_span];
    assert!(spans.iter().all(|span| *span >= row.by.earliest()), "{fault}: {spans:?} is too early");

    // Nothing is left: neither at the model's server, nor in the program.
    let began = Instant::now();
    while server.open_connections() > 0 || program.child().sockets() > sockets {
        let left = (server.open_connections(), program.child().sockets());
        assert!(began.elapsed() < Duration::from_secs(5), "{fault}: {left:?} left open; it was {sockets:?}");
        thread::sleep(Duration::from_millis(10));
    }
    server.check_calls(row);

    assert_eq!(program.ask(&Request::get("/ready")).status, 200, "{fault}");
    if server.answers_others() {
        let well = program.ask(&Visitor::new("other").message("/v1/chat", WELL));
        assert_eq!((well.status, &well.json()["message"]), (200, &json!("All is well.")), "{fault}");
    }
    program.child().terminate();
    assert!(program.child().wait(Duration::from_secs(10)), "{fault}: it did not end well");
    let log = program.child().printed_to_the_end();
    assert!(!log.contains("panic") && !log.contains(KEY), "{fault}: {log}");
    let says_so = log.contains("the model failed") || log.contains("the model is asked again");
    assert!(says_so || row.is_told_in_the_answer(), "{fault}: nobody would know why: {log}");
    whole_span.max(stream_span).saturating_sub(row.by.limit())
}

/// What `POST /v1/chat` has to say.
fn check_reply(row: &Row, reply: &Exchange) {
    let fault = row.fault;
    let object = reply.json();
    let found = (reply.status, object["code"].as_str().unwrap_or_default());
    assert_eq!(found, (row.status(), row.code()), "{fault}: {}", reply.body);
    let seconds = row.retry_after().map_or(Value::Null, |seconds| json!(seconds));
    assert_eq!(object["retryAfter"], seconds, "{fault}: {}", reply.body);
    let header = reply.head.lines().find_map(|line| line.strip_prefix("retry-after: "));
    assert_eq!(header.map(str::to_owned), row.retry_after().map(|seconds| seconds.to_string()), "{fault}");
    if row.status() == 200 {
        check_text(row, object["message"].as_str().unwrap());
    }
}

/// What the stream has to say; gives its words.
fn check_events(row: &Row, reply: &Exchange) -> String {
    let fault = row.fault;
    assert_eq!(reply.status, 200, "{fault}: {}", reply.body);
    let events = reply.events();
    let (first, rest) = events.split_first().unwrap();
    let (last, tokens) = rest.split_last().unwrap();
    assert_eq!(first["type"], "start", "{fault}: {first}");
    assert!(tokens.iter().all(|event| event["type"] == "token"), "{fault}: {tokens:?}");
    let shown: String = tokens.iter().map(|event| event["token"].as_str().unwrap()).collect();
    check_text(row, &shown);
    if row.status() == 200 {
        assert_eq!((&last["type"], &last["message"]), (&json!("done"), &json!(shown)), "{fault}: {last}");
        return shown;
    }
    let seconds = row.retry_after().map_or(Value::Null, |seconds| json!(seconds));
    let found = (&last["type"], &last["code"], &last["retryable"], &last["retryAfter"]);
    let retryable = !["upstream_misconfigured", "answer_too_large", "content_filtered"].contains(&row.code());
    let expected = (&json!("error"), &json!(row.code()), &json!(retryable), &seconds);
    assert_eq!(found, expected, "{fault}: {last}");
    shown
}

/// What is stored of the answer.
fn check_stored(row: &Row, answer: &Value) {
    let fault = row.fault;
    let status = match row.end {
        End::Whole(_) => "complete",
        End::CutAtLimit(_) | End::Broken(..) | End::BrokenEndless(..) => "interrupted",
        End::Failed(..) | End::Busy(_) => "failed",
    };
    let code = if row.status() == 200 { Value::Null } else { json!(row.code()) };
    assert_eq!((&answer["status"], &answer["code"]), (&json!(status), &code), "{fault}: {answer}");
    check_text(row, answer["content"].as_str().unwrap());
}

fn stored(program: &Program, visitor: &Visitor) -> Value {
    let page = program.ask(&visitor.history()).json();
    let messages = page["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 2, "{page}");
    messages[1].clone()
}

fn check_text(row: &Row, text: &str) {
    let fault = row.fault;
    match row.end {
        End::Whole(words) | End::CutAtLimit(words) | End::Broken(_, _, words) => {
            assert_eq!(text, words, "{fault}");
        }
        End::BrokenEndless(_, _, word) => {
            let is_repeated = !text.is_empty() && text.replace(word, "").is_empty();
            assert!(is_repeated && text.len() <= 256 * 1024, "{fault}: {} bytes", text.len());
        }
        End::Failed(..) | End::Busy(_) => assert_eq!(text, "", "{fault}"),
    }
}
