//! P24: a person takes over at once, in the middle of the AI's sentence, wherever the conversation is kept and whoever else
//! wants it.

use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use frontdesk_core::MessageStatus;
use frontdesk_testkit::{
    ConvexDeployment, Dice, Effort, Exchange, ModelServer, Program, RedisServer, Request, exchange,
};
use serde_json::{Value, json};

use crate::BINARY;
use crate::nodes::Nodes;
use crate::postgres::{database, server};
use crate::visitor::{Kept, Visitor, asked, events, spoken};

const SEED: u64 = 0x5EED_0024;

/// What the promise allows until the AI is silent.
const LIMIT: Duration = Duration::from_millis(300);

/// A model that talks for seconds if it is asked to, and else says what it was asked.
fn model() -> ModelServer {
    ModelServer::start(|call| {
        let pause = Duration::from_millis(5);
        match asked(&call.body) {
            "talk" => spoken(&call.path, &vec!["word "; 1500], pause),
            other => spoken(&call.path, &["heard ", other], pause),
        }
    })
}

fn ask(api: SocketAddr, request: Request) -> Exchange {
    exchange(api, &request.header("x-admin-api-key", Program::ADMIN_KEY)).unwrap()
}

fn operate(api: SocketAddr, conversation: &str, what: &str, body: &Value) -> Exchange {
    ask(api, Request::post(format!("/v1/admin/conversations/{conversation}/{what}"), body))
}

/// The conversation as programs read it.
fn read_thread(api: SocketAddr, conversation: &str) -> Value {
    let reply = ask(api, Request::get(format!("/v1/admin/conversations/{conversation}")));
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.json()
}

/// What a visitor was shown of an answer, and when.
struct Shown {
    text: String,
    last_word: Instant,
    end: Value,
    ended: Instant,
}

/// Reads a stream as it comes, and tells the conversation when its first words are there.
fn read(stream: TcpStream, speaking: &Sender<String>) -> Shown {
    let (mut text, mut last_word) = (String::new(), Instant::now());
    for event in events(stream) {
        match event["type"].as_str() {
            Some("token") => {
                text += event["token"].as_str().unwrap();
                last_word = Instant::now();
            }
            Some("start") => {
                speaking.send(event["conversationId"].as_str().unwrap().to_owned()).unwrap();
            }
            _ => return Shown { text, last_word, end: event, ended: Instant::now() },
        }
    }
    unreachable!("the stream has no end")
}

/// How long it took until the AI was silent, from the request on.
#[derive(Clone, Copy, Debug)]
struct Silence {
    last_word: Duration,
    end: Duration,
}

/// An answer that is cut off by an operator over `operator`, while its visitor reads it over `api`. Gives the conversation,
/// what was shown, and how long the AI went on: no longer after the server's reply than `limit`, and more if the machine is
/// so busy that the conversation is not read at once.
fn cut_off(
    api: SocketAddr,
    operator: SocketAddr,
    visitor: &Visitor,
    after: Duration,
    limit: Duration,
) -> (String, Shown, Silence) {
    let stream = visitor.message("/v1/chat/stream", "talk").open(api).unwrap();
    let (speaking, heard) = channel();
    let reading = thread::spawn(move || read(stream, &speaking));
    let conversation = heard.recv_timeout(Duration::from_secs(20)).unwrap();
    thread::sleep(after);
    let began = Instant::now();
    let reply = operate(operator, &conversation, "takeover", &json!({ "operator": "Maya" }));
    let replied = Instant::now();
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.json()["answering"]["name"], "Maya");
    read_thread(operator, &conversation);
    let allowed = limit + replied.elapsed() * 10;
    let shown = reading.join().unwrap();
    assert_eq!(
        (&shown.end["type"], &shown.end["status"]),
        (&json!("done"), &json!("stopped")),
        "{}",
        shown.end
    );
    for (what, at) in [("a word", shown.last_word), ("the end", shown.ended)] {
        let late = at.saturating_duration_since(replied);
        assert!(late <= allowed, "seed {SEED:#x}: {what} came {late:?} after the reply");
    }
    let since = |at: Instant| at.saturating_duration_since(began);
    let silence = Silence { last_word: since(shown.last_word), end: since(shown.ended) };
    (conversation, shown, silence)
}

