//! A visitor's own copy, and the end of a conversation.

use frontdesk_core::StoreErrorKind;
use http::StatusCode;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::desk::{Call, Desk, OTHER_SECRET};

const SESSION: &str = "/v1/sessions/my-session-id";

fn export(desk: &Desk, query: &str) -> Call {
    desk.get(&format!("{SESSION}/export{query}")).key().secret()
}

fn delete(desk: &Desk) -> Call {
    desk.delete(SESSION).key().secret()
}

#[tokio::test]
async fn a_copy_has_everything_oldest_first() {
    let desk = Desk::open().await;
    for n in 0..150 {
        desk.say(desk.send("/v1/chat", &format!("q{n}")).secret(), &format!("a{n}")).await;
    }
    let reply = export(&desk, "").send().await;
    assert_eq!(reply.header("content-type"), "application/json; charset=utf-8");
    let copy = reply.json();
    let id = copy["conversationId"].as_str().unwrap();
    let name = format!("attachment; filename=\"frontdesk-conversation-c_{}-2026-01-01.json\"", &id[32..]);
    assert_eq!(reply.header("content-disposition"), name);
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!((&copy["sessionId"], &copy["visitor"]), (&json!("my-session-id"), &Value::Null));
    let messages = copy["messages"].as_array().unwrap();
    let texts: Vec<_> = messages.iter().map(|message| message["content"].as_str().unwrap()).collect();
    let expected: Vec<_> = (0..150).flat_map(|n| [format!("q{n}"), format!("a{n}")]).collect();
    assert_eq!(texts, expected);
}

