//! Bad input, row by row: what is refused, how that is told, and that nothing was stored and nobody was asked.
//!
//! What hyper refuses below us is in `wire`.

mod people;

use http::{Method, StatusCode};
use serde_json::json;

use crate::desk::{ADMIN_KEY, Call, Desk, PUBLIC_KEY, SECRET, Wishes};

/// What it is, the call, and the status, the sentence and the code that it is refused with.
type Row<'a> = (&'a str, Call, u16, &'a str, &'a str);

/// Sends every row, and checks what all of them have in common.
async fn refuses(desk: &Desk, rows: Vec<Row<'_>>) {
    let before = desk.store.message_count();
    for (name, call, status, error, code) in rows {
        let reply = call.send().await;
        assert_eq!(reply.status, StatusCode::from_u16(status).unwrap(), "{name}: {}", reply.body);
        let object = reply.json();
        assert_eq!((object["error"].as_str(), object["code"].as_str()), (Some(error), Some(code)), "{name}");
        assert_eq!(object["status"], status, "{name}");
        assert_eq!(object["requestId"], reply.header("x-request-id"), "{name}");
        assert_eq!(reply.header("content-type"), "application/json; charset=utf-8", "{name}");
        assert_eq!(reply.header("cache-control"), "no-store", "{name}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{name}");
        assert!(reply.header("content-security-policy").starts_with("default-src 'none'"), "{name}");
        let must_wait = matches!(status, 429 | 503);
        assert_eq!(!reply.header("retry-after").is_empty(), must_wait, "{name}");
    }
    assert!(desk.calls.is_empty().await, "no model was called");
    assert_eq!(desk.store.message_count(), before, "nothing was stored");
}

const PAYLOAD: &str = "Invalid request payload";

fn message(desk: &Desk, body: impl AsRef<[u8]>) -> Call {
    desk.post("/v1/chat").key().header("content-type", "application/json").body(body.as_ref().to_vec())
}

fn text(desk: &Desk, text: &str) -> Call {
    message(desk, json!({ "sessionId": "s", "message": text }).to_string())
}

fn session(desk: &Desk, session: &str) -> Call {
    message(desk, json!({ "sessionId": session, "message": "hello" }).to_string())
}

#[tokio::test]
async fn keys() {
    let desk = Desk::open().await;
    let body = json!({ "sessionId": "s", "message": "hello" });
    let chat = || desk.post("/v1/chat").json(&body);
    let list = || desk.get("/v1/admin/conversations");
    let denied = |name, call| (name, call, 401, "Unauthorized", "unauthorized");
    refuses(
        &desk,
        vec![
            denied("no key", chat()),
            denied("no key, and a bad body", desk.post("/v1/chat").body("{bad")),
            denied("a wrong key", chat().header("x-api-key", "wrong")),
            denied("a key with a space behind it", chat().header("x-api-key", format!("{PUBLIC_KEY} x"))),
            denied("a key that is not ASCII", chat().header("x-api-key", [0xE9])),
            denied("a long key", chat().header("x-api-key", "k".repeat(10_000))),
            denied("a right key and a wrong one", chat().key().header("x-widget-api-key", "wrong")),
            denied(
                "a wrong key and a right one",
                chat().header("x-widget-api-key", PUBLIC_KEY).header("x-api-key", "w"),
            ),
            denied("an admin key for chat", chat().header("x-api-key", ADMIN_KEY)),
            denied("a public key for the admin API", list().header("x-admin-api-key", PUBLIC_KEY)),
            denied("no admin key", list()),
            denied("a stop without a key", desk.post("/v1/chat/stop").json(&body)),
            denied("a history without a key", desk.get("/v1/sessions/s/messages").secret()),
            denied("a resumed stream without a key", desk.get("/v1/chat/stream/x").secret()),
            ("a key twice", chat().key().key(), 400, PAYLOAD, "duplicate_header"),
        ],
    )
    .await;
}

