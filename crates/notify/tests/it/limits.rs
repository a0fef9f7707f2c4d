use std::time::Duration;

use frontdesk_core::Notifier as _;
use frontdesk_notify::NotifySettings;
use frontdesk_testkit::{ModelServer, SmtpServer, Step};

use crate::support::{mail, request, start, until, webhook};

fn content() -> ModelServer {
    ModelServer::start(|_| vec![Step::Send(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n".to_vec())])
}

#[tokio::test]
async fn a_conversation_is_told_of_once_in_five_minutes() {
    let server = content();
    let (notices, clock) = start(&webhook(&server));
    for _ in 0..20 {
        notices.person_asked(request(1)).await;
    }
    notices.person_asked(request(2)).await;
    clock.advance(Duration::from_mins(5));
    notices.person_asked(request(1)).await;
    notices.shut_down(Duration::from_secs(30)).await;
    let calls = server.calls();
    let told: Vec<_> =
        calls.iter().map(|call| call.body["data"]["conversationId"].as_str().unwrap()).collect();
    let of_first = told.iter().filter(|id| **id == request(1).conversation.to_string()).count();
    assert_eq!((told.len(), of_first), (3, 2), "{told:?}");
}

#[tokio::test]
async fn a_flood_of_visitors_does_not_flood_a_mailbox() {
    let (webhooks, mails) = (content(), SmtpServer::start());
    let settings =
        NotifySettings { webhook: webhook(&webhooks).webhook, ..mail(&mails, &["team@shop.example"]) };
    let (notices, _) = start(&settings);
    for n in 0..150 {
        notices.person_asked(request(n)).await;
    }
    until("sixty mails", || mails.mails().len() == 60).await;
    notices.shut_down(Duration::from_mins(1)).await;
    let texts: Vec<_> = mails.mails().into_iter().map(|mail| mail.text).collect();
    assert_eq!(texts.len(), 61);
    let summaries: Vec<_> =
        texts.iter().filter(|text| text.contains("Subject: 90 more visitors ask for a person")).collect();
    assert_eq!(summaries.len(), 1);
    assert_eq!(summaries[0].matches("https://desk.example/conversations/").count(), 20, "{}", summaries[0]);
    assert!(summaries[0].contains("And 70 more, in the dashboard."), "{}", summaries[0]);
    assert_eq!(webhooks.calls().len(), 150, "a program may want to know of all");
}

#[tokio::test]
async fn a_summary_comes_by_itself_after_a_while() {
    let mails = SmtpServer::start();
    let mut settings = mail(&mails, &["team@shop.example"]);
    settings.timing.gathering = Duration::from_millis(100);
    let (notices, _) = start(&settings);
    for n in 0..61 {
        notices.person_asked(request(n)).await;
    }
    until("a summary", || {
        mails.mails().iter().any(|mail| mail.text.contains("Subject: 1 more visitor asks for a person"))
    })
    .await;
}
