//! Ending: running answers finish, or are kept as far as they came.

use std::io::{BufRead as _, BufReader};
use std::time::{Duration, Instant};

use frontdesk_testkit::{ModelServer, Program, Request, Step, Wire, stream};
use serde_json::{Value, json};

use crate::BINARY;
use crate::visitor::{Visitor, events};

/// A model that speaks, pauses, and goes on.
fn pausing(pause: Duration) -> ModelServer {
    ModelServer::start(move |call| {
        let all = stream(Wire::UntilClose, &call.path, &["One, ", "two."]);
        let half = all.windows(2).position(|window| window == b"\n\n").unwrap() + 2;
        vec![Step::Send(all[..half].to_vec()), Step::Pause(pause), Step::Send(all[half..].to_vec())]
    })
}

fn program(model: &ModelServer) -> Program {
    Program::new(BINARY).set("OPENAI_BASE_URL", &model.base_url()).set("UPSTREAM_API", "chat").started()
}

/// A stream whose first word has arrived.
fn begun(program: &Program) -> impl Iterator<Item = Value> + use<> {
    let request = Request::post("/v1/chat/stream", &json!({ "sessionId": "s", "message": "count" }))
        .header("x-api-key", Program::PUBLIC_KEY);
    let lines = BufReader::new(request.open(program.api()).unwrap()).lines().map_while(Result::ok);
    let mut events =
        lines.filter_map(|line| serde_json::from_str::<Value>(&line).ok().filter(Value::is_object));
    assert!(events.any(|event| event["token"] == "One, "));
    events
}

fn stored(program: &mut Program) -> Value {
    program.start();
    let admin =
        |path: &str| program.ask(&Request::get(path).header("x-admin-api-key", Program::ADMIN_KEY)).json();
    let id = admin("/v1/admin/conversations")["conversations"][0]["_id"].as_str().unwrap().to_owned();
    admin(&format!("/v1/admin/conversations/{id}"))["messages"][1].clone()
}

#[test]
fn a_running_answer_finishes_before_the_server_ends() {
    let model = pausing(Duration::from_millis(700));
    let mut program = program(&model);
    let events = begun(&program);
    program.child().terminate();
    let last = events.last().unwrap();
    assert_eq!((&last["type"], &last["message"]), (&json!("done"), &json!("One, two.")));
    assert!(program.child().wait(Duration::from_secs(5)));
    assert_eq!(stored(&mut program)["status"], "complete");
}

/// Asks until the program says that it ends.
fn wait_until_it_ends(program: &Program) {
    let asked = Instant::now();
    while program.ask(&Request::get("/ready")).status == 200 {
        assert!(asked.elapsed() < Duration::from_secs(5), "it goes on as if nobody had asked it to end");
        std::thread::sleep(Duration::from_millis(5));
    }
    let ready = program.ask(&Request::get("/ready"));
    assert_eq!((ready.status, &ready.json()["code"]), (503, &json!("shutting_down")));
    assert_eq!(program.ask(&Request::get("/health")).status, 200);
}

#[test]
fn while_answers_run_all_but_new_messages_is_served() {
    let model = pausing(Duration::from_secs(2));
    let mut program = program(&model);
    let (reader, stopper) = (Visitor::new("reader"), Visitor::new("stopper"));
    let begin = |visitor: &Visitor| {
        let mut events = events(visitor.message("/v1/chat/stream", "count").open(program.api()).unwrap());
        let start = events.next().unwrap();
        assert!(events.any(|event| event["token"] == "One, "));
        (start["messageId"].as_str().unwrap().to_owned(), events)
    };
    let (answer, _events) = begin(&reader);
    let (_, mut unfinished) = begin(&stopper);
    program.child().terminate();
    wait_until_it_ends(&program);

    let refused = program.ask(&Visitor::new("late").message("/v1/chat", "hello"));
    assert_eq!((refused.status, &refused.json()["code"]), (503, &json!("shutting_down")));
    let head = refused.head.to_ascii_lowercase();
    assert!(head.contains("retry-after: ") && head.contains("connection: close"), "{head}");
    assert_eq!(program.ask(&stopper.stop()).json(), json!({ "stopped": true }));
    let last = unfinished.by_ref().last().unwrap();
    assert_eq!((&last["type"], &last["status"]), (&json!("done"), &json!("stopped")));
    let history = program.ask(&reader.history());
    assert_eq!((history.status, &history.json()["messages"][1]["status"]), (200, &json!("streaming")));
    let rest: Vec<_> = events(reader.rest(&answer, 2).open(program.api()).unwrap()).collect();
    assert_eq!(rest[1]["token"], "e, ");
    assert_eq!(rest.last().unwrap()["message"], "One, two.");
    assert!(program.child().wait(Duration::from_secs(5)));
}

#[test]
fn it_serves_on_for_a_while_after_it_has_said_that_it_ends() {
    let model = pausing(Duration::from_millis(1));
    let mut program = Program::new(BINARY)
        .set("OPENAI_BASE_URL", &model.base_url())
        .set("UPSTREAM_API", "chat")
        .set("SHUTDOWN_DELAY_SECONDS", "1")
        .started();
    let began = Instant::now();
    program.child().terminate();
    wait_until_it_ends(&program);
    let taken = program.ask(&Visitor::new("late").message("/v1/chat", "hello"));
    assert_eq!((taken.status, &taken.json()["message"]), (200, &json!("One, two.")), "{}", taken.body);
    assert!(program.child().wait(Duration::from_secs(5)));
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[test]
fn a_second_signal_ends_that_while_too() {
    let model = pausing(Duration::from_millis(1));
    let mut program = Program::new(BINARY)
        .set("OPENAI_BASE_URL", &model.base_url())
        .set("UPSTREAM_API", "chat")
        .set("SHUTDOWN_DELAY_SECONDS", "600")
        .started();
    program.child().terminate();
    wait_until_it_ends(&program);
    program.child().terminate();
    assert!(program.child().wait(Duration::from_secs(4)));
}

#[test]
fn a_second_signal_keeps_what_there_is() {
    let model = pausing(Duration::from_mins(1));
    let mut program = program(&model);
    let events = begun(&program);
    let began = Instant::now();
    program.child().terminate();
    std::thread::sleep(Duration::from_millis(200));
    program.child().terminate();
    let last = events.last().unwrap();
    assert_eq!((&last["type"], &last["code"]), (&json!("error"), &json!("shutting_down")));
    assert!(program.child().wait(Duration::from_secs(5)));
    assert!(began.elapsed() < Duration::from_secs(4));
    let answer = stored(&mut program);
    assert_eq!((&answer["status"], &answer["content"]), (&json!("interrupted"), &json!("One, ")));
}

#[test]
fn what_a_crash_left_unfinished_is_kept_as_interrupted() {
    let model = pausing(Duration::from_mins(1));
    let mut program = program(&model);
    let _events = begun(&program);
    // Partial text is stored once a second.
    std::thread::sleep(Duration::from_millis(1500));
    program.child().kill();
    let answer = stored(&mut program);
    assert_eq!((&answer["status"], &answer["content"]), (&json!("interrupted"), &json!("One, ")));
    assert_eq!(answer["code"], "restarted");
}
