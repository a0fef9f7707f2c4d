//! A signed request to an address of the owner's, as [Standard Webhooks](https://www.standardwebhooks.com) has it.

mod settings;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use frontdesk_core::{Clock, PersonRequest};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, Response, redirect};
use serde::Serialize;
use tokio::time::timeout;

use crate::delivery::{Carrier, Failure};
use crate::notice::{Dashboard, News, Notice};
use crate::notices::StartError;
pub use settings::{InvalidWebhookSecret, InvalidWebhookUrl, WebhookSecrets, WebhookSettings, WebhookUrl};

/// How long a connection may take.
const CONNECTING: Duration = Duration::from_secs(5);

/// How many bytes of a reply are read: none of them matters, but who is cut off in mid-sentence may take it for a failure.
const REPLY: usize = 16 * 1024;

/// Brings notices to a webhook.
pub(crate) struct Webhook {
    client: Client,
    url: WebhookUrl,
    secrets: WebhookSecrets,
    dashboard: Dashboard,
    clock: Arc<dyn Clock>,
    one_try: Duration,
    name: String,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Webhook").field(&self.url).finish()
    }
}

impl Webhook {
    pub(crate) fn new(
        settings: &WebhookSettings,
        dashboard: &Dashboard,
        clock: Arc<dyn Clock>,
        one_try: Duration,
    ) -> Result<Self, StartError> {
        let client = Client::builder()
            .user_agent(concat!("frontdesk/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECTING)
            // Who points elsewhere would have us ask addresses that the owner did not name.
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|error| StartError::Webhook(root_cause(&error)))?;
        let WebhookSettings { url, secrets } = settings.clone();
        let name = format!("webhook at {url}");
        Ok(Self { client, url, secrets, dashboard: dashboard.clone(), clock, one_try, name })
    }

    async fn post(&self, id: &str, body: String) -> Result<String, Failure> {
        // Signed anew for each try: receivers refuse what is older than some minutes.
        let timestamp = self.clock.now().millis().div_euclid(1000);
        let request = self
            .client
            .post(self.url.url())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", self.secrets.sign(id, timestamp, &body));
        let response = request.body(body).send().await.map_err(|error| of_transport(&error))?;
        let status = response.status().as_u16();
        let outcome = check(status, response.headers());
        read_some(response).await;
        outcome
    }
}

#[async_trait]
impl Carrier for Webhook {
    async fn carry(&self, notice: &Notice) -> Result<String, Failure> {
        let Some(body) = body(notice, &self.dashboard) else {
            return Err(Failure::lasting("it is nothing that webhooks are told"));
        };
        let id = notice.id.to_string();
        let tried = timeout(self.one_try, self.post(&id, body)).await;
        tried.unwrap_or_else(|_| Err(Failure::passing("no answer in time")))
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// What is sent. The API's names, and its way to write moments: milliseconds since the Unix epoch.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<D> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: String,
    created_at: i64,
    data: D,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PersonAsked<'a> {
    site_id: String,
    conversation_id: String,
    visitor: &'a str,
    message: &'a str,
    email: Option<&'a str>,
    page: Option<&'a str>,
    is_away: bool,
    asked_at: i64,
    url: Option<String>,
}

#[derive(Serialize)]
struct Nothing {}

/// `None` for what webhooks are not told.
fn body(notice: &Notice, dashboard: &Dashboard) -> Option<String> {
    let (id, created_at) = (notice.id.to_string(), notice.created_at.millis());
    let body = match &notice.news {
        News::Asked(request) => {
            let PersonRequest { site, conversation, visitor, message, contact, page, is_away, at } = request;
            let data = PersonAsked {
                site_id: site.to_string(),
                conversation_id: conversation.to_string(),
                visitor,
                message,
                email: contact.as_ref().map(frontdesk_core::EmailAddress::as_str),
                page: page.as_deref(),
                is_away: *is_away,
                asked_at: at.millis(),
                url: dashboard.link(*conversation),
            };
            serde_json::to_string(&Event { kind: "conversation.person_asked", id, created_at, data })
        }
        News::Test => {
            serde_json::to_string(&Event { kind: "notification.test", id, created_at, data: Nothing {} })
        }
        News::Summary(_) => return None,
    };
    body.ok()
}

/// What a status means.
fn check(status: u16, headers: &HeaderMap) -> Result<String, Failure> {
    let why = format!("answered with status {status}");
    match status {
        200..=299 => Ok(why),
        300..=399 => Err(Failure::lasting(format!("{why}; redirects are not followed"))),
        408 | 425 | 429 | 500..=599 => Err(Failure { wish: retry_after(headers), ..Failure::passing(why) }),
        _ => Err(Failure::lasting(why)),
    }
}

/// `Retry-After` in seconds. A date is not worth reading: there are pauses of our own.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// Reads a reply to its end, or as much of it as anybody could mean to say.
async fn read_some(mut response: Response) {
    let mut read = 0;
    while read < REPLY {
        match response.chunk().await {
            Ok(Some(bytes)) => read += bytes.len(),
            // What the status said stands, whatever becomes of the rest.
            Ok(None) | Err(_) => return,
        }
    }
}

/// A connection that did not come about, or broke.
fn of_transport(error: &reqwest::Error) -> Failure {
    if error.is_timeout() {
        return Failure::passing("no connection in time");
    }
    if !error.is_connect() {
        return Failure::passing("the connection broke");
    }
    // Before there is a connection nothing of the address's path or of a notice can be in a message.
    Failure::passing(format!("no connection: {}", root_cause(error)))
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.last().map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_a_meaning() {
        let check = |status| check(status, &HeaderMap::new());
        for status in [200, 201, 202, 204] {
            assert!(check(status).is_ok(), "{status}");
        }
        for status in [408, 425, 429, 500, 502, 503, 504] {
            assert!(check(status).unwrap_err().may_pass, "{status}");
        }
        for status in [301, 302, 307, 308, 400, 401, 403, 404, 410, 413, 422, 999] {
            assert!(!check(status).unwrap_err().may_pass, "{status}");
        }
    }

    #[test]
    fn a_busy_receiver_may_say_when_to_come_back() {
        for (wish, wait) in [("7", Some(7)), ("0", Some(0)), ("-1", None), ("soon", None)] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, wish.parse().unwrap())]);
            assert_eq!(check(503, &headers).unwrap_err().wish, wait.map(Duration::from_secs), "{wish}");
        }
    }
}
