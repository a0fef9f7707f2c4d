//! What operators do with conversations, over the admin API.

use frontdesk_core::StoreErrorKind;
use http::StatusCode;
use serde_json::{Value, json};

use crate::desk::{Call, Desk, OTHER_ADMIN_KEY};
use crate::live::Live;

fn maya() -> Value {
    json!({ "operator": "Maya" })
}

fn says(text: &str) -> Value {
    json!({ "operator": "Maya", "text": text })
}

fn edit(desk: &Desk, conversation: &str, body: &Value) -> Call {
    desk.patch(&format!("/v1/admin/conversations/{conversation}")).admin().json(body)
}

fn feed(desk: &Desk) -> Call {
    desk.get("/v1/sessions/my-session-id/events").key().secret()
}

/// Who said what, as the admin API shows it.
async fn said(desk: &Desk, conversation: &str) -> Vec<(String, String)> {
    let thread = desk.thread(conversation).await;
    let text = |message: &Value, member: &str| message[member].as_str().unwrap().to_owned();
    let messages = thread["messages"].as_array().unwrap().iter();
    messages.map(|message| (text(message, "role"), text(message, "content"))).collect()
}

#[tokio::test]
async fn an_operator_takes_over_in_the_middle_of_an_answer() {
    let desk = Desk::open().await;
    let conversation = desk.conversation().await;
    let mut stream = Live::begin(desk.send("/v1/chat/stream", "And now?").secret()).await;
    let mut call = desk.model().await;
    call.say("It is in Por");
    stream.find(|event| event["type"] == "token").await;
    let taken = desk.operate(&conversation, "takeover", &maya()).send().await;
    assert_eq!(taken.status, StatusCode::OK, "{}", taken.body);
    let taken = taken.json();
    assert_eq!((&taken["answering"]["name"], &taken["assignee"]), (&json!("Maya"), &json!("Maya")));
    assert_eq!(taken["answering"]["since"], json!(1_767_225_600_000_i64));
    let done = stream.find(|event| event["type"] == "done").await;
    assert_eq!((&done["status"], &done["message"]), (&json!("stopped"), &json!("It is in Por")));
    call.abandoned().await;

    let answered = desk.send("/v1/chat", "Hello?").secret().send().await.json();
    assert_eq!(
        answered,
        json!({
            "conversationId": conversation, "message": "", "status": "delivered",
            "answeredBy": { "role": "operator", "name": "Maya" },
        })
    );
    let reply = desk.operate(&conversation, "messages", &says("It is in Porto.")).send().await.json();
    assert_eq!((&reply["role"], &reply["name"]), (&json!("operator"), &json!("Maya")));
    let mut feed = Live::begin(feed(&desk)).await;
    let state = feed.find(|event| event["type"] == "state").await;
    assert_eq!(state["answering"], json!({ "role": "operator", "name": "Maya" }));

    let back = desk.operate(&conversation, "return", &maya()).send().await.json();
    assert_eq!((&back["answering"], &back["assignee"]), (&Value::Null, &json!("Maya")));
    let left = feed.find(|event| event["message"]["content"] == "left").await;
    assert_eq!(left["message"]["name"], "Maya");
    assert!(desk.calls.is_empty().await, "no message of those was for the model");
    let asking = desk.send("/v1/chat", "Thanks. When?").secret();
    let (answer, read) = tokio::join!(asking.send(), async {
        let mut call = desk.model().await;
        let read: Vec<_> = call.prompt.messages.iter().map(|message| message.text.clone()).collect();
        call.say("Tomorrow");
        call.end();
        read
    });
    assert_eq!(answer.json()["message"], "Tomorrow");
    for words in ["It is in Por", "Hello?", "It is in Porto.", "Thanks. When?"] {
        assert!(read.iter().any(|text| text.contains(words)), "{words}: {read:?}");
    }
    let roles: Vec<_> = said(&desk, &conversation).await.into_iter().map(|(role, _)| role).collect();
    let expected =
        ["user", "assistant", "user", "assistant", "event", "user", "operator", "event", "user", "assistant"];
    assert_eq!(roles, expected);
}

