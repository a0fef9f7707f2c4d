use std::sync::Arc;
use std::time::{Duration, Instant};

use frontdesk_core::testing::{ManualClock, SeededRandom};
use frontdesk_core::{ConversationId, EmailAddress, PersonRequest, SiteId, Timestamp};
use frontdesk_notify::{
    MailSettings, Notices, NotifySettings, SmtpUrl, Timing, WebhookSecrets, WebhookSettings, WebhookUrl,
};
use frontdesk_testkit::{ModelServer, SmtpServer};

/// What signs.
pub(crate) const KEY: &[u8] = b"012345678901234567890123";
/// The same as it is set.
const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz";

/// Settings that name nobody, with pauses that a test can wait for.
pub(crate) fn nobody() -> NotifySettings {
    let millis = Duration::from_millis;
    let timing = Timing {
        pauses: vec![millis(10); 5],
        one_try: Duration::from_secs(5),
        quiet: Duration::from_mins(5),
        gathering: Duration::from_mins(10),
    };
    NotifySettings {
        webhook: None,
        mail: None,
        dashboard_url: Some("https://desk.example".to_owned()),
        timing,
    }
}

pub(crate) fn webhook(server: &ModelServer) -> NotifySettings {
    let url = WebhookUrl::parse(&format!("http://{}/hook?token=canary", server.address())).unwrap();
    let secrets = WebhookSecrets::parse(SECRET).unwrap();
    NotifySettings { webhook: Some(WebhookSettings { url, secrets }), ..nobody() }
}

pub(crate) fn mail(server: &SmtpServer, to: &[&str]) -> NotifySettings {
    let server = SmtpUrl::parse(&format!("smtp://desk:canary@{}?tls=none", server.address())).unwrap();
    let (from, to) = (address("desk@shop.example"), to.iter().map(|text| address(text)).collect());
    NotifySettings { mail: Some(MailSettings { server, from, to }), ..nobody() }
}

pub(crate) fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

/// Notices, and the clock that they look at.
pub(crate) fn start(settings: &NotifySettings) -> (Notices, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::default());
    let random = Arc::new(SeededRandom::new(1));
    (Notices::new(settings, Arc::<ManualClock>::clone(&clock), random).unwrap(), clock)
}

pub(crate) fn conversation(n: u32) -> ConversationId {
    let mut bytes = [7; 16];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    ConversationId::from_bytes(bytes)
}

pub(crate) fn request(n: u32) -> PersonRequest {
    PersonRequest {
        site: SiteId::DEFAULT,
        conversation: conversation(n),
        visitor: "Calm Otter".to_owned(),
        message: "My parcel is late. Can I talk to somebody?".to_owned(),
        contact: Some(address("ana@shop.example")),
        page: Some("https://shop.example/orders".to_owned()),
        is_away: false,
        at: Timestamp::from_millis(1_795_356_690_123),
    }
}

/// Waits for something that happens soon.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(30), "it did not come to this: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
