//! Visitors who ask for a person.

use http::StatusCode;
use serde_json::{Value, json};

use crate::desk::{Call, Desk, OTHER_SECRET, Wishes};

fn ask(desk: &Desk, body: &Value) -> Call {
    desk.post("/v1/sessions/my-session-id/handoff").key().secret().json(body)
}

async fn conversation(desk: &Desk) -> Value {
    let list = desk.get("/v1/admin/conversations").admin().send().await.json();
    list["conversations"][0].clone()
}

#[tokio::test]
async fn the_team_is_told_once_and_the_ai_goes_on_until_somebody_comes() {
    let desk = Desk::open().await;
    let id = desk.conversation().await;
    let asked = ask(&desk, &json!({ "page": "https://shop.example/rates#x" })).send().await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.body);
    assert_eq!(asked.json(), json!({ "status": "asked", "until": null, "conversationId": id }));
    let again = ask(&desk, &json!({ "email": "ana@shop.example" })).send().await.json();
    assert_eq!(again["conversationId"], json!(id));
    let now = conversation(&desk).await;
    assert_eq!((&now["status"], &now["contact"]), (&json!("needs_person"), &json!("ana@shop.example")));
    assert_eq!(now["visit"]["page"], "https://shop.example/rates");
    ask(&desk, &json!({ "email": null })).send().await;
    assert_eq!(conversation(&desk).await["contact"], "ana@shop.example", "what was given stays");
    let said = desk.say(desk.send("/v1/chat", "Are you there?").secret(), "I am the AI").await;
    assert_eq!(said.json()["message"], "I am the AI");
    let thread = desk.thread(&id).await;
    let events: Vec<_> =
        thread["messages"].as_array().unwrap().iter().filter(|it| it["role"] == "event").collect();
    assert_eq!((events.len(), &events[0]["content"]), (1, &json!("asked")));
    assert_eq!(desk.notices.requests().len(), 2, "that somebody asks, and where to write to");

    desk.operate(&id, "takeover", &json!({ "operator": "Maya" })).send().await;
    let served = ask(&desk, &json!({})).send().await.json();
    assert_eq!(served["answeredBy"], json!({ "role": "operator", "name": "Maya" }));
    assert_eq!(conversation(&desk).await["status"], "open");
}

#[tokio::test]
async fn a_person_can_be_asked_for_before_anything_is_said() {
    let desk = Desk::open().await;
    let asked = ask(&desk, &json!({})).send().await.json();
    let now = conversation(&desk).await;
    assert_eq!((&now["_id"], &now["status"]), (&asked["conversationId"], &json!("needs_person")));
    let said = desk.say(desk.send("/v1/chat", "Hello").secret(), "Hi").await.json();
    assert_eq!(said["conversationId"], asked["conversationId"]);
    let history = desk.get("/v1/sessions/my-session-id/messages").key().secret().send().await.json();
    assert_eq!(history["messages"][0]["content"], "asked");
}

#[tokio::test]
async fn outside_office_hours_the_visitor_is_told_until_when() {
    let desk = Desk::open().await;
    let set = |hours: Value| desk.put("/v1/admin/office-hours").admin().json(&hours);
    assert_eq!(desk.get("/v1/admin/office-hours").admin().send().await.json(), Value::Null);
    // The tests' clock stands at the beginning of 2026 in UTC, a Thursday.
    let hours =
        json!({ "zone": "Europe/Berlin", "days": { "thursday": [{ "from": "09:00", "to": "17:00" }] } });
    let kept = set(hours).send().await.json();
    assert_eq!((&kept["zone"], &kept["days"]["monday"]), (&json!("Europe/Berlin"), &json!([])));
    assert_eq!(desk.get("/v1/admin/office-hours").admin().send().await.json(), kept);
    let away = ask(&desk, &json!({})).send().await.json();
    assert_eq!((&away["status"], &away["until"]), (&json!("away"), &json!("2026-01-01T08:00:00Z")));
    let thread = desk.thread(away["conversationId"].as_str().unwrap()).await;
    assert_eq!(thread["messages"][0]["content"], "away");
    desk.clock.advance(std::time::Duration::from_hours(8));
    let there = desk.post("/v1/sessions/other/handoff").key().secret().json(&json!({})).send().await.json();
    assert_eq!((&there["status"], &there["until"]), (&json!("asked"), &Value::Null));
    set(json!({ "zone": "UTC" })).send().await;
    let never = desk.post("/v1/sessions/third/handoff").key().secret().json(&json!({})).send().await.json();
    assert_eq!((&never["status"], &never["until"]), (&json!("away"), &Value::Null));
    for _ in 0..2 {
        let taken_away = desk.delete("/v1/admin/office-hours").admin().send().await;
        assert_eq!(taken_away.status, StatusCode::NO_CONTENT);
        assert_eq!(desk.get("/v1/admin/office-hours").admin().send().await.json(), Value::Null);
    }
    let always = desk.post("/v1/sessions/fourth/handoff").key().secret().json(&json!({})).send().await.json();
    assert_eq!(always["status"], "asked");
}

#[tokio::test]
async fn who_is_not_offered_a_person_cannot_ask_for_one() {
    let desk = Desk::open().await;
    desk.put("/v1/admin/widget-config").admin().json(&json!({ "handoff": false })).send().await;
    let config = desk.get("/v1/widget/config").key().send().await.json();
    assert_eq!(config, json!({ "handoff": false }));
    let refused = ask(&desk, &json!({})).send().await;
    assert_eq!((refused.status, &refused.json()["code"]), (StatusCode::FORBIDDEN, &json!("handoff_off")));
    assert_eq!(conversation(&desk).await, Value::Null);
}

#[tokio::test]
async fn asking_counts_as_sending_and_typing_counts_apart() {
    let desk = Desk::with(Wishes { requests: 2, ..Wishes::default() }).await;
    let typing =
        || desk.post("/v1/sessions/my-session-id/typing").key().secret().json(&json!({ "typing": true }));
    for _ in 0..4 {
        assert_eq!(typing().send().await.status, StatusCode::NO_CONTENT, "nothing was said yet");
    }
    assert_eq!(typing().send().await.json()["code"], "rate_limited");
    for _ in 0..2 {
        assert_eq!(ask(&desk, &json!({})).send().await.status, StatusCode::OK);
    }
    assert_eq!(ask(&desk, &json!({})).send().await.json()["code"], "rate_limited");
    assert_eq!(desk.send("/v1/chat", "Hello").secret().send().await.json()["code"], "rate_limited");
}

#[tokio::test]
async fn nobody_asks_or_types_for_somebody_else() {
    let desk = Desk::open().await;
    let id = desk.conversation().await;
    for path in ["handoff", "typing"] {
        let call =
            || desk.post(&format!("/v1/sessions/my-session-id/{path}")).json(&json!({ "typing": true }));
        assert_eq!(call().key().send().await.json()["code"], "session_secret_required");
        assert_eq!(call().secret().send().await.json()["code"], "unauthorized");
        let stranger = call().key().header("x-session-secret", OTHER_SECRET).send().await;
        assert!(stranger.status.is_success(), "{}", stranger.body);
    }
    assert_eq!(
        desk.thread(&id).await["conversation"]["status"],
        "open",
        "the stranger has a lane of their own"
    );
}
