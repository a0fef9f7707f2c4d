//! P15: a database server that goes away is survived: visitors are told in time, it works again by itself, and nothing is lost
//! or doubled.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use frontdesk_core::{MessageStatus, Role};
use frontdesk_store::StoreUrl;
use frontdesk_testkit::{Cut, Dice, Effort, Fault, ModelServer, PostgresServer, Program, Proxy, exchange};

use crate::load::Load;
use crate::visitor::{Kept, Visitor};
use crate::{BINARY, postgres};

const CLIENTS: usize = 6;

/// Until when a visitor is told that nothing is stored.
const TOLD: Duration = Duration::from_secs(2);

/// Until when everybody's messages are taken again.
const RECOVERED: Duration = Duration::from_secs(5);

/// What came of a message that was sent once.
enum Sent {
    Answered,
    Refused,
}

/// A visitor who sends each message until it is answered.
struct Client {
    visitor: Visitor,
    /// What was answered, and when.
    answered: Mutex<Vec<(String, Instant)>>,
    /// How long it took to be refused, at the longest.
    refused_after: Mutex<Duration>,
}

impl Client {
    fn new(n: usize) -> Self {
        let visitor = Visitor::new(format!("visitor-{n}"));
        Self { visitor, answered: Mutex::default(), refused_after: Mutex::default() }
    }

    fn send(&self, api: SocketAddr, text: &str) -> Sent {
        let began = Instant::now();
        let reply = exchange(api, &self.visitor.message("/v1/chat/stream", text)).unwrap();
        if reply.status == 200 {
            let events = reply.events();
            let last = events.last().unwrap();
            if last["type"] == "done" {
                assert_eq!(last["message"], "An answer in pieces.");
                self.answered.lock().unwrap().push((text.to_owned(), Instant::now()));
                return Sent::Answered;
            }
            assert_eq!(last["type"], "error", "{}", reply.body);
            return Sent::Refused;
        }
        // 409 while the answer before it is not stored yet.
        assert!(matches!(reply.status, 503 | 409), "{} {}", reply.status, reply.body);
        let mut longest = self.refused_after.lock().unwrap();
        *longest = (*longest).max(began.elapsed());
        Sent::Refused
    }

    fn talk(&self, api: SocketAddr, is_over: impl Fn(usize) -> bool) {
        for n in 0.. {
            if is_over(n) {
                return;
            }
            let text = format!("{} message {n}", self.visitor.session);
            let began = Instant::now();
            while let Sent::Refused = self.send(api, &text) {
                assert!(began.elapsed() < Duration::from_mins(1), "never answered: {text}");
                thread::sleep(Duration::from_millis(20));
            }
        }
    }

    /// When something was answered first after a moment.
    fn answered_after(&self, moment: Instant) -> Option<Instant> {
        let answered = self.answered.lock().unwrap();
        answered.iter().map(|(_, when)| *when).find(|when| *when >= moment)
    }
}

/// Finds in the database what was answered: each message once, in order, each with one whole answer, and nothing else.
fn compare(url: &str, clients: &[Client]) -> usize {
    let kept = Kept::open_url(&StoreUrl::parse(url).unwrap());
    let mut count = 0;
    for client in clients {
        let stored = kept.messages(&client.visitor);
        let (questions, answers): (Vec<_>, Vec<_>) =
            stored.iter().partition(|message| message.role == Role::Visitor);
        let answered = client.answered.lock().unwrap();
        let texts = answered.iter().map(|(text, _)| text.as_str());
        assert!(questions.iter().map(|message| message.text.as_str()).eq(texts), "{stored:#?}");
        assert!(answers.iter().all(|answer| answer.status == MessageStatus::Complete), "{stored:#?}");
        count += answered.len();
    }
    count
}

fn program_over(url: &str, model: &ModelServer) -> Program {
    Program::new(BINARY)
        .set("OPENAI_BASE_URL", &model.base_url())
        .set("UPSTREAM_API", "chat")
        .set("DATABASE_URL", url)
        .set("LOG_LEVEL", "off")
        .started()
}

#[derive(Clone, Copy, Debug)]
enum Outage {
    Stopped,
    Killed,
    Silent,
}

