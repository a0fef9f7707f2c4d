//! The faults, and what has to come of each.

use std::time::Duration;

use frontdesk_testkit::Step::{self, Hang, Pause, Repeat, Reset, Send};
use serde_json::json;

use super::servers::Place::{self, Call, Connection};
use super::servers::Trouble;

/// A fault, and what has to come of it.
pub(super) struct Row {
    /// What it is; also the message that meets it.
    pub(super) fault: &'static str,
    pub(super) place: Place,
    /// How often the model is to be asked for one message.
    pub(super) calls: usize,
    /// What ends the answer.
    pub(super) by: By,
    pub(super) end: End,
}

/// What the visitor is to have in the end.
#[derive(Clone, Copy)]
pub(super) enum End {
    /// The whole answer, with these words.
    Whole(&'static str),
    /// These words, because the model had said enough: they are told as they are, and stored as interrupted.
    CutAtLimit(&'static str),
    /// That status and code, and no word.
    Failed(u16, &'static str),
    /// The same of a busy server, and after how many seconds to come back.
    Busy(u64),
    /// That status and code, and these words.
    Broken(u16, &'static str, &'static str),
    /// The same, with this word again and again.
    BrokenEndless(u16, &'static str, &'static str),
}

/// What ends the answer, and with that when.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// The fault itself.
    Now,
    /// The last of three tries.
    Tries,
    /// `UPSTREAM_FIRST_BYTE_TIMEOUT_MS`
    FirstByte,
    /// `UPSTREAM_IDLE_TIMEOUT_MS`
    Idle,
    /// `UPSTREAM_TOTAL_TIMEOUT_MS`
    Total,
}

impl By {
    /// The limit that the program is given, or has of its own.
    pub(super) fn limit(self) -> Duration {
        Duration::from_millis(match self {
            Self::Now => 0,
            // At most half a second, and then a second.
            Self::Tries => 1500,
            Self::FirstByte => 1000,
            Self::Idle => 700,
            Self::Total => 2000,
        })
    }

    /// Before this, something else has ended the answer.
    pub(super) fn earliest(self) -> Duration {
        match self {
            Self::Now | Self::Tries => Duration::ZERO,
            Self::FirstByte | Self::Idle | Self::Total => self.limit(),
        }
    }
}

impl Row {
    /// A time limit for the program, in milliseconds: so long that it plays no part, unless it is to end the answer.
    pub(super) fn timeout(&self, by: By) -> String {
        let limit = if by == self.by { by.limit() } else { Duration::from_secs(20) };
        limit.as_millis().to_string()
    }

    /// The status of `POST /v1/chat`.
    pub(super) fn status(&self) -> u16 {
        match self.end {
            End::Whole(_) | End::CutAtLimit(_) => 200,
            End::Busy(_) => 503,
            End::Failed(status, _) | End::Broken(status, ..) | End::BrokenEndless(status, ..) => status,
        }
    }

    /// The code that everybody is told; empty if there is none.
    pub(super) fn code(&self) -> &'static str {
        match self.end {
            End::Whole(_) | End::CutAtLimit(_) => "",
            End::Busy(_) => "upstream_busy",
            End::Failed(_, code) | End::Broken(_, code, _) | End::BrokenEndless(_, code, _) => code,
        }
    }

    /// After how many seconds visitors are told to come back.
    pub(super) fn retry_after(&self) -> Option<u64> {
        if let End::Busy(seconds) = self.end { Some(seconds) } else { None }
    }

    /// Whether there is nothing to say in the log that the answer's own line does not say.
    pub(super) fn is_told_in_the_answer(&self) -> bool {
        self.status() == 200
            || ["empty_answer", "content_filtered", "answer_too_large"].contains(&self.code())
    }
}

/// All of them.
pub(super) fn rows() -> Vec<Row> {
    let rows = [connections(), replies(), heads(), streams(), endless(), oddities()];
    rows.into_iter()
        .flatten()
        .map(|(fault, place, calls, by, end)| Row { fault, place, calls, by, end })
        .collect()
}

type Cells = (&'static str, Place, usize, By, End);

const UNREACHABLE: End = End::Failed(502, "upstream_error");
const LATE: End = End::Failed(504, "upstream_timeout");
const WRONG: End = End::Failed(502, "upstream_misconfigured");
const ENDED: End = End::Failed(502, "upstream_interrupted");
const HALF: End = End::Broken(502, "upstream_interrupted", "Half an ");
const ALL: End = End::Whole("Grüße, 👋 Ada!");

/// What keeps an answer from being asked for.
fn connections() -> Vec<Cells> {
    vec![
        ("connection refused", Connection(Trouble::Refused), 0, By::Tries, UNREACHABLE),
        ("a name that does not resolve", Connection(Trouble::NoSuchName), 0, By::Tries, UNREACHABLE),
        ("no connection comes about", Connection(Trouble::Full), 0, By::FirstByte, LATE),
        ("nobody accepts the connection", Connection(Trouble::NotAccepted), 0, By::FirstByte, LATE),
        ("TLS with a server that has none", Connection(Trouble::NoTls), 0, By::Tries, UNREACHABLE),
        ("TLS that nobody answers", Connection(Trouble::SilentTls), 0, By::FirstByte, LATE),
        ("a certificate that nobody signed", Connection(Trouble::Unsigned), 0, By::Tries, UNREACHABLE),
        ("a certificate for another name", Connection(Trouble::OtherName), 0, By::Tries, UNREACHABLE),
        ("a good certificate", Connection(Trouble::Trusted), 1, By::Now, End::Whole("All is well.")),
    ]
}

/// Refusals, and replies that are no streams.
fn replies() -> Vec<Cells> {
    let status = |line| Call(vec![Send(reply(line, "application/json", r#"{"error":{"message":"No."}}"#))]);
    let html = reply("200 OK", "text/html", "<h1>Sign in to this network</h1>");
    let gzip = reply("200 OK", "text/event-stream\r\nContent-Encoding: gzip", GZIP);
    let (busy, hour) = (End::Busy(5), End::Busy(3600));
    vec![
        ("400", status("400 Bad Request"), 1, By::Now, WRONG),
        ("401", status("401 Unauthorized"), 1, By::Now, WRONG),
        ("403", status("403 Forbidden"), 1, By::Now, WRONG),
        ("404", status("404 Not Found"), 1, By::Now, WRONG),
        ("408", status("408 Request Timeout"), 3, By::Tries, LATE),
        ("409", status("409 Conflict"), 3, By::Tries, UNREACHABLE),
        ("429", status("429 Too Many Requests"), 3, By::Tries, busy),
        ("429 for a day", status("429 Too Many Requests\r\nRetry-After: 86400"), 1, By::Now, hour),
        ("429 for good", status("429 Too Many Requests\r\nx-should-retry: false"), 1, By::Now, busy),
        ("500", status("500 Internal Server Error"), 3, By::Tries, UNREACHABLE),
        ("502", status("502 Bad Gateway"), 3, By::Tries, UNREACHABLE),
        ("503", status("503 Service Unavailable"), 3, By::Tries, busy),
        ("503 for 31 s", status("503 Wait\r\nRetry-After: 31"), 1, By::Now, End::Busy(31)),
        ("504", status("504 Gateway Timeout"), 1, By::Now, LATE),
        ("529", status("529 Overloaded"), 3, By::Tries, busy),
        ("302 to another server", Place::Redirect("302 Found"), 1, By::Now, WRONG),
        ("307 to another server", Place::Redirect("307 Temporary Redirect"), 1, By::Now, WRONG),
        ("200 with a page", Call(vec![Send(html)]), 3, By::Tries, UNREACHABLE),
        ("200 with nothing", status_of_nothing(), 3, By::Tries, UNREACHABLE),
        ("200 compressed", Call(vec![Send(gzip)]), 3, By::Tries, UNREACHABLE),
        ("200 compressed and not said", Call(vec![ok(GZIP)]), 3, By::Tries, ENDED),
    ]
}

/// Replies that do not come as far as their body.
fn heads() -> Vec<Cells> {
    let half = || Send(b"HTTP/1.1 200 OK\r\nContent-Type: text/ev".to_vec());
    let begun = Send(b"HTTP/1.1 200 OK\r\n".to_vec());
    let line = || b"x-filler: and so on\r\n".to_vec();
    let kibibyte = [b"x-filler: ", vec![b'x'; 1012].as_slice(), b"\r\n"].concat();
    vec![
        ("no reply", Call(vec![Hang]), 1, By::FirstByte, LATE),
        ("no reply, and the connection is closed", Call(vec![]), 3, By::Tries, UNREACHABLE),
        ("no reply, and the connection is reset", Call(vec![Reset]), 3, By::Tries, UNREACHABLE),
        ("half a head", Call(vec![half(), Hang]), 1, By::FirstByte, LATE),
        ("half a head, and the connection is closed", Call(vec![half()]), 3, By::Tries, UNREACHABLE),
        ("a head that drips", Call(vec![begun.clone(), Repeat(line(), millis(100))]), 1, By::FirstByte, LATE),
        (
            "a head without an end",
            Call(vec![begun, Repeat(kibibyte.repeat(64), millis(0))]),
            3,
            By::Tries,
            UNREACHABLE,
        ),
        ("no HTTP", Call(vec![Send(b"220 mail.example ESMTP\r\n".to_vec())]), 3, By::Tries, UNREACHABLE),
        ("a head and no body", Call(vec![ok(""), Hang]), 1, By::FirstByte, LATE),
        ("a head and an end", Call(vec![ok("")]), 3, By::Tries, ENDED),
    ]
}

/// Streams that break.
fn streams() -> Vec<Cells> {
    let half = |then: Step| Call(vec![ok(words("Half an ")), Pause(millis(50)), then]);
    let more = |text: &str| Send(text.as_bytes().to_vec());
    let error = r#"data: {"error":{"code":502,"message":"no"}}"#.to_owned() + "\n\n";
    let overloaded = "data: {\"error\":{\"code\":\"overloaded_error\"}}\n\n";
    let huge = format!("data: {{\"filler\":\"{}\"}}\n\n", "x".repeat(1 << 20));
    let chunked = |body: &str| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        let event = words("Half an ");
        Call(vec![Send(format!("{head}{:x}\r\n{event}\r\n{body}", event.len()).into_bytes())])
    };
    let length = |length: usize| {
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: {length}\r\n\r\n");
        Call(vec![Send((head + &words("Half an ") + &words("answer") + END).into_bytes())])
    };
    let broken = |status, code| End::Broken(status, code, "Half an ");
    vec![
        ("hang in mid-stream", half(Hang), 1, By::Idle, broken(504, "upstream_timeout")),
        ("FIN in mid-stream", half(more("")), 1, By::Now, HALF),
        ("RST in mid-stream", half(Reset), 1, By::Now, HALF),
        ("FIN in mid-event", half(more("data: {\"choices\":[{\"delta\":{\"conte")), 1, By::Now, HALF),
        ("FIN in mid-chunk", chunked("ff\r\ndata"), 1, By::Now, HALF),
        ("a chunk without a size", chunked("size\r\n"), 1, By::Now, HALF),
        ("a body that is too short", length(10_000), 1, By::Now, End::Whole("Half an answer")),
        ("a body that is cut", length(words("Half an ").len()), 1, By::Now, HALF),
        ("bad JSON", Call(vec![ok("data: {oops}\n\n")]), 3, By::Tries, ENDED),
        ("bad JSON in mid-stream", half(more("data: {oops}\n\n")), 1, By::Now, HALF),
        ("no UTF-8", half(Send(b"data: \xFF\xFE\n\n".to_vec())), 1, By::Now, HALF),
        ("no end marker", Call(vec![ok(words("Half an ") + USAGE)]), 1, By::Now, HALF),
        ("an end of the vendor's own", half(more(&finish("insufficient_system_resource"))), 1, By::Now, HALF),
        ("an error event", Call(vec![ok(&error)]), 3, By::Tries, UNREACHABLE),
        ("an error event of a busy server", Call(vec![ok(overloaded)]), 3, By::Tries, End::Busy(5)),
        ("an error event in mid-stream", half(more(&error)), 1, By::Now, broken(502, "upstream_error")),
        ("an event of 1 MB", Call(vec![ok(&huge)]), 1, By::Now, End::Failed(502, "answer_too_large")),
        ("1 MB in mid-stream", half(more(&huge)), 1, By::Now, broken(502, "answer_too_large")),
        (
            "usage only",
            Call(vec![ok(USAGE.to_owned() + "data: [DONE]\n\n")]),
            1,
            By::Now,
            End::Failed(502, "empty_answer"),
        ),
        ("an end only", Call(vec![ok(END)]), 1, By::Now, End::Failed(502, "empty_answer")),
        (
            "a filter",
            Call(vec![ok(finish("content_filter"))]),
            1,
            By::Now,
            End::Failed(502, "content_filtered"),
        ),
    ]
}

/// Streams that do not end by themselves.
fn endless() -> Vec<Cells> {
    let comment = || b": still here\n\n".to_vec();
    let word = words("on and ").into_bytes();
    let drip = b"data: {\"choices\":[]}\n\n".to_vec();
    let (late, large) = ((504, "upstream_timeout"), (502, "answer_too_large"));
    vec![
        ("comments only", Call(vec![ok(""), Repeat(comment(), millis(100))]), 1, By::Total, LATE),
        ("comments only, and an end", Call(vec![ok(": a\n\n: b\n\n")]), 3, By::Tries, ENDED),
        ("events without a word", Call(vec![ok(""), Repeat(drip, millis(100))]), 1, By::Total, LATE),
        (
            "an endless answer, slowly",
            Call(vec![ok(""), Repeat(word, millis(100))]),
            1,
            By::Total,
            End::BrokenEndless(late.0, late.1, "on and "),
        ),
        (
            "an endless answer, fast",
            Call(vec![ok(""), Repeat(words(&"on and ".repeat(1000)).into_bytes(), millis(0))]),
            1,
            By::Now,
            End::BrokenEndless(large.0, large.1, "on and "),
        ),
        (
            "an endless line",
            Call(vec![ok("data: "), Repeat(vec![b'x'; 4096], millis(0))]),
            1,
            By::Now,
            End::Failed(large.0, large.1),
        ),
    ]
}

/// Streams that are odd, and whole all the same.
fn oddities() -> Vec<Cells> {
    let greeting = || words("Grüße, ") + &words("👋 Ada!") + END;
    let crlf = greeting().replace('\n', "\r\n");
    let early = [b"HTTP/1.1 103 Early Hints\r\n\r\n".to_vec(), stream(greeting())].concat();
    let piecemeal = || {
        // Three bytes at a time, which cuts the emoji and most lines.
        let bytes = greeting().into_bytes();
        let pieces: Vec<_> =
            bytes.chunks(3).flat_map(|piece| [Send(piece.to_vec()), Pause(millis(1))]).collect();
        [ok("")].into_iter().chain(pieces).collect()
    };
    let comments =
        format!(": one\n\n{}: OPENROUTER PROCESSING\n\n{}", words("Grüße, "), words("👋 Ada!") + END);
    let limit = words("Once upon a ") + &finish("length");
    let unmarked = words("Grüße, ") + &words("👋 Ada!") + &finish("stop");
    vec![
        ("CRLF", Call(vec![ok(crlf)]), 1, By::Now, ALL),
        ("characters cut in two", Call(piecemeal()), 1, By::Now, ALL),
        ("a byte order mark", Call(vec![ok(format!("\u{FEFF}{}", greeting()))]), 1, By::Now, ALL),
        ("comments between the words", Call(vec![ok(comments)]), 1, By::Now, ALL),
        ("usage between the words", Call(vec![ok(USAGE.to_owned() + &greeting())]), 1, By::Now, ALL),
        ("103 before 200", Call(vec![Send(early)]), 1, By::Now, ALL),
        ("an end without [DONE]", Call(vec![ok(unmarked)]), 1, By::Now, ALL),
        ("an end at the limit of tokens", Call(vec![ok(limit)]), 1, By::Now, End::CutAtLimit("Once upon a ")),
    ]
}

const END: &str = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
const USAGE: &str = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2}}\n\n";
/// The word "Hello", compressed.
const GZIP: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\x02\x03\xf3\x48\xcd\xc9\xc9\x07\0\x82\x89\xd1\xf7\x05\0\0\0";

fn words(text: &str) -> String {
    format!("data: {}\n\n", json!({ "choices": [{ "delta": { "content": text } }] }))
}

fn finish(reason: &str) -> String {
    format!("data: {}\n\n", json!({ "choices": [{ "delta": {}, "finish_reason": reason }] }))
}

fn reply(status: &str, content_type: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nConnection: close\r\n\r\n");
    [head.as_bytes(), body.as_ref()].concat()
}

fn stream(body: impl AsRef<[u8]>) -> Vec<u8> {
    reply("200 OK", "text/event-stream", body)
}

fn ok(body: impl AsRef<[u8]>) -> Step {
    Send(stream(body))
}

fn status_of_nothing() -> Place {
    Call(vec![Send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec())])
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
