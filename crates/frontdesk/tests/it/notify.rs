//! Telling the team: when a visitor asks for a person; and `frontdesk notify-test`, with and without encryption.

use std::fs;
use std::time::Duration;

use frontdesk_testkit::{ModelCall, ModelServer, Program, Smtp, SmtpServer, Step, TlsFront};
use serde_json::json;

use crate::BINARY;
use crate::visitor::Visitor;

const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz";

fn receiver(status: &'static str) -> ModelServer {
    ModelServer::start(move |_| {
        vec![Step::Send(format!("HTTP/1.1 {status}\r\nConnection: close\r\n\r\n").into_bytes())]
    })
}

fn with_webhook(program: Program, url: &str) -> Program {
    program.set("NOTIFY_WEBHOOK_URL", url).set("NOTIFY_WEBHOOK_SECRET", SECRET)
}

fn with_mail(program: Program, url: &str) -> Program {
    program
        .set("SMTP_URL", url)
        .set("NOTIFY_MAIL_FROM", "desk@shop.example")
        .set("NOTIFY_MAIL_TO", "ana@shop.example,bo@shop.example")
}

fn trusting(program: Program) -> Program {
    let path = program.folder().join("certificate.pem");
    fs::write(&path, TlsFront::CERTIFICATE).unwrap();
    program.set("SSL_CERT_FILE", &path.display().to_string())
}

fn notify_test(program: &Program) -> (bool, String) {
    let output = program.command().arg("notify-test").output().unwrap();
    (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[test]
fn a_test_notice_goes_every_way_that_is_set() {
    let (webhook, mail) = (receiver("202 Accepted"), SmtpServer::start());
    let program = with_webhook(Program::new(BINARY), &format!("http://{}/hook", webhook.address()));
    let program = with_mail(program, &format!("smtp://{}?tls=none", mail.address()));
    let (content, said) = notify_test(&program);
    let (hook, server) = (webhook.address(), mail.address());
    let lines = [
        format!("sent: webhook at http://{hook}: answered with status 202"),
        format!("sent: mail to ana@shop.example through smtp://{server}?tls=none: taken by the mail server"),
        format!("sent: mail to bo@shop.example through smtp://{server}?tls=none: taken by the mail server"),
    ];
    assert_eq!((content, said.trim()), (true, lines.join("\n").as_str()));
    assert_eq!((webhook.calls().len(), mail.mails().len()), (1, 2));
}

#[test]
fn what_was_not_sent_is_said_and_fails() {
    let (content, said) = notify_test(&Program::new(BINARY));
    assert!(!content && said.contains("set NOTIFY_WEBHOOK_URL, or SMTP_URL"), "{said}");
    let (webhook, mail) = (receiver("403 Forbidden"), SmtpServer::start());
    let program = with_webhook(Program::new(BINARY), &format!("http://{}/", webhook.address()));
    let (content, said) = notify_test(&with_mail(program, &format!("smtp://{}?tls=none", mail.address())));
    assert!(!content && said.contains("NOT sent: webhook at"), "{said}");
    assert_eq!(mail.mails().len(), 2, "one way does not hinder another");
}

#[test]
fn encrypted_from_the_start_or_not_at_all() {
    for is_trusted in [true, false] {
        let (webhook, mail) = (receiver("204 No Content"), SmtpServer::start());
        let fronts = [TlsFront::start(webhook.address()), TlsFront::start(mail.address())];
        let program = with_webhook(Program::new(BINARY), &format!("https://127.0.0.1:{}/", fronts[0].port()));
        let program = with_mail(program, &format!("smtps://desk:canary@127.0.0.1:{}", fronts[1].port()));
        let program = if is_trusted { trusting(program) } else { program };
        let (content, said) = notify_test(&program);
        assert_eq!(content, is_trusted, "{said}");
        assert_eq!((webhook.calls().len(), mail.mails().len()), if is_trusted { (1, 2) } else { (0, 0) });
        assert!(is_trusted || said.matches("certificate").count() == 3, "{said}");
        assert!(is_trusted || mail.lines().is_empty(), "something was said to somebody unknown");
    }
}

#[test]
fn no_password_is_sent_before_encryption_has_begun() {
    let url = |server: &SmtpServer| format!("smtp://desk:canary@{}", server.address());
    let mail = SmtpServer::start();
    let (content, said) = notify_test(&trusting(with_mail(Program::new(BINARY), &url(&mail))));
    assert!(content, "{said}");
    // A NUL, the name, a NUL and the password.
    assert!(mail.mails().iter().all(|mail| mail.is_encrypted && mail.login == "AGRlc2sAY2FuYXJ5"));

    let unknown = SmtpServer::start();
    let (content, said) = notify_test(&with_mail(Program::new(BINARY), &url(&unknown)));
    assert!(!content && said.contains("the connection failed while beginning encryption"), "{said}");

    // Somebody in between takes the offer out.
    let stripped = SmtpServer::scripted(|_, line| {
        if line.starts_with("EHLO") {
            Smtp::Say("250-127.0.0.1\r\n250 AUTH PLAIN LOGIN")
        } else {
            Smtp::Usual
        }
    });
    let (content, said) = notify_test(&trusting(with_mail(Program::new(BINARY), &url(&stripped))));
    assert!(!content && said.contains("does not offer what is needed for beginning encryption"), "{said}");
    for server in [unknown, stripped] {
        let lines = server.lines();
        assert!(lines.iter().all(|line| !line.starts_with("AUTH") && !line.starts_with("MAIL")), "{lines:?}");
    }
}

#[test]
fn the_team_is_told_when_a_visitor_asks_for_a_person() {
    let (webhook, mail) = (receiver("204 No Content"), SmtpServer::start());
    let model = ModelServer::saying(&["Hello"]);
    let program = Program::new(BINARY).set("OPENAI_BASE_URL", &model.base_url()).set("UPSTREAM_API", "chat");
    let program = with_webhook(program, &format!("http://{}/hook", webhook.address()));
    let program = with_mail(program, &format!("smtp://{}?tls=none", mail.address()));
    let mut program = program.set("DASHBOARD_URL", "https://desk.example").started();
    let visitor = Visitor::new("s");
    let said = program.ask(&visitor.message("/v1/chat", "Where is my parcel?")).json();
    let conversation = said["conversationId"].as_str().unwrap();
    let ask =
        visitor.asking_for_a_person(&json!({ "email": "ana@shop.example", "page": "https://shop.example/" }));
    for _ in 0..3 {
        let asked = program.ask(&ask);
        assert_eq!((asked.status, &asked.json()["status"]), (200, &json!("asked")), "{}", asked.body);
    }
    // What is on its way arrives before the end.
    program.child().terminate();
    assert!(program.child().wait(Duration::from_secs(30)));
    let [call] = <[ModelCall; 1]>::try_from(webhook.calls()).unwrap();
    let data = &call.body["data"];
    assert_eq!(call.body["type"], "conversation.person_asked");
    assert_eq!((&data["conversationId"], &data["email"]), (&json!(conversation), &json!("ana@shop.example")));
    assert_eq!((&data["page"], &data["isAway"]), (&json!("https://shop.example/"), &json!(false)));
    assert_eq!(data["url"], format!("https://desk.example/conversations/{conversation}"));
    let mails = mail.mails();
    assert_eq!(mails.len(), 2, "one for each who is to know");
    assert!(mails.iter().all(|mail| mail.text.contains("\r\nReply-To: ana@shop.example\r\n")));
}
