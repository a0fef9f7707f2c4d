//! What visitors say of answers.

use frontdesk_core::StoreErrorKind;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::desk::{Call, Desk, OTHER_SECRET, PASSWORD};

async fn answered(desk: &Desk) -> String {
    let reply = desk.say(desk.send("/v1/chat", "Hello").secret(), "Hi").await.json();
    reply["messageId"].as_str().unwrap().to_owned()
}

fn rate(desk: &Desk, answer: &str, body: &Value) -> Call {
    desk.post(&format!("/v1/messages/{answer}/feedback")).key().secret().json(body)
}

async fn history(desk: &Desk) -> Value {
    desk.get("/v1/sessions/my-session-id/messages").key().secret().send().await.json()
}

#[tokio::test]
async fn a_rating_is_kept_replaced_and_taken_back() {
    let desk = Desk::open().await;
    let answer = answered(&desk).await;
    for (body, kept) in [
        (json!({ "rating": "up", "extra": 1 }), json!({ "rating": "up" })),
        (
            json!({ "rating": "down", "reason": "outdated", "comment": "Closed <b>" }),
            json!({ "rating": "down", "reason": "outdated", "comment": "Closed <b>" }),
        ),
        (json!({ "rating": "down", "comment": "  " }), json!({ "rating": "down" })),
        (json!({ "rating": null }), Value::Null),
    ] {
        let reply = rate(&desk, &answer, &body).send().await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
        assert_eq!(reply.json(), json!({ "messageId": answer, "feedback": kept }));
        assert_eq!(history(&desk).await["messages"][1].get("feedback").unwrap_or(&Value::Null), &kept);
        let id = history(&desk).await["conversationId"].as_str().unwrap().to_owned();
        let thread = desk.get(&format!("/v1/admin/conversations/{id}")).admin().send().await.json();
        assert_eq!(thread["messages"][1].get("feedback").unwrap_or(&Value::Null), &kept);
    }
}

#[tokio::test]
async fn everybody_who_follows_the_conversation_is_told() {
    let desk = Desk::open().await;
    let answer = answered(&desk).await;
    let cursor = history(&desk).await["eventsCursor"].as_str().unwrap().to_owned();
    rate(&desk, &answer, &json!({ "rating": "up" })).send().await;
    rate(&desk, &answer, &json!({ "rating": "up" })).send().await;
    let path = format!("/v1/sessions/my-session-id/events?after={cursor}");
    desk.chat.drain();
    let events = desk.get(&path).key().secret().send().await.events();
    let kinds: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["message", "state"]);
    assert_eq!(
        (&events[0]["message"]["feedback"], &events[0]["message"]["content"], &events[0]["revision"]),
        (&json!({ "rating": "up" }), &json!("Hi"), &json!(4))
    );
}

#[tokio::test]
async fn what_is_not_in_order_is_refused() {
    let desk = Desk::open().await;
    let answer = answered(&desk).await;
    for (body, field) in [
        (json!({}), "rating"),
        (json!({ "rating": "Up" }), "rating"),
        (json!({ "rating": 1 }), "rating"),
        (json!({ "rating": true }), "rating"),
        (json!({ "rating": "down", "reason": "other" }), "reason"),
        (json!({ "rating": "down", "reason": 1 }), "reason"),
        (json!({ "rating": "up", "reason": "unclear" }), "reason"),
        (json!({ "rating": null, "reason": "unclear" }), "reason"),
        (json!({ "rating": null, "comment": "x" }), "comment"),
        (json!({ "rating": "up", "comment": ["x"] }), "comment"),
        (json!({ "rating": "up", "comment": "x".repeat(1001) }), "comment"),
        (json!({ "rating": "up", "comment": "a\u{0}b" }), "comment"),
    ] {
        let reply = rate(&desk, &answer, &body).send().await;
        let (code, named) = (reply.json()["code"].clone(), reply.json()["details"][0]["field"].clone());
        assert_eq!((code, named), (json!("invalid_request"), json!(field)), "{body}");
    }
    assert!(history(&desk).await["messages"][1].get("feedback").is_none());
}

#[tokio::test]
async fn only_ended_answers_of_ones_own_are_rated() {
    let desk = Desk::open().await;
    let answer = answered(&desk).await;
    let up = json!({ "rating": "up" });
    let path = format!("/v1/messages/{answer}/feedback");
    let question = history(&desk).await["messages"][0]["id"].as_str().unwrap().to_owned();
    let calls = [
        (desk.post(&path).key().json(&up), 401, "session_secret_required"),
        (desk.post(&path).secret().json(&up), 401, "unauthorized"),
        (desk.post(&path).key().header("x-session-secret", OTHER_SECRET).json(&up), 404, "not_found"),
        (rate(&desk, &question, &up), 404, "not_found"),
        (rate(&desk, "x", &up), 404, "not_found"),
        (rate(&desk, "01a204d1-42e2-7df8-91f4-c50a8d5356e4", &up), 404, "not_found"),
    ];
    for (call, status, code) in calls {
        let reply = call.send().await;
        assert_eq!((reply.status.as_u16(), reply.json()["code"].as_str()), (status, Some(code)));
    }
    let _running = desk.send("/v1/chat/stream", "And now?").secret().begin().await;
    let call = desk.model().await;
    let running = history(&desk).await["messages"][3]["id"].as_str().unwrap().to_owned();
    let reply = rate(&desk, &running, &up).send().await;
    assert_eq!(
        (reply.status, reply.json()["code"].as_str()),
        (StatusCode::CONFLICT, Some("answer_not_ended"))
    );
    drop(call);
    desk.store.fail_with(Some(StoreErrorKind::Full));
    let reply = rate(&desk, &answer, &up).send().await;
    assert_eq!(reply.json()["code"], "storage_full");
}

#[tokio::test]
async fn operators_see_the_rating_and_nothing_in_it_becomes_markup() {
    let desk = Desk::open().await;
    let answer = answered(&desk).await;
    let body =
        json!({ "rating": "down", "reason": "incorrect", "comment": "<img src=x onerror=alert(1)>\"'" });
    rate(&desk, &answer, &body).send().await;
    let id = history(&desk).await["conversationId"].as_str().unwrap().to_owned();
    let login = Call::new(desk.dashboard.clone(), Method::POST, "/api/login");
    let login =
        login.header("sec-fetch-site", "same-origin").json(&json!({ "password": PASSWORD })).send().await;
    let cookie = login.header("set-cookie").split(';').next().unwrap().to_owned();
    let page = Call::new(desk.dashboard.clone(), Method::GET, &format!("/conversations/{id}"));
    let page = page.header("cookie", &cookie).send().await.body;
    assert!(page.contains("Rated down: not correct"), "{page}");
    assert!(page.contains("&#60;img src=x onerror=alert(1)&#62;"), "{page}");
    assert!(!page.contains("<img"));
}
