//! Bad input to what visitors and operators do besides sending messages, and to what a site's owner sets.

use serde_json::json;

use super::{PAYLOAD, Row, refuses};
use crate::desk::{Call, Desk};

/// Rows of a call with each of these bodies, every one of which breaks a rule of that member.
fn broken(name: &str, call: impl Fn() -> Call, bodies: Vec<serde_json::Value>) -> Vec<Row<'_>> {
    let row = |body: serde_json::Value| (name, call().json(&body), 400, PAYLOAD, "invalid_request");
    bodies.into_iter().map(row).collect()
}

/// What no body may be, whatever is to be in it.
fn no_bodies(name: &str, call: impl Fn() -> Call) -> Vec<Row<'_>> {
    let typed = |body: Vec<u8>| call().header("content-type", "application/json").body(body);
    let unsupported = "Unsupported media type";
    vec![
        (name, call().body("{}"), 415, unsupported, "unsupported_media_type"),
        (
            name,
            typed(b"{}".to_vec()).header("content-encoding", "gzip"),
            415,
            unsupported,
            "unsupported_encoding",
        ),
        (name, typed(b"".to_vec()), 400, PAYLOAD, "invalid_json"),
        (name, typed(b"{bad".to_vec()), 400, PAYLOAD, "invalid_json"),
        (name, typed(b"{\"x\":\"\xFF\"}".to_vec()), 400, PAYLOAD, "invalid_utf8"),
        (
            name,
            typed(format!("{{\"x\":{}{}}}", "[".repeat(40), "]".repeat(40)).into()),
            400,
            PAYLOAD,
            "invalid_json",
        ),
        (name, typed(vec![b' '; 1024 * 1024 + 1]), 413, "Payload too large", "payload_too_large"),
    ]
}

