//! The program over PostgreSQL.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use frontdesk_core::SystemClock;
use frontdesk_store::{StoreUrl, open};
use frontdesk_testkit::{PostgresServer, Program, Request};
use serde_json::json;

use crate::BINARY;
use crate::load::Load;

/// One server for the tests that leave it running; `None` if PostgreSQL is not installed.
pub(crate) fn server() -> Option<&'static PostgresServer> {
    static SERVER: OnceLock<Option<PostgresServer>> = OnceLock::new();
    SERVER.get_or_init(PostgresServer::start).as_ref()
}

/// The URL of a new database of a server.
pub(crate) fn database(server: &PostgresServer) -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    server.create(&name, "template0");
    server.url(&name)
}

/// The same with its schema made.
pub(crate) fn migrated(server: &PostgresServer) -> String {
    let url = database(server);
    drop(open(&StoreUrl::parse(&url).unwrap(), &SystemClock::start()).unwrap());
    url
}

fn output(program: &Program, arguments: &[&str]) -> (bool, String) {
    let output = program.command().args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[test]
fn a_database_can_be_named_in_a_file_and_the_commands_work_with_it() {
    let Some(server) = server() else { return };
    let url = database(server);
    let model = Load::model();
    let program = Program::new(BINARY).set("OPENAI_BASE_URL", &model.base_url()).set("UPSTREAM_API", "chat");
    let file = program.folder().join("database-url");
    std::fs::write(&file, format!("{url}\n")).unwrap();
    let program = program.set("DATABASE_URL_FILE", file.to_str().unwrap()).started();
    let request = Request::post("/v1/chat", &json!({ "sessionId": "visitor", "message": "hello" }));
    let reply = program.ask(&request.header("x-api-key", Program::PUBLIC_KEY));
    assert_eq!(
        (reply.status, &reply.json()["message"]),
        (200, &json!("An answer in pieces.")),
        "{}",
        reply.body
    );
    assert_eq!(program.ask(&Request::get("/ready")).status, 200);

    let mut printed = Vec::new();
    let (content, text) = output(&program, &["check-config"]);
    assert!(content && text.contains(&format!("postgres://frontdesk@{}/", server.address())), "{text}");
    printed.push(text);
    for (arguments, tool) in [(&["backup"][..], "pg_dump"), (&["restore", "x", "--replace"], "pg_restore")] {
        let (content, text) = output(&program, arguments);
        let port = server.address().port();
        assert!(
            !content && text.contains(&format!("{tool} ")) && text.contains(&format!("--port={port} ")),
            "{text}"
        );
        printed.push(text);
    }
    let (content, text) = output(&program, &["export"]);
    assert!(content && text.contains("An answer in pieces."), "{text}");
    printed.push(text);
    let (content, text) = output(&program, &["end-sessions"]);
    assert!(content && text.contains("Signed out: 0"), "{text}");
    printed.push(text);
    assert!(printed.iter().all(|text| !text.contains(PostgresServer::PASSWORD)), "{printed:?}");
}

#[test]
fn a_server_that_cannot_be_used_ends_the_start_with_one_line_and_no_password() {
    let Some(server) = server() else { return };
    let wrong = server.url("postgres").replace(PostgresServer::PASSWORD, "canary-wrong");
    let (content, text) = output(&Program::new(BINARY).set("DATABASE_URL", &wrong), &[]);
    assert!(!content && text.contains("cannot connect to PostgreSQL"), "{text}");
    assert!(!text.contains("canary"), "{text}");
}
