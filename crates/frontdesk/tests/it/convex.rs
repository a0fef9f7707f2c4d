//! The program with its data in Convex.

use std::time::{Duration, Instant};

use frontdesk_testkit::{ConvexDeployment, ModelServer, Program, Request, Step, exchange};
use serde_json::{Value, json};

use crate::BINARY;
use crate::visitor::{Visitor, asked, events, spoken};

/// A model that says three words, and then neither goes on nor ends if it is asked to hang.
fn model() -> ModelServer {
    ModelServer::start(|call| {
        let mut steps = spoken(&call.path, &["One ", "two ", "three"], Duration::from_millis(1));
        if asked(&call.body) == "hang" {
            // The last two events are the end; each is followed by a pause.
            steps.truncate(6);
            steps.push(Step::Hang);
        }
        steps
    })
}

fn program(model: &ModelServer, convex: &ConvexDeployment) -> Program {
    Program::new(BINARY)
        .set("OPENAI_BASE_URL", &model.base_url())
        .set("UPSTREAM_API", "chat")
        .set("CONVEX_URL", &convex.url())
        .set("CONVEX_STORE_KEY", &convex.key())
}

fn stored(program: &Program) -> Vec<Value> {
    let admin =
        |path: &str| program.ask(&Request::get(path).header("x-admin-api-key", Program::ADMIN_KEY)).json();
    let list = admin("/v1/admin/conversations");
    assert_eq!(list["total"], 1, "{list}");
    let id = list["conversations"][0]["_id"].as_str().unwrap();
    admin(&format!("/v1/admin/conversations/{id}"))["messages"].as_array().unwrap().clone()
}

#[test]
fn a_conversation_outlives_a_crash_of_the_program_and_answers_that_are_lost() {
    let Some(convex) = ConvexDeployment::start() else { return };
    let model = model();
    let mut program = program(&model, &convex).started();
    let visitor = Visitor::new("v");
    convex.add_faults(&json!([
        { "kind": "lose_reply", "path": "turns:open", "every": 2, "times": 10 },
        { "kind": "status", "path": "turns:close", "every": 2, "times": 10 },
    ]));
    for text in ["first", "second"] {
        let reply = program.ask(&visitor.message("/v1/chat", text));
        assert_eq!(
            (reply.status, &reply.json()["message"]),
            (200, &json!("One two three")),
            "{}",
            reply.body
        );
    }
    let mut said = events(visitor.message("/v1/chat/stream", "hang").open(program.api()).unwrap());
    while said.next().unwrap()["token"] != "three" {}
    let began = Instant::now();
    while stored(&program)[5]["content"] != "One two three" {
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", stored(&program));
        std::thread::sleep(Duration::from_millis(50));
    }
    program.child().kill();

    program.start();
    let messages = stored(&program);
    let of = |name: &str| messages.iter().map(|message| message[name].clone()).collect::<Vec<_>>();
    assert_eq!(of("content"), ["first", "One two three", "second", "One two three", "hang", "One two three"]);
    let statuses = ["accepted", "complete", "accepted", "complete", "accepted", "interrupted"];
    assert_eq!(of("status"), statuses);
    assert_eq!(program.ask(&visitor.message("/v1/chat", "third")).status, 200);

    let login = Request::post("/api/login", &json!({ "password": Program::PASSWORD }))
        .header("Sec-Fetch-Site", "same-origin");
    assert_eq!(exchange(program.dashboard(), &login).unwrap().status, 200);
    assert_eq!(program.ask(&Request::get("/ready")).status, 200);
    assert!(!program.folder().join("data/frontdesk.db").exists(), "nothing is kept here");
    let printed = program.child().printed();
    assert!(!printed.contains("queries-and-mutations-only"), "{printed}");
}

#[test]
fn what_only_files_can_do_says_what_does_it_for_convex() {
    let Some(convex) = ConvexDeployment::start() else { return };
    let program = program(&model(), &convex);
    for arguments in [&["backup"][..], &["restore", "x.db"]] {
        let output = program.command().args(arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains("npx convex export"), "{arguments:?}: {said}");
    }
    let output = program.command().arg("export").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.contains("\"type\":\"end\""), "{said}");
}

#[test]
fn a_start_with_a_wrong_key_says_so_and_ends() {
    let Some(convex) = ConvexDeployment::start() else { return };
    let program = program(&model(), &convex).set("CONVEX_STORE_KEY", "prod:test-0|canary");
    let output = program.command().output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("does not accept CONVEX_STORE_KEY"), "{said}");
    assert!(!said.contains("canary"), "{said}");
}
