//! P22: secrets, and what visitors and models say, stay out of logs, out of names and out of replies to others.

mod first_start;

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use frontdesk_testkit::{
    Exchange, ModelCall, ModelServer, Program, Request, Smtp, SmtpServer, Step, TlsFront, Wire, exchange,
    stream,
};
use serde_json::json;

use crate::BINARY;
use crate::visitor::asked;

/// Every canary has this in it, so that one search finds them all, whole or in part.
const CANARY: &str = "canary";

const MODEL_KEY: &str = "canary-model-key-0123456789";
const PUBLIC_KEY: &str = "canary-public-key-0123456789";
const ADMIN_KEY: &str = "canary-admin-key-0123456789";
const PASSWORD: &str = "canary-password-0123456789";
const WRONG: &str = "canary-wrong-0123456789";
const SECRET: &str = "canary-session-secret-AAAAAAAAAAAAAAAAAAAAA";
const OTHER_SECRET: &str = "canary-another-secret-AAAAAAAAAAAAAAAAAAAAA";
const SESSION: &str = "canary-session";
const MESSAGE: &str = "canary-message";
const ANSWER: &str = "canary-answer ";
const SERVERS_WORDS: &str = "canary-words-of-the-server";

const WEBHOOK_PATH: &str = "canary-webhook-path-0123456789";
const WEBHOOK_SECRET: &str = "canary/webhook/secret/0123456789";
const MAIL_PASSWORD: &str = "canary-mail-password-0123456789";

/// What no reply may have, whoever asks, and no file that the program writes.
const SECRETS: [&str; 9] = [
    MODEL_KEY,
    ADMIN_KEY,
    PASSWORD,
    WRONG,
    SECRET,
    OTHER_SECRET,
    WEBHOOK_PATH,
    WEBHOOK_SECRET,
    MAIL_PASSWORD,
];

/// The ways in which the model's server behaves, each asked for by the last word of a message.
const BEHAVIOURS: [&str; 9] =
    ["well", "unauthorized", "failing", "redirect", "html", "error-event", "no-json", "cut", "reset"];

/// A server that answers with what it was sent, keys and all, wherever it can.
fn indiscreet(call: &ModelCall) -> Vec<Step> {
    assert!(call.head.contains(MODEL_KEY), "the key was not used: {}", call.head);
    let echo =
        json!({ "error": { "message": format!("{SERVERS_WORDS} {}", call.head), "prompt": call.body } });
    let refusal = |status: &str| {
        let head = format!("HTTP/1.1 {status}\r\nx-echo: {SERVERS_WORDS}\r\nLocation: /{SERVERS_WORDS}\r\n");
        vec![Step::Send(format!("{head}Connection: close\r\n\r\n{echo}").into_bytes())]
    };
    let all = stream(Wire::UntilClose, &call.path, &[ANSWER, "and more of it"]);
    let first = all.windows(2).position(|window| window == b"\n\n").unwrap() + 2;
    let begun = |then: String| vec![Step::Send(all[..first].to_vec()), Step::Send(then.into_bytes())];
    let last = asked_in_either_form(call);
    match last.rsplit(' ').next().unwrap() {
        "unauthorized" => refusal("401 Unauthorized"),
        "failing" => refusal("500 Internal Server Error"),
        "redirect" => refusal("302 Found"),
        "html" => refusal("200 OK"),
        "error-event" => begun(format!("data: {echo}\n\n")),
        "no-json" => begun(format!("data: {{{SERVERS_WORDS} {MODEL_KEY}\n\n")),
        "cut" => begun(format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{SERVERS_WORDS}")),
        "reset" => {
            vec![Step::Send(all[..first].to_vec()), Step::Pause(Duration::from_millis(20)), Step::Reset]
        }
        _ => vec![Step::Send(all)],
    }
}

fn asked_in_either_form(call: &ModelCall) -> String {
    match call.body["input"].as_array() {
        Some(input) => input.last().unwrap()["content"].as_str().unwrap().to_owned(),
        None => asked(&call.body).to_owned(),
    }
}

/// Who a reply is for, and so what may be in it besides nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum For {
    /// Somebody who knows nothing, or a refusal.
    Anybody,
    /// The visitor whose conversation it is.
    Owner,
    /// An operator, who also sees the key that stands in every page with the widget.
    Operator,
}

