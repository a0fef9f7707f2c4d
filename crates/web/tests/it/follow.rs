//! Coming back to an answer: resuming, stopping, repeating, and reading what was said.

use frontdesk_core::{ModelError, ModelErrorKind};
use http::StatusCode;
use serde_json::{Value, json};

use crate::desk::{Call, Desk, OTHER_SECRET, Reply, visitor_session};

fn send(desk: &Desk, message: &str) -> Call {
    desk.send("/v1/chat/stream", message).secret()
}

fn history(desk: &Desk, query: &str) -> Call {
    desk.get(&format!("/v1/sessions/my-session-id/messages{query}")).key()
}

fn follow(desk: &Desk, answer: &Value, query: &str) -> Call {
    desk.get(&format!("/v1/chat/stream/{}{query}", answer.as_str().unwrap())).key().secret()
}

fn text(reply: &Reply) -> String {
    reply.events().iter().filter_map(|event| event["token"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn a_reader_that_comes_back_gets_exactly_the_rest() {
    let desk = Desk::open().await;
    let reply = desk.say(send(&desk, "Hello"), "One, two, three").await;
    let answer = &reply.events()[0]["messageId"];
    for cursor in 0..="One, two, three".len() {
        let rest = follow(&desk, answer, &format!("?after={cursor}")).send().await;
        assert_eq!(text(&rest), "One, two, three"[cursor..]);
        assert_eq!(rest.events()[0]["seq"], cursor);
        assert_eq!(rest.events().last().unwrap()["message"], "One, two, three");
    }
    let by_event_id = follow(&desk, answer, "").header("last-event-id", "5").send().await;
    assert_eq!(text(&by_event_id), "two, three");
    let past = follow(&desk, answer, "?after=16").send().await;
    assert_eq!((past.status, &past.json()["code"]), (StatusCode::BAD_REQUEST, &json!("invalid_cursor")));
}

#[tokio::test]
async fn an_answer_that_is_being_written_is_followed_live() {
    let desk = Desk::open().await;
    let first = send(&desk, "Hello").begin().await;
    let mut call = desk.model().await;
    call.say("One");
    let page = history(&desk, "").secret().send().await.json();
    let answer = &page["messages"][1]["id"];
    assert_eq!(page["messages"][1]["status"], "streaming");
    drop(first);
    let following = follow(&desk, answer, "").send();
    let speaking = async {
        call.say(", two");
        call.end();
    };
    let (reply, ()) = tokio::join!(following, speaking);
    assert_eq!(text(&reply), "One, two");
}

#[tokio::test]
async fn nobody_else_reads_or_follows_a_conversation() {
    let desk = Desk::open().await;
    let reply = desk.say(send(&desk, "My secret plan"), "Noted").await;
    let answer = &reply.events()[0]["messageId"];
    let other = |call: Call| call.header("x-session-secret", OTHER_SECRET);
    let path = format!("/v1/chat/stream/{}", answer.as_str().unwrap());
    assert_eq!(other(desk.get(&path).key()).send().await.status, StatusCode::NOT_FOUND);
    assert_eq!(other(history(&desk, "")).send().await.status, StatusCode::NOT_FOUND);
    assert_eq!(desk.get(&path).key().send().await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(history(&desk, "").send().await.status, StatusCode::UNAUTHORIZED);
    // Whoever merely knows the session's id reaches a lane of its own.
    let stranger = desk.say(desk.send("/v1/chat", "What is the plan?"), "I do not know").await;
    assert_ne!(stranger.json()["conversationId"], reply.events()[0]["conversationId"]);
}

#[tokio::test]
async fn history_is_read_page_by_page() {
    let desk = Desk::open().await;
    for n in 1..=3 {
        desk.say(
            send(&desk, &format!("q{n}")).header("idempotency-key", format!("key-{n}")),
            &format!("a{n}"),
        )
        .await;
    }
    let newest = history(&desk, "?limit=4").secret().send().await.json();
    let contents = |page: &Value| -> Vec<String> {
        page["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["content"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(contents(&newest), ["q2", "a2", "q3", "a3"]);
    let cursor = newest["nextCursor"].as_str().unwrap();
    let oldest = history(&desk, &format!("?limit=4&before={cursor}")).secret().send().await.json();
    assert_eq!(contents(&oldest), ["q1", "a1"]);
    assert_eq!(oldest["nextCursor"], Value::Null);
    let message = &oldest["messages"][0];
    assert_eq!((&message["role"], &message["status"]), (&json!("user"), &json!("accepted")));
    assert_eq!(message["clientMessageId"], "key-1");
    assert_eq!(
        (&oldest["messages"][1]["role"], &oldest["messages"][1]["finishReason"]),
        (&json!("assistant"), &json!("stop"))
    );
}

#[tokio::test]
async fn stop_ends_an_answer_and_keeps_its_text() {
    let desk = Desk::open().await;
    let streaming = send(&desk, "Hello").send();
    let stopping = async {
        let mut call = desk.model().await;
        call.say("One, two");
        let page = history(&desk, "").secret().send().await.json();
        let body = json!({ "sessionId": "my-session-id", "messageId": page["messages"][1]["id"] });
        // A moment for the word to arrive.
        while desk.chat.running() == 0 {
            tokio::task::yield_now().await;
        }
        tokio::task::yield_now().await;
        let reply = desk.post("/v1/chat/stop").key().secret().json(&body).send().await;
        assert_eq!(reply.json(), json!({ "stopped": true }));
        call.abandoned().await;
        let again = desk.post("/v1/chat/stop").key().secret().json(&body).send().await;
        assert_eq!(again.status, StatusCode::OK);
    };
    let (reply, ()) = tokio::join!(streaming, stopping);
    let last = reply.events().pop().unwrap();
    assert_eq!((&last["type"], &last["status"]), (&json!("done"), &json!("stopped")));
    assert!(!desk.chat.stop(&visitor_session(), None).await.unwrap());
}

#[tokio::test]
async fn a_message_sent_again_is_neither_stored_nor_answered_twice() {
    let desk = Desk::open().await;
    let keyed = || send(&desk, "Hello").header("idempotency-key", "k1");
    let first = desk.say(keyed(), "Hi").await;
    let second = keyed().send().await;
    assert_eq!(text(&first), text(&second));
    assert_eq!(first.header("idempotency-replayed"), "");
    assert_eq!(second.header("idempotency-replayed"), "true");
    assert_eq!(desk.store.message_count(), 2);
    let in_body = desk.post("/v1/chat").key().secret();
    let in_body =
        in_body.json(&json!({ "sessionId": "my-session-id", "message": "Hello", "clientMessageId": "k1" }));
    assert_eq!(in_body.send().await.json()["message"], "Hi");
    assert_eq!(desk.store.message_count(), 2);
}

#[tokio::test]
async fn a_message_whose_answer_failed_is_answered_anew() {
    let desk = Desk::open().await;
    let keyed = || send(&desk, "Hello").header("idempotency-key", "k1");
    let failing = async { desk.model().await.fail(ModelError::new(ModelErrorKind::Unavailable, "x")) };
    let (failed, ()) = tokio::join!(keyed().send(), failing);
    assert_eq!(failed.events().last().unwrap()["type"], "error");
    let page = history(&desk, "").secret().send().await.json();
    assert_eq!(
        (&page["messages"][1]["status"], &page["messages"][1]["code"]),
        (&json!("failed"), &json!("upstream_error"))
    );
    let again = desk.say(keyed(), "Hi").await;
    assert_eq!(text(&again), "Hi");
    assert_eq!(desk.store.message_count(), 2);
}
