//! Which conversations change, for programs.

use http::StatusCode;
use serde_json::json;

use crate::desk::Desk;
use crate::live::Live;

#[tokio::test]
async fn a_program_is_told_which_conversations_change() {
    let desk = Desk::open().await;
    let mut live = Live::begin(desk.get("/v1/admin/events").admin()).await;
    assert_eq!(live.next().await, json!({ "type": "ready" }));
    let id = desk.conversation().await;
    assert_eq!(live.next().await, json!({ "type": "changed", "conversationId": id }));
    desk.operate(&id, "notes", &json!({ "operator": "Maya", "text": "Hm" })).send().await;
    live.find(|event| event["conversationId"] == json!(id)).await;
    for typing in [true, false] {
        let typed = desk.post("/v1/sessions/my-session-id/typing").key().secret();
        assert_eq!(typed.json(&json!({ "typing": typing })).send().await.status, StatusCode::NO_CONTENT);
        let told = live.find(|event| event["type"] == "typing").await;
        assert_eq!(told, json!({ "type": "typing", "conversationId": id, "typing": typing }));
    }
    desk.chat.drain();
    while live.piece().await.is_some() {}
}

#[tokio::test]
async fn those_events_are_server_sent_if_asked_for_and_for_nobody_without_the_key() {
    let desk = Desk::open().await;
    let response = desk.get("/v1/admin/events").admin().header("accept", "text/event-stream").begin().await;
    assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
    assert_eq!(Live::of(response).piece().await.unwrap(), "data: {\"type\":\"ready\"}\n\n");
    assert_eq!(desk.get("/v1/admin/events").key().send().await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(start_paused = true)]
async fn silence_is_broken_here_too() {
    let desk = Desk::open().await;
    let mut live = Live::begin(desk.get("/v1/admin/events").admin()).await;
    live.next().await;
    assert_eq!(live.piece().await.as_deref(), Some("\n"));
}