/// Fails if a reply has in it what it must not have.
fn check(reply: &Exchange, reader: For, what: &str) {
    let text = format!("{}\r\n\r\n{}", reply.head, reply.body);
    for secret in SECRETS.iter().chain([&SERVERS_WORDS]) {
        assert!(!text.contains(secret), "{secret} in the reply to {what}: {text}");
    }
    if reader != For::Operator {
        assert!(!text.contains(PUBLIC_KEY), "the key in the reply to {what}: {text}");
    }
    if reader == For::Anybody || reply.status >= 400 {
        assert!(!text.contains(CANARY), "a reply to {what} that has something in it: {text}");
    }
}

/// Asks, checks the reply, and counts it.
struct Asking<'a> {
    program: &'a Program,
    replies: usize,
}

impl Asking<'_> {
    fn api(&mut self, reader: For, what: &str, request: &Request) -> Exchange {
        self.ask(self.program.api(), reader, what, request)
    }

    fn dashboard(&mut self, reader: For, what: &str, request: &Request) -> Exchange {
        self.ask(self.program.dashboard(), reader, what, request)
    }

    fn ask(&mut self, address: SocketAddr, reader: For, what: &str, request: &Request) -> Exchange {
        let reply = exchange(address, request).unwrap();
        check(&reply, reader, what);
        self.replies += 1;
        reply
    }
}

fn visitor(request: Request) -> Request {
    request.header("x-api-key", PUBLIC_KEY).header("x-session-secret", SECRET)
}

fn message(path: &str, text: &str) -> Request {
    visitor(Request::post(path, &json!({ "sessionId": SESSION, "message": text })))
}

/// Chats that go well and badly. Gives the id of an answer.
fn chat(asking: &mut Asking<'_>, behaviours: &[&str]) -> String {
    let mut answer = String::new();
    for behaviour in behaviours {
        for path in ["/v1/chat/stream", "/v1/chat"] {
            let text = format!("{MESSAGE} {path} {behaviour}");
            let key = format!("{CANARY}-{}", text.replace(' ', "-"));
            let request = message(path, &text).header("Idempotency-Key", &key);
            let reply = asking.api(For::Owner, &text, &request);
            let is_stream = path.ends_with("stream");
            assert_eq!(reply.status == 200, is_stream || *behaviour == "well", "{text}: {}", reply.body);
            if *behaviour == "well" {
                let other = message(path, MESSAGE).header("Idempotency-Key", &key);
                assert_eq!(asking.api(For::Anybody, "another message", &other).status, 422);
            }
            if is_stream && *behaviour == "well" {
                assert!(reply.body.contains(ANSWER), "{}", reply.body);
                answer = reply.events()[0]["messageId"].as_str().unwrap().to_owned();
            }
        }
    }
    answer
}

/// Reading what is one's own, and what is not.
fn read(asking: &mut Asking<'_>, answer: &str) {
    let history = format!("/v1/sessions/{SESSION}/messages");
    let rest = format!("/v1/chat/stream/{answer}?after=0");
    for path in [&history, &rest] {
        let own = asking.api(For::Owner, path, &visitor(Request::get(path)));
        assert!(own.body.contains(ANSWER), "{}", own.body);
        let foreign =
            Request::get(path).header("x-api-key", PUBLIC_KEY).header("x-session-secret", OTHER_SECRET);
        asking.api(For::Anybody, path, &foreign);
        asking.api(For::Anybody, path, &Request::get(path).header("x-api-key", PUBLIC_KEY));
        asking.api(For::Anybody, path, &Request::get(path));
    }
    let admin = |path: &str| Request::get(path).header("x-admin-api-key", ADMIN_KEY);
    let list = asking.api(For::Operator, "the list", &admin("/v1/admin/conversations"));
    let id = list.json()["conversations"][0]["_id"].as_str().unwrap().to_owned();
    let thread = asking.api(For::Operator, "a thread", &admin(&format!("/v1/admin/conversations/{id}")));
    assert!(thread.body.contains(MESSAGE) && thread.body.contains(ANSWER), "{}", thread.body);
}

