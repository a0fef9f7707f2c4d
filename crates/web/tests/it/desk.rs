//! A front desk to try things on, and what its answers look like.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use frontdesk_core::testing::{
    ManualClock, MemoryStore, ModelCall, ModelCalls, RecordingNotifier, ScriptedModel, SeededRandom,
};
use frontdesk_core::{
    Chat, ChatPorts, ChatSettings, Clock, Currency, KeyKind, Notifier, Prices, Random, SecretHash, SessionId,
    SessionKey, SiteId, SiteStore as _, Store,
};
use frontdesk_web::api::{self, ApiPorts, ApiSettings};
use frontdesk_web::dashboard::{self, DashboardPorts, DashboardSettings, Install, Password};
use frontdesk_web::{AllowedOrigins, Edge, IdentitySecrets, KeyRing, RateLimit, TrustedProxies};
use http::header::{CONTENT_TYPE, HeaderMap};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

pub(crate) const PUBLIC_KEY: &str = "widget-key-of-the-tests-1";
pub(crate) const ADMIN_KEY: &str = "admin-key-of-the-tests-01";
pub(crate) const OTHER_ADMIN_KEY: &str = "admin-key-of-another-site";
pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const IDENTITY_SECRET: &str = "identity-secret-of-the-tests-000";
pub(crate) const SECRET: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
pub(crate) const OTHER_SECRET: &str = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB";

/// Both listeners over the same ports.
pub(crate) struct Desk {
    pub(crate) api: Router,
    pub(crate) dashboard: Router,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) chat: Chat,
    pub(crate) calls: ModelCalls,
    /// Who has asked for a person.
    pub(crate) notices: Arc<RecordingNotifier>,
}

/// What a test wants to be different.
pub(crate) struct Wishes {
    pub(crate) origins: &'static str,
    pub(crate) requests: u32,
    pub(crate) admin_key: bool,
    pub(crate) chat: ChatSettings,
    pub(crate) proxies: &'static str,
    pub(crate) test_pages: bool,
}

impl Default for Wishes {
    fn default() -> Self {
        Self {
            origins: "https://shop.example",
            requests: 1000,
            admin_key: true,
            chat: ChatSettings::default(),
            proxies: "10.0.0.0/8",
            test_pages: true,
        }
    }
}

/// Of one model.
fn prices() -> Prices {
    Prices::parse("priced=2/8", Currency::parse("EUR").unwrap()).unwrap()
}

impl Desk {
    pub(crate) async fn open() -> Self {
        Self::with(Wishes::default()).await
    }

    pub(crate) async fn with(wishes: Wishes) -> Self {
        let (model, calls) = ScriptedModel::new();
        let notices = Arc::new(RecordingNotifier::default());
        let (store, clock) = (Arc::new(MemoryStore::default()), Arc::new(ManualClock::default()));
        let random: Arc<dyn Random> = Arc::new(SeededRandom::new(5));
        let other_site = SiteId::from_bytes([9; 16]);
        for (site, name) in [(SiteId::DEFAULT, "default"), (other_site, "other")] {
            store.ensure_site(site, name, clock.now()).await.unwrap();
        }
        let dyn_store: Arc<dyn Store> = Arc::clone(&store) as _;
        let dyn_clock: Arc<dyn Clock> = Arc::clone(&clock) as _;
        let chat = Chat::new(
            ChatPorts {
                store: Arc::clone(&dyn_store),
                model: Arc::new(model),
                clock: Arc::clone(&dyn_clock),
                random: Arc::clone(&random),
            },
            wishes.chat,
        );
        let mut keys = KeyRing::default().with_text(SiteId::DEFAULT, KeyKind::Public, PUBLIC_KEY);
        if wishes.admin_key {
            keys = keys.with_text(SiteId::DEFAULT, KeyKind::Admin, ADMIN_KEY);
            keys = keys.with_text(other_site, KeyKind::Admin, OTHER_ADMIN_KEY);
        }
        let edge = Edge {
            clock: Arc::clone(&dyn_clock),
            random: Arc::clone(&random),
            proxies: TrustedProxies::new(vec![wishes.proxies.parse().unwrap()]),
        };
        let api = api::router(
            ApiPorts {
                chat: chat.clone(),
                inbox: chat.inbox(Some(Arc::clone(&notices) as Arc<dyn Notifier>)),
                store: Arc::clone(&dyn_store),
                clock: Arc::clone(&dyn_clock),
                limits: None,
            },
            ApiSettings {
                keys,
                identity: IdentitySecrets::default().with(IDENTITY_SECRET).unwrap(),
                origins: AllowedOrigins::parse(wishes.origins).unwrap(),
                rate: RateLimit { requests: wishes.requests, window: Duration::from_mins(1) },
                widget: None,
                prices: prices(),
            },
            edge.clone(),
        );
        let dashboard = dashboard::router(
            DashboardPorts {
                store: dyn_store,
                feeds: chat.feeds(),
                inbox: chat.inbox(None),
                clock: dyn_clock,
                random,
            },
            DashboardSettings {
                site: SiteId::DEFAULT,
                password: Some(Password::plain(PASSWORD)),
                insecure_cookies: false,
                install: Some(Install {
                    api_url: "http://localhost:4000".to_owned(),
                    script_url: "http://localhost:4000/widget/chat-widget.js".to_owned(),
                    key: PUBLIC_KEY.to_owned(),
                }),
                test_pages: wishes.test_pages,
                model: Some(Ok("scripted".to_owned())),
                prices: prices(),
            },
            edge,
        );
        Self { api, dashboard, store, clock, chat, calls, notices }
    }

