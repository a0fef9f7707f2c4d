//! Several nodes on one database: P1, P3, P5 and P6 with a load balancer in front, P16 and P21.

use std::fs;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use frontdesk_core::MessageStatus;
use frontdesk_store::StoreUrl;
use frontdesk_testkit::{
    Dice, Effort, Fault, Haproxy, ModelServer, Program, Proxy, RedisServer, Request, TlsFront, exchange,
    raise_file_limit,
};
use serde_json::json;

use crate::load::{Load, compare_in};
use crate::visitor::{Kept, Visitor, asked, events, spoken};
use crate::{BINARY, postgres, resume, retry};

const SEED: u64 = 0x5EED_0021;

/// Nodes that share a new database. Each has a folder of its own, as on machines of their own.
pub(crate) struct Nodes {
    pub(crate) programs: Vec<Program>,
    pub(crate) store: StoreUrl,
}

impl Nodes {
    pub(crate) fn new(count: usize, model: &ModelServer, more: &[(&str, &str)]) -> Option<Self> {
        let url = postgres::migrated(postgres::server()?);
        let program = |_| {
            let program = Program::new(BINARY)
                .set("OPENAI_BASE_URL", &model.base_url())
                .set("UPSTREAM_API", "chat")
                .set("DATABASE_URL", &url);
            more.iter().fold(program, |program, (name, value)| program.set(name, value)).started()
        };
        Some(Self { programs: (0..count).map(program).collect(), store: StoreUrl::parse(&url).unwrap() })
    }

    pub(crate) fn apis(&self) -> Vec<SocketAddr> {
        self.programs.iter().map(Program::api).collect()
    }

    fn kept(&self) -> Kept {
        Kept::open_url(&self.store)
    }
}

/// One of these doors, another one each time.
fn any_of(doors: Vec<SocketAddr>) -> impl Fn() -> SocketAddr + Sync {
    let count = AtomicUsize::new(0);
    move || doors[Dice::new(SEED + count.fetch_add(1, Ordering::Relaxed) as u64).below(doors.len())]
}

