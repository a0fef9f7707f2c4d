//! Notes are for the team alone.

use serde_json::json;

use crate::desk::{Call, Desk, PASSWORD};
use crate::live::Live;

const NOTE: &str = "a bit rude, but a good customer";

#[tokio::test]
async fn a_note_reaches_the_team_and_never_the_visitor_or_the_model() {
    let desk = Desk::open().await;
    let id = desk.conversation().await;
    let session = "/v1/sessions/my-session-id";
    let mut open = Live::begin(desk.get(&format!("{session}/events")).key().secret()).await;
    let cursor =
        desk.get(&format!("{session}/messages")).key().secret().send().await.json()["eventsCursor"].clone();
    let body = json!({ "operator": "Maya", "text": NOTE });
    let note = desk.operate(&id, "notes", &body).send().await.json();
    assert_eq!(
        (&note["role"], &note["name"], &note["content"]),
        (&json!("note"), &json!("Maya"), &json!(NOTE))
    );
    desk.operate(&id, "messages", &json!({ "operator": "Maya", "text": "Hello, I am Maya" })).send().await;
    desk.operate(&id, "notes", &body).send().await;
    desk.operate(&id, "return", &json!({ "operator": "Maya" })).send().await;

    // The model does not read it.
    let asking = desk.send("/v1/chat", "And now?").secret();
    let (_, prompt) = tokio::join!(asking.send(), async {
        let mut call = desk.model().await;
        let prompt = format!("{:?}", call.prompt);
        call.say("Fine");
        call.end();
        prompt
    });
    assert!(prompt.contains("Hello, I am Maya") && !prompt.contains(NOTE), "{prompt}");

    // A program sees it as it is written; the dashboard does too.
    let path = format!("/v1/admin/conversations/{id}/events");
    let seen =
        Live::begin(desk.get(&path).admin()).await.find(|event| event["message"]["role"] == "note").await;
    assert_eq!(seen["message"]["content"], NOTE);
    let login = Call::new(desk.dashboard.clone(), http::Method::POST, "/api/login");
    let login =
        login.header("sec-fetch-site", "same-origin").json(&json!({ "password": PASSWORD })).send().await;
    let cookie = login.header("set-cookie").split(';').next().unwrap().to_owned();
    let page = Call::new(desk.dashboard.clone(), http::Method::GET, &format!("/conversations/{id}"));
    assert!(page.header("cookie", cookie).send().await.body.contains(NOTE));
    let found = desk.get("/v1/admin/conversations?q=rude").admin().send().await.json();
    assert_eq!(found["conversations"][0]["match"]["role"], "note");

    // The visitor sees everything but that, however it is read.
    let mut live = String::new();
    while let Some(piece) = open.piece().await {
        live += &piece;
        if piece.contains("\"Fine\"") {
            desk.chat.drain();
        }
    }
    let mut read = vec![("the feed that was open", live)];
    for (name, path) in [
        ("the feed", format!("{session}/events")),
        ("the feed from before", format!("{session}/events?after={}", cursor.as_str().unwrap())),
        ("the history", format!("{session}/messages")),
        ("a page of the history", format!("{session}/messages?limit=1&before=4")),
        ("the copy", format!("{session}/export")),
        ("the transcript", format!("{session}/export?format=markdown")),
    ] {
        read.push((name, desk.get(&path).key().secret().send().await.body));
    }
    for (name, body) in &read {
        let whole = *name != "a page of the history";
        assert!(!body.is_empty() && (!whole || body.contains("Hello, I am Maya")), "{name}: {body}");
        assert!(!body.contains("rude") && !body.contains("note") && !body.contains("Note"), "{name}: {body}");
    }
}