    pub(crate) fn post(&self, path: &str) -> Call {
        Call::new(self.api.clone(), Method::POST, path)
    }

    pub(crate) fn delete(&self, path: &str) -> Call {
        Call::new(self.api.clone(), Method::DELETE, path)
    }

    pub(crate) fn put(&self, path: &str) -> Call {
        Call::new(self.api.clone(), Method::PUT, path)
    }

    pub(crate) fn patch(&self, path: &str) -> Call {
        Call::new(self.api.clone(), Method::PATCH, path)
    }

    /// What an operator does with a conversation, by the admin API.
    pub(crate) fn operate(&self, conversation: &str, what: &str, body: &Value) -> Call {
        self.post(&format!("/v1/admin/conversations/{conversation}/{what}")).admin().json(body)
    }

    /// A conversation and its messages, as the admin API shows them.
    pub(crate) async fn thread(&self, conversation: &str) -> Value {
        self.get(&format!("/v1/admin/conversations/{conversation}")).admin().send().await.json()
    }

    /// A visitor's conversation in which one question was answered: its id.
    pub(crate) async fn conversation(&self) -> String {
        let said = self.say(self.send("/v1/chat", "Where is my parcel?").secret(), "On its way").await;
        said.json()["conversationId"].as_str().unwrap().to_owned()
    }

    pub(crate) fn get(&self, path: &str) -> Call {
        Call::new(self.api.clone(), Method::GET, path)
    }

    /// A message from a client of the origin: no secret, no idempotency key.
    pub(crate) fn send(&self, path: &str, message: &str) -> Call {
        self.post(path).key().json(&json!({ "sessionId": "my-session-id", "message": message }))
    }

    /// Sends a message and has it answered.
    pub(crate) async fn say(&self, call: Call, answer: &str) -> Reply {
        let answering = async {
            let mut call = self.calls.next().await;
            call.say(answer);
            call.end();
        };
        let (reply, ()) = tokio::join!(call.send(), answering);
        reply
    }

    /// The next call of the model.
    pub(crate) async fn model(&self) -> ModelCall {
        self.calls.next().await
    }
}

pub(crate) fn visitor_session() -> SessionKey {
    SessionKey {
        site: SiteId::DEFAULT,
        session: SessionId::parse("my-session-id").unwrap(),
        secret: Some(SecretHash::of(SECRET).unwrap()),
    }
}

/// A request that is being made up.
pub(crate) struct Call {
    router: Router,
    request: http::request::Builder,
    body: Body,
}

impl Call {
    pub(crate) fn new(router: Router, method: Method, path: &str) -> Self {
        let request = Request::builder().method(method).uri(path).header("host", "localhost:3000");
        Self { router, request, body: Body::empty() }
    }

    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.request = self.request.header(name, value.as_ref());
        self
    }

    pub(crate) fn key(self) -> Self {
        self.header("x-api-key", PUBLIC_KEY)
    }

    pub(crate) fn admin(self) -> Self {
        self.header("x-admin-api-key", ADMIN_KEY)
    }

    pub(crate) fn secret(self) -> Self {
        self.header("x-session-secret", SECRET)
    }

    pub(crate) fn from(self, address: [u8; 4]) -> Self {
        // The tests' peer is the proxy; this is what it says.
        self.header("x-forwarded-for", Ipv4Addr::from(address).to_string())
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.header(CONTENT_TYPE.as_str(), "application/json").body(body.to_string())
    }

    pub(crate) fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) async fn send(self) -> Reply {
        let request = self.request.body(self.body).unwrap();
        let response = self.router.oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Reply {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    /// The response before its body has come.
    pub(crate) async fn begin(self) -> http::Response<Body> {
        let request = self.request.body(self.body).unwrap();
        self.router.oneshot(request).await.unwrap()
    }
}

/// A whole response.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| unreachable!("{error}: {}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The events of an NDJSON stream.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.body
            .lines()
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        let cookies = self.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
        cookies
            .filter_map(|cookie| cookie.split(';').next()?.split_once('='))
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value.to_owned())
    }
}

/// The address of a listener on this machine.
pub(crate) fn loopback() -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0)
}
