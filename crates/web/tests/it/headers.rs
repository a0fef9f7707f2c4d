//! What browsers are told.

use http::{Method, StatusCode};
use serde_json::json;

use crate::desk::{Call, Desk, Wishes};

#[tokio::test]
async fn an_allowed_page_may_ask_and_read() {
    let desk = Desk::open().await;
    let preflight = Call::new(desk.api.clone(), Method::OPTIONS, "/v1/chat/stream")
        .header("origin", "https://shop.example")
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "content-type,x-session-secret,idempotency-key,x-widget-api-key",
        )
        .send()
        .await;
    assert_eq!(preflight.status, StatusCode::NO_CONTENT);
    assert_eq!(preflight.header("access-control-allow-origin"), "https://shop.example");
    assert_eq!(preflight.header("access-control-max-age"), "600");
    for header in ["x-session-secret", "idempotency-key", "x-widget-api-key", "content-type"] {
        assert!(preflight.header("access-control-allow-headers").contains(header), "{header}");
    }

    let reply = desk.say(desk.send("/chat", "Hello").header("origin", "https://shop.example"), "Hi").await;
    assert_eq!(reply.header("access-control-allow-origin"), "https://shop.example");
    assert_eq!(reply.header("access-control-allow-credentials"), "");
    assert_eq!(reply.header("vary"), "origin");
    let refused = desk.post("/chat").header("origin", "https://shop.example").send().await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        refused.header("access-control-allow-origin"),
        "https://shop.example",
        "errors can be read as well"
    );
}

/// Every route that pages use, each with why it is refused.
#[tokio::test]
async fn an_allowed_page_reads_every_refusal() {
    let desk = Desk::open().await;
    desk.conversation().await;
    desk.put("/v1/admin/widget-config").admin().json(&json!({ "handoff": false })).send().await;
    let session = "/v1/sessions/my-session-id";
    let answer = "/v1/messages/00000000-0000-7000-8000-000000000000/feedback";
    let call = |method: Method, path: &str| Call::new(desk.api.clone(), method, path);
    let refused = [
        (desk.post("/v1/chat").key().json(&json!({})), 400),
        (desk.post("/v1/chat/stream").key().body("{}"), 415),
        (desk.post("/chat").json(&json!({})), 401),
        (desk.get("/v1/chat/stream/00000000-0000-7000-8000-000000000000").key().secret(), 404),
        (desk.post("/v1/chat/stop").key().json(&json!({})), 400),
        (desk.post(answer).key().secret().json(&json!({ "rating": "up" })), 404),
        (desk.get("/v1/sessions/unknown/messages").key().secret(), 404),
        (desk.get(&format!("{session}/messages")).key(), 401),
        (desk.get(&format!("{session}/events?after=x")).key().secret(), 400),
        (desk.get("/v1/sessions/unknown/export").key().secret(), 404),
        (desk.post(&format!("{session}/typing")).key().secret().json(&json!({})), 400),
        (desk.post(&format!("{session}/handoff")).key().secret().json(&json!({})), 403),
        (desk.delete(session).key(), 401),
        (desk.get("/v1/widget/config"), 401),
        (desk.get("/v1/nothing"), 404),
        (call(Method::PUT, "/v1/chat"), 405),
        (call(Method::TRACE, "/v1/chat"), 405),
        (desk.post("/v1/chat").header("host", "another.example"), 400),
        (desk.post("/v1/chat").key().json(&json!({ "message": "x".repeat(70_000) })), 413),
    ];
    for (call, status) in refused {
        let reply = call.header("origin", "https://shop.example").send().await;
        assert_eq!(reply.status.as_u16(), status, "{}", reply.body);
        assert_eq!(reply.header("access-control-allow-origin"), "https://shop.example", "{}", reply.body);
        assert!(reply.header("access-control-expose-headers").contains("retry-after"), "{}", reply.body);
        assert!(reply.json()["code"].is_string(), "{}", reply.body);
    }
    let desk = Desk::with(Wishes { requests: 1, ..Wishes::default() }).await;
    desk.say(desk.send("/v1/chat", "Hello"), "Hi").await;
    let limited = desk.send("/v1/chat", "Hello").header("origin", "https://shop.example").send().await;
    assert_eq!(
        (limited.status, limited.header("retry-after").is_empty()),
        (StatusCode::TOO_MANY_REQUESTS, false)
    );
    assert_eq!(limited.header("access-control-allow-origin"), "https://shop.example");
}

#[tokio::test]
async fn other_pages_do_not_disturb_what_is_public() {
    let desk = Desk::open().await;
    for path in ["/health", "/widget/chat-widget.js", "/v1/openapi.json"] {
        let reply = desk.get(path).header("origin", "https://evil.example").send().await;
        assert_eq!(reply.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn https_is_insisted_on_only_where_it_is_spoken() {
    let desk = Desk::with(Wishes { proxies: "127.0.0.0/8", ..Wishes::default() }).await;
    let plain = desk.get("/health").send().await;
    assert_eq!(plain.header("strict-transport-security"), "");
    let secure = desk.get("/health").header("x-forwarded-proto", "https").send().await;
    assert_eq!(secure.header("strict-transport-security"), "max-age=31536000");
}

#[tokio::test]
async fn a_host_is_named_once() {
    let desk = Desk::open().await;
    let twice = desk.get("/health").header("host", "evil.example").send().await;
    assert_eq!((twice.status, twice.header("connection")), (StatusCode::BAD_REQUEST, "close"));
    assert_eq!(twice.json()["code"], "bad_request");
}

#[tokio::test]
async fn pages_of_the_documentation_load_nothing_from_outside() {
    let desk = Desk::open().await;
    let page = desk.get("/docs").send().await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.body.contains("http"), "{}", page.body);
    assert!(page.header("content-security-policy").starts_with("default-src 'none'; script-src 'self'"));
    let script = page.body.split("src=\"").nth(1).unwrap().split('"').next().unwrap();
    let viewer = desk.get(script).send().await;
    assert_eq!(
        (viewer.status, viewer.header("cache-control")),
        (StatusCode::OK, "public, max-age=31536000, immutable")
    );
}