#[tokio::test]
async fn of_two_operators_one_wins_and_the_other_is_told_who() {
    let desk = Desk::open().await;
    let conversation = desk.conversation().await;
    desk.operate(&conversation, "takeover", &maya()).send().await;
    let tom = json!({ "operator": "Tom", "text": "Hi" });
    for what in ["takeover", "return", "messages"] {
        let refused = desk.operate(&conversation, what, &tom).send().await;
        let object = refused.json();
        assert_eq!(
            (refused.status, &object["code"]),
            (StatusCode::CONFLICT, &json!("conversation_taken")),
            "{what}"
        );
        assert_eq!(object["answering"], json!({ "name": "Maya", "since": 1_767_225_600_000_i64 }), "{what}");
    }
    assert_eq!(said(&desk, &conversation).await.len(), 3);
    let wrong = json!({ "operator": "Tom", "from": "Ana" });
    assert_eq!(desk.operate(&conversation, "takeover", &wrong).send().await.status, StatusCode::CONFLICT);
    let on_purpose = json!({ "operator": "Tom", "from": "Maya" });
    let taken = desk.operate(&conversation, "takeover", &on_purpose).send().await.json();
    assert_eq!((&taken["answering"]["name"], &taken["assignee"]), (&json!("Tom"), &json!("Tom")));
    let again = desk.operate(&conversation, "takeover", &on_purpose).send().await;
    assert_eq!(again.status, StatusCode::OK, "it is Tom's already");
    let (joined, after) =
        (said(&desk, &conversation).await.len(), desk.operate(&conversation, "return", &maya()));
    assert_eq!((joined, after.send().await.status), (4, StatusCode::CONFLICT));
}

#[tokio::test]
async fn what_an_operator_says_twice_under_a_key_is_said_once() {
    let desk = Desk::open().await;
    let conversation = desk.conversation().await;
    for what in ["messages", "notes"] {
        let send =
            |text: &str| desk.operate(&conversation, what, &says(text)).header("idempotency-key", what);
        let first = send("Hello").send().await;
        assert_eq!(
            (first.status, first.header("idempotency-replayed")),
            (StatusCode::OK, ""),
            "{}",
            first.body
        );
        let again = send("Hello").send().await;
        assert_eq!((again.json(), again.header("idempotency-replayed")), (first.json(), "true"));
        let other = send("Goodbye").send().await;
        assert_eq!((other.status.as_u16(), &other.json()["code"]), (422, &json!("idempotency_mismatch")));
    }
    let note = desk.operate(&conversation, "notes", &says("Hello")).header("idempotency-key", "messages");
    assert_eq!(note.send().await.json()["code"], "idempotency_mismatch", "a note is no message");
    let roles: Vec<_> = said(&desk, &conversation).await.into_iter().map(|(role, _)| role).collect();
    assert_eq!(roles, ["user", "assistant", "event", "operator", "note"]);
}

#[tokio::test]
async fn everything_of_a_conversation_is_changed_at_once() {
    let desk = Desk::open().await;
    let conversation = desk.conversation().await;
    let body = json!({
        "status": "needs_person", "assignee": "Tom", "tags": ["Refund", "norway", "REFUND"], "addTags": ["b"],
        "removeTags": ["Norway"], "readCount": 1, "operator": "Maya",
    });
    let edited = edit(&desk, &conversation, &body).send().await.json();
    let thread = desk.thread(&conversation).await;
    assert_eq!(edited, thread["conversation"]);
    assert_eq!(
        (&edited["status"], &edited["assignee"], &edited["tags"]),
        (&json!("needs_person"), &json!("Tom"), &json!(["b", "refund"]))
    );
    assert_eq!((&edited["readCount"], &edited["unreadCount"]), (&json!(1), &json!(1)));
    let freed = edit(&desk, &conversation, &json!({ "assignee": null, "readCount": 0 })).send().await.json();
    assert_eq!((&freed["assignee"], &freed["readCount"]), (&Value::Null, &json!(1)));
    let closed = edit(&desk, &conversation, &json!({ "status": "closed" })).send().await.json();
    assert_eq!(closed["status"], "closed");
    let last = said(&desk, &conversation).await.pop().unwrap();
    assert_eq!(last, ("event".to_owned(), "closed".to_owned()));
    assert_eq!(desk.thread(&conversation).await["messages"][2]["name"], "Support");
    edit(&desk, &conversation, &json!({ "status": "closed" })).send().await;
    assert_eq!(said(&desk, &conversation).await.len(), 3, "it was closed before");
}