#[tokio::test]
async fn too_many_wrong_keys_are_answered_no_more() {
    let desk = Desk::open().await;
    for _ in 0..60 {
        let reply = desk.get("/v1/admin/conversations").header("x-admin-api-key", "guess").send().await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    }
    let guess = desk.get("/v1/admin/conversations").header("x-admin-api-key", "guess");
    refuses(&desk, vec![("a guess too many", guess, 429, "Too many requests", "rate_limited")]).await;
    assert_eq!(desk.get("/v1/admin/conversations").admin().send().await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_admin_api_without_a_key_is_off() {
    let desk = Desk::with(Wishes { admin_key: false, ..Wishes::default() }).await;
    let error = "ADMIN_API_KEY is not configured on this deployment";
    let row =
        ("no admin key set", desk.get("/v1/admin/conversations").admin(), 503, error, "admin_not_configured");
    refuses(&desk, vec![row]).await;
}

#[tokio::test]
async fn origins() {
    let desk = Desk::open().await;
    let mut rows = Vec::new();
    for origin in [
        "https://evil.example",
        "null",
        "https://shop.example.evil.com",
        "https://shop.example:8443",
        "http://shop.example",
    ] {
        let call = desk.send("/v1/chat", "hello").header("origin", origin);
        rows.push((origin, call, 403, "Origin not allowed", "origin_denied"));
        let preflight = Call::new(desk.api.clone(), Method::OPTIONS, "/v1/chat")
            .header("origin", origin)
            .header("access-control-request-method", "POST");
        rows.push((origin, preflight, 403, "Origin not allowed", "origin_denied"));
    }
    let admin = desk.get("/v1/admin/conversations").admin().header("origin", "https://evil.example");
    rows.push(("the admin API", admin, 403, "Origin not allowed", "origin_denied"));
    refuses(&desk, rows).await;
    let reply = desk.send("/v1/chat", "hello").header("origin", "https://evil.example").send().await;
    assert_eq!(reply.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn bodies() {
    let desk = Desk::open().await;
    let invalid = |name, body: &str, code| (name, message(&desk, body), 400, PAYLOAD, code);
    let mut rows = vec![
        invalid("nothing", "", "invalid_json"),
        invalid("half an object", "{bad", "invalid_json"),
        invalid("a list", "[]", "invalid_request"),
        invalid("a list of the members", r#"["s","hello"]"#, "invalid_request"),
        invalid("a text", "\"x\"", "invalid_request"),
        invalid("null", "null", "invalid_request"),
        invalid("a number", "1", "invalid_request"),
        invalid("no members", "{}", "invalid_request"),
        invalid("no message", r#"{"sessionId":"s"}"#, "invalid_request"),
        invalid("no session", r#"{"message":"hello"}"#, "invalid_request"),
        invalid("a number for a message", r#"{"sessionId":"s","message":1}"#, "invalid_request"),
        invalid("a list for a message", r#"{"sessionId":"s","message":["x"]}"#, "invalid_request"),
        invalid("an object for a message", r#"{"sessionId":"s","message":{"x":1}}"#, "invalid_request"),
        invalid("null for a message", r#"{"sessionId":"s","message":null}"#, "invalid_request"),
        invalid("a message twice", r#"{"sessionId":"s","message":"a","message":"b"}"#, "duplicate_field"),
        invalid("half a surrogate pair", r#"{"sessionId":"s","message":"\ud800"}"#, "invalid_json"),
        invalid("something behind the object", r#"{"sessionId":"s","message":"a"}x"#, "invalid_json"),
        (
            "not UTF-8",
            message(&desk, b"{\"sessionId\":\"s\",\"message\":\"\xFF\"}"),
            400,
            PAYLOAD,
            "invalid_utf8",
        ),
        ("an empty message", text(&desk, ""), 400, PAYLOAD, "invalid_request"),
        ("4001 units", text(&desk, &"a".repeat(4001)), 400, PAYLOAD, "message_too_long"),
        ("4000 emoji", text(&desk, &"😀".repeat(4000)), 400, PAYLOAD, "message_too_long"),
        ("NUL", text(&desk, "a\0b"), 400, PAYLOAD, "invalid_character"),
        (
            "a session as a number",
            message(&desk, r#"{"sessionId":1,"message":"a"}"#),
            400,
            PAYLOAD,
            "invalid_request",
        ),
    ];
    for blank in ["   ", "\u{A0}", "\u{200B}\u{200B}", "\n\t"] {
        rows.push(("blank", text(&desk, blank), 400, PAYLOAD, "message_blank"));
    }
    for id in ["", "a b", "a/b", "a\n", "sessión", &"x".repeat(129)] {
        rows.push(("a session id", session(&desk, id), 400, PAYLOAD, "invalid_session_id"));
    }
    let deep =
        format!(r#"{{"sessionId":"s","message":"a","x":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    rows.push(("nested deep", message(&desk, deep), 400, PAYLOAD, "invalid_json"));
    let large = format!(r#"{{"sessionId":"s","message":"a","x":"{}"}}"#, "x".repeat(64 * 1024));
    rows.push(("a large body", message(&desk, large), 413, "Payload too large", "payload_too_large"));
    refuses(&desk, rows).await;
}

#[tokio::test]
async fn details_name_members_and_rules_and_no_values() {
    let desk = Desk::open().await;
    let reply = session(&desk, "se cret").send().await;
    let rule = "must be 1 to 128 of the characters A-Z a-z 0-9 . _ : -";
    assert_eq!(reply.json()["details"], json!([{ "field": "sessionId", "rule": rule }]));
    assert!(!reply.body.contains("se cret"));
}

#[tokio::test]
async fn media_types() {
    let desk = Desk::open().await;
    let body = r#"{"sessionId":"s","message":"hello"}"#;
    let typed = |kind: &str| desk.post("/v1/chat").key().header("content-type", kind).body(body);
    let unsupported = |name, call| (name, call, 415, "Unsupported media type", "unsupported_media_type");
    let mut rows = vec![
        unsupported("none", desk.post("/v1/chat").key().body(body)),
        unsupported("text", typed("text/plain")),
        unsupported("a form", typed("application/x-www-form-urlencoded")),
        unsupported("another charset", typed("application/json; charset=latin1")),
        unsupported("problem details", typed("application/problem+json")),
    ];
    for coding in ["br", "gzip", "deflate"] {
        let call = message(&desk, body).header("content-encoding", coding);
        rows.push((coding, call, 415, "Unsupported media type", "unsupported_encoding"));
    }
    refuses(&desk, rows).await;
}

#[tokio::test]
async fn methods_and_addresses() {
    let desk = Desk::open().await;
    let call = |method: &str, path: &str| {
        Call::new(desk.api.clone(), Method::from_bytes(method.as_bytes()).unwrap(), path)
    };
    let mut rows = Vec::new();
    for method in ["GET", "PUT", "DELETE", "PATCH", "TRACE", "get"] {
        rows.push((method, call(method, "/v1/chat"), 405, "Method not allowed", "method_not_allowed"));
    }
    for path in [
        "/",
        "/v1",
        "/v1/chat/",
        "//v1/chat",
        "/v1/%63hat",
        "/v1/../v1/chat",
        "/V1/chat",
        "/chat/x",
        "/docs/x",
    ] {
        rows.push((path, call("POST", path), 404, "Not found", "not_found"));
    }
    for path in ["/v1/chat/stream/%00", "/v1/chat/stream/%ff", "/v1/chat/stream/%c0%ae", "/widget/%ff"] {
        rows.push((path, call("GET", path).key().secret(), 404, "Not found", "not_found"));
    }
    // Some of these exist, but only to be read.
    rows.retain(|(path, ..)| !matches!(*path, "/docs/x"));
    refuses(&desk, rows).await;
    assert_eq!(call("GET", "/v1/chat").send().await.header("allow"), "POST");
}

#[tokio::test]
async fn queries_and_ids() {
    let desk = Desk::open().await;
    let list = |query: &str| desk.get(&format!("/v1/admin/conversations?{query}")).admin();
    let one = |id: &str| desk.get(&format!("/v1/admin/conversations/{id}")).admin();
    let mut rows = Vec::new();
    for query in ["limit=0", "limit=-1", "limit=201", "limit=abc", "limit=1e2", "limit=", "limit=5&limit=5"] {
        rows.push((query, list(query), 400, "Invalid query parameters", "invalid_query"));
    }
    for query in ["cursor=x", "cursor=", "cursor=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        rows.push((query, list(query), 400, "Invalid query parameters", "invalid_cursor"));
    }
    rows.push(("q twice", list("q=a&q=b"), 400, "Invalid query parameters", "invalid_query"));
    rows.push((
        "q and a bad cursor",
        list("q=a&cursor=x"),
        400,
        "Invalid query parameters",
        "invalid_cursor",
    ));
    let long = "x".repeat(129);
    rows.push(("a long id", one(&long), 400, "Invalid conversationId", "invalid_conversation_id"));
    for id in ["x", "01a204d1-42e2-7df8-91f4-c50a8d5356e4", "..%2f..", "'%20OR%201=1"] {
        rows.push((id, one(id), 404, "Conversation not found", "conversation_not_found"));
    }
    refuses(&desk, rows).await;
}

#[tokio::test]
async fn limits() {
    let desk = Desk::with(Wishes { requests: 2, ..Wishes::default() }).await;
    for _ in 0..2 {
        desk.say(desk.send("/v1/chat", "hello"), "hi").await;
    }
    let too_many = |name, path| (name, desk.send(path, "hello"), 429, "Too many requests", "rate_limited");
    let rows =
        vec![too_many("json", "/v1/chat"), too_many("stream", "/v1/chat/stream"), too_many("alias", "/chat")];
    refuses(&desk, rows).await;
    let reply = desk.send("/v1/chat", "hello").send().await;
    assert_eq!((reply.header("retry-after"), &reply.json()["retryAfter"]), ("30", &json!(30)));
    desk.clock.advance(std::time::Duration::from_secs(30));
    assert_eq!(desk.say(desk.send("/v1/chat", "hello"), "hi").await.status, StatusCode::OK);
}

#[tokio::test]
async fn sessions_and_keys_of_messages() {
    let desk = Desk::open().await;
    let chat = || desk.send("/v1/chat", "hello");
    let history = || desk.get("/v1/sessions/my-session-id/messages").key();
    let follow =
        |query: &str| desk.get(&format!("/v1/chat/stream/01a204d1-42e2-7df8-91f4-c50a8d5356e4{query}")).key();
    let cursor = "Invalid query parameters";
    let mut rows = vec![
        (
            "a short secret",
            chat().header("x-session-secret", &SECRET[1..]),
            400,
            PAYLOAD,
            "invalid_session_secret",
        ),
        ("a secret twice", chat().secret().secret(), 400, PAYLOAD, "duplicate_header"),
        ("history without a secret", history(), 401, "Unauthorized", "session_secret_required"),
        ("history under a wrong secret", history().secret(), 404, "Not found", "not_found"),
        ("following without a secret", follow(""), 401, "Unauthorized", "session_secret_required"),
        ("following what is not there", follow("").secret(), 404, "Not found", "not_found"),
        (
            "following what is no id",
            desk.get("/v1/chat/stream/x").key().secret(),
            404,
            "Not found",
            "not_found",
        ),
        ("a negative cursor", follow("?after=-1").secret(), 400, cursor, "invalid_cursor"),
        ("a cursor in words", follow("?after=one").secret(), 400, cursor, "invalid_cursor"),
        ("two cursors", follow("?after=1&after=2").secret(), 400, cursor, "invalid_query"),
        (
            "stopping without a secret",
            desk.post("/v1/chat/stop").key().json(&json!({ "sessionId": "s" })),
            401,
            "Unauthorized",
            "session_secret_required",
        ),
        (
            "stopping nothing in particular",
            desk.post("/v1/chat/stop").key().secret().json(&json!({})),
            400,
            PAYLOAD,
            "invalid_request",
        ),
    ];
    for key in ["", "a b", &"k".repeat(256)] {
        rows.push((
            "a bad key",
            chat().header("idempotency-key", key),
            400,
            PAYLOAD,
            "invalid_idempotency_key",
        ));
    }
    let two_keys = desk
        .post("/v1/chat")
        .key()
        .header("idempotency-key", "one")
        .json(&json!({ "sessionId": "s", "message": "hello", "clientMessageId": "two" }));
    rows.push(("two keys", two_keys, 400, PAYLOAD, "invalid_idempotency_key"));
    refuses(&desk, rows).await;
}

#[tokio::test]
async fn one_message_at_a_time_and_one_message_a_key() {
    let desk = Desk::open().await;
    let keyed = |message: &str| desk.send("/v1/chat", message).header("idempotency-key", "k1");
    desk.say(keyed("hello"), "hi").await;
    let mismatch = "This idempotency key was used for another message";
    refuses(&desk, vec![("another message", keyed("goodbye"), 422, mismatch, "idempotency_mismatch")]).await;

    let running = desk.send("/v1/chat/stream", "and now?").begin().await;
    let call = desk.model().await;
    let busy = desk.send("/v1/chat", "and another").send().await;
    assert_eq!((busy.status, busy.header("retry-after")), (StatusCode::CONFLICT, "1"));
    assert_eq!(busy.json()["code"], "conversation_busy");
    drop((running, call));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let desk = Desk::open().await;
    let never =
        axum::body::Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let call = desk.post("/v1/chat").key().header("content-type", "application/json").body(never);
    let began = tokio::time::Instant::now();
    refuses(&desk, vec![("nothing comes", call, 408, "Request timeout", "request_timeout")]).await;
    assert_eq!(began.elapsed(), std::time::Duration::from_secs(30));
}

#[tokio::test]
async fn an_endless_body_is_cut_off() {
    let desk = Desk::open().await;
    let chunk = || Ok::<_, std::io::Error>(vec![b' '; 1024]);
    let endless = axum::body::Body::from_stream(futures_util::stream::repeat_with(chunk));
    let call = desk.post("/v1/chat").key().header("content-type", "application/json").body(endless);
    refuses(&desk, vec![("it goes on", call, 413, "Payload too large", "payload_too_large")]).await;
}

#[tokio::test]
async fn a_store_that_fails_refuses_before_anybody_is_asked() {
    use frontdesk_core::StoreErrorKind;
    let desk = Desk::open().await;
    for (kind, code) in
        [(StoreErrorKind::Full, "storage_full"), (StoreErrorKind::Unavailable, "storage_unavailable")]
    {
        desk.store.fail_with(Some(kind));
        let unavailable = "Service unavailable";
        let mut rows = vec![
            ("json", desk.send("/v1/chat", "hello"), 503, unavailable, code),
            ("stream", desk.send("/v1/chat/stream", "hello"), 503, unavailable, code),
            ("ready", desk.get("/ready"), 503, unavailable, code),
        ];
        let reading = desk.get("/v1/admin/conversations").admin();
        if kind == StoreErrorKind::Full {
            assert_eq!(reading.send().await.status, StatusCode::OK, "a full disk can be read");
        } else {
            rows.push(("admin", reading, 503, unavailable, code));
        }
        refuses(&desk, rows).await;
        desk.store.fail_with(None);
    }
}

#[tokio::test]
async fn a_server_that_is_about_to_be_shut_down_says_so_and_takes_messages() {
    let desk = Desk::open().await;
    desk.chat.announce_end();
    refuses(&desk, vec![("ready", desk.get("/ready"), 503, "Service unavailable", "shutting_down")]).await;
    assert!(!desk.chat.is_draining());
}

#[tokio::test]
async fn a_server_that_is_being_shut_down_takes_nothing_new() {
    let desk = Desk::open().await;
    desk.chat.drain();
    let unavailable = "Service unavailable";
    let rows = vec![
        ("json", desk.send("/v1/chat", "hello"), 503, unavailable, "shutting_down"),
        ("ready", desk.get("/ready"), 503, unavailable, "shutting_down"),
    ];
    refuses(&desk, rows).await;
    assert_eq!(desk.get("/health").send().await.status, StatusCode::OK);
}

#[tokio::test]
async fn odd_but_harmless_input_is_taken() {
    let desk = Desk::open().await;
    let bodies = [
        "\u{FEFF}{\"sessionId\":\"a\",\"message\":\"hello\"}".to_owned(),
        r#"{"sessionId":"b","message":"hello","role":"system","model":"gpt","__proto__":{"x":1},"constructor":1}"#.to_owned(),
        r#"{"sessionId":"c","message":"hello","n":1e400,"m":-0,"k":18446744073709551616}"#.to_owned(),
        r#"{"sessionId":"__proto__","message":"hello"}"#.to_owned(),
        r#"{"sessionId":"..","message":"hello"}"#.to_owned(),
        r#"{"sessionId":".","message":"hello"}"#.to_owned(),
        json!({ "sessionId": "d", "message": "a\u{202E}b\u{200B}c\u{7}" }).to_string(),
        json!({ "sessionId": "e", "message": "a".repeat(4000) }).to_string(),
    ];
    for body in bodies {
        let reply = desk.say(message(&desk, &body), "hi").await;
        assert_eq!(reply.status, StatusCode::OK, "{body}: {}", reply.body);
    }
    let typed = |kind: &str| {
        desk.post("/v1/chat")
            .key()
            .header("content-type", kind)
            .body(r#"{"sessionId":"f","message":"hello"}"#)
    };
    for kind in ["application/json;charset=UTF-8", "APPLICATION/JSON"] {
        assert_eq!(desk.say(typed(kind), "hi").await.status, StatusCode::OK, "{kind}");
    }
    for accept in ["text/html", "application/xml"] {
        let reply = desk.say(text(&desk, "hello").header("accept", accept), "hi").await;
        assert_eq!(reply.json()["message"], "hi");
    }
    let call = desk.send("/v1/chat", "hello").header("origin", "https://SHOP.example");
    assert_eq!(desk.say(call, "hi").await.status, StatusCode::OK);
}

#[tokio::test]
async fn problem_details_are_for_those_who_ask() {
    let desk = Desk::open().await;
    let reply = desk.get("/nothing").header("accept", "application/problem+json").send().await;
    assert_eq!(reply.header("content-type"), "application/problem+json");
    let object = reply.json();
    assert_eq!((&object["title"], &object["status"]), (&json!("Not found"), &json!(404)));
    assert_eq!(object["type"], "/docs/errors#not_found");
    assert_eq!(desk.get("/docs/errors").send().await.status, StatusCode::OK);
}