#[tokio::test]
async fn what_visitors_send_besides_messages() {
    let desk = Desk::open().await;
    let id = desk.conversation().await;
    let answer = desk.thread(&id).await["messages"][1]["_id"].as_str().unwrap().to_owned();
    let before = desk.thread(&id).await;
    let feedback = || desk.post(&format!("/v1/messages/{answer}/feedback")).key().secret();
    let handoff = || desk.post("/v1/sessions/my-session-id/handoff").key().secret();
    let typing = || desk.post("/v1/sessions/my-session-id/typing").key().secret();
    let mut rows = Vec::new();
    rows.extend(no_bodies("a rating", feedback));
    rows.extend(no_bodies("asking for a person", handoff));
    rows.extend(no_bodies("typing", typing));
    rows.extend(broken(
        "a rating",
        feedback,
        vec![
            json!([]),
            json!({}),
            json!({ "rating": "UP" }),
            json!({ "rating": 1 }),
            json!({ "rating": "up", "reason": "unclear" }),
            json!({ "rating": "down", "reason": "\r\n" }),
            json!({ "rating": "down", "comment": 1 }),
            json!({ "rating": "down", "comment": "a\u{0}b" }),
            json!({ "rating": "down", "comment": "x".repeat(1001) }),
            json!({ "rating": null, "comment": "x" }),
        ],
    ));
    rows.extend(broken(
        "an e-mail address",
        handoff,
        vec![
            json!([]),
            json!({ "email": 1 }),
            json!({ "email": "" }),
            json!({ "email": "ana" }),
            json!({ "email": ["ana@shop.example"] }),
            json!({ "email": "ana@shop.example\r\nBcc: everybody@shop.example" }),
            json!({ "email": "ana@shop.example\u{0}" }),
            json!({ "email": "Ana <ana@shop.example>" }),
            json!({ "email": format!("{}@shop.example", "a".repeat(300)) }),
        ],
    ));
    rows.extend(broken(
        "typing",
        typing,
        vec![
            json!([]),
            json!({}),
            json!({ "typing": "true" }),
            json!({ "typing": 1 }),
            json!({ "typing": null }),
        ],
    ));
    let secretless = |name, call: Call| (name, call, 401, "Unauthorized", "session_secret_required");
    let path = "/v1/sessions/my-session-id";
    rows.push(secretless(
        "a rating",
        desk.post(&format!("/v1/messages/{answer}/feedback")).key().json(&json!({ "rating": "up" })),
    ));
    rows.push(secretless("asking", desk.post(&format!("{path}/handoff")).key().json(&json!({}))));
    rows.push(secretless(
        "typing",
        desk.post(&format!("{path}/typing")).key().json(&json!({ "typing": true })),
    ));
    rows.push(secretless("a copy", desk.get(&format!("{path}/export")).key()));
    rows.push(secretless("deleting", desk.delete(path).key()));
    for what in ["handoff", "typing"] {
        let keyless = desk.post(&format!("{path}/{what}")).secret().json(&json!({ "typing": true }));
        rows.push((what, keyless, 401, "Unauthorized", "unauthorized"));
        let spelt = desk.post(&format!("/v1/sessions/a%20b/{what}")).key().secret();
        rows.push((what, spelt.json(&json!({ "typing": true })), 400, PAYLOAD, "invalid_session_id"));
        let short = desk.post(&format!("{path}/{what}")).key().header("x-session-secret", "short");
        rows.push((what, short.json(&json!({ "typing": true })), 400, PAYLOAD, "invalid_session_secret"));
        rows.push((
            what,
            desk.get(&format!("{path}/{what}")),
            405,
            "Method not allowed",
            "method_not_allowed",
        ));
    }
    let session = |name, call: Call| (name, call, 400, PAYLOAD, "invalid_session_id");
    rows.push(session("a copy", desk.get("/v1/sessions/a%00b/export").key().secret()));
    rows.push(session("deleting", desk.delete("/v1/sessions/a%0D%0Ab").key().secret()));
    for query in ["format=pdf", "format=", "format=json&format=json", "format=csv"] {
        let call = desk.get(&format!("{path}/export?{query}")).key().secret();
        rows.push((query, call, 400, "Invalid query parameters", "invalid_query"));
    }
    for id in ["x", "01a204d1-42e2-7df8-91f4-c50a8d5356e4"] {
        let call =
            desk.post(&format!("/v1/messages/{id}/feedback")).key().secret().json(&json!({ "rating": "up" }));
        rows.push((id, call, 404, "Not found", "not_found"));
    }
    rows.push(("settings without a key", desk.get("/v1/widget/config"), 401, "Unauthorized", "unauthorized"));
    refuses(&desk, rows).await;
    assert_eq!(desk.thread(&id).await, before);
}

#[tokio::test]
async fn what_programs_say() {
    let desk = Desk::open().await;
    let id = desk.conversation().await;
    let before = desk.thread(&id).await;
    let operate = |what: &'static str| {
        let (desk, path) = (&desk, format!("/v1/admin/conversations/{id}/{what}"));
        move || desk.post(&path).admin()
    };
    let long = "x".repeat(41);
    let names = |more: serde_json::Value| -> Vec<serde_json::Value> {
        let names = [
            json!(null),
            json!(1),
            json!(""),
            json!(" "),
            json!("a\r\nb"),
            json!("a\u{0}b"),
            json!(long),
            json!(["Maya"]),
        ];
        let with = |name| {
            let mut body = more.clone();
            body["operator"] = name;
            body
        };
        names.into_iter().map(with).collect()
    };
    let mut rows = Vec::new();
    for (what, body) in [
        ("takeover", json!({})),
        ("return", json!({})),
        ("messages", json!({ "text": "Hello" })),
        ("notes", json!({ "text": "Hello" })),
        ("typing", json!({ "typing": true })),
    ] {
        rows.extend(no_bodies(what, operate(what)));
        rows.extend(broken(what, operate(what), names(body)));
        let foreign = desk.post(&format!("/v1/admin/conversations/{id}/{what}")).key();
        rows.push((what, foreign.json(&json!({ "operator": "Maya" })), 401, "Unauthorized", "unauthorized"));
        rows.push((
            what,
            desk.get(&format!("/v1/admin/conversations/{id}/{what}")),
            405,
            "Method not allowed",
            "method_not_allowed",
        ));
    }
    rows.extend(broken(
        "from",
        operate("takeover"),
        vec![json!({ "operator": "Maya", "from": 1 }), json!({ "operator": "Maya", "from": "\n" })],
    ));
    rows.extend(broken(
        "typing",
        operate("typing"),
        vec![json!({ "operator": "Maya" }), json!({ "operator": "Maya", "typing": "yes" })],
    ));
    for what in ["messages", "notes"] {
        rows.extend(broken(
            what,
            operate(what),
            vec![
                json!({ "operator": "Maya" }),
                json!({ "operator": "Maya", "text": "" }),
                json!({ "operator": "Maya", "text": 1 }),
            ],
        ));
        let text = |text: &str| operate(what)().json(&json!({ "operator": "Maya", "text": text }));
        rows.push((what, text("\u{200B} \n"), 400, PAYLOAD, "message_blank"));
        rows.push((what, text(&"a".repeat(4001)), 400, PAYLOAD, "message_too_long"));
        rows.push((what, text("a\0b"), 400, PAYLOAD, "invalid_character"));
        for key in ["", "a b", &"k".repeat(256)] {
            rows.push((
                what,
                text("Hello").header("idempotency-key", key),
                400,
                PAYLOAD,
                "invalid_idempotency_key",
            ));
        }
        rows.push((
            what,
            text("Hi").header("idempotency-key", "a").header("idempotency-key", "a"),
            400,
            PAYLOAD,
            "duplicate_header",
        ));
    }
    refuses(&desk, rows).await;
    assert_eq!(desk.thread(&id).await, before);
}