#[tokio::test]
async fn a_conversation_has_at_most_twenty_tags() {
    let desk = Desk::open().await;
    let conversation = desk.conversation().await;
    let tags: Vec<_> = (0..20).map(|n| format!("tag {n:02}")).collect();
    edit(&desk, &conversation, &json!({ "tags": tags })).send().await;
    let refused =
        edit(&desk, &conversation, &json!({ "addTags": ["one more"], "status": "closed" })).send().await;
    assert_eq!((refused.status.as_u16(), &refused.json()["code"]), (409, &json!("too_many_tags")));
    let now = desk.thread(&conversation).await["conversation"].clone();
    assert_eq!((&now["status"], now["tags"].as_array().unwrap().len()), (&json!("open"), 20));
    let swapped = json!({ "addTags": ["one more"], "removeTags": ["tag 00"] });
    assert_eq!(edit(&desk, &conversation, &swapped).send().await.status, StatusCode::OK);
}

#[tokio::test]
async fn everybody_who_follows_a_conversation_sees_who_types() {
    let desk = Desk::open().await;
    let conversation = desk.conversation().await;
    let mut visitor = Live::begin(feed(&desk)).await;
    let path = format!("/v1/admin/conversations/{conversation}/events");
    let mut program = Live::begin(desk.get(&path).admin()).await;
    visitor.find(|event| event["type"] == "state").await;
    program.find(|event| event["type"] == "state").await;
    let typing = |typing: bool| {
        desk.post("/v1/sessions/my-session-id/typing").key().secret().json(&json!({ "typing": typing }))
    };
    assert_eq!(typing(true).send().await.status, StatusCode::NO_CONTENT);
    assert_eq!(program.next().await, json!({ "type": "typing", "role": "user", "name": "" }));
    assert_eq!(typing(false).send().await.status, StatusCode::NO_CONTENT);
    assert_eq!(program.next().await, json!({ "type": "typing", "role": "user" }));
    for (is_typing, event) in [
        (true, json!({ "type": "typing", "role": "operator", "name": "Maya" })),
        (false, json!({ "type": "typing", "role": "operator" })),
    ] {
        let body = json!({ "operator": "Maya", "typing": is_typing });
        let reply = desk.operate(&conversation, "typing", &body).send().await;
        assert_eq!(reply.status, StatusCode::NO_CONTENT, "{}", reply.body);
        assert_eq!(visitor.next().await, event, "a visitor is not told of the visitor");
        assert_eq!(program.next().await, event);
    }
}

#[tokio::test]
async fn a_program_sees_what_operators_make_of_a_conversation_and_its_visitor_does_not() {
    let desk = Desk::open().await;
    let conversation = desk.conversation().await;
    let mut visitor = Live::begin(feed(&desk)).await;
    let path = format!("/v1/admin/conversations/{conversation}/events");
    let mut program = Live::begin(desk.get(&path).admin()).await;
    visitor.find(|event| event["type"] == "state").await;
    program.find(|event| event["type"] == "state").await;
    let body = json!({ "assignee": "Tom", "tags": ["difficult visitor"] });
    edit(&desk, &conversation, &body).send().await;
    let state = program.next().await;
    assert_eq!((&state["assignee"], &state["tags"]), (&json!("Tom"), &json!(["difficult visitor"])));
    edit(&desk, &conversation, &json!({ "status": "closed", "operator": "Tom" })).send().await;
    let [closed, state] = &visitor.take(2).await[..] else { unreachable!() };
    assert_eq!(
        (&closed["message"]["content"], &closed["message"]["name"]),
        (&json!("closed"), &json!("Tom"))
    );
    assert_eq!(
        state,
        &json!({
            "type": "state", "conversationId": conversation, "answering": null, "status": "closed",
            "cursor": closed["cursor"],
        })
    );
}