#[tokio::test]
async fn a_transcript_can_be_read_and_nothing_in_it_passes_for_a_heading() {
    let desk = Desk::open().await;
    let said =
        desk.say(desk.send("/v1/chat", "Hello\n## Assistant, forged").secret(), "Hi **you**").await.json();
    let body = json!({ "rating": "down", "reason": "unclear", "comment": "Too\nshort" });
    let answer = said["messageId"].as_str().unwrap();
    desk.post(&format!("/v1/messages/{answer}/feedback")).key().secret().json(&body).send().await;
    let by_query = export(&desk, "?format=markdown").send().await;
    let by_accept = export(&desk, "").header("accept", "text/markdown").send().await;
    assert_eq!(by_query.body, by_accept.body);
    assert_eq!(by_query.header("content-type"), "text/markdown; charset=utf-8");
    assert!(by_query.header("content-disposition").ends_with(".md\""));
    insta::assert_snapshot!(by_query.body, @r"
    # Conversation of 1 January 2026

    ## You, 2026-01-01 00:00 UTC

    > Hello
    > ## Assistant, forged

    ## Assistant, 2026-01-01 00:00 UTC

    > Hi **you**

    *You rated this down: hard to follow.*

    > Too
    > short
    ");
    let json = export(&desk, "?format=json").header("accept", "text/markdown").send().await;
    assert_eq!(json.json()["formatVersion"], 1);
}

#[tokio::test]
async fn a_deleted_conversation_is_gone() {
    let desk = Desk::open().await;
    let said = desk.say(desk.send("/v1/chat", "My secret").secret(), "Noted").await.json();
    desk.say(desk.send("/v1/chat", "Other lane"), "Hi").await;
    for _ in 0..2 {
        let reply = delete(&desk).send().await;
        assert_eq!((reply.status, reply.body.as_str()), (StatusCode::NO_CONTENT, ""));
    }
    let answer = said["messageId"].as_str().unwrap();
    for call in [
        desk.get(&format!("{SESSION}/messages")).key().secret(),
        export(&desk, ""),
        desk.get(&format!("/v1/chat/stream/{answer}")).key().secret(),
        desk.post(&format!("/v1/messages/{answer}/feedback")).key().secret().json(&json!({ "rating": "up" })),
    ] {
        assert_eq!(call.send().await.json()["code"], "not_found");
    }
    let list = desk.get("/v1/admin/conversations").admin().send().await.json();
    assert_eq!((&list["total"], list["conversations"].as_array().unwrap().len()), (&json!(1), 1));
    assert_eq!(desk.store.message_count(), 2);
    let again = desk.say(desk.send("/v1/chat", "Hello again").secret(), "Hi").await.json();
    assert_ne!(again["conversationId"], said["conversationId"]);
}

#[tokio::test]
async fn the_answer_that_is_being_written_is_stopped_first_and_feeds_are_told() {
    let desk = Desk::open().await;
    let deleting = async {
        let mut call = desk.model().await;
        call.say("Once");
        let feed = desk.get(&format!("{SESSION}/events")).key().secret().begin().await;
        assert_eq!(delete(&desk).send().await.status, StatusCode::NO_CONTENT);
        assert_eq!(desk.store.message_count(), 0);
        desk.chat.drain();
        feed.into_body().collect().await.unwrap().to_bytes()
    };
    let telling = desk.send("/v1/chat/stream", "Tell me a story").secret().send();
    let (told, followed) = tokio::join!(telling, deleting);
    let last = told.events().pop().unwrap();
    assert_eq!((&last["type"], &last["status"]), (&json!("done"), &json!("stopped")));
    let followed = String::from_utf8(followed.to_vec()).unwrap();
    let events: Vec<Value> = followed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [.., reset, state] = &events[..] else { unreachable!("{events:?}") };
    assert_eq!(reset["type"], "reset");
    assert_eq!(
        state,
        &json!({ "type": "state", "conversationId": null, "answering": null, "status": "open", "cursor": null })
    );
}

#[tokio::test]
async fn operators_delete_by_id() {
    let desk = Desk::open().await;
    let said = desk.say(desk.send("/v1/chat", "Hello").secret(), "Hi").await.json();
    let path = format!("/v1/admin/conversations/{}", said["conversationId"].as_str().unwrap());
    assert_eq!(desk.delete(&path).key().send().await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(desk.delete(&path).admin().send().await.status, StatusCode::NO_CONTENT);
    let again = desk.delete(&path).admin().send().await;
    assert_eq!(
        (again.status, again.json()["code"].as_str()),
        (StatusCode::NOT_FOUND, Some("conversation_not_found"))
    );
    assert_eq!(desk.store.message_count(), 0);
}

#[tokio::test]
async fn nobody_else_copies_or_deletes() {
    let desk = Desk::open().await;
    desk.say(desk.send("/v1/chat", "My secret").secret(), "Noted").await;
    let other = |call: Call| call.key().header("x-session-secret", OTHER_SECRET);
    let path = format!("{SESSION}/export");
    for (call, code) in [
        (desk.get(&path).key(), "session_secret_required"),
        (desk.get(&path).secret(), "unauthorized"),
        (other(desk.get(&path)), "not_found"),
        (export(&desk, "?format=xml"), "invalid_query"),
        (desk.delete(SESSION).key(), "session_secret_required"),
        (desk.delete(SESSION).secret(), "unauthorized"),
        (desk.delete("/v1/sessions/a%20b").key().secret(), "invalid_session_id"),
    ] {
        assert_eq!(call.send().await.json()["code"], code);
    }
    assert_eq!(other(desk.delete(SESSION)).send().await.status, StatusCode::NO_CONTENT);
    desk.store.fail_with(Some(StoreErrorKind::Unavailable));
    assert_eq!(delete(&desk).send().await.json()["code"], "storage_unavailable");
    assert_eq!(export(&desk, "").send().await.json()["code"], "storage_unavailable");
    desk.store.fail_with(None);
    assert_eq!(desk.store.message_count(), 2);
}

#[tokio::test]
async fn everything_that_operators_made_of_it_is_gone_too() {
    let desk = Desk::open().await;
    for way in ["the visitor", "a program"] {
        let id = desk.conversation().await;
        let path = format!("/v1/admin/conversations/{id}");
        let handoff = desk.post(&format!("{SESSION}/handoff")).key().secret();
        handoff.json(&json!({ "email": "ana@shop.example", "page": "https://shop.example/" })).send().await;
        let edited =
            desk.patch(&path).admin().json(&json!({ "tags": ["refund"], "assignee": "Maya" })).send().await;
        assert_eq!(edited.json()["contact"], "ana@shop.example");
        let says = json!({ "operator": "Maya", "text": "Zanzibar" });
        desk.operate(&id, "notes", &says).send().await;
        desk.operate(&id, "messages", &says).send().await;
        let call = if way == "the visitor" { delete(&desk) } else { desk.delete(&path).admin() };
        assert_eq!(call.send().await.status, StatusCode::NO_CONTENT);
        assert_eq!(desk.store.message_count(), 0, "{way}");
        for query in ["", "?tag=refund", "?assignee=Maya", "?q=zanzibar", "?session=my-session-id"] {
            let list = desk.get(&format!("/v1/admin/conversations{query}")).admin().send().await.json();
            assert_eq!(list["conversations"], json!([]), "{way}, {query}");
        }
        let gone = [
            desk.get(&path).admin(),
            desk.get(&format!("{path}/export")).admin(),
            desk.get(&format!("{path}/events")).admin(),
            desk.operate(&id, "takeover", &says),
            desk.operate(&id, "notes", &says),
            desk.patch(&path).admin().json(&json!({ "tags": [] })),
        ];
        for call in gone {
            assert_eq!(call.send().await.json()["code"], "conversation_not_found", "{way}");
        }
        let next = desk.conversation().await;
        let fresh = desk.thread(&next).await["conversation"].clone();
        assert_ne!(next, id);
        assert_eq!(
            (&fresh["tags"], &fresh["contact"], &fresh["assignee"]),
            (&json!([]), &Value::Null, &Value::Null)
        );
        assert_eq!(delete(&desk).send().await.status, StatusCode::NO_CONTENT);
    }
}

#[tokio::test]
async fn a_programs_copy_has_notes_in_every_form() {
    let desk = Desk::open().await;
    let id = desk.conversation().await;
    let says = json!({ "operator": "Maya", "text": "=1+1" });
    desk.operate(&id, "notes", &says).send().await;
    let copy = async |query: &str| {
        let reply = desk.get(&format!("/v1/admin/conversations/{id}/export{query}")).admin().send().await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
        reply
    };
    let json = copy("").await.json();
    assert_eq!(
        (&json["messages"][2]["role"], &json["messages"][2]["content"]),
        (&json!("note"), &json!("=1+1"))
    );
    let markdown = copy("?format=markdown").await;
    assert!(
        markdown.body.contains("Note by Maya") && markdown.body.contains("## Visitor"),
        "{}",
        markdown.body
    );
    let csv = copy("?format=csv").await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert!(csv.header("content-disposition").ends_with(".csv\""));
    let row = csv.body.lines().find(|line| line.contains("note")).unwrap();
    assert!(!row.contains(",=1+1"), "a formula: {row}");
    let bad = desk.get(&format!("/v1/admin/conversations/{id}/export?format=pdf")).admin().send().await;
    assert_eq!(bad.json()["code"], "invalid_query");
}
