//! What a site's owner sets for the widget, and whom the site vouches for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::desk::{Call, Desk, IDENTITY_SECRET, PASSWORD};

fn set(desk: &Desk, config: &Value) -> Call {
    desk.put("/v1/admin/widget-config").admin().json(config)
}

fn config(desk: &Desk) -> Call {
    desk.get("/v1/widget/config").key()
}

#[tokio::test]
async fn what_is_set_is_given_and_cached() {
    let desk = Desk::open().await;
    assert_eq!(config(&desk).send().await.json(), json!({ "handoff": true }));
    let wren = json!({ "title": "Wren", "accentColor": "#0f766e", "suggestions": ["Where is it?"] });
    assert_eq!(set(&desk, &wren).send().await.json(), wren);
    let reply = config(&desk).send().await;
    let given = json!({ "title": "Wren", "accentColor": "#0f766e", "suggestions": ["Where is it?"], "handoff": true });
    assert_eq!(reply.json(), given);
    assert_eq!(reply.header("cache-control"), "private, max-age=60, stale-while-revalidate=86400");
    let vary: Vec<_> = reply.headers.get_all("vary").iter().map(|it| it.to_str().unwrap()).collect();
    assert_eq!(vary.join(", "), "x-api-key, x-widget-api-key, origin");
    let tag = reply.header("etag").to_owned();
    assert_eq!(config(&desk).header("if-none-match", &tag).send().await.status, StatusCode::NOT_MODIFIED);
    assert_eq!(set(&desk, &json!({ "theme": "dark" })).send().await.status, StatusCode::OK);
    let reply = config(&desk).header("if-none-match", &tag).send().await;
    assert_eq!((reply.status, reply.json()), (StatusCode::OK, json!({ "theme": "dark", "handoff": true })));
}

#[tokio::test]
async fn what_is_not_in_order_changes_nothing() {
    let desk = Desk::open().await;
    set(&desk, &json!({ "title": "Wren" })).send().await;
    for bad in [json!({ "title": "" }), json!({ "titel": "Wren" }), json!({ "accentColor": "red" })] {
        let reply = set(&desk, &bad).send().await;
        assert_eq!(
            (reply.status, reply.json()["code"].as_str()),
            (StatusCode::BAD_REQUEST, Some("invalid_request"))
        );
    }
    let twice = desk.put("/v1/admin/widget-config").admin().header("content-type", "application/json");
    let twice = twice.body(r#"{"title":"a","title":"b"}"#).send().await;
    assert_eq!(twice.json()["code"], "duplicate_field");
    let public = desk.put("/v1/admin/widget-config").key().json(&json!({})).send().await;
    assert_eq!(public.json()["code"], "unauthorized");
    assert_eq!(desk.get("/v1/widget/config").send().await.json()["code"], "unauthorized");
    assert_eq!(config(&desk).send().await.json(), json!({ "title": "Wren", "handoff": true }));
}

/// A token as a site's server makes it.
fn token(claims: &Value, secret: &str) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let signed = format!("{}.{}", part(r#"{"alg":"HS256","typ":"JWT"}"#), part(&claims.to_string()));
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(&signed);
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// The tests' clock stands at the beginning of 2026.
const NOW: i64 = 1_767_225_600;

#[tokio::test]
async fn whom_the_site_vouches_for_is_shown_as_such() {
    let desk = Desk::open().await;
    let claims = json!({ "sub": "42", "name": "Ana <b>", "email": "ana@example.com", "exp": NOW + 600 });
    let call =
        desk.send("/v1/chat", "Hello").secret().header("x-identity-token", token(&claims, IDENTITY_SECRET));
    let said = desk.say(call, "Hi").await;
    assert_eq!(said.status, StatusCode::OK, "{}", said.body);
    let visitor = json!({ "id": "42", "name": "Ana <b>", "email": "ana@example.com", "source": "site" });
    let list = desk.get("/v1/admin/conversations").admin().send().await.json();
    assert_eq!(list["conversations"][0]["visitor"], visitor);
    let copy = desk.get("/v1/sessions/my-session-id/export").key().secret().send().await.json();
    assert_eq!(copy["visitor"], visitor);

    let login = Call::new(desk.dashboard.clone(), Method::POST, "/api/login");
    let login =
        login.header("sec-fetch-site", "same-origin").json(&json!({ "password": PASSWORD })).send().await;
    let cookie = login.header("set-cookie").split(';').next().unwrap().to_owned();
    let path = format!("/conversations/{}", said.json()["conversationId"].as_str().unwrap());
    let page =
        Call::new(desk.dashboard.clone(), Method::GET, &path).header("cookie", &cookie).send().await.body;
    assert!(page.contains("From your site") && page.contains("ana@example.com"), "{page}");
    assert!(page.contains("Ana &#60;b&#62;") && !page.contains("Ana <b>"), "{page}");
}

#[tokio::test]
async fn what_is_not_signed_is_not_believed_and_nothing_is_stored() {
    let desk = Desk::open().await;
    let claims = |exp: i64| json!({ "sub": "42", "exp": exp });
    let good = token(&claims(NOW + 600), IDENTITY_SECRET);
    for path in ["/v1/chat", "/v1/chat/stream", "/chat"] {
        for (token, code) in [
            (token(&claims(NOW + 600), &"x".repeat(32)), "invalid_identity_token"),
            (token(&claims(NOW + 100_000), IDENTITY_SECRET), "invalid_identity_token"),
            (token(&claims(NOW - 100), IDENTITY_SECRET), "expired_identity_token"),
            (token(&json!({ "exp": NOW + 600 }), IDENTITY_SECRET), "invalid_identity_token"),
            ("no.token.either".to_owned(), "invalid_identity_token"),
            (String::new(), "invalid_identity_token"),
        ] {
            let reply = desk.send(path, "Hello").header("x-identity-token", &token).send().await;
            assert_eq!((reply.status, reply.json()["code"].as_str()), (StatusCode::UNAUTHORIZED, Some(code)));
            assert!(token.is_empty() || !reply.body.contains(&token));
        }
        let twice =
            desk.send(path, "Hello").header("x-identity-token", &good).header("x-identity-token", &good);
        assert_eq!(twice.send().await.json()["code"], "duplicate_header");
    }
    assert!(desk.calls.is_empty().await, "no model was called");
    assert_eq!(desk.store.message_count(), 0);
}
