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