fn median(mut spans: Vec<Duration>) -> Duration {
    spans.sort();
    spans[spans.len() / 2]
}

struct Desk {
    program: Program,
    model: ModelServer,
}

impl Desk {
    fn over(settings: &[(&str, String)]) -> Self {
        let model = model();
        let program =
            Program::new(BINARY).set("OPENAI_BASE_URL", &model.base_url()).set("UPSTREAM_API", "chat");
        let set = |program: Program, (name, value): &(&str, String)| program.set(name, value);
        Self { program: settings.iter().fold(program, set).started(), model }
    }

    fn operate(&self, conversation: &str, what: &str, body: &Value) -> Exchange {
        operate(self.program.api(), conversation, what, body)
    }

    fn send(&self, visitor: &Visitor, text: &str) -> Value {
        let reply = self.program.ask(&visitor.message("/v1/chat", text));
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.json()
    }
}

/// What comes after the AI has fallen silent: the visitor sees who joined and what is said, what the visitor writes is for
/// nobody else, and when it is handed back the AI has read all of it.
fn talk_and_hand_back(desk: &Desk, visitor: &Visitor, conversation: &str, shown: &Shown) {
    let kept = read_thread(desk.program.api(), conversation);
    let answer = &kept["messages"][1];
    assert_eq!((&answer["status"], &answer["content"]), (&json!("stopped"), &json!(shown.text)));

    let mut feed = events(visitor.feed(None).open(desk.program.api()).unwrap());
    let mut sees = |role: &str, content: &str| {
        let is_it = |event: &Value| {
            (&event["message"]["role"], &event["message"]["content"]) == (&json!(role), &json!(content))
        };
        let found = feed.find(is_it);
        assert_eq!(
            found.map(|event| event["message"]["name"].clone()),
            Some(json!("Maya")),
            "{role} {content}"
        );
    };
    sees("event", "joined");
    let calls = desk.model.calls().len();
    let delivered = desk.send(visitor, "Is anybody there?");
    assert_eq!(delivered["status"], "delivered");
    assert_eq!(delivered["answeredBy"], json!({ "role": "operator", "name": "Maya" }));
    let said =
        desk.operate(conversation, "messages", &json!({ "operator": "Maya", "text": "It is me, Maya." }));
    assert_eq!(said.status, 200, "{}", said.body);
    sees("operator", "It is me, Maya.");
    let note = json!({ "operator": "Maya", "text": "between us" });
    assert_eq!(desk.operate(conversation, "notes", &note).status, 200);
    assert_eq!(desk.model.calls().len(), calls, "the model was asked while a person had the conversation");

    assert_eq!(desk.operate(conversation, "return", &json!({ "operator": "Maya" })).status, 200);
    sees("event", "left");
    assert_eq!(desk.send(visitor, "And now?")["message"], "heard And now?");
    let read = desk.model.calls().last().unwrap().body["messages"].to_string();
    for words in ["talk", shown.text.trim_end(), "Is anybody there?", "It is me, Maya.", "And now?"] {
        assert!(read.contains(words), "the model has not read {words:?}: {read}");
    }
    assert!(!read.contains("between us"), "the model has read a note: {read}");
}