/// Requests that are refused, each with a canary where it is wrong.
fn misbehave(asking: &mut Asking<'_>) {
    let wrong_keys = [
        message("/v1/chat", MESSAGE).header("x-widget-api-key", WRONG),
        Request::get("/v1/admin/conversations").header("x-admin-api-key", WRONG),
        Request::get(format!("/v1/sessions/{SESSION}/messages")).header("x-api-key", WRONG),
    ];
    let long = MESSAGE.repeat(1000);
    let bodies = [
        json!({ "sessionId": "canary session!", "message": MESSAGE }),
        json!({ "sessionId": SESSION, "message": [MESSAGE] }),
        json!({ "sessionId": SESSION, "message": long }),
        json!({ "sessionId": SESSION, "message": format!("{MESSAGE}\0") }),
        json!([SESSION, MESSAGE]),
        json!({ "sessionId": SESSION, "message": MESSAGE, "clientMessageId": "canary key" }),
    ];
    let bodies = bodies.iter().map(|body| visitor(Request::post("/v1/chat", body)));
    let others = [
        visitor(Request::get(format!("/v1/chat/stream/{CANARY}?after={CANARY}"))),
        visitor(Request::get(format!("/v1/sessions/{SESSION}/messages?limit={CANARY}&{CANARY}=1"))),
        visitor(Request::post("/v1/chat/stop", &json!({ "sessionId": SESSION, "messageId": CANARY }))),
        Request::get(format!("/v1/sessions/{SESSION}/messages"))
            .header("x-api-key", PUBLIC_KEY)
            .header("x-session-secret", "canary-too-short"),
        Request::get(format!("/{CANARY}/{SESSION}?{CANARY}")),
        message("/v1/chat", "of another site").header("Origin", "https://canary.example"),
        message("/v1/chat", "typed wrongly").header("Content-Encoding", CANARY),
    ];
    for request in wrong_keys.into_iter().chain(bodies).chain(others) {
        let what = format!("{request:?}");
        let reply = asking.api(For::Anybody, &what, &request);
        assert!(reply.status >= 400 || reply.body.contains("\"stopped\":false"), "{what}: {}", reply.body);
    }
    let half = format!("{{\"sessionId\":\"{SESSION}\",\"message\":\"{MESSAGE}");
    let head = format!(
        "POST /v1/chat HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nx-api-key: {PUBLIC_KEY}\r\n"
    );
    for bytes in [
        format!("{head}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{half}", half.len()),
        format!("{head}Content-Length: {CANARY}\r\n\r\n"),
        format!("{head}{CANARY} no colon\r\n\r\n"),
        format!("GET /{CANARY}\x01 HTTP/1.1\r\n\r\n"),
    ] {
        let mut stream = std::net::TcpStream::connect(asking.program.api()).unwrap();
        stream.write_all(bytes.as_bytes()).unwrap();
        let reply = std::io::read_to_string(stream).unwrap();
        assert!(reply.starts_with("HTTP/1.1 4") && !reply.contains(CANARY), "{bytes}: {reply}");
        asking.replies += 1;
    }
}

/// Signing in, wrongly and rightly, and looking around. Gives the session's token.
fn sign_in(asking: &mut Asking<'_>) -> String {
    let login = |password: &str| {
        Request::post("/api/login", &json!({ "password": password })).header("Sec-Fetch-Site", "same-origin")
    };
    for _ in 0..2 {
        let refused = asking.dashboard(For::Anybody, "a wrong login", &login(WRONG));
        assert_eq!(refused.status, 401, "{}", refused.body);
    }
    asking.dashboard(
        For::Anybody,
        "a forged login",
        &Request::post("/api/login", &json!({ "password": PASSWORD })),
    );
    let wrong_cookie = Request::get("/").header("Cookie", &format!("frontdesk_session={WRONG}"));
    asking.dashboard(For::Anybody, "a wrong cookie", &wrong_cookie);
    let signed_in = asking.dashboard(For::Anybody, "a login", &login(PASSWORD));
    assert_eq!(signed_in.status, 200, "{}", signed_in.body);
    let (_, cookie) = signed_in.head.split_once("frontdesk_session=").unwrap();
    let token = cookie.split(';').next().unwrap().to_owned();
    let cookie = format!("frontdesk_session={token}");
    let page =
        asking.dashboard(For::Operator, "the list's page", &Request::get("/").header("Cookie", &cookie));
    let (_, id) = page.body.split_once("/conversations/").unwrap();
    let thread = Request::get(format!("/conversations/{}", &id[..36])).header("Cookie", &cookie);
    let thread = asking.dashboard(For::Operator, "a thread's page", &thread);
    assert!(thread.body.contains(MESSAGE), "{}", thread.body);
    for path in ["/widget-test.html", "/headless-test.html", "/login", "/nothing/there"] {
        asking.dashboard(For::Operator, path, &Request::get(path).header("Cookie", &cookie));
    }
    token
}

fn hash_of_the_password() -> String {
    let program = Program::new(BINARY);
    let mut hashing = program.command();
    hashing.arg("hash-password").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut hashing = hashing.spawn().unwrap();
    hashing.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
    let output = hashing.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// All that the program has printed, once it has ended.
fn log_of(program: &mut Program) -> String {
    program.child().terminate();
    assert!(program.child().wait(Duration::from_secs(10)));
    program.child().printed_to_the_end()
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_in(&path) } else { vec![path] }).collect()
}

