//! The first start: nothing is configured, and everything works.

use std::time::Duration;

use frontdesk_testkit::{Program, Request, exchange};
use serde_json::json;

use crate::BINARY;

fn unconfigured() -> Program {
    Program::new(BINARY).set("WIDGET_API_KEY", "").set("ADMIN_API_KEY", "").set("DASHBOARD_PASSWORD", "")
}

/// A program as a server would run it, on this machine alone.
fn in_production(program: Program) -> Program {
    program
        .set("NODE_ENV", "production")
        .set("HOST", "127.0.0.1")
        .set("CORS_ORIGIN", "https://shop.example")
        .set("OPENAI_API_KEY", "sk-test")
}

/// The word behind a label in what the program said.
fn said(text: &str, label: &str) -> Option<String> {
    let line = text.lines().find(|line| line.trim_start().starts_with(label))?;
    line.split_whitespace().last().map(str::to_owned)
}

#[test]
fn it_makes_what_it_needs_says_it_once_and_works() {
    let mut program = unconfigured().started();
    std::thread::sleep(Duration::from_millis(100));
    let text = program.child().printed();
    let password = said(&text, "Password").unwrap();
    let admin_key = said(&text, "Admin key").unwrap();

    let page = exchange(program.dashboard(), &Request::get("/widget-test.html")).unwrap().body;
    let key = page.split("data-api-key=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let request =
        Request::post("/v1/chat", &json!({ "sessionId": "s", "message": "Hello" })).header("x-api-key", &key);
    let reply = program.ask(&request);
    assert!(
        reply.json()["message"].as_str().unwrap().contains("no language model is configured"),
        "{}",
        reply.body
    );
    let login =
        Request::post("/api/login", &json!({ "password": password })).header("Sec-Fetch-Site", "same-origin");
    assert_eq!(exchange(program.dashboard(), &login).unwrap().status, 200);
    let list = Request::get("/v1/admin/conversations").header("x-admin-api-key", &admin_key);
    assert_eq!(program.ask(&list).json()["total"], 1);

    // The second start keeps what the first one made, and does not say it again.
    program.child().terminate();
    assert!(program.child().wait(Duration::from_secs(5)));
    program.start();
    std::thread::sleep(Duration::from_millis(100));
    let again = program.child().printed();
    assert!(
        !again.contains(&password) && !again.contains(&admin_key) && !again.contains("Password"),
        "{again}"
    );
    assert_eq!(program.ask(&list).json()["total"], 1);
    assert_eq!(program.ask(&request).status, 200);
}

#[test]
fn a_start_that_fails_makes_no_secrets() {
    let mut program = unconfigured();
    let taken = std::net::TcpListener::bind(program.dashboard()).unwrap();
    let output = program.command().output().unwrap();
    let problem = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && problem.contains("DASHBOARD_PORT: cannot listen"), "{problem}");
    drop(taken);
    program.start();
    std::thread::sleep(Duration::from_millis(100));
    let text = program.child().printed();
    assert!(said(&text, "Password").is_some() && said(&text, "Admin key").is_some(), "{text}");
}

#[test]
fn keys_made_in_development_open_nothing_in_production() {
    let mut program = unconfigured().started();
    std::thread::sleep(Duration::from_millis(100));
    let admin_key = said(&program.child().printed(), "Admin key").unwrap();
    let list = Request::get("/v1/admin/conversations").header("x-admin-api-key", &admin_key);
    assert_eq!(program.ask(&list).status, 200);
    program.child().terminate();
    assert!(program.child().wait(Duration::from_secs(5)));
    let mut program = in_production(program);
    let output = program.command().output().unwrap();
    let problem = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && problem.contains("WIDGET_API_KEY"), "{problem}");
    program = program.set("WIDGET_API_KEY", Program::PUBLIC_KEY);
    program.start();
    assert_eq!(program.ask(&list).status, 503, "the admin API is off");
}

#[test]
fn a_new_password_replaces_the_old_one_while_the_server_runs() {
    let mut program = unconfigured().started();
    std::thread::sleep(Duration::from_millis(100));
    let old = said(&program.child().printed(), "Password").unwrap();
    let login = |password: &str| {
        let request = Request::post("/api/login", &json!({ "password": password }))
            .header("Sec-Fetch-Site", "same-origin");
        exchange(program.dashboard(), &request).unwrap()
    };
    let session = login(&old)
        .head
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: ").map(str::to_owned))
        .unwrap();
    let session = session.split(';').next().unwrap().to_owned();
    let page =
        || exchange(program.dashboard(), &Request::get("/").header("Cookie", &session)).unwrap().status;
    assert_eq!(page(), 200);

    let output = program.command().arg("reset-password").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let new = said(&text, "The dashboard's new password:").unwrap();
    assert_eq!((login(&old).status, login(&new).status), (401, 200));
    assert_eq!(page(), 303, "everybody is signed out");
}

#[test]
fn nothing_secret_is_made_in_production() {
    for missing in ["WIDGET_API_KEY", "DASHBOARD_PASSWORD", "CORS_ORIGIN", "OPENAI_API_KEY"] {
        let program = in_production(Program::new(BINARY)).set(missing, "");
        let output = program.command().output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && text.contains(missing), "{missing}: {text}");
        assert_eq!(text.lines().filter(|line| line.starts_with("frontdesk: ")).count(), 1, "{text}");
    }
}

#[test]
fn production_serves_no_test_pages() {
    let program = in_production(Program::new(BINARY)).started();
    for path in ["/widget-test.html", "/headless-test.html"] {
        assert_eq!(exchange(program.dashboard(), &Request::get(path)).unwrap().status, 404, "{path}");
    }
}

#[test]
fn an_api_that_serves_the_dashboard_on_its_port_needs_its_password_too() {
    let program = in_production(Program::new(BINARY)).set("DASHBOARD_PASSWORD", "");
    let program = program.set("DASHBOARD_HOST", "desk.example");
    let output = program.command().args(["serve", "--only", "api"]).output().unwrap();
    let problem = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && problem.contains("DASHBOARD_PASSWORD"), "{problem}");
}
