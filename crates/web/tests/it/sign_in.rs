//! Getting into the dashboard, and not getting in.

use std::time::Duration;

use frontdesk_core::{Clock as _, StoreErrorKind};
use http::{Method, StatusCode};
use serde_json::json;

use crate::desk::{Call, Desk, PASSWORD, Reply, Wishes};

fn get(desk: &Desk, path: &str) -> Call {
    Call::new(desk.dashboard.clone(), Method::GET, path).header("accept", "text/html")
}

fn post(desk: &Desk, path: &str) -> Call {
    Call::new(desk.dashboard.clone(), Method::POST, path).header("sec-fetch-site", "same-origin")
}

fn form(desk: &Desk, password: &str, next: &str) -> Call {
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("password", password)
        .append_pair("next", next)
        .finish();
    post(desk, "/login")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("accept", "text/html")
        .body(body)
}

fn login(desk: &Desk, password: &str) -> Call {
    post(desk, "/api/login").json(&json!({ "password": password }))
}

async fn signed_in(desk: &Desk) -> String {
    let reply = form(desk, PASSWORD, "/").send().await;
    assert_eq!(reply.status, StatusCode::SEE_OTHER, "{}", reply.body);
    format!("frontdesk_session={}", reply.cookie("frontdesk_session").unwrap())
}

fn is_login_redirect(reply: &Reply) -> bool {
    reply.status == StatusCode::SEE_OTHER && reply.header("location").starts_with("/login")
}

#[tokio::test]
async fn the_right_password_opens_the_page_that_was_asked_for() {
    let desk = Desk::open().await;
    let asked = get(&desk, "/conversations/x?after=y").send().await;
    assert_eq!(asked.header("location"), "/login?next=%2Fconversations%2Fx%3Fafter%3Dy");
    let reply = form(&desk, PASSWORD, "/conversations/x?after=y").send().await;
    assert_eq!((reply.status, reply.header("location")), (StatusCode::SEE_OTHER, "/conversations/x?after=y"));
    let cookie = signed_in(&desk).await;
    assert_eq!(get(&desk, "/").header("cookie", &cookie).send().await.status, StatusCode::OK);
}

#[tokio::test]
async fn nobody_is_sent_on_to_another_site() {
    let desk = Desk::open().await;
    for next in ["https://evil.example/", "//evil.example", "/\\evil.example"] {
        assert_eq!(form(&desk, PASSWORD, next).send().await.header("location"), "/", "{next}");
    }
}

#[tokio::test]
async fn no_page_is_shown_without_a_session() {
    let desk = Desk::open().await;
    for cookie in [
        "",
        "os_chatbot_dashboard_auth=1",
        "frontdesk_session=1",
        "frontdesk_session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "__Host-frontdesk_session=1",
    ] {
        for path in ["/", "/conversations/01a204d1-42e2-7df8-91f4-c50a8d5356e4"] {
            assert!(
                is_login_redirect(&get(&desk, path).header("cookie", cookie).send().await),
                "{cookie} {path}"
            );
        }
    }
}