/// P5: a visitor comes back to whichever node, and gets exactly the rest.
///
/// Gives how many answers were read, over how many cuts.
fn resume_anywhere(redis: Option<&RedisServer>) -> (usize, usize) {
    let cuts = Effort::asked().pick_longer(20, 150, 1_000);
    raise_file_limit();
    let model = resume::model();
    let url = redis.map_or_else(String::new, RedisServer::url);
    let Some(nodes) = Nodes::new(3, &model, &[("REDIS_URL", &url)]) else { return (0, 0) };
    let proxies: Vec<_> = nodes.apis().into_iter().map(|api| Proxy::start(api, resume::fault)).collect();
    let door = any_of(proxies.iter().map(Proxy::address).collect());
    let cut = || proxies.iter().map(Proxy::cuts).sum::<usize>();
    let next = AtomicUsize::new(0);
    let read_all: Vec<_> = thread::scope(|scope| {
        let client = || {
            let mut read_here = Vec::new();
            while cut() < cuts {
                let visitor = Visitor::new(format!("visitor-{}", next.fetch_add(1, Ordering::Relaxed)));
                let text = format!("Hello from {}", visitor.session);
                let shown = resume::read(&door, &visitor, &text);
                assert_eq!((shown.taken_back, shown.end.as_deref()), (0, Some("done")));
                read_here.push((visitor, text, shown));
            }
            read_here
        };
        let clients: Vec<_> = (0..4).map(|_| scope.spawn(client)).collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    let kept = nodes.kept();
    for (visitor, text, shown) in &read_all {
        resume::compare(&kept, visitor, text, shown);
    }
    (read_all.len(), cut())
}

#[test]
fn a_visitor_gets_exactly_the_rest_from_any_node() {
    let Some(redis) = RedisServer::start() else { return };
    let (answers, cuts) = resume_anywhere(Some(&redis));
    println!("{answers} answers over {cuts} cuts on three nodes: every byte once");
}

#[test]
fn a_visitor_gets_exactly_the_rest_from_any_node_also_without_redis() {
    let (answers, cuts) = resume_anywhere(None);
    println!("{answers} answers over {cuts} cuts on three nodes without Redis: every byte once");
}

/// P3 and P21: however often a message has to be sent, and to whichever node, it is stored once and answered once.
#[test]
fn a_message_that_is_sent_to_any_node_until_it_is_answered_is_stored_once_and_answered_once() {
    let messages = Effort::asked().pick_longer(40, 400, 10_000);
    raise_file_limit();
    let Some(redis) = RedisServer::start() else { return };
    let model = retry::model();
    let Some(nodes) = Nodes::new(3, &model, &[("REDIS_URL", &redis.url())]) else { return };
    let proxies: Vec<_> = nodes.apis().into_iter().map(|api| Proxy::start(api, retry::fault)).collect();
    let door = any_of(proxies.iter().map(Proxy::address).collect());
    let (talks, sends) = retry::talk_all(&door, messages);
    retry::compare(&nodes.kept(), &talks);
    println!(
        "{messages} messages, sent {sends} times to three nodes over proxies that cut {} connections: each stored and answered once",
        proxies.iter().map(Proxy::cuts).sum::<usize>()
    );
    assert_eq!(model.calls().len(), messages, "the model was not asked once for each message");
}

/// P1 and P5: a node is killed in the middle of answers, and what it was writing is ended and written anew by the others.
#[test]
fn what_a_killed_node_was_writing_is_continued_by_the_others() {
    const VISITORS: usize = 12;
    let Some(redis) = RedisServer::start() else { return };
    // Until the node is killed, no answer ends.
    let model = ModelServer::start(|call| {
        let pause = if asked(&call.body).starts_with("long") { 100 } else { 1 };
        spoken(&call.path, &["word "; 60], Duration::from_millis(pause))
    });
    let Some(mut nodes) = Nodes::new(3, &model, &[("REDIS_URL", &redis.url())]) else { return };
    let Some(front) = Haproxy::start(&nodes.apis()) else { return };
    let visitors: Vec<_> = (0..VISITORS).map(|n| Visitor::new(format!("visitor-{n}"))).collect();
    let text = |n: usize| format!("long {n}");
    let mut streams = Vec::new();
    for (n, visitor) in visitors.iter().enumerate() {
        let mut events = events(visitor.message("/v1/chat/stream", &text(n)).open(front.address()).unwrap());
        while events.next().unwrap()["type"] != "token" {}
        streams.push(events);
    }
    nodes.programs[0].child().kill();
    let killed = Instant::now();
    let broken =
        streams.into_iter().filter_map(|events| (events.last()?["type"] != "done").then_some(())).count();
    assert!(broken > 0 && broken < VISITORS, "{broken} answers were written by the node that was killed");

    // Every visitor sends the message again under its name, until it is answered.
    for (n, visitor) in visitors.iter().enumerate() {
        loop {
            let reply = exchange(front.address(), &visitor.message("/v1/chat/stream", &text(n)));
            let events = reply.map(|reply| if reply.status == 200 { reply.events() } else { Vec::new() });
            if events.is_ok_and(|events| events.last().is_some_and(|last| last["type"] == "done")) {
                break;
            }
            assert!(killed.elapsed() < Duration::from_mins(1), "{} is not answered", visitor.session);
            thread::sleep(Duration::from_millis(100));
        }
    }
    let span = killed.elapsed();
    let kept = nodes.kept();
    for visitor in &visitors {
        let stored = kept.messages(visitor);
        assert_eq!(stored.len(), 2, "{stored:?}");
        assert_eq!(
            (stored[1].status, stored[1].text.as_str()),
            (MessageStatus::Complete, "word ".repeat(60).as_str())
        );
    }
    println!("{broken} of {VISITORS} answers broke off with their node, and all were whole after {span:?}");
}

/// P1: acknowledged messages survive the death of a node, again and again.
#[test]
fn no_acknowledged_message_is_lost_when_nodes_are_killed_behind_a_load_balancer() {
    let rounds = Effort::asked().pick_longer(2, 6, 200);
    let model = Load::model();
    let Some(mut nodes) = Nodes::new(2, &model, &[]) else { return };
    let Some(front) = Haproxy::start(&nodes.apis()) else { return };
    let mut load = Load::of(6);
    load.begin(front.address());
    for round in 0..rounds {
        thread::sleep(Duration::from_millis(300 + round * 131 % 500));
        let program = &mut nodes.programs[usize::try_from(round).unwrap() % 2];
        program.child().kill();
        program.start();
    }
    load.end();
    let stored = compare_in(&nodes.store, &load.acknowledged());
    println!("{rounds} nodes killed behind a load balancer: {stored} messages acknowledged, none lost");
    assert!(stored > usize::try_from(rounds).unwrap());
}

/// P6: one node after the other is restarted, and nobody notices.
#[test]
fn a_rolling_restart_behind_a_load_balancer_fails_no_request() {
    let (rounds, least) = Effort::asked().pick_longer((1, 100), (1, 1_000), (12, 100_000));
    let Some(redis) = RedisServer::start() else { return };
    let model = Load::model();
    // Longer than it takes the load balancer to notice.
    let more = [("REDIS_URL", redis.url()), ("SHUTDOWN_DELAY_SECONDS", "4".to_owned())];
    let more: Vec<_> = more.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let Some(mut nodes) = Nodes::new(2, &model, &more) else { return };
    let Some(front) = Haproxy::start(&nodes.apis()) else { return };
    let address = front.address();
    let (over, requests) = (AtomicBool::new(false), AtomicUsize::new(0));
    let client = |n: usize| {
        let visitor = Visitor::new(format!("visitor-{n}"));
        for message in 0.. {
            if over.load(Ordering::Relaxed) {
                return message;
            }
            let text = format!("{} message {message}", visitor.session);
            for request in [visitor.message("/v1/chat/stream", &text), visitor.history()] {
                let reply = exchange(address, &request).unwrap();
                assert_eq!(reply.status, 200, "{} {}", reply.head, reply.body);
                requests.fetch_add(1, Ordering::Relaxed);
            }
        }
        unreachable!("it counts on")
    };
    let sent: Vec<_> = thread::scope(|scope| {
        let clients: Vec<_> = (0..4).map(|n| scope.spawn(move || client(n))).collect();
        for _ in 0..rounds {
            for program in &mut nodes.programs {
                program.child().terminate();
                assert!(program.child().wait(Duration::from_secs(35)), "not everything was stored");
                program.start();
                // Until the load balancer has seen it.
                thread::sleep(Duration::from_secs(3));
            }
        }
        while requests.load(Ordering::Relaxed) < least {
            thread::sleep(Duration::from_millis(10));
        }
        over.store(true, Ordering::Relaxed);
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    let kept = nodes.kept();
    for (n, messages) in sent.iter().enumerate() {
        let stored = kept.messages(&Visitor::new(format!("visitor-{n}")));
        assert_eq!(stored.len(), messages * 2);
        assert!(stored.iter().skip(1).step_by(2).all(|answer| answer.status == MessageStatus::Complete));
    }
    println!("{} requests over {} restarts of a node: none failed", requests.into_inner(), rounds * 2);
}

/// Settings of nodes that count messages together over Redis. The window is so long that no place comes free during a test.
fn limited<'a>(redis: &'a str, limit: &'a str) -> [(&'static str, &'a str); 5] {
    [
        ("REDIS_URL", redis),
        ("TRUSTED_PROXIES", "127.0.0.1"),
        ("RATE_LIMIT_MAX_REQUESTS", limit),
        ("RATE_LIMIT_WINDOW_MS", "86400000"),
        ("LOG_LEVEL", "info"),
    ]
}

/// A message of a client at an address that a trusted proxy names.
fn ask_as(api: SocketAddr, client: &str, n: usize) -> (u16, Duration) {
    let began = Instant::now();
    let body = json!({ "sessionId": format!("{client}-{n}"), "message": "hello" });
    let request = Request::post("/v1/chat", &body).header("x-api-key", Program::PUBLIC_KEY);
    let reply = exchange(api, &request.header("X-Forwarded-For", client)).unwrap();
    (reply.status, began.elapsed())
}

/// Sends so many messages of a client to any node, from several threads, and says how many were taken.
fn count_taken(door: &(impl Fn() -> SocketAddr + Sync), client: &str, messages: usize) -> usize {
    let (next, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= messages {
                        return;
                    }
                    let (status, span) = ask_as(door(), client, n);
                    assert!(matches!(status, 200 | 429), "{status}");
                    assert!(span < Duration::from_secs(5), "a request waited for {span:?}");
                    taken.fetch_add(usize::from(status == 200), Ordering::Relaxed);
                }
            });
        }
    });
    taken.into_inner()
}