#[test]
fn a_database_that_goes_away_is_told_in_time_and_used_again_when_it_is_back() {
    // Of its own: it does not stay up.
    let Some(server) = PostgresServer::start() else { return };
    let outages: &[_] =
        Effort::asked().pick(&[Outage::Killed], &[Outage::Stopped, Outage::Killed, Outage::Silent]);
    let away = Duration::from_millis(Effort::asked().pick(300, 3000));
    let direct = postgres::migrated(&server);
    let proxy = Proxy::start(server.address(), |_| Fault::None);
    let name = direct.rsplit_once('/').unwrap().1;
    let model = Load::model();
    let mut program = program_over(&server.url_over(proxy.address(), name), &model);
    let (api, process) = (program.api(), program.child().id());

    // The last ones come while the database is away, one for each time: the others may all be waiting for the end of an
    // answer, which is stored as soon as it can be and refused to nobody.
    let clients: Vec<_> = (0..CLIENTS + outages.len()).map(Client::new).collect();
    let (regulars, newcomers) = clients.split_at(CLIENTS);
    let over = AtomicBool::new(false);
    let mut measured = Vec::new();
    thread::scope(|scope| {
        for client in regulars {
            scope.spawn(|| client.talk(api, |_| over.load(Ordering::Relaxed)));
        }
        for (outage, newcomer) in outages.iter().zip(newcomers) {
            thread::sleep(Duration::from_millis(500));
            let gone = Instant::now();
            match outage {
                Outage::Stopped => server.stop(),
                Outage::Killed => server.kill(),
                Outage::Silent => proxy.silence(true),
            }
            scope.spawn(|| newcomer.talk(api, |n| n == 1));
            thread::sleep(away);
            match outage {
                Outage::Stopped | Outage::Killed => server.start_again(),
                Outage::Silent => proxy.silence(false),
            }
            let back = Instant::now();
            // The newcomer may be the first of all, before the server has said that it is back.
            let awaited = regulars.iter().map(|client| (client, back)).chain([(newcomer, gone)]);
            let recovered = awaited.map(|(client, since)| {
                loop {
                    if let Some(when) = client.answered_after(since) {
                        break when.saturating_duration_since(back);
                    }
                    if back.elapsed() > RECOVERED * 4 {
                        break Duration::MAX;
                    }
                    thread::sleep(Duration::from_millis(10));
                }
            });
            let recovered = recovered.max().unwrap();
            let longest =
                clients.iter().map(|client| std::mem::take(&mut *client.refused_after.lock().unwrap()));
            measured.push((outage, longest.max().unwrap(), recovered));
        }
        over.store(true, Ordering::Relaxed);
    });
    for (outage, longest, recovered) in measured {
        println!(
            "{outage:?}: refused after {longest:?} at the longest, everybody answered {recovered:?} after it was back"
        );
        assert!(longest > Duration::ZERO, "{outage:?} was not noticed");
        assert!(longest <= TOLD, "{outage:?}: {longest:?}");
        assert!(recovered <= RECOVERED, "{outage:?}: {recovered:?}");
    }
    assert_eq!(program.child().id(), process);
    let ready = program.ask(&frontdesk_testkit::Request::get("/ready"));
    assert_eq!(ready.status, 200, "{}", ready.body);
    println!("{} messages, each stored once and answered once", compare(&direct, &clients));
}

#[test]
fn a_message_whose_commit_is_not_answered_is_stored_once_and_answered_once() {
    const SEED: u64 = 0x5EED_0015;
    let Some(server) = postgres::server() else { return };
    let direct = postgres::migrated(server);
    let name = direct.rsplit_once('/').unwrap().1;
    let proxy = Proxy::start(server.address(), |number| {
        let mut dice = Dice::new(SEED + number as u64);
        let how = if dice.percent(50) { Cut::Close } else { Cut::Reset };
        Fault::CutReplyTo { words: b"COMMIT", after: dice.below(6), how }
    });
    let model = Load::model();
    let program = program_over(&server.url_over(proxy.address(), name), &model);
    let messages = Effort::asked().pick(4, 60);
    let clients: Vec<_> = (0..CLIENTS).map(Client::new).collect();
    let api = program.api();
    thread::scope(|scope| {
        for client in &clients {
            scope.spawn(|| client.talk(api, |n| n == messages));
        }
    });
    let stored = compare(&direct, &clients);
    println!("{stored} messages over connections of which {} lost the reply to a commit", proxy.cuts());
    assert_eq!(stored, messages * CLIENTS);
    assert!(proxy.cuts() > stored / 10, "seed {SEED:#x}: hardly any: {}", proxy.cuts());
}