/// Looks for secrets in names and contents of what the program wrote. Messages and answers belong into its database.
fn check_files(folder: &Path, own: &[String]) -> usize {
    let files = files_in(folder);
    let mut conversations = 0;
    for file in &files {
        assert!(!file.display().to_string().contains(CANARY), "{}", file.display());
        let bytes = fs::read(file).unwrap();
        let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        conversations += usize::from(has(MESSAGE));
        let secrets = SECRETS.iter().copied().chain(own.iter().map(String::as_str)).chain([SERVERS_WORDS]);
        for secret in secrets {
            assert!(!has(secret), "{secret} in {}", file.display());
        }
    }
    assert!(conversations > 0, "the search does not even find what is there");
    files.len()
}

/// Ways to tell the team with a canary in everything that is secret of them.
fn with_notices(program: Program, webhook: SocketAddr, mail: SocketAddr) -> Program {
    program
        .set("NOTIFY_WEBHOOK_URL", &format!("http://{webhook}/{WEBHOOK_PATH}"))
        .set("NOTIFY_WEBHOOK_SECRET", &format!("whsec_{WEBHOOK_SECRET}"))
        .set("SMTP_URL", &format!("smtp://canary:{MAIL_PASSWORD}@{mail}?tls=none"))
        .set("NOTIFY_MAIL_FROM", "desk@shop.example")
        .set("NOTIFY_MAIL_TO", "team@shop.example")
}

/// A program with a canary in everything that is secret, which logs all there is.
fn canaries(base_url: &str) -> Program {
    Program::new(BINARY)
        .set("OPENAI_BASE_URL", base_url)
        .set("OPENAI_API_KEY", MODEL_KEY)
        .set("WIDGET_API_KEY", PUBLIC_KEY)
        .set("ADMIN_API_KEY", ADMIN_KEY)
        .set("DASHBOARD_PASSWORD", PASSWORD)
        .set("CORS_ORIGIN", "https://shop.example")
        .set("ASSISTANT_INSTRUCTIONS", "canary-instructions")
        .set("LOG_LEVEL", "trace")
}

fn check_log(log: &str, own: &[String]) {
    assert!(log.contains("TRACE") && log.contains("the model failed"), "hardly anything was logged: {log}");
    for line in log.lines() {
        let has_own = own.iter().any(|secret| line.contains(secret));
        assert!(!line.to_ascii_lowercase().contains(CANARY) && !has_own, "{line}");
    }
}

#[test]
fn no_secret_and_no_word_of_a_conversation_is_in_a_log_or_in_a_reply_to_others() {
    let hash = hash_of_the_password();
    for (form, log_format, password) in [
        ("chat", "text", ("DASHBOARD_PASSWORD", PASSWORD)),
        ("responses", "json", ("DASHBOARD_PASSWORD_HASH", hash.as_str())),
    ] {
        let model = ModelServer::start(indiscreet);
        let mut program = canaries(&model.base_url())
            .set("UPSTREAM_API", form)
            .set("DASHBOARD_PASSWORD", "")
            .set(password.0, password.1)
            .set("LOG_FORMAT", log_format)
            .started();
        let mut asking = Asking { program: &program, replies: 0 };
        let answer = chat(&mut asking, &BEHAVIOURS);
        read(&mut asking, &answer);
        misbehave(&mut asking);
        let own = [sign_in(&mut asking), hash.clone()];
        let replies = asking.replies;
        // Its name is in what it says, and both are searched.
        said_by(&program, &["backup"]);

        let log = log_of(&mut program);
        check_log(&log, &own);
        let (files, lines) = (check_files(program.folder(), &own), log.lines().count());
        println!("{form}: {replies} replies, {lines} lines of log, {files} files: nothing found");
    }
}

#[test]
fn a_model_over_https_changes_nothing_whether_its_certificate_is_trusted_or_not() {
    for is_trusted in [true, false] {
        let model = ModelServer::start(indiscreet);
        let front = TlsFront::start(model.address());
        let mut program =
            canaries(&format!("https://127.0.0.1:{}/v1", front.port())).set("UPSTREAM_API", "chat");
        if is_trusted {
            let path = program.folder().join("certificate.pem");
            fs::write(&path, TlsFront::CERTIFICATE).unwrap();
            program = program.set("SSL_CERT_FILE", &path.display().to_string());
        }
        program.start();
        let mut asking = Asking { program: &program, replies: 0 };
        if is_trusted {
            chat(&mut asking, &["well", "unauthorized", "error-event", "no-json", "cut"]);
        } else {
            let reply = asking.api(For::Anybody, "a message", &message("/v1/chat", MESSAGE));
            assert_eq!((reply.status, &reply.json()["code"]), (502, &json!("upstream_error")));
            assert!(model.calls().is_empty(), "the key was given to somebody");
        }
        check_log(&log_of(&mut program), &[]);
        check_files(program.folder(), &[]);
    }
}

