//! What programs of the site's owner read.

use frontdesk_core::{FinishReason, ModelEnd, Usage};
use http::StatusCode;
use serde_json::{Value, json};

use crate::desk::Desk;

async fn desk_with(conversations: u32) -> Desk {
    let desk = Desk::open().await;
    for n in 0..conversations {
        let body = json!({ "sessionId": format!("session-{n}"), "message": format!("question {n}") });
        desk.say(desk.post("/v1/chat").key().json(&body), &format!("answer {n}")).await;
        desk.clock.advance(std::time::Duration::from_secs(1));
    }
    desk
}

#[tokio::test]
async fn the_list_has_the_origins_members() {
    let desk = desk_with(2).await;
    let list = desk.get("/v1/admin/conversations?limit=100").admin().send().await.json();
    assert_eq!((&list["total"], &list["nextCursor"]), (&json!(2), &Value::Null));
    let newest = &list["conversations"][0];
    assert_eq!((&newest["sessionId"], &newest["lastMessage"]), (&json!("session-1"), &json!("answer 1")));
    for member in ["_id", "_creationTime", "createdAt", "updatedAt"] {
        assert!(!newest[member].is_null(), "{member}");
    }
    assert_eq!(newest["_creationTime"], newest["createdAt"]);
}

#[tokio::test]
async fn the_list_is_read_page_by_page() {
    let desk = desk_with(5).await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = desk.get(&format!("/v1/admin/conversations?limit=2{cursor}")).admin().send().await.json();
        assert_eq!(page["total"], 5);
        let names = page["conversations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["sessionId"].as_str().unwrap().to_owned());
        seen.extend(names);
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["session-4", "session-3", "session-2", "session-1", "session-0"]);
}

#[tokio::test]
async fn a_conversation_has_its_messages() {
    let desk = desk_with(1).await;
    let list = desk.get("/v1/admin/conversations").admin().send().await.json();
    let id = list["conversations"][0]["_id"].as_str().unwrap();
    let reply = desk.get(&format!("/v1/admin/conversations/{id}")).admin().send().await;
    assert_eq!((reply.status, reply.header("cache-control")), (StatusCode::OK, "no-store"));
    let thread = reply.json();
    assert_eq!(thread["conversation"]["_id"], id);
    let messages = thread["messages"].as_array().unwrap();
    let said: Vec<_> =
        messages.iter().map(|it| (it["role"].as_str().unwrap(), it["content"].as_str().unwrap())).collect();
    assert_eq!(said, [("user", "question 0"), ("assistant", "answer 0")]);
    assert!(messages.iter().all(|it| it["_id"].is_string() && it["createdAt"].is_i64()));
}

#[tokio::test]
async fn what_was_said_is_found_with_an_excerpt() {
    let desk = desk_with(12).await;
    let body = json!({ "sessionId": "session-3", "message": "And <b>the</b> 😀 Parcel? The parcel!" });
    desk.say(desk.post("/v1/chat").key().json(&body), "It left").await;
    let find = async |query: &str| {
        let reply = desk.get(&format!("/v1/admin/conversations?{query}")).admin().send().await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
        reply.json()
    };
    let list = find("q=the%20parc").await;
    let hit = &list["conversations"][0];
    assert_eq!(
        (&list["total"], &list["nextCursor"], &hit["sessionId"]),
        (&json!(12), &Value::Null, &json!("session-3"))
    );
    let found = &hit["match"];
    assert_eq!((&found["role"], &found["excerpt"]), (&json!("user"), &body["message"]));
    // "the", "Parcel", "The" and "parcel", as JavaScript counts.
    assert_eq!(found["highlights"], json!([[7, 10], [18, 24], [26, 29], [30, 36]]));
    assert!(find("q=nothing").await["conversations"].as_array().unwrap().is_empty());
    assert_eq!(find("q=%20").await["conversations"].as_array().unwrap().len(), 12, "nothing to look for");
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = find(&format!("q=question&limit=5{cursor}")).await;
        seen.extend(page["conversations"].as_array().unwrap().iter().map(|it| it["sessionId"].clone()));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let expected: Vec<_> =
        [3, 11, 10, 9, 8, 7, 6, 5, 4, 2, 1, 0].map(|n| json!(format!("session-{n}"))).into();
    assert_eq!(seen, expected);
    for hostile in ["q=%22", "q=%00", "q=a%27%3B--", "q=NEAR(", &format!("q={}", "x%20".repeat(2000))] {
        find(hostile).await;
    }
}

#[tokio::test]
async fn what_answers_cost_is_told_where_their_model_has_a_price() {
    let desk = Desk::open().await;
    let ask = async |model: &str, input_tokens, output_tokens| {
        let call = desk.send("/v1/chat", "Hello").secret();
        let answering = async {
            let mut call = desk.model().await;
            call.say("Hi");
            let usage = Some(Usage { input_tokens, output_tokens });
            call.end_as(ModelEnd { reason: FinishReason::Stop, usage, model: Some(model.to_owned()) });
        };
        tokio::join!(call.send(), answering).0.json()["conversationId"].as_str().unwrap().to_owned()
    };
    let id = ask("priced-2026-01-01", 4218, 612).await;
    let path = format!("/v1/admin/conversations/{id}");
    let thread = desk.get(&path).admin().send().await.json();
    let cost = json!({ "currency": "EUR", "amount": "0.013332" });
    assert_eq!((&thread["messages"][0]["cost"], &thread["messages"][1]["cost"]), (&Value::Null, &cost));
    let usage = json!({ "inputTokens": 4218, "outputTokens": 612, "cost": cost });
    assert_eq!(thread["usage"], usage);
    let table = desk.get(&format!("{path}/export?format=csv")).admin().send().await.body;
    assert!(
        table.contains("output tokens,cost,currency\r\n") && table.contains(",612,0.013332,EUR\r\n"),
        "{table}"
    );

    ask("another", 2, 1).await;
    let thread = desk.get(&path).admin().send().await.json();
    assert_eq!(thread["messages"][3]["cost"], Value::Null);
    assert_eq!(thread["usage"], json!({ "inputTokens": 4220, "outputTokens": 613 }));
}
