use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use frontdesk_core::Random;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::redirect;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::debug;

use super::error::Failure;
use super::settings::{ConvexSettings, ConvexUrl};
use super::{reply, settings};

/// How often a call is tried again.
const RETRIES: u32 = 3;

/// Before the first time it is tried again; twice as long before each further time, and a random part less.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// More than Convex ever answers with.
const MAX_BODY: usize = 20 * 1024 * 1024;

/// What kind of function is called.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Query,
    Mutation,
}

/// Convex's HTTP API.
pub(super) struct Client {
    http: reqwest::Client,
    settings: ConvexSettings,
    places: Semaphore,
    random: Arc<dyn Random>,
}

#[derive(Serialize)]
struct Call<'a> {
    path: &'a str,
    args: &'a Value,
    format: &'static str,
}

impl Client {
    pub(super) fn new(settings: &ConvexSettings, random: Arc<dyn Random>) -> Result<Self, reqwest::Error> {
        // Somebody may have installed one already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .user_agent(concat!("frontdesk/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(5))
            // Convex's load balancer closes idle connections after a minute.
            .pool_idle_timeout(Duration::from_secs(50))
            .tcp_nodelay(true)
            // An address that points elsewhere would be sent our key.
            .redirect(redirect::Policy::none())
            .build()?;
        let places = Semaphore::new(settings.max_concurrency);
        Ok(Self { http, settings: settings.clone(), places, random })
    }

    pub(super) fn url(&self) -> &settings::ConvexUrl {
        &self.settings.url
    }

    /// Calls a function, and calls it again if it is not known whether it was carried out.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        kind: Kind,
        path: &str,
        args: &Value,
    ) -> Result<T, Failure> {
        self.repeat(kind, path, args, Some(self.settings.key.header_value())).await
    }

    /// Calls a function as anybody could.
    pub(super) async fn call_without_key<T: DeserializeOwned>(
        &self,
        kind: Kind,
        path: &str,
        args: &Value,
    ) -> Result<T, Failure> {
        self.repeat(kind, path, args, None).await
    }

    async fn repeat<T: DeserializeOwned>(
        &self,
        kind: Kind,
        path: &str,
        args: &Value,
        key: Option<HeaderValue>,
    ) -> Result<T, Failure> {
        let deadline = Instant::now() + self.settings.timeout;
        let mut pause = FIRST_PAUSE;
        let mut left = RETRIES;
        loop {
            match self.once(kind, path, args, key.clone(), deadline).await {
                Err(Failure::Unavailable(why)) if left > 0 && Instant::now() + pause < deadline => {
                    debug!(path, why, "Convex is asked again");
                    sleep_until(Instant::now() + self.shortened(pause)).await;
                    pause *= 2;
                    left -= 1;
                }
                other => return other,
            }
        }
    }

    async fn once<T: DeserializeOwned>(
        &self,
        kind: Kind,
        path: &str,
        args: &Value,
        key: Option<HeaderValue>,
        deadline: Instant,
    ) -> Result<T, Failure> {
        let late = || Failure::Unavailable("no answer in time".to_owned());
        let place = timeout_at(deadline, self.places.acquire()).await;
        let Ok(Ok(_place)) = place else {
            return Err(Failure::Unavailable("too many calls at once".to_owned()));
        };
        // An answer that is lost without a sign must leave time for another try.
        let until = deadline.min(Instant::now() + self.settings.timeout / 2);
        timeout_at(until, self.send(kind, path, args, key)).await.map_err(|_| late())?
    }

    async fn send<T: DeserializeOwned>(
        &self,
        kind: Kind,
        path: &str,
        args: &Value,
        key: Option<HeaderValue>,
    ) -> Result<T, Failure> {
        let address = match kind {
            Kind::Query => "/api/query",
            Kind::Mutation => "/api/mutation",
        };
        let body = serde_json::to_vec(&Call { path, args, format: "json" })
            .map_err(|error| Failure::Unexpected(error.to_string()))?;
        let request =
            self.http.post(self.settings.url.join(address)).header(CONTENT_TYPE, "application/json");
        let request = match key {
            Some(key) => request.header(AUTHORIZATION, key),
            None => request,
        };
        let mut response = request.body(body).send().await.map_err(of_transport)?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(of_transport)? {
            if body.len() + part.len() > MAX_BODY {
                return Err(Failure::Unexpected("the answer has no end".to_owned()));
            }
            body.extend_from_slice(&part);
        }
        reply::read(status, &body)
    }

    /// A half to the whole of a pause, so that those who failed together do not come back together.
    fn shortened(&self, pause: Duration) -> Duration {
        let mut byte = [0];
        self.random.fill(&mut byte);
        pause / 2 + pause / 2 * u32::from(byte[0]) / 255
    }
}

/// What went wrong on the way, with all of its causes and without the address.
fn of_transport(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    Failure::Unavailable(text)
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url: &ConvexUrl = &self.settings.url;
        f.debug_struct("Client").field("url", url).finish_non_exhaustive()
    }
}