#[test]
fn no_secret_is_said_when_settings_are_wrong_or_explained() {
    let production = || {
        Program::new(BINARY)
            .set("FRONTDESK_ENV", "production")
            .set("CORS_ORIGIN", "https://shop.example")
            .set("OPENAI_API_KEY", MODEL_KEY)
            .set("WIDGET_API_KEY", PUBLIC_KEY)
            .set("ADMIN_API_KEY", ADMIN_KEY)
            .set("DASHBOARD_PASSWORD", PASSWORD)
            .set("LOG_LEVEL", "trace")
    };
    let wrong = [
        production().set("OPENAI_API_KEY", "canary\nkey"),
        production().set("WIDGET_API_KEY", CANARY),
        production().set("ADMIN_API_KEY", CANARY),
        production().set("DASHBOARD_PASSWORD", CANARY),
        production().set("DASHBOARD_PASSWORD_HASH", CANARY),
        production().set("DASHBOARD_PASSWORD", "").set("DASHBOARD_PASSWORD_HASH", "$argon2id$canary"),
        production().set("CORS_ORIGIN", ""),
        production().set("NOTIFY_WEBHOOK_URL", CANARY),
        production().set("NOTIFY_WEBHOOK_URL", "http://canary.example/canary"),
        production().set("NOTIFY_WEBHOOK_URL", "https://hooks.example/canary"),
        production().set("SMTP_URL", CANARY),
        production().set("SMTP_URL", "smtp://canary:canary@canary.example?tls=none"),
        production().set("SMTP_URL", "smtps://mail.example").set("NOTIFY_MAIL_FROM", "desk"),
        production().set("WIDGET_API_KEY", &format!("{PUBLIC_KEY},canary-é")),
    ];
    for program in &wrong {
        for arguments in [&["check-config"][..], &["serve"]] {
            let said = said_by(program, arguments);
            assert!(said.contains("(from environment): must") || said.contains("is required"), "{said}");
        }
    }
    let broken_file = production();
    fs::write(broken_file.folder().join(".env"), "canary and no equals sign\n").unwrap();
    said_by(&broken_file, &["serve"]);
    said_by(&broken_file, &["check-config"]);

    let from_files = production()
        .set("OPENAI_API_KEY", "")
        .set("OPENAI_API_KEY_FILE", "key-of-the-model")
        .set("DASHBOARD_PASSWORD", "")
        .set("DASHBOARD_PASSWORD_FILE", "password");
    fs::write(from_files.folder().join("key-of-the-model"), MODEL_KEY).unwrap();
    fs::write(from_files.folder().join("password"), PASSWORD).unwrap();
    for command in ["check-config", "reset-password", "end-sessions", "healthcheck", "openapi", "env-example"]
    {
        said_by(&from_files, &[command]);
    }
}

#[test]
fn those_who_are_told_of_visitors_may_say_what_they_like() {
    let webhook = ModelServer::start(|call| {
        let echo = format!("{} {}", call.head, call.body);
        let head = format!("HTTP/1.1 401 {WEBHOOK_PATH}\r\nLocation: /{WEBHOOK_PATH}\r\n");
        vec![Step::Send(format!("{head}Connection: close\r\n\r\n{echo}").into_bytes())]
    });
    for (line, words) in [
        ("", "554 canary-mail-password-0123456789"),
        ("EHLO", "550 5.7.1 canary-mail-password-0123456789"),
        ("AUTH", "535 5.7.8 canary-mail-password-0123456789"),
        ("MAIL", "canary-mail-password-0123456789"),
    ] {
        let mail = SmtpServer::scripted(move |_, said| {
            let is_meant = said.split(' ').next() == Some(line);
            if is_meant { Smtp::Say(words) } else { Smtp::Usual }
        });
        let program = with_notices(Program::new(BINARY), webhook.address(), mail.address());
        let said = said_by(&program.set("LOG_LEVEL", "trace"), &["notify-test"]);
        assert_eq!(said.matches("NOT sent: ").count(), 2, "{said}");
    }
    assert_eq!(webhook.calls().len(), 4);
}

/// What a command prints, on either output. It ends by itself, and there is no canary in it.
fn said_by(program: &Program, arguments: &[&str]) -> String {
    let output = program.command().args(arguments).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(!said.to_ascii_lowercase().contains(CANARY), "{arguments:?}: {said}");
    assert!(!said.is_empty(), "{arguments:?} said nothing");
    said
}
