//! P14: a full disk loses nothing.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use frontdesk_core::MessageStatus;
use frontdesk_testkit::{
    Child, Effort, Exchange, ModelServer, Program, Request, SmallDisk, Step, Wire, exchange, stream,
};
use serde_json::{Value, json};

use crate::BINARY;
use crate::visitor::{Kept, Visitor, asked, events, sign_in};

/// The size of the disk.
const KIBIBYTES: u32 = 2 * 1024;
const WORDS: [&str; 2] = ["One, ", "two."];
/// So many refusals in a row mean that the disk is full: a few pages that were taken before may still be free.
const REFUSALS: usize = 10;
/// How soon messages have to be accepted again.
const SOON: Duration = Duration::from_secs(5);

/// A model that answers at once, or pauses after its first word if it is asked to wait.
fn model(pause: Duration) -> ModelServer {
    ModelServer::start(move |call| {
        let all = stream(Wire::UntilClose, &call.path, &WORDS);
        let half = all.windows(2).position(|window| window == b"\n\n").unwrap() + 2;
        let pause = if asked(&call.body).starts_with("wait") { pause } else { Duration::ZERO };
        vec![Step::Send(all[..half].to_vec()), Step::Pause(pause), Step::Send(all[half..].to_vec())]
    })
}

fn program(model: &ModelServer, disk: &SmallDisk) -> Program {
    let data = disk.folder().join("data");
    Program::new(BINARY)
        .set("OPENAI_BASE_URL", &model.base_url())
        .set("UPSTREAM_API", "chat")
        .set("DATA_DIR", data.to_str().unwrap())
}

/// Visitors who send one message each, and what has become of them.
#[derive(Default)]
struct Visitors {
    next: usize,
    accepted: Vec<(Visitor, String)>,
    refused: usize,
}

impl Visitors {
    /// Says whether the message was accepted; if not, it was for want of room.
    fn send(&mut self, program: &Program, length: usize) -> bool {
        self.next += 1;
        let (visitor, text) = (Visitor::new(format!("visitor-{}", self.next)), "x".repeat(length));
        let reply = program.ask(&visitor.message("/v1/chat", &text));
        let code = reply.json()["code"].clone();
        match reply.status {
            200 => self.accepted.push((visitor, text)),
            503 if code == "storage_full" => self.refused += 1,
            // Accepted, but there was no room for the answer in the end.
            503 if code == "storage_unavailable" => self.accepted.push((visitor, text)),
            _ => unreachable!("{reply:?}"),
        }
        reply.status == 200
    }

    /// Sends until nothing is accepted any more.
    fn send_until_full(&mut self, program: &Program, length: usize) {
        let mut in_a_row = 0;
        while in_a_row < REFUSALS {
            in_a_row = if self.send(program, length) { 0 } else { in_a_row + 1 };
        }
    }

    /// Sends until something is accepted again, and says how long that took.
    fn send_until_accepted(&mut self, program: &Program) -> Duration {
        let began = Instant::now();
        while !self.send(program, 5) {
            assert!(began.elapsed() < SOON, "the disk was freed, and nothing is accepted");
            thread::sleep(Duration::from_millis(10));
        }
        began.elapsed()
    }
}

fn dashboard(program: &Program, path: &str, cookie: &str) -> Exchange {
    exchange(program.dashboard(), &Request::get(path).header("Cookie", cookie)).unwrap()
}

/// Everything that does not write goes on as if nothing were the matter.
fn read_everything(program: &Program, visitors: &Visitors, cookie: &str) {
    assert_eq!(program.ask(&Request::get("/health")).status, 200);
    let (visitor, text) = visitors.accepted.last().unwrap();
    let history = program.ask(&visitor.history());
    assert_eq!((history.status, &history.json()["messages"][0]["content"]), (200, &json!(text)));
    let list = Request::get("/v1/admin/conversations").header("x-admin-api-key", Program::ADMIN_KEY);
    let list = program.ask(&list).json();
    let id = list["conversations"][0]["_id"].as_str().unwrap();
    assert_eq!(dashboard(program, &format!("/conversations/{id}"), cookie).status, 200);
}

/// The last event of an answer that is being written.
fn last_event(stream: std::net::TcpStream) -> Value {
    events(stream).last().unwrap()
}

fn restart(program: &mut Program) {
    program.child().terminate();
    assert!(program.child().wait(Duration::from_secs(10)));
    program.start();
}