/// P16 and P21: nodes count together; and while Redis is away each counts alone, nothing fails, and nothing is unlimited.
#[test]
fn limits_hold_across_nodes_and_when_redis_is_stopped_hangs_or_is_emptied() {
    const LIMIT: usize = 40;
    let Some(redis) = RedisServer::start() else { return };
    let proxy = Proxy::start(redis.address(), |_| Fault::None);
    let model = Load::model();
    let (url, limit) = (RedisServer::url_over(proxy.address()), LIMIT.to_string());
    let more = limited(&url, &limit);
    let Some(mut nodes) = Nodes::new(3, &model, &more) else { return };
    for program in &mut nodes.programs {
        program.child().wait_for("connected to Redis", Duration::from_secs(20));
    }
    let door = any_of(nodes.apis());
    let taken = count_taken(&door, "198.51.100.1", LIMIT * 3);
    println!("of a limit of {LIMIT} three nodes took {taken}");
    assert!(taken.abs_diff(LIMIT) * 20 <= LIMIT, "more than 5 % off: {taken}");

    for (n, outage) in ["emptied", "hangs", "stopped"].into_iter().enumerate() {
        let client = format!("198.51.100.{}", n + 2);
        let before = count_taken(&door, &client, LIMIT / 2);
        assert_eq!(before, LIMIT / 2);
        match outage {
            "emptied" => drop(redis.execute(&["FLUSHALL"])),
            "hangs" => proxy.silence(true),
            _ => redis.stop(),
        }
        let during = count_taken(&door, &client, LIMIT * 4);
        println!("{outage}: of a limit of {LIMIT} three nodes took {}", before + during);
        assert!(before + during >= LIMIT, "{outage}: fewer than a node alone would take");
        assert!(before + during <= LIMIT * 3, "{outage}: more than each node alone would take");
        match outage {
            "emptied" => continue,
            "hangs" => proxy.silence(false),
            _ => redis.start_again(),
        }
        // By itself, and said once for each node.
        for program in &mut nodes.programs {
            program.child().wait_for("Redis is lost", Duration::from_secs(20));
            program.child().wait_for("Redis is back", Duration::from_secs(20));
        }
        let together = count_taken(&door, &format!("203.0.113.{n}"), LIMIT * 3);
        assert!(together.abs_diff(LIMIT) * 20 <= LIMIT, "{outage}, and over: {together}");
    }
}

