//! Following a conversation: what is said in it, as it is said.

use std::time::Duration;

use frontdesk_core::StoreErrorKind;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::desk::{Call, Desk, OTHER_SECRET, PASSWORD};
use crate::live::Live;

fn send(desk: &Desk, message: &str) -> Call {
    desk.send("/v1/chat/stream", message).secret()
}

fn events(desk: &Desk, query: &str) -> Call {
    desk.get(&format!("/v1/sessions/my-session-id/events{query}")).key().secret()
}

#[tokio::test]
async fn a_visitor_sees_what_is_said_as_it_is_said() {
    let desk = Desk::open().await;
    let mut live = Live::begin(events(&desk, "")).await;
    assert_eq!(
        live.next().await,
        json!({ "type": "state", "conversationId": null, "answering": null, "status": "open", "cursor": null })
    );
    let _sending = send(&desk, "Hello").header("idempotency-key", "k1").begin().await;
    let mut call = desk.model().await;
    let [question, answer, state] = &live.take(3).await[..] else { unreachable!() };
    assert_eq!(question["message"]["clientMessageId"], "k1");
    assert_eq!(
        (&question["message"]["place"], &question["message"]["content"]),
        (&json!(1), &json!("Hello"))
    );
    assert_eq!((&question["revision"], &answer["revision"]), (&json!(1), &json!(2)));
    let id = &answer["message"]["id"];
    assert_eq!((&answer["message"]["place"], &answer["message"]["status"]), (&json!(2), &json!("streaming")));
    assert_eq!(state["answering"], json!({ "role": "assistant", "messageId": id }));
    for (word, seq) in [("Hé", 3), ("llo", 6)] {
        call.say(word);
        let token = live.next().await;
        assert_eq!(
            (&token["type"], &token["token"], &token["seq"]),
            (&json!("token"), &json!(word), &json!(seq))
        );
        assert_eq!(&token["messageId"], id);
    }
    call.end();
    let [whole, state] = &live.take(2).await[..] else { unreachable!() };
    assert_eq!(
        (&whole["message"]["status"], &whole["message"]["content"]),
        (&json!("complete"), &json!("Héllo"))
    );
    assert_eq!(state["answering"], Value::Null);
    assert_eq!(state["cursor"], whole["cursor"]);
}

#[tokio::test]
async fn a_reader_that_comes_back_gets_what_it_missed_and_nothing_twice() {
    let desk = Desk::open().await;
    desk.say(send(&desk, "one"), "1").await;
    let page = desk.get("/v1/sessions/my-session-id/messages").key().secret().send().await.json();
    desk.say(send(&desk, "two"), "2").await;
    let after = format!("?after={}", page["eventsCursor"].as_str().unwrap());
    let mut live = Live::begin(events(&desk, &after)).await;
    let missed = live.take(3).await;
    let texts: Vec<_> = missed.iter().map(|event| event["message"]["content"].clone()).collect();
    assert_eq!(texts, [json!("two"), json!("2"), Value::Null]);
    let last = missed[2]["cursor"].as_str().unwrap().to_owned();
    let mut again = Live::begin(events(&desk, &after).header("last-event-id", &last)).await;
    assert_eq!(again.next().await["type"], "state", "Last-Event-ID goes first");
    let older = desk.get("/v1/sessions/my-session-id/messages?before=3").key().secret().send().await.json();
    assert_eq!(older["eventsCursor"], Value::Null);
}

#[tokio::test]
async fn events_are_server_sent_if_asked_for() {
    let desk = Desk::open().await;
    desk.say(send(&desk, "one"), "1").await;
    let response = events(&desk, "").header("accept", "text/event-stream").begin().await;
    assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
    let mut live = Live::of(response);
    let first = live.piece().await.unwrap();
    let (id, data) = first.split_once('\n').unwrap();
    let event: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap().trim_end()).unwrap();
    assert_eq!(id.strip_prefix("id: "), event["cursor"].as_str());
}