#[tokio::test]
async fn nothing_happens_to_what_is_not_there_or_cannot_be_stored() {
    let desk = Desk::open().await;
    let conversation = desk.conversation().await;
    let body = json!({ "operator": "Maya", "text": "Hi", "typing": true });
    let calls = |id: &str| {
        let what = ["takeover", "return", "messages", "notes", "typing"];
        let mut calls: Vec<_> = what.iter().map(|what| desk.operate(id, what, &body)).collect();
        calls.push(edit(&desk, id, &json!({ "status": "closed" })));
        calls.push(edit(&desk, id, &json!({ "readCount": 1 })));
        calls.push(desk.get(&format!("/v1/admin/conversations/{id}/events")).admin());
        calls.push(desk.get(&format!("/v1/admin/conversations/{id}/export")).admin());
        calls
    };
    for id in ["x", "01a204d1-42e2-7df8-91f4-c50a8d5356e4", "..%2f.."] {
        for call in calls(id) {
            let reply = call.send().await;
            assert_eq!(reply.json()["code"], "conversation_not_found", "{id}");
        }
    }
    let long = "x".repeat(129);
    for call in calls(&long) {
        assert_eq!(call.send().await.json()["code"], "invalid_conversation_id");
    }
    desk.store.fail_with(Some(StoreErrorKind::Full));
    for what in ["takeover", "messages", "notes"] {
        let reply = desk.operate(&conversation, what, &body).send().await;
        assert_eq!(
            (reply.status, &reply.json()["code"]),
            (StatusCode::SERVICE_UNAVAILABLE, &json!("storage_full"))
        );
    }
    desk.store.fail_with(None);
    assert_eq!(said(&desk, &conversation).await.len(), 2);
}

#[tokio::test]
async fn a_client_of_the_origin_goes_on_while_a_person_has_its_conversation() {
    let desk = Desk::open().await;
    let first = desk.say(desk.send("/v1/chat", "Hello"), "Hi").await.json();
    let conversation = first["conversationId"].as_str().unwrap();
    desk.operate(conversation, "takeover", &maya()).send().await;
    let whole = desk.send("/v1/chat", "Anybody?").send().await;
    assert_eq!((whole.status, &whole.json()["message"]), (StatusCode::OK, &json!("")));
    let events = desk.send("/chat", "Still there?").send().await.events();
    let kinds: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["start", "done"]);
    for event in &events {
        assert_eq!(event["conversationId"], conversation);
    }
    assert_eq!(events[1]["message"], "");
    desk.operate(conversation, "return", &maya()).send().await;
    assert_eq!(desk.say(desk.send("/v1/chat", "And now?"), "Here I am").await.json()["message"], "Here I am");
}

#[tokio::test]
async fn a_visitors_visit_is_shown_to_programs_as_it_was_said() {
    let desk = Desk::open().await;
    let body = json!({
        "sessionId": "my-session-id", "message": "Hello", "page": "https://shop.example/<b>#private",
        "referrer": "https://search.example/?q=\r\n\u{0}x",
    });
    let call = desk.post("/v1/chat").key().secret().json(&body);
    let call = call.header("user-agent", "Mozilla/5.0 <script>").header("accept-language", "pt-BR, en;q=0.5");
    let said = desk.say(call, "Hi").await.json();
    let thread = desk.thread(said["conversationId"].as_str().unwrap()).await;
    assert_eq!(
        thread["conversation"]["visit"],
        json!({
            "page": "https://shop.example/<b>", "referrer": "https://search.example/?q=x",
            "userAgent": "Mozilla/5.0 <script>", "language": "pt-BR, en;q=0.5",
        })
    );
    assert_eq!(thread["conversation"]["isPresent"], false);
    let _feed = Live::begin(feed(&desk)).await;
    let thread = desk.thread(said["conversationId"].as_str().unwrap()).await;
    assert_eq!(thread["conversation"]["isPresent"], true);
}

