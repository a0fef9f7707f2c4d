//! The origin's production smoke tests, and its clients, against the program.

use frontdesk_testkit::{ModelServer, Program, Request};
use serde_json::json;

use crate::BINARY;

fn program(model: &ModelServer) -> Program {
    Program::new(BINARY).set("OPENAI_BASE_URL", &model.base_url()).set("UPSTREAM_API", "chat").started()
}

fn message(path: &str) -> Request {
    Request::post(path, &json!({ "sessionId": "my-session-id", "message": "Hello" }))
        .header("x-api-key", Program::PUBLIC_KEY)
}

#[test]
fn the_production_smoke_tests_pass() {
    let model = ModelServer::saying(&["Hello", " there"]);
    let program = Program::new(BINARY)
        .set("OPENAI_BASE_URL", &model.base_url())
        .set("UPSTREAM_API", "chat")
        .set("NODE_ENV", "production")
        .set("HOST", "127.0.0.1")
        .set("CORS_ORIGIN", "https://shop.example")
        .started();
    assert_eq!(program.ask(&Request::get("/health")).json(), json!({ "status": "ok" }));

    let widget = program.ask(&Request::get("/widget/chat-widget.js"));
    assert_eq!(widget.status, 200);
    assert!(widget.head.contains("text/javascript"));

    let reply = program.ask(&message("/v1/chat")).json();
    assert_eq!(reply["message"], "Hello there");
    assert!(reply["conversationId"].is_string());

    let stream = program.ask(&message("/v1/chat/stream"));
    let events = stream.events();
    let kinds: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!((kinds[0], *kinds.last().unwrap()), ("start", "done"));
    assert!(kinds[1..kinds.len() - 1].iter().all(|kind| *kind == "token"));

    let document = program.ask(&Request::get("/v1/openapi.json")).json();
    assert_eq!(document["openapi"], "3.1.0");

    let login = Request::post("/api/login", &json!({ "password": Program::PASSWORD }))
        .header("Sec-Fetch-Site", "same-origin");
    let login = frontdesk_testkit::exchange(program.dashboard(), &login).unwrap();
    assert_eq!((login.status, login.json()), (200, json!({ "ok": true })));
}

#[test]
fn an_admin_reads_what_was_said() {
    let model = ModelServer::saying(&["Hello"]);
    let program = program(&model);
    let id = program.ask(&message("/v1/chat")).json()["conversationId"].as_str().unwrap().to_owned();
    let admin =
        |path: &str| program.ask(&Request::get(path).header("x-admin-api-key", Program::ADMIN_KEY)).json();
    assert_eq!(admin("/v1/admin/conversations?limit=100")["total"], 1);
    assert_eq!(admin(&format!("/v1/admin/conversations/{id}"))["messages"][1]["content"], "Hello");
}

#[test]
fn rotated_keys_overlap() {
    let model = ModelServer::saying(&["Hello"]);
    let program = Program::new(BINARY)
        .set("OPENAI_BASE_URL", &model.base_url())
        .set("WIDGET_API_KEY", "the-old-key-of-the-widget,the-new-key-of-the-widget")
        .started();
    for (key, status) in
        [("the-old-key-of-the-widget", 200), ("the-new-key-of-the-widget", 200), ("another", 401)]
    {
        let request = Request::post("/v1/chat", &json!({ "sessionId": key, "message": "Hello" }))
            .header("x-api-key", key);
        assert_eq!(program.ask(&request).status, status, "{key}");
    }
}

#[test]
fn two_deployments_serve_what_one_does() {
    let model = ModelServer::saying(&["Hello"]);
    let api = Program::new(BINARY)
        .set("OPENAI_BASE_URL", &model.base_url())
        .argument("serve")
        .argument("--only")
        .argument("api")
        .started();
    assert_eq!(api.ask(&message("/v1/chat")).status, 200);
    assert!(std::net::TcpStream::connect(api.dashboard()).is_err());

    let database = format!("sqlite:{}", api.folder().join("data/frontdesk.db").display());
    let dashboard = Program::new(BINARY)
        .set("DATABASE_URL", &database)
        .argument("serve")
        .argument("--only")
        .argument("dashboard")
        .started();
    assert!(std::net::TcpStream::connect(dashboard.api()).is_err());
    let login = Request::post("/api/login", &json!({ "password": Program::PASSWORD }))
        .header("Sec-Fetch-Site", "same-origin");
    let login = frontdesk_testkit::exchange(dashboard.dashboard(), &login).unwrap();
    let cookie =
        login.head.lines().find_map(|line| line.strip_prefix("set-cookie: frontdesk_session=")).unwrap();
    let cookie = format!("frontdesk_session={}", cookie.split(';').next().unwrap());
    let page =
        frontdesk_testkit::exchange(dashboard.dashboard(), &Request::get("/").header("Cookie", &cookie))
            .unwrap();
    assert!(page.body.contains("AI: Hello"), "{}", page.body);
}
