//! What browsers are told.

use http::{Method, StatusCode};

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
