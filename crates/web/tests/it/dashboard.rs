//! The dashboard's pages.

use frontdesk_core::{ModelError, ModelErrorKind};
use http::{Method, StatusCode};
use serde_json::json;

use crate::desk::{Call, Desk, PASSWORD, PUBLIC_KEY, Reply, Wishes};

async fn read(desk: &Desk, path: &str) -> Reply {
    let login = Call::new(desk.dashboard.clone(), Method::POST, "/api/login")
        .header("sec-fetch-site", "same-origin")
        .json(&json!({ "password": PASSWORD }))
        .send()
        .await;
    let cookie = format!("frontdesk_session={}", login.cookie("frontdesk_session").unwrap());
    let call = Call::new(desk.dashboard.clone(), Method::GET, path);
    call.header("cookie", cookie).header("accept", "text/html").send().await
}

async fn say(desk: &Desk, session: &str, message: &str, answer: &str) -> String {
    let body = json!({ "sessionId": session, "message": message });
    let reply = desk.say(desk.post("/v1/chat").key().json(&body), answer).await;
    desk.clock.advance(std::time::Duration::from_mins(1));
    reply.json()["conversationId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_empty_desk_says_what_to_do_next() {
    let desk = Desk::open().await;
    let page = read(&desk, "/").await;
    assert!(page.body.contains("No conversations yet"));
    assert!(
        page.body.contains(&format!("data-api-key=&#34;{PUBLIC_KEY}&#34;")) || page.body.contains(PUBLIC_KEY)
    );
    assert!(page.body.contains("/widget-test.html"));
}

#[tokio::test]
async fn the_list_shows_who_said_what_and_when() {
    let desk = Desk::open().await;
    say(&desk, "one", "Where is my parcel?", "On its way.").await;
    say(&desk, "two", "Do you ship to Norway?", "We do.").await;
    let page = read(&desk, "/").await;
    let first = page.body.find("AI: We do.").unwrap();
    let second = page.body.find("AI: On its way.").unwrap();
    assert!(first < second, "latest activity comes first");
    assert!(page.body.contains("1 min"));
    assert!(page.body.len() < 30_000);
}

#[tokio::test]
async fn a_long_list_is_read_page_by_page() {
    let desk = Desk::open().await;
    for n in 0..60 {
        say(&desk, &format!("session-{n}"), &format!("question {n}."), "ok").await;
    }
    let first = read(&desk, "/").await;
    assert_eq!(first.body.matches("<a class=\"cv").count(), 50);
    let next = first.body.split("href=\"/?after=").nth(1).unwrap().split('"').next().unwrap();
    let second = read(&desk, &format!("/?after={next}")).await;
    assert_eq!(second.body.matches("<a class=\"cv").count(), 10);
    assert!(!second.body.contains("Older conversations"));
    assert_eq!(read(&desk, "/?after=x").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_thread_shows_answers_as_markup_and_visitors_as_written() {
    let desk = Desk::open().await;
    let id = say(&desk, "one", "Is it **free**?", "Yes, it is **free**.").await;
    let page = read(&desk, &format!("/conversations/{id}")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("Is it **free**?"));
    assert!(page.body.contains("Yes, it is <strong>free</strong>."));
    assert!(page.body.contains("0.0 s to first word"));
    assert!(page.body.contains("None: whoever knows the session can go on with it"));
}

#[tokio::test]
async fn nothing_that_is_said_becomes_markup() {
    let desk = Desk::open().await;
    let payload = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'>";
    let id = say(&desk, "one", payload, payload).await;
    for path in ["/".to_owned(), format!("/conversations/{id}")] {
        let page = read(&desk, &path).await;
        assert!(!page.body.contains("<script>alert") && !page.body.contains("<img"), "{path}");
        assert!(page.header("content-security-policy").contains("require-trusted-types-for 'script'"));
    }
}

#[tokio::test]
async fn pages_have_no_inline_script_and_no_inline_style() {
    let desk = Desk::open().await;
    let id = say(&desk, "one", "Hello", "Hi").await;
    for path in [
        "/login",
        "/shortcuts",
        "/",
        &format!("/conversations/{id}?details=1"),
        "/widget-test.html",
        "/headless-test.html",
        "/x",
    ] {
        let page = read(&desk, path).await;
        assert!(!page.body.contains(" style=") && !page.body.contains("<style"), "{path}");
        assert!(!page.body.contains(" onclick=") && !page.body.contains("javascript:"), "{path}");
        assert_eq!(
            page.body.matches("<script").count(),
            page.body.matches("<script\n  src=").count() + page.body.matches("<script src=").count(),
            "{path}"
        );
    }
}

#[tokio::test]
async fn what_went_wrong_is_said_in_the_thread() {
    let desk = Desk::open().await;
    let failing = async { desk.model().await.fail(ModelError::new(ModelErrorKind::Misconfigured, "x")) };
    tokio::join!(desk.send("/v1/chat", "Hello").send(), failing);
    let list = desk.get("/v1/admin/conversations").admin().send().await.json();
    let id = list["conversations"][0]["_id"].as_str().unwrap().to_owned();
    let page = read(&desk, &format!("/conversations/{id}")).await;
    assert!(page.body.contains("No answer: the model’s server refused the key, the model or the request"));
}

#[tokio::test]
async fn a_long_thread_is_read_page_by_page() {
    let desk = Desk::open().await;
    let mut id = String::new();
    for n in 0..60 {
        id = say(&desk, "one", &format!("question {n}."), "ok").await;
    }
    let newest = read(&desk, &format!("/conversations/{id}")).await;
    assert!(newest.body.contains("question 59.") && !newest.body.contains("question 0."));
    assert!(newest.body.contains("?before=21"));
    let older = read(&desk, &format!("/conversations/{id}?before=21")).await;
    assert!(older.body.contains("question 0.") && older.body.contains("Newest messages"));
}

#[tokio::test]
async fn unknown_pages_are_pages() {
    let desk = Desk::open().await;
    for path in ["/conversations/x", "/conversations/01a204d1-42e2-7df8-91f4-c50a8d5356e4", "/nothing"] {
        let page = read(&desk, path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(page.body.contains("There is nothing at this address"), "{path}");
    }
}

#[tokio::test]
async fn test_pages_have_the_key_and_are_not_served_in_production() {
    let desk = Desk::open().await;
    for path in ["/widget-test.html", "/headless-test.html"] {
        let page = read(&desk, path).await;
        assert!(page.body.contains(PUBLIC_KEY), "{path}");
        assert!(
            page.header("content-security-policy").contains("connect-src http://localhost:4000"),
            "{path}"
        );
    }
    let production = Desk::with(Wishes { test_pages: false, ..Wishes::default() }).await;
    for path in ["/widget-test.html", "/headless-test.html"] {
        assert_eq!(read(&production, path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn style_and_script_keep_to_their_budgets() {
    let desk = Desk::open().await;
    let page = read(&desk, "/").await;
    for (part, ending, budget) in
        [("href=\"/assets/dashboard", ".css", 12_000), ("src=\"/assets/dashboard", ".js", 15_000)]
    {
        let rest = page.body.split(part).nth(1).unwrap();
        let name = rest.split('"').next().unwrap();
        assert!(name.ends_with(ending));
        let call = Call::new(desk.dashboard.clone(), Method::GET, &format!("/assets/dashboard{name}"));
        let response = call.header("accept-encoding", "gzip").begin().await;
        assert_eq!(response.headers()["cache-control"], "public, max-age=31536000, immutable");
        let size = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes().len();
        assert!(size < budget, "{ending}: {size} bytes");
    }
}

#[tokio::test]
async fn what_was_said_is_found_from_the_list() {
    let desk = Desk::open().await;
    let id = say(&desk, "one", "Where is my <b>parcel</b>?", "On its way.").await;
    say(&desk, "two", "Do you ship to Norway?", "We do.").await;
    let page = read(&desk, "/?q=parcel").await.body;
    assert!(page.contains("Where is my &#60;b&#62;<mark>parcel</mark>&#60;/b&#62;?"), "{page}");
    assert!(page.contains(&format!("href=\"/conversations/{id}?q=parcel\"")), "{page}");
    assert!(!page.contains("Norway"));
    assert!(page.contains("value=\"parcel\""));
    let open = read(&desk, &format!("/conversations/{id}?q=parcel")).await.body;
    assert!(open.contains("<mark>parcel</mark>") && open.contains("href=\"/?q=parcel\""), "{open}");

    let nothing = read(&desk, "/?q=%22%3E%3Cscript%3E").await.body;
    assert!(nothing.contains("Nothing for “&#34;&#62;&#60;script&#62;”"), "{nothing}");
    assert!(nothing.contains("value=\"&#34;&#62;&#60;script&#62;\"") && !nothing.contains("<script>"));
    assert!(nothing.contains("Clear search"));
    assert_eq!(read(&desk, "/?q=%00").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_long_list_of_what_was_found_is_read_page_by_page() {
    let desk = Desk::open().await;
    for n in 0..60 {
        say(&desk, &format!("session-{n}"), &format!("question {n}."), "ok").await;
    }
    let first = read(&desk, "/?q=question").await.body;
    assert_eq!(first.matches("<a class=\"cv").count(), 50);
    let next = first.split("href=\"/?q=question&#38;after=").nth(1).unwrap().split('"').next().unwrap();
    let second = read(&desk, &format!("/?q=question&after={next}")).await.body;
    assert_eq!(second.matches("<a class=\"cv").count(), 10);
    assert!(second.contains("href=\"/?q=question\">Newest"), "{second}");
}