#[tokio::test]
async fn the_list_is_narrowed_down() {
    let desk = Desk::open().await;
    let mut ids = Vec::new();
    for n in 0..3 {
        let page = format!("https://shop.example/{n}");
        let body = json!({ "sessionId": format!("s{n}"), "message": format!("parcel {n}"), "page": page });
        let said = desk.say(desk.post("/v1/chat").key().json(&body), "Hi").await.json();
        ids.push(said["conversationId"].as_str().unwrap().to_owned());
        desk.clock.advance(std::time::Duration::from_secs(1));
    }
    edit(&desk, &ids[0], &json!({ "status": "closed", "tags": ["refund"] })).send().await;
    edit(&desk, &ids[1], &json!({ "assignee": "Maya", "tags": ["refund", "norway"] })).send().await;
    for (query, expected) in [
        ("status=closed", vec![0]),
        ("status=open,needs_person", vec![2, 1]),
        ("status=", vec![2, 1, 0]),
        ("assignee=Maya", vec![1]),
        ("assignee=nobody", vec![2, 0]),
        ("tag=Refund", vec![1, 0]),
        ("tag=refund&status=open", vec![1]),
        ("page=https%3A%2F%2Fshop.example%2F2%23top", vec![2]),
        ("session=s1", vec![1]),
        ("rating=up", vec![]),
        ("since=1767225601000", vec![2, 1]),
        ("until=2026-01-01T00:00:01Z", vec![0]),
        ("until=2026-01-01", vec![2, 1, 0]),
        ("q=parcel&tag=refund", vec![1, 0]),
        ("q=parcel&session=s2", vec![2]),
    ] {
        let reply = desk.get(&format!("/v1/admin/conversations?{query}")).admin().send().await;
        let list = reply.json();
        let found: Vec<_> =
            list["conversations"].as_array().unwrap().iter().map(|it| it["_id"].clone()).collect();
        let expected: Vec<_> = expected.into_iter().map(|n: usize| json!(ids[n])).collect();
        assert_eq!(found, expected, "{query}");
        assert_eq!(list["total"], 3, "{query}");
    }
}

#[tokio::test]
async fn nothing_of_another_site_is_there() {
    let desk = Desk::open().await;
    let id = desk.conversation().await;
    let before = desk.thread(&id).await;
    let path = format!("/v1/admin/conversations/{id}");
    let body = json!({ "operator": "Tom", "text": "Hi", "typing": true, "status": "closed" });
    let mut calls: Vec<_> = ["takeover", "return", "messages", "notes", "typing"]
        .map(|what| desk.post(&format!("{path}/{what}")).json(&body))
        .into();
    calls.extend([
        desk.patch(&path).json(&body),
        desk.patch(&path).json(&json!({ "readCount": 2 })),
        desk.delete(&path),
        desk.get(&path),
        desk.get(&format!("{path}/events")),
        desk.get(&format!("{path}/export?format=csv")),
    ]);
    for call in calls {
        let reply = call.header("x-admin-api-key", OTHER_ADMIN_KEY).send().await;
        assert_eq!(
            (reply.status, &reply.json()["code"]),
            (StatusCode::NOT_FOUND, &json!("conversation_not_found"))
        );
    }
    let bulk = desk.post("/v1/admin/conversations/bulk").header("x-admin-api-key", OTHER_ADMIN_KEY);
    let results = bulk.json(&json!({ "ids": [id], "action": "delete" })).send().await.json();
    assert_eq!(results["results"][0]["code"], "conversation_not_found");
    for query in ["", "?status=open", "?q=parcel", "?session=my-session-id"] {
        let list =
            desk.get(&format!("/v1/admin/conversations{query}")).header("x-admin-api-key", OTHER_ADMIN_KEY);
        assert_eq!(list.send().await.json()["conversations"], json!([]), "{query}");
    }
    assert_eq!(desk.thread(&id).await, before);
    let mut others =
        Live::begin(desk.get("/v1/admin/events").header("x-admin-api-key", OTHER_ADMIN_KEY)).await;
    edit(&desk, &id, &json!({ "tags": ["mine"] })).send().await;
    desk.chat.drain();
    assert_eq!((others.piece().await.is_some(), others.piece().await), (true, None), "it is only ready");
}

