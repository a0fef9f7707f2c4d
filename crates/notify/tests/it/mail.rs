use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use frontdesk_core::Notifier as _;
use frontdesk_testkit::{Mail, Smtp, SmtpServer};
use proptest::prelude::*;

use crate::support::{conversation, mail, request, start, until};

const TEAM: &str = "team@shop.example";

fn header<'a>(mail: &'a Mail, name: &str) -> Option<&'a str> {
    let (head, _) = mail.text.split_once("\r\n\r\n").unwrap();
    let start = format!("{name}: ");
    head.split("\r\n").find_map(|line| line.strip_prefix(&start))
}

fn body(mail: &Mail) -> &str {
    mail.text.split_once("\r\n\r\n").unwrap().1
}

async fn sent(request: frontdesk_core::PersonRequest) -> Mail {
    let server = SmtpServer::start();
    let (notices, _) = start(&mail(&server, &[TEAM]));
    notices.person_asked(request).await;
    notices.shut_down(Duration::from_secs(30)).await;
    let [mail] = <[Mail; 1]>::try_from(server.mails()).unwrap();
    mail
}

#[tokio::test]
async fn a_mail_says_who_asks_for_a_person_and_where() {
    let mail = sent(request(1)).await;
    assert_eq!((mail.from.as_str(), &mail.to[..]), ("desk@shop.example", &[TEAM.to_owned()][..]));
    assert_eq!(STANDARD.decode(&mail.login).unwrap(), b"\0desk\0canary");
    assert_eq!(header(&mail, "From"), Some("Frontdesk <desk@shop.example>"));
    assert_eq!(header(&mail, "To"), Some(TEAM));
    assert_eq!(header(&mail, "Subject"), Some("Calm Otter asks for a person"));
    assert_eq!(header(&mail, "Reply-To"), Some("ana@shop.example"));
    assert_eq!(header(&mail, "Auto-Submitted"), Some("auto-generated"));
    assert_eq!(header(&mail, "Content-Type"), Some("text/plain; charset=utf-8"));
    assert!(header(&mail, "Date").is_some());
    let id = header(&mail, "Message-ID").unwrap();
    assert!(id.starts_with('<') && id.ends_with("@shop.example>"), "{id}");
    // A line that ends with = goes on (RFC 2045, section 6.7).
    let text = body(&mail).replace("=\r\n", "").replace("\r\n", "\n");
    assert_eq!(
        text.trim_end(),
        format!(
            "Calm Otter asks for a person.\n\nWhat they wrote last:\n\n> My parcel is late. Can I talk to somebody?\n\n\
             E-mail: ana@shop.example (an answer to this mail goes there)\n\
             Page, as their browser says: https://shop.example/orders\n\
             Conversation: https://desk.example/conversations/{}",
            conversation(1)
        )
    );
}

#[tokio::test]
async fn what_is_not_known_is_left_out() {
    let mut unknown = request(1);
    (unknown.contact, unknown.page, unknown.is_away) = (None, None, true);
    (unknown.visitor, unknown.message) = (String::new(), "  ".to_owned());
    let mail = sent(unknown).await;
    assert_eq!(header(&mail, "Subject"), Some("A visitor asks for a person"));
    assert_eq!(header(&mail, "Reply-To"), None);
    let text = body(&mail);
    assert!(
        text.contains("nobody is there now") && !text.contains("Page") && !text.contains("wrote"),
        "{text}"
    );
}

/// What a mail's header may have in it, and nothing else.
const HEADERS: [&str; 10] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "Reply-To",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
];

fn check(mail: &Mail) {
    assert_eq!(mail.to, [TEAM], "the envelope");
    assert!(mail.text.is_ascii(), "a server need not take anything else");
    assert!(mail.text.lines().all(|line| line.len() <= 998), "lines of SMTP are short");
    assert!(!mail.text.replace("\r\n", "").contains(['\r', '\n']), "ends of lines are those of SMTP");
    let (head, _) = mail.text.split_once("\r\n\r\n").unwrap();
    let mut names = Vec::new();
    for line in head.split("\r\n").filter(|line| !line.starts_with(' ')) {
        let (name, _) = line.split_once(": ").unwrap_or_else(|| unreachable!("no header: {line:?}"));
        names.push(name);
    }
    let distinct: BTreeSet<_> = names.iter().copied().collect();
    assert_eq!(distinct, BTreeSet::from(HEADERS), "{head}");
    assert_eq!(names.len(), HEADERS.len(), "one of each: {head}");
}