#[tokio::test]
async fn what_programs_change() {
    let desk = Desk::open().await;
    let id = desk.conversation().await;
    let before = desk.thread(&id).await;
    let edit = || desk.patch(&format!("/v1/admin/conversations/{id}")).admin();
    let bulk = || desk.post("/v1/admin/conversations/bulk").admin();
    let mut rows = Vec::new();
    rows.extend(no_bodies("a change", edit));
    rows.extend(broken(
        "a change",
        edit,
        vec![
            json!([]),
            json!({}),
            json!({ "operator": "Maya" }),
            json!({ "status": "done" }),
            json!({ "status": 1 }),
            json!({ "assignee": "" }),
            json!({ "assignee": 1 }),
            json!({ "assignee": "a\u{0}" }),
            json!({ "tags": "refund" }),
            json!({ "tags": [1] }),
            json!({ "tags": [""] }),
            json!({ "tags": ["a,b"] }),
            json!({ "tags": ["a\r\nb"] }),
            json!({ "tags": ["a\u{0}"] }),
            json!({ "tags": ["x".repeat(33)] }),
            json!({ "addTags": vec!["a"; 21] }),
            json!({ "removeTags": { "a": 1 } }),
            json!({ "readCount": -1 }),
            json!({ "readCount": 1.5 }),
            json!({ "readCount": "1" }),
            json!({ "readCount": 4_294_967_296_u64 }),
            json!({ "status": "closed", "operator": "" }),
        ],
    ));
    rows.extend(no_bodies("bulk", bulk));
    rows.extend(broken(
        "bulk",
        bulk,
        vec![
            json!([]),
            json!({}),
            json!({ "ids": [], "action": "close" }),
            json!({ "ids": vec![id.as_str(); 101], "action": "close" }),
            json!({ "ids": id, "action": "close" }),
            json!({ "ids": [1], "action": "close" }),
            json!({ "ids": [id] }),
            json!({ "ids": [id], "action": "explode" }),
            json!({ "ids": [id], "action": 1 }),
            json!({ "ids": [id], "action": "tag" }),
            json!({ "ids": [id], "action": "tag", "tags": [] }),
            json!({ "ids": [id], "action": "untag", "tags": ["a,b"] }),
            json!({ "ids": [id], "action": "assign" }),
            json!({ "ids": [id], "action": "assign", "assignee": "" }),
            json!({ "ids": [id], "action": "close", "operator": "\n" }),
        ],
    ));
    for query in [
        "status=done",
        "assignee=a%0Ab",
        "tag=a%2Cb",
        "rating=5",
        "page=x",
        "session=%20x",
        "since=x",
        "until=x",
        "tag=a&tag=b",
    ] {
        let call = desk.get(&format!("/v1/admin/conversations?{query}")).admin();
        rows.push((query, call, 400, "Invalid query parameters", "invalid_query"));
    }
    let events = |query: &str| desk.get(&format!("/v1/admin/conversations/{id}/events{query}")).admin();
    rows.push(("a bad cursor", events("?after=x"), 400, "Invalid query parameters", "invalid_cursor"));
    rows.push((
        "no admin key",
        desk.get(&format!("/v1/admin/conversations/{id}/export")),
        401,
        "Unauthorized",
        "unauthorized",
    ));
    refuses(&desk, rows).await;
    assert_eq!(desk.thread(&id).await, before);
}

