//! The inbox: what operators see of conversations, and what they do with them, as plain forms.

use frontdesk_core::StoreErrorKind;
use http::{Method, StatusCode};
use serde_json::json;

use crate::desk::{Call, Desk, PASSWORD, Reply, SECRET};

/// An operator who is signed in.
pub(crate) struct Operator<'a> {
    desk: &'a Desk,
    pub(crate) cookie: String,
}

impl<'a> Operator<'a> {
    pub(crate) async fn sign_in(desk: &'a Desk, name: &str) -> Self {
        let login = Call::new(desk.dashboard.clone(), Method::POST, "/api/login")
            .header("sec-fetch-site", "same-origin")
            .json(&json!({ "password": PASSWORD, "name": name }))
            .send()
            .await;
        let cookie = format!("frontdesk_session={}", login.cookie("frontdesk_session").unwrap());
        Self { desk, cookie }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        let call = Call::new(self.desk.dashboard.clone(), Method::GET, path);
        call.header("cookie", &self.cookie).header("accept", "text/html").send().await
    }

    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Call::new(self.desk.dashboard.clone(), Method::POST, path)
            .header("cookie", &self.cookie)
            .header("accept", "text/html")
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
            .await
    }

    /// Sends a form, and reads the page that it leads to.
    pub(crate) async fn act(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let reply = self.post(path, fields).await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{path}: {}", reply.body);
        let page = self.get(reply.header("location")).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        page.body
    }
}

