//! What the dashboard keeps out: markup in what others write, strangers, and forms from other sites.

use http::{Method, StatusCode};
use serde_json::json;

use crate::dashboard_inbox::{Operator, say};
use crate::desk::{Call, Desk};

#[tokio::test]
async fn what_a_browser_says_is_shown_and_leads_nowhere_else() {
    let desk = Desk::open().await;
    let body = json!({
        "sessionId": "one",
        "message": "Hello",
        "page": "https://shop.example/rates?from=porto",
        "referrer": "javascript:alert(1)",
    });
    let call = desk.post("/v1/chat").key().secret().header("accept-language", "de-AT, en;q=0.5");
    let agent = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15) Gecko/20100101 Firefox/143.0 <script>";
    let reply = desk.say(call.header("user-agent", agent).json(&body), "Hi").await;
    let id = reply.json()["conversationId"].as_str().unwrap().to_owned();
    let maya = Operator::sign_in(&desk, "Maya").await;
    let page = maya.get(&format!("/conversations/{id}")).await.body;
    assert!(page.contains("Firefox 143, macOS") && page.contains("data-language=\"de-AT\""), "{page}");
    assert!(page.contains("href=\"https://shop.example/rates?from=porto\" target=\"_blank\" rel=\"noopener"));
    assert!(!page.contains("javascript:") && !page.contains("<script>"));
    assert!(maya.get("/").await.body.contains(">/rates?from=porto</span>"));
}

/// Texts that would be markup if anybody took them for it.
const HOSTILE: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>";

#[tokio::test]
async fn nothing_that_anybody_writes_becomes_markup() {
    let desk = Desk::open().await;
    let id = say(&desk, "one", HOSTILE, HOSTILE).await;
    let path = format!("/conversations/{id}");
    let name = "\"><img src=x onerror=1>";
    let maya = Operator::sign_in(&desk, name).await;
    maya.act(&format!("{path}/takeover"), &[]).await;
    maya.act(&format!("{path}/reply"), &[("reply", HOSTILE), ("key", "k")]).await;
    maya.act(&format!("{path}/note"), &[("note", HOSTILE), ("key", "n")]).await;
    maya.act(&format!("{path}/tags"), &[("add", "\"><img src=x onerror=1>")]).await;
    maya.act(&format!("{path}/assign"), &[("assignee", name)]).await;
    maya.act("/replies", &[("shortcut", "x"), ("text", HOSTILE), ("do", "save")]).await;
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("q", HOSTILE).finish();
    let tom = Operator::sign_in(&desk, "Tom").await;
    for page in [
        "/".to_owned(),
        "/?select=1".to_owned(),
        format!("/?{query}"),
        format!("/?part=list&{query}"),
        format!("/?page={HOSTILE}").replace(['"', '<', '>', ' '], "%22"),
        path.clone(),
        format!("{path}?{query}&details=1"),
        format!("{path}/delete?{query}"),
        "/replies".to_owned(),
        "/profile".to_owned(),
        "/office-hours".to_owned(),
        "/?done=closed&ids=%3Cscript%3E".to_owned(),
    ] {
        for operator in [&maya, &tom] {
            let body = operator.get(&page).await.body;
            assert!(!body.contains("<script>") && !body.contains("<img"), "{page}: {body}");
            assert!(body.contains("<body>"), "{page}");
        }
    }
}

/// Every path that the dashboard has, as its own source says.
fn paths() -> Vec<String> {
    let source = include_str!("../../src/dashboard.rs");
    let routes = source.split(".route(").skip(1).filter_map(|rest| rest.split('"').nth(1));
    let paths: Vec<_> = routes
        .map(|path| {
            path.replace("{conversation}", "01a204d1-42e2-7df8-91f4-c50a8d5356e4").replace("{file}", "x.js")
        })
        .collect();
    assert!(paths.len() > 25, "{paths:?}");
    paths
}

/// What anybody may ask for: to sign in, to sign out, the files of the pages, and the test pages where they are served.
const FOR_ANYBODY: [&str; 8] = [
    "/login",
    "/logout",
    "/api/login",
    "/api/logout",
    "/health",
    "/assets/x.js",
    "/widget-test.html",
    "/headless-test.html",
];

#[tokio::test]
async fn no_route_is_reached_without_a_session_and_none_from_another_site() {
    let desk = Desk::open().await;
    let maya = Operator::sign_in(&desk, "Maya").await;
    for path in paths() {
        for method in [Method::GET, Method::POST] {
            let call = || {
                Call::new(desk.dashboard.clone(), method.clone(), &path)
                    .header("accept", "text/html")
                    .header("content-type", "application/x-www-form-urlencoded")
            };
            let stranger = call().header("sec-fetch-site", "same-origin").send().await;
            if !FOR_ANYBODY.contains(&path.as_str()) {
                let is_kept_out = [StatusCode::METHOD_NOT_ALLOWED, StatusCode::UNAUTHORIZED]
                    .contains(&stranger.status)
                    || stranger.header("location").starts_with("/login");
                assert!(is_kept_out, "{method} {path}: {} {}", stranger.status, stranger.body);
            }
            if method == Method::POST {
                for site in ["cross-site", "same-site", "none"] {
                    let forged =
                        call().header("cookie", &maya.cookie).header("sec-fetch-site", site).send().await;
                    assert_eq!(forged.status, StatusCode::FORBIDDEN, "{path} from {site}");
                }
                let silent = call().header("cookie", &maya.cookie).send().await;
                assert_eq!(silent.status, StatusCode::FORBIDDEN, "{path} from nowhere");
            }
        }
    }
}