#[tokio::test]
async fn a_place_of_elsewhere_begins_anew_and_nonsense_is_refused() {
    let desk = Desk::open().await;
    desk.say(send(&desk, "one"), "1").await;
    let mut live = Live::begin(events(&desk, "?after=00000000.3.0")).await;
    let types: Vec<_> = live.take(4).await.iter().map(|event| event["type"].clone()).collect();
    assert_eq!(types, ["reset", "message", "message", "state"]);
    for query in ["?after=", "?after=1", "?after=x", "?after=00000000.1.0&after=00000000.1.0"] {
        let reply = events(&desk, query).send().await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test]
async fn nobody_else_follows_a_conversation() {
    let desk = Desk::open().await;
    desk.say(send(&desk, "My secret plan"), "Noted").await;
    let path = "/v1/sessions/my-session-id/events";
    assert_eq!(desk.get(path).key().send().await.json()["code"], "session_secret_required");
    assert_eq!(desk.get(path).secret().send().await.json()["code"], "unauthorized");
    let mut stranger = Live::begin(desk.get(path).key().header("x-session-secret", OTHER_SECRET)).await;
    assert_eq!(stranger.next().await["conversationId"], Value::Null, "it is as if there were nothing");
}

#[tokio::test(start_paused = true)]
async fn silence_is_broken_and_a_lost_store_is_told() {
    let desk = Desk::open().await;
    let mut live = Live::begin(events(&desk, "")).await;
    live.next().await;
    assert_eq!(live.piece().await.as_deref(), Some("\n"));
    let sending = send(&desk, "Hello").begin().await;
    let mut call = desk.model().await;
    live.take(3).await;
    desk.store.fail_with(Some(StoreErrorKind::Unavailable));
    call.say("Hi");
    call.end();
    assert_eq!(live.next().await["token"], "Hi");
    let last = live.next().await;
    assert_eq!(
        (&last["type"], &last["code"], &last["retryable"]),
        (&json!("error"), &json!("storage_unavailable"), &json!(true))
    );
    assert_eq!(live.piece().await, None);
    drop(sending);
    assert_eq!(events(&desk, "").send().await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn feeds_end_when_the_server_does() {
    let desk = Desk::open().await;
    desk.say(send(&desk, "one"), "1").await;
    let mut live = Live::begin(events(&desk, "")).await;
    live.take(3).await;
    desk.chat.drain();
    assert_eq!(live.piece().await, None);
}

async fn cookie(desk: &Desk) -> String {
    let login = Call::new(desk.dashboard.clone(), Method::POST, "/api/login")
        .header("sec-fetch-site", "same-origin")
        .json(&json!({ "password": PASSWORD }));
    format!("frontdesk_session={}", login.send().await.cookie("frontdesk_session").unwrap())
}

fn operator(desk: &Desk, conversation: &str, cookie: &str) -> Call {
    let path = format!("/conversations/{conversation}/events");
    Call::new(desk.dashboard.clone(), Method::GET, &path).header("cookie", cookie)
}

#[tokio::test(start_paused = true)]
async fn an_operator_follows_a_conversation_for_as_long_as_they_are_signed_in() {
    let desk = Desk::open().await;
    let said = desk.say(send(&desk, "one"), "1").await;
    let conversation = said.events()[0]["conversationId"].as_str().unwrap().to_owned();
    let cookie = cookie(&desk).await;
    let mut live = Live::begin(operator(&desk, &conversation, &cookie)).await;
    assert_eq!(live.take(3).await[1]["message"]["content"], "1");
    tokio::time::sleep(Duration::from_mins(1)).await;
    desk.say(send(&desk, "two"), "2").await;
    while live.piece().await.is_some_and(|piece| !piece.contains("\"two\"")) {}

    let logout = Call::new(desk.dashboard.clone(), Method::POST, "/api/logout");
    let logout = logout.header("sec-fetch-site", "same-origin").header("cookie", &cookie).send().await;
    assert!(logout.status.is_success(), "{}", logout.body);
    while live.piece().await.is_some() {}
    let refused = operator(&desk, &conversation, &cookie).send().await;
    assert_eq!(refused.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn an_operator_is_told_if_there_is_no_such_conversation() {
    let desk = Desk::open().await;
    let cookie = cookie(&desk).await;
    for unknown in ["x", "00000000-0000-7000-8000-000000000009"] {
        let reply = operator(&desk, unknown, &cookie).header("accept", "text/event-stream").send().await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND);
    }
}