#[tokio::test]
async fn a_wrong_password_is_counted_and_then_paused() {
    let desk = Desk::open().await;
    for left in [4, 3, 2, 1] {
        let reply = form(&desk, "wrong", "/").send().await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
        assert!(reply.body.contains("That password is not right."), "{}", reply.body);
        assert!(reply.body.contains(&format!("{left} ")), "{left}");
    }
    assert_eq!(form(&desk, "wrong", "/").send().await.status, StatusCode::UNAUTHORIZED);
    let paused = form(&desk, PASSWORD, "/").send().await;
    assert_eq!((paused.status, paused.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "61"));
    assert!(paused.body.contains("Too many attempts"));
    desk.clock.advance(Duration::from_mins(1));
    assert_eq!(form(&desk, PASSWORD, "/").send().await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn claims_about_the_address_do_not_get_around_the_pause() {
    let desk = Desk::open().await;
    for n in 0..5 {
        form(&desk, "wrong", "/").from([198, 51, 100, n]).send().await;
    }
    assert_eq!(
        form(&desk, "wrong", "/").from([198, 51, 100, 99]).send().await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
}

#[tokio::test]
async fn an_attack_does_not_lock_out_a_known_browser() {
    let desk = Desk::open().await;
    let device = form(&desk, PASSWORD, "/").send().await.cookie("frontdesk_device").unwrap();
    for _ in 0..8 {
        form(&desk, "wrong", "/").send().await;
    }
    assert_eq!(form(&desk, PASSWORD, "/").send().await.status, StatusCode::TOO_MANY_REQUESTS);
    let known =
        form(&desk, PASSWORD, "/").header("cookie", format!("frontdesk_device={device}")).send().await;
    assert_eq!(known.status, StatusCode::SEE_OTHER);
    let made_up = form(&desk, PASSWORD, "/").header("cookie", "frontdesk_device=guess").send().await;
    assert_eq!(made_up.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn programs_sign_in_as_they_did() {
    let desk = Desk::open().await;
    let reply = login(&desk, PASSWORD).send().await;
    assert_eq!((reply.status, reply.json()), (StatusCode::OK, json!({ "ok": true })));
    let cookie = format!("frontdesk_session={}", reply.cookie("frontdesk_session").unwrap());
    let out = post(&desk, "/api/logout").header("cookie", &cookie).send().await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert!(is_login_redirect(&get(&desk, "/").header("cookie", &cookie).send().await));
}

#[tokio::test]
async fn bad_sign_ins_are_refused() {
    let desk = Desk::open().await;
    let body = |body: &str| {
        post(&desk, "/api/login").header("content-type", "application/json").body(body.to_owned())
    };
    let large = format!("{{\"password\":\"{}\"}}", "x".repeat(1024 * 1024));
    for (name, call, status, error) in [
        ("wrong", login(&desk, "wrong"), 401, "Invalid password"),
        ("empty", login(&desk, ""), 400, "Password is required"),
        ("missing", body("{}"), 400, "Password is required"),
        ("a number", body("{\"password\":1}"), 400, "Password is required"),
        ("large", body(&large), 413, "Payload too large"),
        (
            "text",
            post(&desk, "/api/login").header("content-type", "text/plain").body("x"),
            415,
            "Unsupported media type",
        ),
        (
            "a form's text",
            post(&desk, "/login").header("content-type", "text/plain").body("x"),
            415,
            "Unsupported media type",
        ),
    ] {
        let reply = call.send().await;
        assert_eq!(
            (reply.status.as_u16(), reply.json()["error"].as_str().unwrap()),
            (status, error),
            "{name}"
        );
    }
}

#[tokio::test]
async fn what_other_sites_send_is_refused() {
    let desk = Desk::open().await;
    let cookie = signed_in(&desk).await;
    let from = |site: &str, path: &str| {
        Call::new(desk.dashboard.clone(), Method::POST, path)
            .header("cookie", &cookie)
            .header("sec-fetch-site", site)
            .json(&json!({ "password": PASSWORD }))
    };
    for path in ["/login", "/logout", "/api/login", "/api/logout"] {
        for site in ["cross-site", "same-site", "none"] {
            let reply = from(site, path).send().await;
            assert_eq!(
                (reply.status, &reply.json()["error"]),
                (StatusCode::FORBIDDEN, &json!("Forbidden")),
                "{path} {site}"
            );
        }
        let bare =
            Call::new(desk.dashboard.clone(), Method::POST, path).header("cookie", &cookie).send().await;
        assert_eq!(bare.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(
        get(&desk, "/").header("cookie", &cookie).send().await.status,
        StatusCode::OK,
        "still signed in"
    );
}

#[tokio::test]
async fn signing_out_ends_the_session_on_the_server() {
    let desk = Desk::open().await;
    let cookie = signed_in(&desk).await;
    let out = post(&desk, "/logout").header("cookie", &cookie).send().await;
    assert_eq!((out.status, out.header("location")), (StatusCode::SEE_OTHER, "/login"));
    assert_eq!(out.header("clear-site-data"), "\"cache\", \"storage\"");
    assert_eq!(out.cookie("frontdesk_session").as_deref(), Some(""));
    assert!(is_login_redirect(&get(&desk, "/").header("cookie", &cookie).send().await));
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle_or_old() {
    let desk = Desk::open().await;
    let idle = signed_in(&desk).await;
    desk.clock.advance(Duration::from_hours(12));
    let reply = get(&desk, "/").header("cookie", &idle).send().await;
    assert_eq!(reply.header("location"), "/login?next=%2F&ended=1");
    let old = signed_in(&desk).await;
    for _ in 0..15 {
        desk.clock.advance(Duration::from_hours(11));
        assert_eq!(get(&desk, "/").header("cookie", &old).send().await.status, StatusCode::OK);
    }
    desk.clock.advance(Duration::from_hours(4));
    assert!(is_login_redirect(&get(&desk, "/").header("cookie", &old).send().await), "seven days");
}

#[tokio::test]
async fn a_password_is_not_taken_over_plain_http_from_elsewhere() {
    let desk = Desk::with(Wishes { proxies: "127.0.0.0/8", ..Wishes::default() }).await;
    let at = |call: Call| call.header("x-forwarded-for", "198.51.100.7");
    let request = |scheme: &str| {
        let body = format!("password={}", PASSWORD.replace(' ', "+"));
        let request = http::Request::builder()
            .method("POST")
            .uri("/login")
            .header("host", "desk.example")
            .header("sec-fetch-site", "same-origin")
            .header("x-forwarded-proto", scheme)
            .header("content-type", "application/x-www-form-urlencoded");
        tower::ServiceExt::oneshot(
            desk.dashboard.clone(),
            request.body(axum::body::Body::from(body)).unwrap(),
        )
    };
    assert_eq!(request("http").await.unwrap().status(), StatusCode::FORBIDDEN);
    let secure = request("https").await.unwrap();
    assert_eq!(secure.status(), StatusCode::SEE_OTHER);
    let cookie = secure.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-frontdesk_session=") && cookie.ends_with("; Secure"), "{cookie}");
    assert_eq!(at(get(&desk, "/login")).send().await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_store_that_fails_shows_a_page_that_says_so() {
    let desk = Desk::open().await;
    let cookie = signed_in(&desk).await;
    desk.store.fail_with(Some(StoreErrorKind::Unavailable));
    let reply = get(&desk, "/").header("cookie", &cookie).send().await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reply.header("content-type"), "text/html; charset=utf-8");
    assert!(reply.body.contains("The server cannot do that now"));
}

#[tokio::test]
async fn an_operator_goes_on_reading_when_the_disk_is_full() {
    let desk = Desk::open().await;
    let cookie = signed_in(&desk).await;
    desk.store.fail_with(Some(StoreErrorKind::Full));
    // So long that it should be noted that the operator is still there.
    desk.clock.advance(Duration::from_mins(2));
    assert_eq!(get(&desk, "/").header("cookie", &cookie).send().await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_clock_that_was_wrong_does_not_make_a_session_last_longer() {
    let desk = Desk::open().await;
    let now = desk.clock.now();
    for (ahead, is_open) in [(Duration::from_mins(4), true), (Duration::from_hours(24), false)] {
        desk.clock.set(now.plus(ahead));
        let cookie = signed_in(&desk).await;
        desk.clock.set(now);
        let reply = get(&desk, "/").header("cookie", &cookie).send().await;
        assert_eq!(reply.status == StatusCode::OK, is_open, "{ahead:?}");
        assert_eq!(
            get(&desk, "/").header("cookie", &signed_in(&desk).await).send().await.status,
            StatusCode::OK
        );
    }
}
