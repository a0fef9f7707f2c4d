use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use frontdesk_core::{Clock as _, Notifier as _};
use frontdesk_testkit::{ModelCall, ModelServer, Step};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;

use crate::support::{KEY, conversation, nobody, request, start, until, webhook};

fn answer(status: &str) -> Vec<Step> {
    vec![Step::Send(
        format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").into_bytes(),
    )]
}

/// A receiver that does something else with each call, and is content in the end.
fn moody(moods: impl Fn(usize) -> Option<Vec<Step>> + Send + Sync + 'static) -> ModelServer {
    let calls = AtomicUsize::new(0);
    ModelServer::start(move |_| {
        moods(calls.fetch_add(1, Ordering::SeqCst)).unwrap_or_else(|| answer("204 No Content"))
    })
}

/// What a receiver does to find out whether to believe a call.
fn is_signed(call: &ModelCall) -> bool {
    let signed = [
        call.header("webhook-id").as_bytes(),
        b".",
        call.header("webhook-timestamp").as_bytes(),
        b".",
        &call.bytes,
    ];
    let mac = Hmac::<Sha256>::new_from_slice(KEY).unwrap().chain_update(signed.concat());
    let Some(signature) = call.header("webhook-signature").strip_prefix("v1,") else { return false };
    STANDARD.decode(signature).is_ok_and(|bytes| mac.verify_slice(&bytes).is_ok())
}

#[tokio::test]
async fn a_webhook_is_told_who_asks_for_a_person_and_can_verify_it() {
    let server = moody(|_| None);
    let (notices, clock) = start(&webhook(&server));
    notices.person_asked(request(1)).await;
    until("a call", || server.calls().len() == 1).await;
    let call = &server.calls()[0];
    assert!(is_signed(call), "{}", call.head);
    assert_eq!((call.path.as_str(), call.header("content-type")), ("/hook?token=canary", "application/json"));
    assert_eq!(call.header("webhook-timestamp"), (clock.now().millis() / 1000).to_string());
    let id = call.header("webhook-id");
    assert_eq!(
        call.body,
        json!({
            "type": "conversation.person_asked",
            "id": id,
            "createdAt": clock.now().millis(),
            "data": {
                "siteId": "00000000-0000-7000-8000-000000000001",
                "conversationId": conversation(1).to_string(),
                "visitor": "Calm Otter",
                "message": "My parcel is late. Can I talk to somebody?",
                "email": "ana@shop.example",
                "page": "https://shop.example/orders",
                "isAway": false,
                "askedAt": 1_795_356_690_123_i64,
                "url": format!("https://desk.example/conversations/{}", conversation(1)),
            },
        })
    );
}

#[tokio::test]
async fn what_is_not_known_is_null() {
    let server = moody(|_| None);
    let settings = frontdesk_notify::NotifySettings { dashboard_url: None, ..webhook(&server) };
    let (notices, _) = start(&settings);
    let mut unknown = request(1);
    (unknown.contact, unknown.page, unknown.is_away) = (None, None, true);
    notices.person_asked(unknown).await;
    until("a call", || server.calls().len() == 1).await;
    let data = &server.calls()[0].body["data"];
    assert!(data["email"].is_null() && data["page"].is_null() && data["url"].is_null(), "{data}");
    assert_eq!(data["isAway"], true);
}

