//! What operators have begun to write, over the admin API and in the dashboard.

use http::StatusCode;
use serde_json::{Value, json};

use crate::dashboard_inbox::{Operator, say};
use crate::desk::{Call, Desk, OTHER_ADMIN_KEY};

fn put(desk: &Desk, conversation: &str, body: &Value) -> Call {
    desk.put(&format!("/v1/admin/conversations/{conversation}/draft")).admin().json(body)
}

async fn draft(desk: &Desk, conversation: &str, operator: &str) -> Value {
    let path = format!("/v1/admin/conversations/{conversation}/draft?operator={operator}");
    desk.get(&path).admin().send().await.json()
}

#[tokio::test]
async fn what_an_operator_has_begun_to_write_is_kept_until_it_is_sent() {
    let desk = Desk::open().await;
    let id = desk.conversation().await;
    let nothing = json!({ "operator": "Maya", "reply": null, "note": null });
    assert_eq!(draft(&desk, &id, "Maya").await, nothing);
    let both = json!({ "operator": "Maya", "reply": "Good mor", "note": "A regular" });
    assert_eq!(put(&desk, &id, &both).send().await.json(), both);
    assert_eq!(draft(&desk, &id, "Maya").await, both);
    assert_eq!(draft(&desk, &id, "Tom").await["reply"], Value::Null);

    let reply = json!({ "operator": "Maya", "text": "Good morning" });
    assert_eq!(desk.operate(&id, "messages", &reply).send().await.status, StatusCode::OK);
    let kept = json!({ "operator": "Maya", "reply": null, "note": "A regular" });
    assert_eq!(draft(&desk, &id, "Maya").await, kept);
    assert_eq!(desk.operate(&id, "notes", &reply).send().await.status, StatusCode::OK);
    assert_eq!(draft(&desk, &id, "Maya").await, nothing);

    for blank in [json!(null), json!(""), json!(" \n")] {
        put(&desk, &id, &both).send().await;
        let cleared = put(&desk, &id, &json!({ "operator": "Maya", "reply": blank })).send().await;
        assert_eq!(cleared.json(), kept);
    }
}

#[tokio::test]
async fn drafts_that_are_not_in_order_are_refused() {
    let desk = Desk::open().await;
    let id = desk.conversation().await;
    let rows = [
        (json!({ "reply": "x" }), 400, "invalid_request"),
        (json!({ "operator": "Maya" }), 400, "invalid_request"),
        (json!({ "operator": "Maya", "reply": 7 }), 400, "invalid_request"),
        (json!({ "operator": "Maya", "reply": "a\u{0}" }), 400, "invalid_character"),
        (json!({ "operator": "Maya", "note": "x".repeat(4001) }), 400, "message_too_long"),
    ];
    for (body, status, code) in rows {
        let refused = put(&desk, &id, &body).send().await;
        assert_eq!(
            (refused.status.as_u16(), refused.json()["code"].as_str()),
            (status, Some(code)),
            "{body}"
        );
    }
    let unknown = "00000000-0000-7000-8000-000000000000";
    let body = json!({ "operator": "Maya", "reply": "x" });
    let path = format!("/v1/admin/conversations/{id}/draft");
    let elsewhere = desk.put(&path).header("x-admin-api-key", OTHER_ADMIN_KEY).json(&body);
    for call in [put(&desk, unknown, &body), elsewhere] {
        let refused = call.send().await;
        assert_eq!(refused.json()["code"], "conversation_not_found", "{}", refused.body);
    }
    for n in 0..20 {
        let body = json!({ "operator": format!("Operator {n}"), "reply": "x" });
        assert_eq!(put(&desk, &id, &body).send().await.status, StatusCode::OK);
    }
    let refused = put(&desk, &id, &body).send().await;
    assert_eq!((refused.status, &refused.json()["code"]), (StatusCode::CONFLICT, &json!("too_many_drafts")));
    let no_name = desk.get(&format!("/v1/admin/conversations/{id}/draft")).admin().send().await;
    assert_eq!(no_name.json()["code"], "invalid_query");
}

#[tokio::test]
async fn what_was_begun_is_there_again_on_every_device_until_it_is_sent() {
    let desk = Desk::open().await;
    let id = say(&desk, "one", "Hello", "Hi").await;
    let path = format!("/conversations/{id}");
    let (maya, tom) = (Operator::sign_in(&desk, "Maya").await, Operator::sign_in(&desk, "Tom").await);
    maya.act(&format!("{path}/takeover"), &[]).await;
    // As the script does it, and as a button does without one.
    let fields = [("kind", "reply"), ("text", "Good\r\nmor<b>"), ("key", "k1")];
    assert_eq!(maya.post(&format!("{path}/draft"), &fields).await.status, StatusCode::NO_CONTENT);
    let page = maya.act(&format!("{path}/note"), &[("note", "A regular"), ("save", "1")]).await;
    let elsewhere = Operator::sign_in(&desk, "Maya").await.get(&path).await.body;
    for page in [page, elsewhere] {
        assert!(
            page.contains("Good\nmor&#60;b&#62;</textarea>") && page.contains("A regular</textarea>"),
            "{page}"
        );
        assert_eq!(page.matches("data-saved>Saved as draft").count(), 2, "{page}");
    }
    assert!(!tom.get(&path).await.body.contains("A regular"));

    let page = maya.act(&format!("{path}/reply"), &[("reply", "Good morning"), ("key", "k1")]).await;
    assert!(!page.contains("Good\nmor") && page.contains("A regular</textarea>"), "{page}");
    // What the script saves too late does not come back.
    assert_eq!(maya.post(&format!("{path}/draft"), &fields).await.status, StatusCode::NO_CONTENT);
    assert!(!maya.get(&path).await.body.contains("Good\nmor"));

    // Somebody else has it meanwhile: what was written waits.
    tom.act(&format!("{path}/takeover"), &[("from", "Maya")]).await;
    let late = maya.post(&format!("{path}/reply"), &[("reply", "Are you there?"), ("key", "k2")]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    let page = maya.act(&format!("{path}/takeover"), &[("from", "Tom")]).await;
    assert!(page.contains("Are you there?</textarea>"), "{page}");
    let wrong = maya.post(&format!("{path}/draft"), &[("kind", "message"), ("text", "x")]).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}
