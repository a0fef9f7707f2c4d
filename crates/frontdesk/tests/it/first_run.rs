//! The first start: nothing is configured, and everything works.

use std::time::Duration;

use frontdesk_testkit::{Program, Request, exchange};
use serde_json::json;

use crate::BINARY;

fn unconfigured() -> Program {
    Program::new(BINARY).set("WIDGET_API_KEY", "").set("ADMIN_API_KEY", "").set("DASHBOARD_PASSWORD", "")
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
    for (missing, variable) in [
        ("WIDGET_API_KEY", "WIDGET_API_KEY"),
        ("DASHBOARD_PASSWORD", "DASHBOARD_PASSWORD"),
        ("CORS_ORIGIN", "CORS_ORIGIN"),
    ] {
        let program = Program::new(BINARY)
            .set("NODE_ENV", "production")
            .set("CORS_ORIGIN", "https://shop.example")
            .set(missing, "");
        let output = program.command().output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && text.contains(variable), "{missing}: {text}");
        assert_eq!(text.lines().filter(|line| line.starts_with("frontdesk: ")).count(), 1, "{text}");
    }
}

#[test]
fn production_serves_no_test_pages() {
    let program = Program::new(BINARY)
        .set("NODE_ENV", "production")
        .set("CORS_ORIGIN", "https://shop.example")
        .set("HOST", "127.0.0.1")
        .started();
    for path in ["/widget-test.html", "/headless-test.html"] {
        assert_eq!(exchange(program.dashboard(), &Request::get(path)).unwrap().status, 404, "{path}");
    }
}