pub(crate) async fn say(desk: &Desk, session: &str, message: &str, answer: &str) -> String {
    let body = json!({ "sessionId": session, "message": message });
    let reply = desk.say(desk.post("/v1/chat").key().secret().json(&body), answer).await;
    desk.clock.advance(std::time::Duration::from_mins(1));
    reply.json()["conversationId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_operator_takes_over_replies_and_hands_back() {
    let desk = Desk::open().await;
    let id = say(&desk, "one", "Where is my parcel?", "On its way.").await;
    let maya = Operator::sign_in(&desk, "Maya").await;
    let path = format!("/conversations/{id}");
    let page = maya.get(&path).await.body;
    assert!(page.contains("The AI is answering") && !page.contains("name=\"reply\""), "{page}");

    let page = maya.act(&format!("{path}/takeover"), &[]).await;
    assert!(
        page.contains("You took over. The AI is paused.") && page.contains("You are answering"),
        "{page}"
    );
    let page =
        maya.act(&format!("{path}/reply"), &[("reply", "Maya here.\r\nHello."), ("key", "key-1")]).await;
    assert!(page.contains("Maya here.\nHello."), "{page}");
    let again =
        maya.act(&format!("{path}/reply"), &[("reply", "Maya here.\r\nHello."), ("key", "key-1")]).await;
    assert_eq!(again.matches("Maya here.").count(), page.matches("Maya here.").count());

    let blank = maya.post(&format!("{path}/reply"), &[("reply", "  "), ("key", "key-2")]).await;
    assert_eq!(blank.status, StatusCode::CONFLICT);
    assert!(blank.body.contains("Not sent: write something first."));

    let list = maya.get("/").await.body;
    assert!(list.contains("You: Maya here.") && list.contains("</svg>You</span>"), "{list}");
    let page = maya.act(&format!("{path}/return"), &[]).await;
    assert!(page.contains("You handed back. The AI answers again.") && page.contains("The AI is answering"));
}

#[tokio::test]
async fn who_comes_late_is_told_who_was_faster_and_keeps_what_they_wrote() {
    let desk = Desk::open().await;
    let id = say(&desk, "one", "Hello", "Hi").await;
    let path = format!("/conversations/{id}");
    let (maya, tom) = (Operator::sign_in(&desk, "Maya").await, Operator::sign_in(&desk, "Tom").await);
    tom.act(&format!("{path}/takeover"), &[]).await;
    desk.clock.advance(std::time::Duration::from_secs(3));
    let late = maya.post(&format!("{path}/takeover"), &[]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.body.contains("Tom took over 3 seconds ago."), "{}", late.body);
    assert!(late.body.contains("Tom is answering since") && late.body.contains("Take over from Tom"));
    let late = maya.post(&format!("{path}/reply"), &[("reply", "Mine"), ("key", "k")]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.body.contains(">Mine</textarea>") && late.body.contains("Take over from Tom and send"));
    assert_eq!(maya.post(&format!("{path}/return"), &[]).await.status, StatusCode::CONFLICT);
    let page = maya.act(&format!("{path}/reply"), &[("reply", "Mine"), ("from", "Tom"), ("key", "k")]).await;
    assert!(page.contains("You took over.") && page.contains(">Mine</p>"), "{page}");
    tom.act(&format!("{path}/takeover"), &[("from", "Maya")]).await;
    let page = maya.act(&format!("{path}/takeover"), &[("from", "Tom")]).await;
    assert!(page.contains("You are answering"), "{page}");
}

#[tokio::test]
async fn a_note_is_never_shown_to_the_visitor() {
    let desk = Desk::open().await;
    let id = say(&desk, "one", "Hello", "Hi").await;
    let maya = Operator::sign_in(&desk, "Maya").await;
    let path = format!("/conversations/{id}");
    // What stands in the other field is nobody's note.
    let refused = maya.post(&format!("{path}/note"), &[("reply", "secret"), ("key", "k")]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    let page = maya.act(&format!("{path}/note"), &[("note", "They shipped 212 labels."), ("key", "k")]).await;
    assert!(page.contains("They shipped 212 labels.") && page.contains("Internal note by you"), "{page}");
    let visitor = desk.get("/v1/sessions/one/messages").key().secret().send().await;
    assert_eq!(visitor.status, StatusCode::OK);
    assert!(!visitor.body.contains("212"), "{}", visitor.body);
    let export = desk.get("/v1/sessions/one/export").key().secret().send().await;
    assert!(!export.body.contains("212") && export.body.contains("Hello"), "{}", export.body);
    assert!(maya.get(&format!("{path}/export?format=markdown")).await.body.contains("212"));
}

#[tokio::test]
async fn what_was_written_is_given_back_when_it_is_not_kept() {
    let desk = Desk::open().await;
    let id = say(&desk, "one", "Hello", "Hi").await;
    let maya = Operator::sign_in(&desk, "Maya").await;
    let path = format!("/conversations/{id}");
    maya.act(&format!("{path}/takeover"), &[]).await;
    let long = "x".repeat(4001);
    let signed_out = Operator { desk: &desk, cookie: String::new() };
    for (action, field) in [("reply", "reply"), ("note", "note")] {
        let action = format!("{path}/{action}?q=Hello");
        let refused = maya.post(&action, &[(field, &long), ("key", "k")]).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        assert!(refused.body.contains(&format!(">{long}</textarea>")), "{}", refused.body);

        let fields = [(field, "Half <b> a\r\nsentence"), ("key", "k")];
        let ways_back = |page: &Reply| {
            assert!(page.body.contains(">Half &#60;b&#62; a\r\nsentence</textarea>"), "{}", page.body);
            assert!(page.body.contains("name=\"key\" value=\"k\"") && page.body.contains("Try again"));
            assert!(page.body.contains(&format!("action=\"{action}\"")), "{}", page.body);
        };
        for kind in [StoreErrorKind::Unavailable, StoreErrorKind::Full] {
            desk.store.fail_with(Some(kind));
            let failed = maya.post(&action, &fields).await;
            desk.store.fail_with(None);
            assert!(failed.status.is_server_error(), "{kind:?}: {}", failed.status);
            ways_back(&failed);
        }
        let stranger = signed_out.post(&action, &fields).await;
        assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
        assert!(stranger.body.contains("You were signed out") && stranger.body.contains("href=\"/login\""));
        ways_back(&stranger);
        let page = maya.act(&action, &fields).await;
        assert!(page.contains("Half &#60;b&#62; a\nsentence</p>"), "{page}");
    }
    let gone = maya.post(&format!("/conversations/{}/note", "0".repeat(8)), &[("note", "Kept")]).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert!(gone.body.contains(">Kept</textarea>") && !gone.body.contains("Try again"), "{}", gone.body);
    let reply = [("shortcut", "refund"), ("text", "On its way"), ("do", "save")];
    let stranger = signed_out.post("/replies", &reply).await;
    assert!(stranger.body.contains(">On its way</textarea>") && stranger.body.contains("value=\"save\""));
}

#[tokio::test]
async fn conversations_are_closed_tagged_assigned_and_found_by_it() {
    let desk = Desk::open().await;
    let one = say(&desk, "one", "About refunds", "Yes").await;
    say(&desk, "two", "About shipping", "Yes").await;
    let maya = Operator::sign_in(&desk, "Maya").await;
    let path = format!("/conversations/{one}");
    let page = maya.act(&format!("{path}/tags"), &[("add", " Refund , vip")]).await;
    assert!(page.contains("Remove tag refund") && page.contains("Remove tag vip"), "{page}");
    let page = maya.act(&format!("{path}/tags"), &[("remove", "vip")]).await;
    assert!(page.contains("Remove tag refund") && !page.contains("Remove tag vip"));
    let long = "x".repeat(33);
    assert_eq!(maya.post(&format!("{path}/tags"), &[("add", &long)]).await.status, StatusCode::CONFLICT);
    let page = maya.act(&format!("{path}/assign"), &[("assignee", "Maya")]).await;
    assert!(page.contains("<option selected>Maya</option>"), "{page}");

    for (query, is_found) in [
        ("tag=refund", true),
        ("tag=vip", false),
        ("assignee=Maya", true),
        ("assignee=nobody", false),
        ("session=one", true),
        ("q=refunds&tag=refund", true),
        ("q=shipping&tag=refund", false),
        ("status=needs_person", false),
    ] {
        let list = maya.get(&format!("/?{query}")).await.body;
        assert_eq!(list.contains(&format!("data-id=\"{one}\"")), is_found, "{query}");
    }
    assert_eq!(maya.get("/?tag=a%2Cb").await.status, StatusCode::BAD_REQUEST);

    let page = maya.act(&format!("{path}/status?q=refunds"), &[("status", "closed")]).await;
    assert!(page.contains("Conversation closed") && page.contains("Undo"), "{page}");
    assert!(page.contains(&format!("action=\"{path}/status?q=refunds\"")), "{page}");
    assert!(!maya.get("/").await.body.contains(&format!("data-id=\"{one}\"")));
    assert!(maya.get("/?status=closed").await.body.contains(&format!("data-id=\"{one}\"")));
    let page = maya.act(&format!("{path}/status"), &[("status", "open")]).await;
    assert!(page.contains("Conversation reopened"));
}

#[tokio::test]
async fn several_conversations_are_changed_at_once() {
    let desk = Desk::open().await;
    let mut ids = Vec::new();
    for n in 0..3 {
        ids.push(say(&desk, &format!("s{n}"), &format!("question {n}."), "ok").await);
    }
    let maya = Operator::sign_in(&desk, "Maya").await;
    assert!(maya.get("/?select=1").await.body.contains("form=\"bulk\""));
    let chosen = [("id", ids[0].as_str()), ("id", ids[1].as_str())];
    let with = |more: &[(&'static str, &'static str)]| [&chosen[..], more].concat();
    let page = maya.act("/conversations/bulk", &with(&[("do", "tag"), ("add", "parcel")])).await;
    assert!(page.contains("2 conversations tagged"), "{page}");
    let page = maya.act("/conversations/bulk", &with(&[("do", "close")])).await;
    assert!(page.contains("2 conversations closed") && page.matches("name=\"id\"").count() == 2, "{page}");
    assert!(
        maya.act("/conversations/bulk", &with(&[("do", "reopen")]))
            .await
            .contains("2 conversations reopened")
    );
    let sure = maya.post("/conversations/bulk", &with(&[("do", "delete")])).await;
    assert!(
        sure.body.contains("Delete 2 conversations?") && sure.body.contains("Keep them"),
        "{}",
        sure.body
    );
    let page = maya.act("/conversations/bulk", &with(&[("do", "delete"), ("sure", "1")])).await;
    assert!(page.contains("2 conversations deleted") && page.contains(&ids[2]), "{page}");
    assert_eq!(maya.get(&format!("/conversations/{}", ids[0])).await.status, StatusCode::NOT_FOUND);
    assert_eq!(maya.post("/conversations/bulk", &with(&[("do", "x")])).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(maya.post("/conversations/bulk", &[("do", "close")]).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_conversation_is_deleted_after_a_question() {
    let desk = Desk::open().await;
    let id = say(&desk, "one", "Hello", "Hi").await;
    let maya = Operator::sign_in(&desk, "Maya").await;
    let path = format!("/conversations/{id}/delete");
    let question = maya.get(&format!("{path}?q=Hello")).await.body;
    assert!(question.contains("All 2 messages with") && question.contains("This cannot be undone."));
    assert!(question.contains(&format!("action=\"{path}?q=Hello\"")), "{question}");
    let page = maya.act(&path, &[]).await;
    assert!(page.contains("Conversation deleted") && page.contains("No conversations yet"), "{page}");
}

#[tokio::test]
async fn copies_have_the_form_that_is_asked_for() {
    let desk = Desk::open().await;
    let id = say(&desk, "one", "=cmd|' /C calc'!A0", "+1, they said").await;
    let maya = Operator::sign_in(&desk, "Maya").await;
    for (format, kind, ending) in [
        ("json", "application/json", "json"),
        ("markdown", "text/markdown", "md"),
        ("csv", "text/csv", "csv"),
    ] {
        let file = maya.get(&format!("/conversations/{id}/export?format={format}")).await;
        assert!(file.header("content-type").starts_with(kind), "{format}");
        let name = file.header("content-disposition");
        assert!(name.starts_with("attachment; filename=\"frontdesk-conversation-c_"), "{name}");
        assert!(name.ends_with(&format!(".{ending}\"")), "{name}");
    }
    let table = maya.get(&format!("/conversations/{id}/export?format=csv")).await.body;
    assert!(table.contains(",\"'=cmd|' /C calc'!A0\",") && table.contains(",\"'+1, they said\","), "{table}");
    assert_eq!(table.lines().count(), 3);
    let unknown = maya.get(&format!("/conversations/{id}/export?format=xls")).await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_operator_has_a_name_and_changes_it() {
    let desk = Desk::open().await;
    let id = say(&desk, "one", "Hello", "Hi").await;
    let nameless = Operator::sign_in(&desk, "").await;
    assert!(nameless.get("/").await.body.contains("Support<span class=\"sr\">"));
    assert!(nameless.act("/profile", &[("name", "Zoë <b>")]).await.contains("Zoë &#60;b&#62;"));
    let page = nameless.act(&format!("/conversations/{id}/takeover"), &[]).await;
    assert!(page.contains("You took over."));
    let refused = nameless.post("/profile", &[("name", &"x".repeat(41))]).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.body.contains("at most 40 characters"));
}

#[tokio::test]
async fn canned_replies_are_kept_and_put_into_the_field() {
    let desk = Desk::open().await;
    let id = say(&desk, "one", "Hello", "Hi").await;
    let maya = Operator::sign_in(&desk, "Maya").await;
    let page =
        maya.act("/replies", &[("shortcut", "/Refund"), ("text", "Money <back>."), ("do", "save")]).await;
    assert!(page.contains("/refund") && page.contains("Money &#60;back&#62;."), "{page}");
    let twice = maya.post("/replies", &[("shortcut", "refund"), ("text", "Again"), ("do", "save")]).await;
    assert_eq!(twice.status, StatusCode::BAD_REQUEST);
    assert!(twice.body.contains("another reply has the shortcut refund too") && twice.body.contains("Again"));
    let path = format!("/conversations/{id}");
    maya.act(&format!("{path}/takeover"), &[]).await;
    let fields = [("reply", "Hello."), ("canned", "refund"), ("insert", "1")];
    let page = maya.post(&format!("{path}/reply"), &fields).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains(">Hello.\nMoney &#60;back&#62;.</textarea>"), "{}", page.body);
    let change = [("was", "refund"), ("shortcut", "money"), ("text", "Back."), ("do", "save")];
    assert!(maya.act("/replies", &change).await.contains("/money"));
    assert!(
        maya.act("/replies", &[("was", "money"), ("do", "delete")]).await.contains("There are none yet.")
    );
}

#[tokio::test]
async fn office_hours_are_kept_and_what_is_wrong_with_them_is_said() {
    let desk = Desk::open().await;
    let maya = Operator::sign_in(&desk, "Maya").await;
    assert!(maya.get("/office-hours").await.body.contains("somebody is taken to be there always"));
    let hours = [
        ("zone", "Europe/Berlin"),
        ("monday", "9:00-12:30, 13:30–17:00"),
        ("sunday", "00:00-24:00"),
        ("holidays", "2026-12-25\r\n2026-12-26"),
    ];
    let page = maya.act("/office-hours", &hours).await;
    assert!(
        page.contains("value=\"09:00-12:30, 13:30-17:00\"") && page.contains("2026-12-25\n2026-12-26"),
        "{page}"
    );
    let wrong = maya.post("/office-hours", &[("zone", "Mars"), ("monday", "9-5")]).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(wrong.body.contains("Not saved: ") && wrong.body.contains("value=\"9-5\""), "{}", wrong.body);
    let is_chosen = |page: &str, when: &str| page.contains(&format!("value=\"{when}\" checked"));
    assert!(is_chosen(&page, "hours") && !is_chosen(&page, "always"));
    let page = maya.act("/office-hours", &[("when", "always"), ("zone", "Mars")]).await;
    assert!(is_chosen(&page, "always") && page.contains("somebody is taken to be there always"), "{page}");
}

#[tokio::test]
async fn what_happens_in_the_inbox_is_told_as_it_happens() {
    use http_body_util::BodyExt as _;

    let desk = Desk::open().await;
    let maya = Operator::sign_in(&desk, "Maya").await;
    let call = Call::new(desk.dashboard.clone(), Method::GET, "/events").header("cookie", &maya.cookie);
    let mut events = call.begin().await.into_body();
    let mut next = async || {
        let frame = events.frame().await.unwrap().unwrap().into_data().unwrap();
        let text = String::from_utf8(frame.to_vec()).unwrap();
        serde_json::from_str::<serde_json::Value>(text.trim().strip_prefix("data: ").unwrap()).unwrap()
    };
    assert_eq!(next().await, json!({ "type": "alive", "needsPerson": 0 }));
    let id = say(&desk, "one", "Hello", "Hi").await;
    let event = next().await;
    assert_eq!(
        (&event["type"], &event["id"], &event["isNew"]),
        (&json!("changed"), &json!(id), &json!(true))
    );
    maya.act(&format!("/conversations/{id}/status"), &[("status", "needs_person")]).await;
    loop {
        let event = next().await;
        if event["status"] == "needs_person" {
            assert_eq!(event["needsPerson"], 1);
            break;
        }
    }
    let typing = desk.post("/v1/sessions/one/typing").key().secret().json(&json!({ "typing": true }));
    assert_eq!(typing.send().await.status, StatusCode::NO_CONTENT);
    let told = loop {
        let event = next().await;
        if event["type"] == "typing" {
            break event;
        }
    };
    assert_eq!(told, json!({ "type": "typing", "id": id, "isTyping": true }));
    maya.act(&format!("/conversations/{id}/delete"), &[]).await;
    while next().await["type"] != "missed" {}
}

#[tokio::test]
async fn pages_keep_to_their_budget_with_all_there_is_on_them() {
    let desk = Desk::open().await;
    let mut id = String::new();
    for n in 0..55 {
        id = say(
            &desk,
            &format!("visitor-{n}"),
            &format!("Where is parcel number {n}, which I sent?"),
            "On its way.",
        )
        .await;
    }
    let body =
        |n: u32| json!({ "sessionId": "visitor-54", "message": format!("And what of number {n}, please?") });
    for n in 0..50 {
        let call = desk.post("/v1/chat").key().header("x-session-secret", SECRET).json(&body(n));
        desk.say(call, "That one is **on its way** as well.").await;
    }
    let maya = Operator::sign_in(&desk, "Maya").await;
    let page = maya.get("/").await.body;
    let file = |after: &str| {
        let address = page.split(after).nth(1).and_then(|rest| rest.split('"').next());
        format!("/assets/{}", address.unwrap())
    };
    for (path, budget) in [
        ("/".to_owned(), 30_000),
        (format!("/conversations/{id}"), 30_000),
        (file("rel=\"stylesheet\" href=\"/assets/"), 12_000),
        (file("<script src=\"/assets/"), 15_000),
    ] {
        let page = maya.get(&path).await.body;
        let mut gzip = Vec::new();
        zopfli::compress(zopfli::Options::default(), zopfli::Format::Gzip, page.as_bytes(), &mut gzip)
            .unwrap();
        assert!(gzip.len() < budget, "{path}: {} bytes", gzip.len());
    }
}