#[test]
fn a_full_disk_refuses_messages_and_loses_none() {
    SmallDisk::lend("full_disk::a_full_disk_refuses_messages_and_loses_none", KIBIBYTES, |disk| {
        // In full effort the answer ends in a full disk, and for longer than its reader is kept waiting.
        let pause = Effort::asked().pick(Duration::from_millis(400), Duration::from_secs(2));
        let model = model(pause);
        let mut program = program(&model, disk).started();
        let cookie = sign_in(&program);
        let mut visitors = Visitors::default();
        assert!(visitors.send(&program, 5));

        let waiting = Visitor::new("waiting");
        let answer = waiting.message("/v1/chat/stream", "wait").open(program.api()).unwrap();
        thread::sleep(Duration::from_millis(100));
        let ballast = disk.fill();
        visitors.send_until_full(&program, 5);
        read_everything(&program, &visitors, &cookie);
        let full = Instant::now();
        let (end, code) = if Effort::asked() == Effort::Full {
            let end = last_event(answer);
            visitors.send_until_full(&program, 5);
            fs::remove_file(ballast).unwrap();
            (end, json!("storage_unavailable"))
        } else {
            thread::sleep(pause);
            fs::remove_file(ballast).unwrap();
            (last_event(answer), Value::Null)
        };
        assert_eq!(end["code"], code, "{end}");
        let freed = Instant::now();
        let first = visitors.send_until_accepted(&program);
        // Also in the conversation whose answer could not be stored.
        while program.ask(&waiting.message("/v1/chat", "Are you there?")).status != 200 {
            assert!(freed.elapsed() < SOON, "the disk was freed, and the conversation is still busy");
            thread::sleep(Duration::from_millis(10));
        }
        println!(
            "full for {:?}; the first message after {first:?}, of the waiting one after {:?}",
            full.elapsed(),
            freed.elapsed()
        );

        // Full again, of messages this time.
        visitors.send_until_full(&program, 4_000);
        visitors.send_until_full(&program, 5);
        read_everything(&program, &visitors, &cookie);
        disk.resize(4 * KIBIBYTES);
        visitors.send_until_accepted(&program);

        restart(&mut program);
        assert!(visitors.send(&program, 5));
        let asked = model.calls().len();
        assert_eq!(asked, visitors.accepted.len() + 2, "a message that was refused was answered");
        let kept = backed_up(&program);
        for (visitor, text) in &visitors.accepted {
            let stored = kept.messages(visitor);
            assert_eq!((stored.len(), &stored[0].text), (2, text), "{}", visitor.session);
        }
        let stored = kept.messages(&waiting);
        assert_eq!((stored.len(), stored[1].status), (4, MessageStatus::Complete));
        assert_eq!(stored[1].text, WORDS.concat());
        println!("{} messages accepted and kept, {} refused", visitors.accepted.len(), visitors.refused);
    });
}

/// What is stored, in a copy that was found to be sound.
fn backed_up(program: &Program) -> Kept {
    let folder = program.folder().join("kept");
    fs::create_dir_all(folder.join("data")).unwrap();
    let output = program.command().arg("backup").arg(folder.join("data/frontdesk.db")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    Kept::open(&folder)
}

#[test]
fn a_start_on_a_full_disk_serves_or_says_why_not_and_loses_nothing() {
    SmallDisk::lend(
        "full_disk::a_start_on_a_full_disk_serves_or_says_why_not_and_loses_nothing",
        KIBIBYTES,
        |disk| {
            let model = model(Duration::ZERO);
            let mut program = program(&model, disk).started();
            let mut visitors = Visitors::default();
            assert!(visitors.send(&program, 5));
            // After a crash there are files that SQLite can go on with; after an orderly end it has to make them.
            program.child().kill();
            let ballast = disk.fill();
            program.start();
            visitors.send_until_full(&program, 5);
            fs::remove_file(ballast).unwrap();
            visitors.send_until_accepted(&program);

            program.child().terminate();
            assert!(program.child().wait(Duration::from_secs(10)));
            let ballast = disk.fill();
            let child = Child::start(program.command());
            child.wait_for("frontdesk.db: the disk is full", Duration::from_secs(10));
            drop(child);
            fs::remove_file(ballast).unwrap();
            program.start();
            assert!(visitors.send(&program, 5));
            let kept = backed_up(&program);
            for (visitor, _) in &visitors.accepted {
                assert_eq!(kept.messages(visitor).len(), 2);
            }
        },
    );
}