/// Takes over so many times at random points of an answer, and says how long it took.
fn take_over(engine: &str, settings: &[(&str, String)], points: usize) -> String {
    let desk = Desk::over(settings);
    let (mut dice, api) = (Dice::new(SEED), desk.program.api());
    let silences: Vec<_> = (0..points)
        .map(|n| {
            let visitor = Visitor::new(format!("visitor-{n}"));
            let after = Duration::from_millis(dice.below(400) as u64);
            let (conversation, shown, silence) = cut_off(api, api, &visitor, after, LIMIT);
            assert_eq!(shown.end["message"], shown.text, "seed {SEED:#x}");
            talk_and_hand_back(&desk, &visitor, &conversation, &shown);
            silence
        })
        .collect();
    let of = |part: fn(&Silence) -> Duration| median(silences.iter().map(part).collect());
    format!(
        "{engine}: {points} answers taken over in the middle: from the request to the last word {:?}, to the end {:?} (medians)",
        of(|silence| silence.last_word),
        of(|silence| silence.end),
    )
}

#[test]
fn the_ai_falls_silent_over_sqlite() {
    println!("{}", take_over("SQLite", &[], Effort::asked().pick(5, 40)));
}

#[test]
fn the_ai_falls_silent_over_postgres() {
    let Some(server) = server() else { return };
    let settings = [("DATABASE_URL", database(server))];
    println!("{}", take_over("PostgreSQL", &settings, Effort::asked().pick(2, 10)));
}

#[test]
fn the_ai_falls_silent_over_convex() {
    let Some(convex) = ConvexDeployment::start() else { return };
    let settings = [("CONVEX_URL", convex.url()), ("CONVEX_STORE_KEY", convex.key())];
    println!("{}", take_over("Convex", &settings, Effort::asked().pick(2, 10)));
}

#[test]
fn of_two_programs_that_want_a_conversation_one_gets_it_and_the_other_is_told_who_has_it() {
    let rounds = Effort::asked().pick(5, 50);
    let desk = Desk::over(&[]);
    let api = desk.program.api();
    let mut won = [0, 0];
    for round in 0..rounds {
        let visitor = Visitor::new(format!("visitor-{round}"));
        let stream = visitor.message("/v1/chat/stream", "talk").open(api).unwrap();
        let (speaking, heard) = channel();
        let reading = thread::spawn(move || read(stream, &speaking));
        let conversation = &heard.recv_timeout(Duration::from_secs(20)).unwrap();
        let names = ["Maya", "Tom"];
        let replies = thread::scope(|scope| {
            let take = |name| move || operate(api, conversation, "takeover", &json!({ "operator": name }));
            names.map(|name| scope.spawn(take(name))).map(|taking| taking.join().unwrap())
        });
        let winner = usize::from(replies[0].status != 200);
        let loser = replies[1 - winner].json();
        assert_eq!(
            replies.each_ref().map(|reply| reply.status),
            if winner == 0 { [200, 409] } else { [409, 200] }
        );
        assert_eq!(
            (&loser["code"], &loser["answering"]["name"]),
            (&json!("conversation_taken"), &json!(names[winner]))
        );
        assert!(loser["answering"]["since"].is_u64());
        assert_eq!(reading.join().unwrap().end["status"], "stopped");
        let kept = read_thread(api, conversation);
        let joined = kept["messages"].as_array().unwrap().iter().filter(|it| it["content"] == "joined");
        assert_eq!(joined.map(|event| event["name"].clone()).collect::<Vec<_>>(), [names[winner]]);
        won[winner] += 1;
    }
    println!("{rounds} races of two programs for a conversation: {won:?} won, one each time");
}

#[test]
fn whoever_has_a_conversation_has_it_after_a_crash() {
    let mut desk = Desk::over(&[]);
    let (visitor, api) = (Visitor::new("visitor"), desk.program.api());
    let (conversation, shown, _) = cut_off(api, api, &visitor, Duration::from_millis(100), LIMIT);
    desk.program.child().kill();
    desk.program.start();
    assert_eq!(read_thread(api, &conversation)["conversation"]["answering"]["name"], "Maya");
    let refused = desk.operate(&conversation, "takeover", &json!({ "operator": "Tom" }));
    assert_eq!((refused.status, &refused.json()["answering"]["name"]), (409, &json!("Maya")));
    talk_and_hand_back(&desk, &visitor, &conversation, &shown);
}

