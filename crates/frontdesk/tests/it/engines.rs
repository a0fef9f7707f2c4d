//! What clients see of the API is the same over every engine. One server serves all cases of an engine.

use std::time::Duration;

use frontdesk_testkit::{ConvexDeployment, ModelServer, Program, Request, Step};
use serde_json::{Value, json};

use crate::BINARY;
use crate::postgres::{database, server};
use crate::visitor::{Visitor, asked, events, spoken};

/// A model that says how much it has read, and then neither goes on nor ends if it is asked to hang.
fn model() -> ModelServer {
    ModelServer::start(|call| {
        let read = call.body["messages"].as_array().unwrap().iter();
        let read = read.filter(|message| message["role"] != "system").count();
        let words = [format!("read {read}, "), format!("heard {}", asked(&call.body))];
        let mut steps = spoken(&call.path, &words.each_ref().map(String::as_str), Duration::from_millis(1));
        if asked(&call.body).starts_with("hang") {
            // The last two events are the end; each is followed by a pause.
            steps.truncate(4);
            steps.push(Step::Hang);
        }
        steps
    })
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

    fn ask(&self, status: u16, request: &Request) -> Value {
        let reply = self.program.ask(request);
        assert_eq!(reply.status, status, "{request:?}: {}", reply.body);
        if reply.body.is_empty() { Value::Null } else { reply.json() }
    }

    fn admin(&self, status: u16, path: &str) -> Value {
        self.ask(status, &Request::get(path).header("x-admin-api-key", Program::ADMIN_KEY))
    }

    /// Sends what the model hangs on, and gives the id of the answer when its words are there.
    fn hang(&self, visitor: &Visitor) -> (String, impl Iterator<Item = Value>) {
        let stream = visitor.message("/v1/chat/stream", "hang").open(self.program.api()).unwrap();
        let mut said = events(stream);
        let start = said.next().unwrap();
        let mut text = String::new();
        while !text.ends_with("heard hang") {
            text += said.next().unwrap()["token"].as_str().unwrap();
        }
        (start["messageId"].as_str().unwrap().to_owned(), said)
    }
}

/// What is tried over each engine, in this order, each with a visitor of its own.
const CASES: [fn(&Desk, &Visitor); 12] = [
    a_message_is_answered_and_the_next_one_continues_the_conversation,
    a_stream_has_a_beginning_words_and_an_end,
    a_message_sent_again_is_answered_again_and_asked_once,
    another_message_under_the_same_key_is_refused,
    one_answer_at_a_time_is_written,
    an_answer_is_followed_from_any_place,
    a_stopped_answer_keeps_its_text,
    the_feed_has_everything_and_goes_on,
    a_visitor_reads_nothing_of_another,
    an_answer_is_rated,
    what_is_deleted_is_gone,
    the_list_has_pages_and_the_latest_first,
];

fn try_all(desk: &Desk) {
    for (at, case) in CASES.iter().enumerate() {
        case(desk, &Visitor::new(format!("visitor-{at}")));
    }
}

#[test]
fn over_sqlite() {
    try_all(&Desk::over(&[]));
}

#[test]
fn over_postgres() {
    let Some(server) = server() else { return };
    try_all(&Desk::over(&[("DATABASE_URL", database(server))]));
}

#[test]
fn over_convex() {
    let Some(convex) = ConvexDeployment::start() else { return };
    try_all(&Desk::over(&[("CONVEX_URL", convex.url()), ("CONVEX_STORE_KEY", convex.key())]));
}

fn a_message_is_answered_and_the_next_one_continues_the_conversation(desk: &Desk, visitor: &Visitor) {
    let first = desk.ask(200, &visitor.message("/v1/chat", "first"));
    assert_eq!(first["message"], "read 1, heard first");
    let second = desk.ask(200, &visitor.message("/v1/chat", "second"));
    assert_eq!(
        (&second["message"], &second["conversationId"]),
        (&json!("read 3, heard second"), &first["conversationId"])
    );
    let history = desk.ask(200, &visitor.history());
    let of = |name: &str| -> Vec<Value> {
        history["messages"].as_array().unwrap().iter().map(|message| message[name].clone()).collect()
    };
    assert_eq!(of("place"), [1, 2, 3, 4]);
    assert_eq!(of("status"), ["accepted", "complete", "accepted", "complete"]);
    assert_eq!(of("content")[3], "read 3, heard second");
}

fn a_stream_has_a_beginning_words_and_an_end(desk: &Desk, visitor: &Visitor) {
    let stream = visitor.message("/v1/chat/stream", "hello").open(desk.program.api()).unwrap();
    let events: Vec<_> = events(stream).collect();
    let types: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!((types.first(), types.last()), (Some(&"start"), Some(&"done")));
    let tokens: String = events.iter().filter_map(|event| event["token"].as_str()).collect();
    let done = events.last().unwrap();
    assert_eq!((tokens.as_str(), &done["message"]), ("read 1, heard hello", &json!("read 1, heard hello")));
    assert_eq!(done["conversationId"], events[0]["conversationId"]);
}

fn a_message_sent_again_is_answered_again_and_asked_once(desk: &Desk, visitor: &Visitor) {
    let first = desk.ask(200, &visitor.message("/v1/chat", "once"));
    let calls = desk.model.calls().len();
    let again = desk.ask(200, &visitor.message("/v1/chat", "once"));
    assert_eq!((&again["messageId"], &again["message"]), (&first["messageId"], &first["message"]));
    assert_eq!(desk.model.calls().len(), calls);
}