#[tokio::test]
async fn words_of_any_characters_are_kept_as_they_are() {
    let desk = Desk::open().await;
    let id = desk.conversation().await;
    for text in [
        "<script>alert(1)</script>",
        "'; DROP TABLE messages; --",
        "=1+1\r\n\tx",
        "\u{202E}abc",
        "😀\u{7}{{7*7}}",
    ] {
        let name = format!("M {}", text.chars().filter(|it| !it.is_control()).take(20).collect::<String>());
        let tag = text.chars().filter(|it| !it.is_control() && *it != ',').take(30).collect::<String>();
        for what in ["messages", "notes"] {
            let from = desk.thread(&id).await["conversation"]["answering"]["name"].clone();
            let take = json!({ "operator": name, "from": from.as_str().unwrap_or("Nobody") });
            desk.operate(&id, "takeover", &take).send().await;
            let said =
                desk.operate(&id, what, &json!({ "operator": name, "text": text })).send().await.json();
            assert_eq!((&said["content"], &said["name"]), (&json!(text), &json!(name.trim())));
        }
        let edited = edit(&desk, &id, &json!({ "tags": [tag], "assignee": name })).send().await.json();
        assert_eq!(edited["tags"], json!([tag.trim().to_lowercase()]));
        for format in ["json", "markdown", "csv"] {
            let copy = desk
                .get(&format!("/v1/admin/conversations/{id}/export?format={format}"))
                .admin()
                .send()
                .await;
            assert_eq!(copy.status, StatusCode::OK, "{format}");
        }
    }
}

/// The contents of the messages that a history shows as seen.
async fn seen(desk: &Desk) -> Vec<String> {
    let history = desk.get("/v1/sessions/my-session-id/messages").key().secret().send().await.json();
    let messages = history["messages"].as_array().unwrap().iter();
    let seen = messages.filter(|message| message["seen"] == json!(true));
    seen.map(|message| message["content"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_visitor_sees_what_was_read_as_long_as_a_person_has_the_conversation() {
    let desk = Desk::open().await;
    let id = desk.conversation().await;
    let read = async |count: u32| edit(&desk, &id, &json!({ "readCount": count })).send().await;
    // Who looks on while the AI answers is nobody's business.
    let mut live = Live::begin(feed(&desk)).await;
    read(2).await;
    assert_eq!(seen(&desk).await, Vec::<String>::new());
    let said: Value = desk.thread(&id).await["messages"][0]["content"].clone();
    desk.operate(&id, "takeover", &maya()).send().await;
    let mut before = Vec::new();
    let event = live
        .find(|event| {
            before.push(event.to_string());
            event["message"]["seen"] == json!(true)
        })
        .await;
    assert!(before.iter().any(|event| event.contains("joined")), "{before:?}");
    assert_eq!(event["message"]["content"], said);
    assert_eq!(seen(&desk).await, [said.as_str().unwrap()]);

    desk.send("/v1/chat", "Are you there?").secret().send().await;
    assert_eq!(seen(&desk).await, [said.as_str().unwrap()]);
    read(4).await;
    let events = [live.find(|event| event["message"]["place"] == json!(1)).await, live.find(|_| true).await];
    assert_eq!((&events[0]["message"]["seen"], &events[1]["message"]["seen"]), (&Value::Null, &json!(true)));
    assert_eq!(events[1]["message"]["content"], "Are you there?");
    assert_eq!(seen(&desk).await, ["Are you there?"]);
    // Who comes back is told.
    let mut again = Live::begin(feed(&desk)).await;
    let event = again.find(|event| event["message"]["seen"] == json!(true)).await;
    assert_eq!(event["message"]["content"], "Are you there?");
    // Operators are not.
    let operators = desk.get(&format!("/v1/admin/conversations/{id}/events")).admin();
    let mut operators = Live::begin(operators).await;
    let state =
        operators.find(|event| event["type"] == "state" || event["message"]["seen"] == json!(true)).await;
    assert_eq!(state["type"], "state");
    desk.operate(&id, "return", &maya()).send().await;
    let event = live.find(|event| event["message"]["content"] == json!("Are you there?")).await;
    assert_eq!(event["message"]["seen"], Value::Null);
    assert_eq!(seen(&desk).await, Vec::<String>::new());
    // And when a person has it again.
    desk.operate(&id, "takeover", &maya()).send().await;
    let event = live.find(|event| event["message"]["seen"] == json!(true)).await;
    assert_eq!(event["message"]["content"], "Are you there?");
}