#[tokio::test]
async fn hostile_texts_arrive_as_they_were_written_and_signed() {
    let server = moody(|_| None);
    let (notices, _) = start(&webhook(&server));
    let texts = [
        "\",\"type\":\"x",
        "\r\nwebhook-signature: v1,AAAA\r\n\r\n{}",
        "</script><script>alert(1)</script>",
        "\u{202E}\u{2028}\u{1}\u{7F}😀",
        "{{constructor}} ${x} %0d%0a",
        &"長".repeat(4000),
    ];
    for (n, text) in (0..).zip(texts) {
        let mut hostile = request(n);
        (hostile.visitor, hostile.message, hostile.page) =
            (text.to_owned(), text.to_owned(), Some(text.to_owned()));
        notices.person_asked(hostile).await;
        until("a call", || server.calls().len() == n as usize + 1).await;
        let call = server.calls().pop().unwrap();
        assert!(is_signed(&call), "{text:?}");
        for member in ["visitor", "message", "page"] {
            assert_eq!(call.body["data"][member], text);
        }
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again_under_the_same_id() {
    let server = moody(|n| match n {
        0 => Some(answer("500 Internal Server Error")),
        1 => Some(vec![Step::Reset]),
        2 => Some(vec![Step::Hang]),
        3 => Some(answer("429 Too Many Requests\r\nRetry-After: 0")),
        4 => Some(vec![Step::Send(b"SSH-2.0-OpenSSH\r\n".to_vec())]),
        _ => None,
    });
    let mut settings = webhook(&server);
    settings.timing.one_try = Duration::from_secs(2);
    let (notices, clock) = start(&settings);
    notices.person_asked(request(1)).await;
    until("three calls", || server.calls().len() >= 3).await;
    clock.advance(Duration::from_secs(90));
    until("six calls", || server.calls().len() == 6).await;
    notices.shut_down(Duration::from_secs(10)).await;
    let calls = server.calls();
    assert_eq!(calls.len(), 6, "the last one was answered well");
    assert!(calls.iter().all(is_signed), "each is signed");
    let ids: std::collections::BTreeSet<_> = calls.iter().map(|call| call.header("webhook-id")).collect();
    assert_eq!(ids.len(), 1);
    assert_ne!(
        calls[0].header("webhook-timestamp"),
        calls[5].header("webhook-timestamp"),
        "when it was sent"
    );
}

#[tokio::test]
async fn it_is_given_up_after_the_last_pause() {
    let server = ModelServer::start(|_| answer("503 Service Unavailable"));
    let (notices, _) = start(&webhook(&server));
    notices.person_asked(request(1)).await;
    until("six calls", || server.calls().len() == 6).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    notices.shut_down(Duration::from_secs(10)).await;
    assert_eq!(server.calls().len(), 6);
}

#[tokio::test]
async fn a_redirect_is_followed_by_nobody_and_a_refusal_is_not_tried_again() {
    let elsewhere = moody(|_| None);
    let location = format!("http://{}/", elsewhere.address());
    for status in ["302 Found", "307 Temporary Redirect", "400 Bad Request", "401 Unauthorized", "410 Gone"] {
        let reply = format!("{status}\r\nLocation: {location}");
        let server = ModelServer::start(move |_| answer(&reply));
        let (notices, _) = start(&webhook(&server));
        notices.person_asked(request(1)).await;
        until("a call", || server.calls().len() == 1).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        notices.shut_down(Duration::from_secs(10)).await;
        assert_eq!(server.calls().len(), 1, "{status}");
    }
    assert!(elsewhere.calls().is_empty());
}

#[tokio::test]
async fn a_reply_without_end_is_not_read_to_its_end() {
    let server = ModelServer::start(|_| {
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        let chunk = format!("1000\r\n{}\r\n", "x".repeat(4096)).into_bytes();
        vec![Step::Send(head), Step::Repeat(chunk, Duration::from_millis(1))]
    });
    let (notices, _) = start(&webhook(&server));
    let tried = notices.test().await;
    assert_eq!(tried[0].result, Ok("answered with status 200".to_owned()));
    until("the connection is closed", || server.open_connections() == 0).await;
}

#[tokio::test]
async fn nobody_waits_for_a_receiver_that_hangs_and_few_connections_are_open() {
    let server = ModelServer::start(|_| vec![Step::Hang]);
    let (notices, _) = start(&webhook(&server));
    for n in 0..2000 {
        let telling = notices.person_asked(request(n));
        assert!(futures_now(telling), "it waited");
    }
    until("the first are on their way", || server.calls().len() == 4).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(server.open_connections(), 4);
    notices.shut_down(Duration::ZERO).await;
}

/// Whether something is done when it is looked at once.
fn futures_now(future: impl Future<Output = ()>) -> bool {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    future.as_mut().poll(&mut context).is_ready()
}

#[tokio::test]
async fn what_waits_to_be_tried_again_is_tried_once_more_at_the_end() {
    let server = moody(|n| (n == 0).then(|| answer("502 Bad Gateway")));
    let mut settings = webhook(&server);
    settings.timing.pauses = vec![Duration::from_hours(1)];
    let (notices, _) = start(&settings);
    notices.person_asked(request(1)).await;
    until("the first try", || server.calls().len() == 1).await;
    notices.shut_down(Duration::from_secs(30)).await;
    assert_eq!(server.calls().len(), 2);
}

#[tokio::test]
async fn the_end_comes_in_time_though_something_is_on_its_way() {
    let server = ModelServer::start(|_| vec![Step::Hang]);
    let mut settings = webhook(&server);
    settings.timing.one_try = Duration::from_hours(1);
    let (notices, _) = start(&settings);
    notices.person_asked(request(1)).await;
    until("a call", || server.calls().len() == 1).await;
    notices.shut_down(Duration::from_millis(20)).await;
    until("the connection is closed", || server.open_connections() == 0).await;
}

#[tokio::test]
async fn a_test_notice_says_what_came_of_it() {
    let server = moody(|n| (n == 1).then(|| answer("404 Not Found")));
    let (notices, _) = start(&webhook(&server));
    let tried = notices.test().await;
    assert_eq!(tried[0].way, format!("webhook at http://{}", server.address()));
    assert_eq!(tried[0].result, Ok("answered with status 204".to_owned()));
    let call = &server.calls()[0];
    assert!(is_signed(call) && call.body["type"] == "notification.test", "{}", call.body);
    assert_eq!(notices.test().await[0].result, Err("answered with status 404".to_owned()));
    let port = frontdesk_testkit::free_port();
    let mut settings = webhook(&server);
    settings.webhook.as_mut().unwrap().url =
        frontdesk_notify::WebhookUrl::parse(&format!("http://127.0.0.1:{port}/canary")).unwrap();
    let error = start(&settings).0.test().await[0].result.clone().unwrap_err();
    assert!(error.starts_with("no connection: ") && !error.contains("canary"), "{error}");
    assert!(start(&nobody()).0.test().await.is_empty());
}