#[tokio::test]
async fn no_text_of_a_visitor_becomes_a_header_a_recipient_or_a_command() {
    let server = SmtpServer::start();
    let (notices, _) = start(&mail(&server, &[TEAM]));
    let texts = [
        "Ana\r\nBcc: everybody@shop.example\r\n\r\nhello",
        "Ana\nBcc: everybody@shop.example",
        "Ana\rBcc: everybody@shop.example",
        "\r\n.\r\nMAIL FROM:<x@shop.example>\r\nRCPT TO:<everybody@shop.example>\r\nDATA\r\n",
        "\n.\n",
        ".\r\n..\r\n.",
        "a\u{85}Bcc: x@shop.example\u{2028}Cc: y@shop.example\u{2029}",
        "=?utf-8?b?DQpCY2M6IHhAc2hvcC5leGFtcGxl?=",
        "\0\u{1}\u{7F}\u{1B}[2J",
        "<script>alert(1)</script> \" \\ ; , : @",
        "😀\u{202E}moc.elpmaxe",
        &"x".repeat(4000),
        &"ü ".repeat(2000),
        &"長\r\n".repeat(1000),
    ];
    for (n, text) in (0..).zip(texts) {
        let mut hostile = request(n);
        (hostile.visitor, hostile.message, hostile.page) =
            (text.to_owned(), text.to_owned(), Some(text.to_owned()));
        notices.person_asked(hostile).await;
    }
    notices.shut_down(Duration::from_mins(1)).await;
    assert_eq!(server.mails().len(), texts.len());
    server.mails().iter().for_each(check);
    let verbs: BTreeSet<_> =
        server.lines().iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(verbs, ["AUTH", "DATA", "EHLO", "MAIL", "QUIT", "RCPT"].map(str::to_owned).into());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn whatever_is_written_a_mail_is_one_mail(
        visitor in "[\\PC\r\n\t\0.]{0,80}",
        message in "[\\PC\r\n\u{2028}.=?:]{0,300}",
        page in prop::option::of("[\\PC\r\n]{0,80}"),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let hostile = frontdesk_core::PersonRequest { visitor, message, page, ..request(1) };
        check(&runtime.block_on(sent(hostile)));
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again_as_the_same_mail() {
    let server = SmtpServer::scripted(|connection, line| match (connection, line) {
        (1, "") => Smtp::Say("421 4.3.2 come back later"),
        (2, line) if line.starts_with("RCPT") => Smtp::Say("451 4.7.1 greylisted"),
        (3, "DATA") => Smtp::Reset,
        (4, ".") => Smtp::Say("452 4.3.1 no room"),
        (5, line) if line.starts_with("EHLO") => Smtp::Hang,
        _ => Smtp::Usual,
    });
    let mut settings = mail(&server, &[TEAM]);
    settings.timing.one_try = Duration::from_secs(2);
    let (notices, _) = start(&settings);
    notices.person_asked(request(1)).await;
    until("a mail", || server.mails().len() == 1).await;
    notices.shut_down(Duration::from_secs(30)).await;
    assert_eq!(server.mails().len(), 1);
    assert_eq!(server.lines().iter().filter(|line| line.starts_with("EHLO")).count(), 5);
}

#[tokio::test]
async fn a_mail_that_was_taken_is_not_sent_again_whatever_becomes_of_the_goodbye() {
    let server = SmtpServer::scripted(|connection, line| match (connection, line) {
        (_, "QUIT") if connection % 2 == 1 => Smtp::Hang,
        (_, "QUIT") => Smtp::Reset,
        _ => Smtp::Usual,
    });
    let (notices, _) = start(&mail(&server, &[TEAM]));
    for n in 0..2 {
        notices.person_asked(request(n)).await;
        until("a mail", || server.mails().len() == n as usize + 1).await;
    }
    notices.shut_down(Duration::from_secs(30)).await;
    assert_eq!(server.mails().len(), 2);
    let ids: BTreeSet<_> =
        server.mails().iter().map(|mail| header(mail, "Message-ID").unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 2);
}

#[tokio::test]
async fn a_wrong_password_is_not_tried_again_and_said_without_the_servers_words() {
    let server = SmtpServer::scripted(|_, line| match line {
        line if line.starts_with("AUTH") => Smtp::Say("535 5.7.8 no: ZGVzawBjYW5hcnk= canary"),
        _ => Smtp::Usual,
    });
    let (notices, _) = start(&mail(&server, &[TEAM]));
    notices.person_asked(request(1)).await;
    until("a try", || server.lines().iter().any(|line| line.starts_with("AUTH"))).await;
    notices.shut_down(Duration::from_secs(30)).await;
    assert_eq!(server.lines().iter().filter(|line| line.starts_with("AUTH")).count(), 1);
    let tried = notices.test().await;
    assert_eq!(tried[0].result, Err("refused while signing in: 535 5.7.8".to_owned()));
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn a_recipient_that_is_refused_is_nobody_elses_trouble() {
    let server = SmtpServer::scripted(|_, line| {
        if line.contains("<gone@shop.example>") { Smtp::Say("550 5.1.1 nobody here") } else { Smtp::Usual }
    });
    let (notices, _) = start(&mail(&server, &["gone@shop.example", TEAM]));
    notices.person_asked(request(1)).await;
    notices.shut_down(Duration::from_secs(30)).await;
    let mails = server.mails();
    assert_eq!((mails.len(), &mails[0].to[..]), (1, &[TEAM.to_owned()][..]));
    let tried: Vec<_> = notices.test().await.into_iter().map(|tried| tried.result).collect();
    assert_eq!(tried[0], Err("refused while handing over the mail: 550 5.1.1".to_owned()));
    assert_eq!(tried[1], Ok("taken by the mail server".to_owned()));
}

#[tokio::test]
async fn what_is_no_mail_server_is_said_so() {
    for (greeting, error) in [
        ("SSH-2.0-OpenSSH_9.2", "the server said something else than SMTP while connecting"),
        ("554 5.7.1 go away", "refused while connecting: 554 5.7.1"),
    ] {
        let server = SmtpServer::scripted(
            move |_, line| if line.is_empty() { Smtp::Say(greeting) } else { Smtp::Usual },
        );
        let tried = start(&mail(&server, &[TEAM])).0.test().await;
        assert_eq!(tried[0].way, format!("mail to {TEAM} through smtp://{}?tls=none", server.address()));
        assert_eq!(tried[0].result, Err(error.to_owned()));
    }
}