#[tokio::test]
async fn documents_of_a_site() {
    let desk = Desk::open().await;
    let replies = || desk.put("/v1/admin/canned-replies").admin();
    let hours = || desk.put("/v1/admin/office-hours").admin();
    let config = || desk.put("/v1/admin/widget-config").admin();
    let mut rows = Vec::new();
    rows.extend(no_bodies("canned replies", replies));
    rows.extend(no_bodies("office hours", hours));
    rows.extend(no_bodies("settings", config));
    let reply = |shortcut: &str, text: &str| json!({ "shortcut": shortcut, "text": text });
    rows.extend(broken(
        "canned replies",
        replies,
        vec![
            json!({}),
            json!(null),
            json!([1]),
            json!([{ "shortcut": "a" }]),
            json!([reply("A b", "x")]),
            json!([reply("a", "")]),
            json!([reply("a", "\u{0}")]),
            json!([reply("a", &"x".repeat(4001))]),
            json!([reply("a", "x"), reply("a", "y")]),
            json!((0..201).map(|n| reply(&n.to_string(), "x")).collect::<Vec<_>>()),
        ],
    ));
    rows.extend(broken(
        "office hours",
        hours,
        vec![
            json!({}),
            json!([]),
            json!(null),
            json!({ "zone": "Mars/Olympus" }),
            json!({ "zone": "UTC\r\nX: y" }),
            json!({ "zone": "UTC", "days": { "funday": [] } }),
            json!({ "zone": "UTC", "days": { "monday": [{ "from": "9", "to": "17:00" }] } }),
            json!({ "zone": "UTC", "days": { "monday": [{ "from": "17:00", "to": "09:00" }] } }),
            json!({ "zone": "UTC", "holidays": ["2026-02-30"] }),
            json!({ "zone": "UTC", "more": 1 }),
        ],
    ));
    rows.extend(broken(
        "settings",
        config,
        vec![json!([]), json!({ "handoff": "no" }), json!({ "hand_off": false })],
    ));
    let typed = |call: Call, body: &'static str| call.header("content-type", "application/json").body(body);
    let twice = "duplicate_field";
    rows.push((
        "a member twice",
        typed(replies(), r#"[{"shortcut":"a","shortcut":"b","text":"x"}]"#),
        400,
        PAYLOAD,
        twice,
    ));
    rows.push(("a member twice", typed(hours(), r#"{"zone":"UTC","zone":"UTC"}"#), 400, PAYLOAD, twice));
    for path in ["/v1/admin/canned-replies", "/v1/admin/office-hours", "/v1/admin/events"] {
        rows.push((path, desk.get(path).key(), 401, "Unauthorized", "unauthorized"));
        rows.push((path, desk.post(path).admin(), 405, "Method not allowed", "method_not_allowed"));
    }
    let path = "/v1/admin/office-hours";
    rows.push((path, desk.delete(path).key(), 401, "Unauthorized", "unauthorized"));
    refuses(&desk, rows).await;
    assert_eq!(desk.get("/v1/admin/canned-replies").admin().send().await.json(), json!([]));
    assert_eq!(desk.get("/v1/admin/office-hours").admin().send().await.json(), serde_json::Value::Null);
    let kept = json!([reply("hello", "Hello!\n<b>👋</b>"), reply("bye", "Goodbye")]);
    assert_eq!(replies().json(&kept).send().await.json(), kept);
    assert_eq!(desk.get("/v1/admin/canned-replies").admin().send().await.json(), kept);
}