/// Whoever asks a node learns whether a visitor is there, whichever node the visitor's chat is connected to.
#[test]
fn operators_of_any_node_see_whether_a_visitor_is_there() {
    let Some(redis) = RedisServer::start() else { return };
    let model = Load::model();
    let Some(nodes) = Nodes::new(2, &model, &[("REDIS_URL", &redis.url())]) else { return };
    let [here, there] = [0, 1].map(|n| &nodes.programs[n]);
    let visitor = Visitor::new("visitor");
    assert_eq!(here.ask(&visitor.message("/v1/chat", "hello")).status, 200);
    let wait_until = |is_present: bool| {
        let began = Instant::now();
        let list = Request::get("/v1/admin/conversations").header("x-admin-api-key", Program::ADMIN_KEY);
        while there.ask(&list).json()["conversations"][0]["isPresent"] != json!(is_present) {
            assert!(began.elapsed() < Duration::from_secs(10), "still not {is_present}");
            thread::sleep(Duration::from_millis(20));
        }
        began.elapsed()
    };
    wait_until(false);
    let chat = visitor.feed(None).open(here.api()).unwrap();
    let came = wait_until(true);
    drop(chat);
    println!("a visitor came after {came:?} and went after {:?}, over another node", wait_until(false));
}

/// `rediss://` is encrypted, and speaks to nobody whose certificate is not trusted: neither password nor address of a visitor.
#[test]
fn redis_is_reached_over_tls_with_a_certificate_that_is_trusted_and_not_without() {
    const LIMIT: usize = 10;
    let Some(redis) = RedisServer::start() else { return };
    let front = TlsFront::start(redis.address());
    let folder = tempfile::tempdir().unwrap();
    let certificate = folder.path().join("certificate.pem");
    fs::write(&certificate, TlsFront::CERTIFICATE).unwrap();
    let model = Load::model();
    let (url, limit) = (RedisServer::url_over_tls(front.port()), LIMIT.to_string());
    let more = limited(&url, &limit);
    for is_trusted in [true, false] {
        let trusted = ("SSL_CERT_FILE", certificate.to_str().unwrap());
        let more: Vec<_> = more.iter().copied().chain(is_trusted.then_some(trusted)).collect();
        let Some(mut nodes) = Nodes::new(2, &model, &more) else { return };
        let said = if is_trusted { "connected to Redis" } else { "Redis is lost" };
        for program in &mut nodes.programs {
            program.child().wait_for(said, Duration::from_secs(20));
        }
        let taken = count_taken(&any_of(nodes.apis()), "198.51.100.1", LIMIT * 4);
        let keys = redis.execute(&["DBSIZE"]);
        if is_trusted {
            assert_eq!(taken, LIMIT, "the nodes do not count together");
            assert_ne!(keys, "0");
            redis.execute(&["FLUSHALL"]);
        } else {
            assert!((LIMIT..=LIMIT * 2).contains(&taken), "{taken}");
            assert_eq!(keys, "0", "somebody without a trusted certificate was told something");
        }
    }
}