/// Over two nodes: the visitor reads from one, and the operator works at the other.
///
/// Says how long it took; `None` if there is no PostgreSQL.
fn take_over_from_another_node(
    redis: Option<&RedisServer>,
    points: usize,
    limit: Duration,
) -> Option<String> {
    let model = model();
    let url = redis.map_or_else(String::new, RedisServer::url);
    let more = [("REDIS_URL", url.as_str()), ("LOG_LEVEL", "info")];
    let mut nodes = Nodes::new(2, &model, &more)?;
    if redis.is_some() {
        for program in &mut nodes.programs {
            program.child().wait_for("connected to Redis", Duration::from_secs(20));
        }
    }
    let [visited, operated] = nodes.apis()[..] else { unreachable!() };
    let mut dice = Dice::new(SEED);
    let mut silences = Vec::new();
    let mut beyond = 0;
    for n in 0..points {
        let visitor = Visitor::new(format!("visitor-{n}"));
        let after = Duration::from_millis(300 + dice.below(400) as u64);
        let (conversation, shown, silence) = cut_off(visited, operated, &visitor, after, limit);
        let kept = read_thread(operated, &conversation);
        let answer = &kept["messages"][1];
        assert_eq!(answer["status"], "stopped", "{answer}");
        let text = answer["content"].as_str().unwrap();
        assert!(shown.text.starts_with(text), "what is kept was not shown: {} {text}", shown.text);
        beyond = beyond.max(shown.text.len() - text.len());
        let feed = visitor.feed(None).open(visited).unwrap();
        let said = json!({ "operator": "Maya", "text": "It is me, Maya." });
        assert_eq!(operate(operated, &conversation, "messages", &said).status, 200);
        let mut feed = events(feed);
        let heard = feed.find(|event| event["message"]["role"] == "operator").unwrap();
        assert_eq!(heard["message"]["content"], "It is me, Maya.");
        let calls = model.calls().len();
        let delivered = exchange(visited, &visitor.message("/v1/chat", "Thanks")).unwrap().json();
        assert_eq!((&delivered["status"], model.calls().len()), (&json!("delivered"), calls));
        let count = &read_thread(operated, &conversation)["conversation"]["messageCount"];
        let read = json!({ "readCount": count });
        let reply = ask(operated, Request::patch(format!("/v1/admin/conversations/{conversation}"), &read));
        assert_eq!(reply.status, 200, "{}", reply.body);
        let is_seen = |event: &Value| {
            let message = &event["message"];
            message["content"] == "Thanks" && message["seen"] == true
        };
        assert!(feed.any(|event| is_seen(&event)), "the visitor was not told that it was read");
        silences.push(silence);
    }
    let of = |part: fn(&Silence) -> Duration| median(silences.iter().map(part).collect());
    if redis.is_some() {
        assert_eq!(beyond, 0, "what was shown is not what is kept");
    }
    let stored = Kept::open_url(&nodes.store).messages(&Visitor::new("visitor-0"));
    assert_eq!(stored[1].status, MessageStatus::Stopped);
    Some(format!(
        "{points} answers taken over from another node, {}: to the last word {:?}, to the end {:?} (medians); at most {beyond} bytes shown beyond what is kept",
        if redis.is_some() { "with Redis" } else { "without" },
        of(|silence| silence.last_word),
        of(|silence| silence.end),
    ))
}

#[test]
fn the_ai_falls_silent_on_another_node_over_redis() {
    let Some(redis) = RedisServer::start() else { return };
    let Some(said) = take_over_from_another_node(Some(&redis), Effort::asked().pick(2, 10), LIMIT) else {
        return;
    };
    println!("{said}");
}

/// Nodes that only share a database look into it once a second, and end what another one writes after what it was showing is
/// stored.
#[test]
fn the_ai_falls_silent_on_another_node_also_without_redis() {
    let limit = Duration::from_secs(3);
    let Some(said) = take_over_from_another_node(None, Effort::asked().pick(1, 4), limit) else { return };
    println!("{said}");
}
