//! The API in this process: real store, real model client, no socket in front.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use frontdesk_core::{
    Chat, ChatPorts, ChatSettings, Clock, KeyKind, Prices, Random, SiteId, Store, SystemClock, SystemRandom,
};
use frontdesk_llm::{ApiForm, ApiFormSetting, BaseUrl, HttpModel, ModelSettings, ModelTimeouts};
use frontdesk_store::{StoreUrl, open};
use frontdesk_web::api::{self, ApiPorts, ApiSettings};
use frontdesk_web::{AllowedOrigins, Edge, IdentitySecrets, KeyRing, RateLimit, TrustedProxies};
use tower::ServiceExt as _;

/// The API over a model's server.
pub(crate) struct App {
    pub(crate) router: Router,
    pub(crate) store: Arc<dyn Store>,
}

impl App {
    pub(crate) async fn new(folder: &Path, base_url: &str, form: ApiForm) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let store = open(&StoreUrl::Sqlite(folder.join("test.db")), &*clock).unwrap();
        store.ensure_site(SiteId::DEFAULT, "default", clock.now()).await.unwrap();
        let model = HttpModel::new(ModelSettings {
            base_url: BaseUrl::parse(base_url).unwrap(),
            key: None,
            model: "m".to_owned(),
            form: ApiFormSetting::Fixed(form),
            timeouts: ModelTimeouts { idle: Duration::from_secs(5), ..ModelTimeouts::default() },
            extra_body: serde_json::Map::new(),
        });
        let ports = ChatPorts {
            store: Arc::clone(&store),
            model: Arc::new(model.unwrap()),
            clock: Arc::clone(&clock),
            random: Arc::clone(&random),
        };
        let chat = Chat::new(ports, ChatSettings::default());
        let settings = ApiSettings {
            keys: KeyRing::default().with_text(SiteId::DEFAULT, KeyKind::Public, "key"),
            identity: IdentitySecrets::default(),
            origins: AllowedOrigins::default(),
            rate: RateLimit { requests: 1_000_000, window: Duration::from_mins(1) },
            widget: None,
            prices: Prices::default(),
        };
        let edge = Edge { clock: Arc::clone(&clock), random, proxies: TrustedProxies::default() };
        let router = api::router(
            ApiPorts { inbox: chat.inbox(None), chat, store: Arc::clone(&store), clock, limits: None },
            settings,
            edge,
        );
        Self { router, store }
    }

    /// Sends a message of a session of its own.
    pub(crate) async fn send(&self, path: &str, session: &str, message: &str) -> Response<Body> {
        let body = serde_json::json!({ "sessionId": session, "message": message });
        let request = Request::post(path)
            .header("host", "localhost")
            .header("x-api-key", "key")
            .header("content-type", "application/json");
        self.router.clone().oneshot(request.body(Body::from(body.to_string())).unwrap()).await.unwrap()
    }
}
