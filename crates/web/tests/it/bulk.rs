//! The same done with several conversations.

use http::StatusCode;
use serde_json::{Value, json};

use crate::desk::{Call, Desk};

fn bulk(desk: &Desk, body: &Value) -> Call {
    desk.post("/v1/admin/conversations/bulk").admin().json(body)
}

async fn desk_with(conversations: usize) -> (Desk, Vec<String>) {
    let desk = Desk::open().await;
    let mut ids = Vec::new();
    for n in 0..conversations {
        let body = json!({ "sessionId": format!("s{n}"), "message": "Hello" });
        let said = desk.say(desk.post("/v1/chat").key().json(&body), "Hi").await.json();
        ids.push(said["conversationId"].as_str().unwrap().to_owned());
    }
    (desk, ids)
}

#[tokio::test]
async fn each_has_a_result_and_one_that_fails_stops_no_other() {
    let (desk, ids) = desk_with(3).await;
    let (unknown, long) = ("01a204d1-42e2-7df8-91f4-c50a8d5356e4", "x".repeat(129));
    let named = json!([ids[0], unknown, ids[1], "'; --", long, ids[0]]);
    let reply = bulk(&desk, &json!({ "ids": named, "action": "close", "operator": "Maya" })).send().await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
    let results = reply.json()["results"].clone();
    let of = |member: &str| -> Vec<Value> {
        results.as_array().unwrap().iter().map(|result| result[member].clone()).collect()
    };
    assert_eq!(json!(of("_id")), named);
    let (mut last, failed) = (of("result"), json!("failed"));
    // Which of the two came first is not said.
    let twice = [last[0].clone(), last.pop().unwrap()];
    assert!(twice.contains(&json!("done")) && twice.contains(&json!("unchanged")), "{twice:?}");
    assert_eq!(last[1..], [failed.clone(), json!("done"), failed.clone(), failed]);
    assert_eq!(of("code")[1], "conversation_not_found");
    assert_eq!(of("code")[4], "invalid_conversation_id");
    let statuses: Vec<_> = futures_util::future::join_all(ids.iter().map(|id| desk.thread(id))).await;
    let statuses: Vec<_> = statuses.iter().map(|thread| thread["conversation"]["status"].clone()).collect();
    assert_eq!(statuses, ["closed", "closed", "open"]);
}

#[tokio::test]
async fn every_action_does_what_it_says() {
    let (desk, ids) = desk_with(2).await;
    for (more, member, expected) in [
        (json!({ "action": "close" }), "status", json!("closed")),
        (json!({ "action": "reopen" }), "status", json!("open")),
        (json!({ "action": "tag", "tags": ["B", "a"] }), "tags", json!(["a", "b"])),
        (json!({ "action": "untag", "tags": ["a", "c"] }), "tags", json!(["b"])),
        (json!({ "action": "assign", "assignee": "Maya" }), "assignee", json!("Maya")),
        (json!({ "action": "assign", "assignee": null }), "assignee", Value::Null),
    ] {
        let mut body = more.clone();
        body["ids"] = json!(ids);
        for result in ["done", "unchanged"] {
            let reply = bulk(&desk, &body).send().await.json();
            let results: Vec<_> =
                reply["results"].as_array().unwrap().iter().map(|it| it["result"].clone()).collect();
            assert_eq!(results, [result, result], "{more}");
        }
        for id in &ids {
            assert_eq!(desk.thread(id).await["conversation"][member], expected, "{more}");
        }
    }
    let delete = json!({ "ids": ids, "action": "delete" });
    assert_eq!(bulk(&desk, &delete).send().await.json()["results"][1]["result"], "done");
    assert_eq!(bulk(&desk, &delete).send().await.json()["results"][1]["code"], "conversation_not_found");
    assert_eq!(desk.store.message_count(), 0);
}