fn another_message_under_the_same_key_is_refused(desk: &Desk, visitor: &Visitor) {
    desk.ask(200, &visitor.message("/v1/chat", "same key"));
    // The key is made of the text.
    let refused = desk.program.ask(&visitor.message("/v1/chat", "same-key"));
    assert!((400..500).contains(&refused.status) && refused.body.contains("idempotency"), "{}", refused.body);
    assert_eq!(desk.ask(200, &visitor.history())["messages"].as_array().unwrap().len(), 2);
}

fn one_answer_at_a_time_is_written(desk: &Desk, visitor: &Visitor) {
    let (_, said) = desk.hang(visitor);
    let refused = desk.ask(409, &visitor.message("/v1/chat", "me too"));
    assert_eq!(refused["code"], "conversation_busy");
    assert_eq!(desk.ask(200, &visitor.stop())["stopped"], true);
    assert_eq!(said.last().unwrap()["status"], "stopped");
    assert_eq!(desk.ask(200, &visitor.message("/v1/chat", "now"))["message"], "read 3, heard now");
}

fn an_answer_is_followed_from_any_place(desk: &Desk, visitor: &Visitor) {
    let said = desk.ask(200, &visitor.message("/v1/chat", "follow me"));
    let answer = said["messageId"].as_str().unwrap();
    let whole = "read 1, heard follow me";
    for from in [0, 5, whole.len()] {
        let events: Vec<_> = events(visitor.rest(answer, from).open(desk.program.api()).unwrap()).collect();
        let tokens: String = events.iter().filter_map(|event| event["token"].as_str()).collect();
        assert_eq!((tokens.as_str(), &events.last().unwrap()["type"]), (&whole[from..], &json!("done")));
    }
}

fn a_stopped_answer_keeps_its_text(desk: &Desk, visitor: &Visitor) {
    let (answer, said) = desk.hang(visitor);
    assert_eq!(desk.ask(200, &visitor.stop())["stopped"], true);
    assert_eq!(said.last().unwrap()["status"], "stopped");
    let history = desk.ask(200, &visitor.history());
    let kept = &history["messages"][1];
    assert_eq!((&kept["id"], &kept["status"]), (&json!(answer), &json!("stopped")));
    assert_eq!(kept["content"], "read 1, heard hang");
    assert_eq!(desk.ask(200, &visitor.stop())["stopped"], false);
}

fn the_feed_has_everything_and_goes_on(desk: &Desk, visitor: &Visitor) {
    desk.ask(200, &visitor.message("/v1/chat", "before"));
    let mut feed = events(visitor.feed(None).open(desk.program.api()).unwrap());
    let mut contents = |wanted: &str| {
        let found = feed.by_ref().find(|event| event["message"]["content"] == wanted);
        assert!(found.is_some(), "the feed ends without {wanted:?}");
    };
    contents("read 1, heard before");
    desk.ask(200, &visitor.message("/v1/chat", "after"));
    contents("after");
    contents("read 3, heard after");
}

fn a_visitor_reads_nothing_of_another(desk: &Desk, visitor: &Visitor) {
    let said = desk.ask(200, &visitor.message("/v1/chat", "mine"));
    let other = Visitor::new("somebody-else");
    desk.ask(404, &other.history());
    desk.ask(404, &other.rest(said["messageId"].as_str().unwrap(), 0));
    let bare = Request::get(format!("/v1/sessions/{}/messages", visitor.session));
    assert_ne!(desk.program.ask(&bare.header("x-api-key", Program::PUBLIC_KEY)).status, 200);
}

fn an_answer_is_rated(desk: &Desk, visitor: &Visitor) {
    let said = desk.ask(200, &visitor.message("/v1/chat", "rate me"));
    let answer = said["messageId"].as_str().unwrap();
    desk.ask(200, &visitor.rating(answer, "up"));
    assert_eq!(desk.ask(200, &visitor.history())["messages"][1]["feedback"]["rating"], "up");
    desk.ask(404, &Visitor::new("somebody-else").rating(answer, "down"));
}

fn what_is_deleted_is_gone(desk: &Desk, visitor: &Visitor) {
    let said = desk.ask(200, &visitor.message("/v1/chat", "forget me"));
    let total = || desk.admin(200, "/v1/admin/conversations")["total"].as_u64().unwrap();
    let before = total();
    for _ in 0..2 {
        desk.ask(204, &visitor.deletion());
        desk.ask(404, &visitor.history());
        assert_eq!(total(), before - 1);
    }
    desk.admin(404, &format!("/v1/admin/conversations/{}", said["conversationId"].as_str().unwrap()));
}

fn the_list_has_pages_and_the_latest_first(desk: &Desk, visitor: &Visitor) {
    let said = desk.ask(200, &visitor.message("/v1/chat", "list me"));
    let mut seen = Vec::new();
    let mut next = String::new();
    loop {
        let page = desk.admin(200, &format!("/v1/admin/conversations?limit=4{next}"));
        let ids = page["conversations"].as_array().unwrap().iter();
        seen.extend(ids.map(|conversation| conversation["_id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        next = format!("&cursor={cursor}");
    }
    assert_eq!(seen[0], said["conversationId"].as_str().unwrap());
    let all = desk.admin(200, "/v1/admin/conversations");
    assert_eq!(all["total"].as_u64().unwrap(), seen.len() as u64);
    seen.sort();
    seen.dedup();
    assert_eq!(all["total"].as_u64().unwrap(), seen.len() as u64, "a page repeats another");
    let thread =
        desk.admin(200, &format!("/v1/admin/conversations/{}", said["conversationId"].as_str().unwrap()));
    assert_eq!(thread["messages"][0]["content"], "list me");
}
