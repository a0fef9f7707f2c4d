//! Model servers that others wrote, through both forms of the API.

use std::time::{Duration, Instant};

use frontdesk_testkit::{Exchange, Program, Request, Tools, exchange};
use serde_json::{Value, json};

use crate::BINARY;

const FORMS: [&str; 2] = ["chat", "responses"];

fn program(base_url: &str, form: &str) -> Program {
    Program::new(BINARY)
        .set("OPENAI_BASE_URL", base_url)
        .set("OPENAI_API_KEY", "sk-test")
        .set("UPSTREAM_API", form)
        .set("UPSTREAM_IDLE_TIMEOUT_MS", "1500")
        .set("UPSTREAM_FIRST_BYTE_TIMEOUT_MS", "3000")
        .started()
}

fn send(program: &Program, path: &str, session: &str, message: &str) -> Exchange {
    let body = json!({ "sessionId": session, "message": message });
    program.ask(&Request::post(path, &body).header("x-api-key", Program::PUBLIC_KEY))
}

#[test]
fn aimock_is_answered_through_both_forms() {
    let Some(tools) = Tools::find() else { return };
    let folder = tempfile::tempdir().unwrap();
    let fixtures = json!({ "fixtures": [
        { "match": { "userMessage": "parcel" }, "response": { "content": "Your parcel is on its way to Köln. 📦" } },
        { "match": { "userMessage": "busy" }, "response": { "error": { "message": "slow down", "type": "rate_limit_error" }, "status": 429 } },
        { "match": { "userMessage": "broken" }, "response": { "error": { "message": "oops", "type": "server_error" }, "status": 500 } },
    ]});
    let path = folder.path().join("fixtures.json");
    std::fs::write(&path, fixtures.to_string()).unwrap();
    let (_server, port) = tools.aimock(&path);
    for form in FORMS {
        let program = program(&format!("http://127.0.0.1:{port}/v1"), form);
        let reply = send(&program, "/v1/chat", "one", "Where is my parcel?");
        assert_eq!(
            reply.json()["message"],
            "Your parcel is on its way to Köln. 📦",
            "{form}: {}",
            reply.body
        );
        let stream = send(&program, "/v1/chat/stream", "two", "Where is my parcel?");
        let words: String =
            stream.events().iter().filter_map(|event| event["token"].as_str().map(str::to_owned)).collect();
        assert_eq!(words, "Your parcel is on its way to Köln. 📦", "{form}");
        let done = stream.events().pop().unwrap();
        assert!(done["usage"]["outputTokens"].is_u64(), "{form}: {done}");
        for (message, status, code) in
            [("be busy", 503, "upstream_busy"), ("be broken", 502, "upstream_error")]
        {
            let reply = send(&program, "/v1/chat", message.trim_start_matches("be "), message);
            assert_eq!(
                (reply.status, &reply.json()["code"]),
                (status, &json!(code)),
                "{form}: {}",
                reply.body
            );
        }
    }
}

#[test]
fn llmock_and_its_faults_are_answered_through_both_forms() {
    let Some(tools) = Tools::find() else { return };
    let (_server, port) = tools.llmock();
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let reset = || {
        let reset = exchange(address, &Request::post("/_llmock/reset", &json!({}))).unwrap();
        assert_eq!(reset.status, 200, "{}", reset.body);
    };
    let scenario = |behaviors: Value| {
        reset();
        let set = exchange(address, &Request::post("/_llmock/scenario", &json!({ "behaviors": behaviors })))
            .unwrap();
        assert_eq!(set.status, 201, "{}", set.body);
    };
    for form in FORMS {
        let program = program(&format!("http://127.0.0.1:{port}/v1"), form);
        reset();
        let reply = send(&program, "/v1/chat", "plain", "Hello");
        assert_eq!(reply.status, 200, "{form}: {}", reply.body);
        assert!(!reply.json()["message"].as_str().unwrap().is_empty());

        for kind in ["truncate", "disconnect", "malformed", "stall"] {
            // Three times, because a fault before the first word is tried again twice.
            let fault = json!({ "type": "stream_fault", "kind": kind, "after_chunks": 2 });
            scenario(json!([fault, fault, fault]));
            let events = send(&program, "/v1/chat/stream", kind, "Hello").events();
            let last = events.last().unwrap();
            assert_eq!(last["type"], "error", "{form}, {kind}: {last}");
            let code = last["code"].as_str().unwrap();
            assert!(matches!(code, "upstream_interrupted" | "upstream_timeout"), "{form}, {kind}: {last}");
        }
        let fault = json!({ "type": "fail", "status": 429, "retry_after": 1 });
        scenario(json!([fault]));
        let began = Instant::now();
        let passed = send(&program, "/v1/chat", "passed", "Hello");
        assert_eq!(passed.status, 200, "{form}, a fault that passes: {}", passed.body);
        assert!(began.elapsed() >= Duration::from_secs(1), "{form}: it was asked to wait");
        scenario(json!([fault, fault, fault]));
        let busy = send(&program, "/v1/chat", "busy", "Hello");
        assert_eq!(
            (busy.status, &busy.json()["code"]),
            (503, &json!("upstream_busy")),
            "{form}: {}",
            busy.body
        );
        scenario(json!([{ "type": "fail", "status": 401 }]));
        let refused = send(&program, "/v1/chat", "refused", "Hello");
        assert_eq!(
            (refused.status, &refused.json()["code"]),
            (502, &json!("upstream_misconfigured")),
            "{form}"
        );
    }
}
