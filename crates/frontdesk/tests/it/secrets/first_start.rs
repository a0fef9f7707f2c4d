//! The keys and the password that a first start makes.

use std::fs;
use std::time::{Duration, Instant};

use frontdesk_testkit::{Program, Request, exchange};
use frontdesk_web::KeyRing;
use serde_json::json;

use super::{files_in, log_of};
use crate::BINARY;

/// What it has printed so far; at least its greeting.
fn greeting(program: &mut Program) -> String {
    let began = Instant::now();
    let mut text = String::new();
    while !text.contains("Stop with Ctrl-C") {
        assert!(began.elapsed() < Duration::from_secs(5), "no greeting: {text}");
        std::thread::sleep(Duration::from_millis(10));
        text += &program.child().printed();
        text.push('\n');
    }
    text
}

/// The word behind a label.
fn said(text: &str, label: &str) -> String {
    let line = text.lines().find(|line| line.trim_start().starts_with(label)).unwrap();
    line.split_whitespace().last().unwrap().to_owned()
}

fn login(program: &Program, password: &str) -> (u16, String) {
    let request =
        Request::post("/api/login", &json!({ "password": password })).header("Sec-Fetch-Site", "same-origin");
    let reply = exchange(program.dashboard(), &request).unwrap();
    let token = reply.head.split_once("frontdesk_session=").map_or("", |(_, rest)| rest);
    (reply.status, token.split(';').next().unwrap().to_owned())
}

fn list(program: &Program, admin_key: &str) -> u16 {
    program.ask(&Request::get("/v1/admin/conversations").header("x-admin-api-key", admin_key)).status
}

#[test]
fn what_a_first_start_makes_is_printed_once_and_kept_as_a_hash() {
    for log_format in ["text", "json"] {
        let mut program = Program::new(BINARY)
            .set("WIDGET_API_KEY", "")
            .set("ADMIN_API_KEY", "")
            .set("DASHBOARD_PASSWORD", "")
            .set("LOG_LEVEL", "trace")
            .set("LOG_FORMAT", log_format)
            .started();
        let mut printed = greeting(&mut program);
        let (password, admin_key) = (said(&printed, "Password"), said(&printed, "Admin key"));
        let page = exchange(program.dashboard(), &Request::get("/widget-test.html")).unwrap().body;
        let (_, public_key) = page.split_once("data-api-key=\"").unwrap();
        let public_key = public_key.split('"').next().unwrap();

        // Each is used well, and as a part of something wrong.
        let (status, token) = login(&program, &password);
        let wrong = (login(&program, &format!("{password}!")).0, list(&program, &format!("{admin_key}!")));
        assert_eq!((status, list(&program, &admin_key), wrong), (200, 200, (401, 401)));
        let message = json!({ "sessionId": "s", "message": "Hello" });
        assert_eq!(
            program.ask(&Request::post("/v1/chat", &message).header("x-api-key", public_key)).status,
            200
        );

        let reset = program.command().arg("reset-password").output().unwrap();
        let new_password = said(&String::from_utf8(reset.stdout).unwrap(), "The dashboard's new password:");
        assert!(!String::from_utf8(reset.stderr).unwrap().contains(&new_password));
        let (status, new_token) = login(&program, &new_password);
        assert_eq!((status, login(&program, &password).0), (200, 401));
        assert!(program.command().arg("backup").output().unwrap().status.success());

        printed += &log_of(&mut program);
        assert!(printed.contains("signed in"), "hardly anything was logged: {printed}");
        let lines_with = |secret: &str| {
            printed.lines().filter(|line| line.contains(secret)).map(str::trim).collect::<Vec<_>>()
        };
        assert_eq!(lines_with(&password), [format!("Password       {password}")]);
        assert_eq!(lines_with(&admin_key), [format!("Admin key      {admin_key}")]);
        let secrets = [&password, &admin_key, &new_password, &token, &new_token].map(String::as_str);
        for secret in secrets[2..].iter().chain([&public_key]) {
            assert!(
                secret.len() >= 20 && lines_with(secret).is_empty(),
                "{secret}: {:?}",
                lines_with(secret)
            );
        }

        program.start();
        let again = greeting(&mut program) + &log_of(&mut program);
        for secret in secrets.iter().chain([&public_key]) {
            assert!(!again.contains(secret), "{secret} is said again: {again}");
        }
        check_files(&program, &secrets, &admin_key, public_key);
    }
}

/// Looks into all that the program wrote, its database and the backup of it among them.
fn check_files(program: &Program, secrets: &[&str], admin_key: &str, public_key: &str) {
    let mut databases = 0;
    for file in files_in(program.folder()) {
        let (name, bytes) = (file.display().to_string(), fs::read(&file).unwrap());
        let has = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
        for secret in secrets {
            assert!(!has(secret.as_bytes()) && !name.contains(secret), "{secret} in {name}");
        }
        assert!(!name.contains(public_key), "{name}");
        // What is there has to be found: the hashes, and the key that stands in every page.
        let is_database = has(&KeyRing::hash(admin_key)) && has(b"$argon2id$") && has(public_key.as_bytes());
        databases += usize::from(is_database);
    }
    assert!(databases >= 2, "the search does not even find what is there");
}