/// P23 across nodes: the connection to the model is closed, and the text is kept.
#[test]
fn an_answer_is_stopped_over_any_node() {
    let model = ModelServer::start(|call| spoken(&call.path, &["word "; 600], Duration::from_millis(50)));
    for with_redis in [true, false] {
        let redis = if with_redis { RedisServer::start() } else { None };
        if with_redis && redis.is_none() {
            return;
        }
        let url = redis.as_ref().map_or_else(String::new, RedisServer::url);
        let Some(mut nodes) = Nodes::new(2, &model, &[("REDIS_URL", &url), ("LOG_LEVEL", "info")]) else {
            return;
        };
        if with_redis {
            for program in &mut nodes.programs {
                program.child().wait_for("connected to Redis", Duration::from_secs(20));
            }
        }
        let visitor = Visitor::new("visitor");
        let mut events =
            events(visitor.message("/v1/chat/stream", "talk").open(nodes.programs[0].api()).unwrap());
        let mut shown = String::new();
        while shown.len() < 100 {
            shown += events.next().unwrap()["token"].as_str().unwrap_or_default();
        }
        let began = Instant::now();
        assert_eq!(nodes.programs[1].ask(&visitor.stop()).json(), json!({ "stopped": true }));
        while model.open_connections() > 0 {
            assert!(began.elapsed() < Duration::from_secs(10), "the connection to the model is still open");
            thread::sleep(Duration::from_millis(5));
        }
        let span = began.elapsed();
        let last = events.last().unwrap();
        assert_eq!((&last["type"], &last["status"]), (&json!("done"), &json!("stopped")), "{last}");
        let stored = nodes.kept().messages(&visitor);
        assert_eq!(stored[1].status, MessageStatus::Stopped);
        assert!(stored[1].text.len() >= 100, "{stored:?}");
        println!(
            "stopped over another node, {}: the model was let go after {span:?}",
            if with_redis { "with Redis" } else { "without" }
        );
    }
}
