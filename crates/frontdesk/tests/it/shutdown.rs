//! Ending: running answers finish, or are kept as far as they came.

use std::io::{BufRead as _, BufReader};
use std::time::{Duration, Instant};

use frontdesk_testkit::{ModelServer, Program, Request, Step, Wire, stream};
use serde_json::{Value, json};

use crate::BINARY;

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

#[test]
fn a_visitor_who_leaves_does_not_end_the_answer_and_stop_closes_the_connection_to_the_model() {
    let model = pausing(Duration::from_millis(500));
    let mut left = program(&model);
    drop(begun(&left));
    std::thread::sleep(Duration::from_millis(900));
    left.child().terminate();
    assert!(left.child().wait(Duration::from_secs(5)));
    assert_eq!(stored(&mut left)["content"], "One, two.");

    let hanging = ModelServer::start(|call| {
        let all = stream(Wire::UntilClose, &call.path, &["One, "]);
        let first = all.windows(2).position(|window| window == b"\n\n").unwrap() + 2;
        vec![Step::Send(all[..first].to_vec()), Step::Hang]
    });
    let stopped = program(&hanging);
    let secret = "A".repeat(43);
    let request = |path: &str, body: &Value| {
        Request::post(path, body).header("x-api-key", Program::PUBLIC_KEY).header("x-session-secret", &secret)
    };
    let stream = request("/v1/chat/stream", &json!({ "sessionId": "s", "message": "count" }))
        .open(stopped.api())
        .unwrap();
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("One, ")));
    assert_eq!(hanging.open_connections(), 1);
    let began = Instant::now();
    assert_eq!(
        stopped.ask(&request("/v1/chat/stop", &json!({ "sessionId": "s" }))).json(),
        json!({ "stopped": true })
    );
    let last: Value =
        serde_json::from_str(&lines.filter(|line| line.starts_with('{')).last().unwrap()).unwrap();
    assert_eq!(
        (&last["type"], &last["status"], &last["message"]),
        (&json!("done"), &json!("stopped"), &json!("One, "))
    );
    while hanging.open_connections() > 0 {
        assert!(began.elapsed() < Duration::from_millis(500), "the model's connection is still open");
        std::thread::sleep(Duration::from_millis(1));
    }
}
