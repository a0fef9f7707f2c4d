//! The commands besides serving.

use std::io::Write as _;
use std::process::Stdio;

use frontdesk_testkit::{Program, Request};

use crate::BINARY;

fn output(program: &Program, arguments: &[&str]) -> (bool, String, String) {
    let output = program.command().args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[test]
fn check_config_says_what_is_in_force_and_no_secret() {
    let program = Program::new(BINARY).set("OPENAI_API_KEY", "sk-canary-1234");
    std::fs::write(
        program.folder().join(".env"),
        "OPENAI_MODEL=from-the-file\nDASHBOARD_PASSWORD=canary-canary\n",
    )
    .unwrap();
    let (content, text, _) = output(&program, &["check-config"]);
    assert!(content, "{text}");
    assert!(
        text.contains("from-the-file  [.env]") && text.contains("set, 14 characters  [environment]"),
        "{text}"
    );
    assert!(!text.contains("canary"), "{text}");
}

#[test]
fn a_wrong_setting_stops_the_start_with_one_line() {
    let program = Program::new(BINARY).set("RATE_LIMIT_MAX_REQUESTS", "canary");
    for arguments in [&["check-config"][..], &["serve"], &[]] {
        let (content, out, err) = output(&program, arguments);
        let text = out + &err;
        assert!(!content, "{arguments:?}");
        assert!(
            text.contains(
                "RATE_LIMIT_MAX_REQUESTS (from environment): must be a whole number from 1 to 1000000"
            ),
            "{text}"
        );
        assert!(!err.contains("canary"), "{err}");
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (content, _, err) = output(&Program::new(BINARY).set("PORT", &port), &[]);
    assert!(!content && err.contains(&format!("PORT: cannot listen on 127.0.0.1:{port}")), "{err}");
}

#[test]
fn one_server_at_a_time_runs_answers_on_the_same_data() {
    let first = Program::new(BINARY).started();
    let database = format!("sqlite:{}", first.folder().join("data/frontdesk.db").display());
    let (content, _, err) = output(&Program::new(BINARY).set("DATABASE_URL", &database), &[]);
    assert!(!content && err.contains("another frontdesk serves the API on this data"), "{err}");
}

#[test]
fn the_healthcheck_tells_a_living_server_from_a_dead_one() {
    let mut program = Program::new(BINARY).started();
    assert!(output(&program, &["healthcheck"]).0);
    assert!(output(&program, &["healthcheck", "--only", "dashboard"]).0);
    program.child().kill();
    assert!(!output(&program, &["healthcheck"]).0);
}

#[test]
fn a_hashed_password_opens_the_dashboard() {
    let password = "a long enough password";
    let anywhere = Program::new(BINARY);
    let mut hashing = anywhere.command();
    hashing.arg("hash-password").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut hashing = hashing.spawn().unwrap();
    hashing.stdin.take().unwrap().write_all(format!("{password}\n").as_bytes()).unwrap();
    let hash = String::from_utf8(hashing.wait_with_output().unwrap().stdout).unwrap();
    let program = Program::new(BINARY)
        .set("DASHBOARD_PASSWORD", "")
        .set("DASHBOARD_PASSWORD_HASH", hash.trim())
        .started();
    let login = Request::post("/api/login", &serde_json::json!({ "password": password }))
        .header("Sec-Fetch-Site", "same-origin");
    assert_eq!(frontdesk_testkit::exchange(program.dashboard(), &login).unwrap().status, 200);
}

#[test]
fn one_port_can_serve_two_hosts() {
    let program = Program::new(BINARY)
        .set("DASHBOARD_HOST", "desk.example")
        .set("TRUSTED_PROXIES", "127.0.0.1")
        .started();
    let page = |host: &str, path: &str| {
        let mut stream = std::net::TcpStream::connect(program.api()).unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        std::io::read_to_string(stream).unwrap()
    };
    assert!(page("desk.example", "/login").starts_with("HTTP/1.1 200"));
    assert!(page("Desk.Example:443", "/login").starts_with("HTTP/1.1 200"));
    assert!(page("chat.example", "/login").starts_with("HTTP/1.1 404"));
    assert!(page("desk.example", "/v1/openapi.json").starts_with("HTTP/1.1 404"));
    assert!(page("chat.example", "/v1/openapi.json").starts_with("HTTP/1.1 200"));
}
