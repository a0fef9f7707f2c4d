//! How the parts are put together: one small function for each.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::extract::Request;
use axum::http::header::HOST;
use frontdesk_core::{Chat, ChatPorts, Feeds, Inbox, Model, SiteId};
use frontdesk_llm::{HttpModel, ModelSettings, ResilientModel, UnconfiguredModel};
use frontdesk_web::api::{self, ApiPorts, ApiSettings};
use frontdesk_web::dashboard::{self, DashboardPorts, DashboardSettings, Install, NoModel};
use frontdesk_web::{Edge, ServeLimits};
use tokio::net::TcpListener;
use tower::ServiceExt as _;
use tracing::warn;

use crate::config::{Mode, Only, Settings};
use crate::first_run::Keys;
use crate::ports::Ports;

pub(crate) fn make_model(settings: &Settings, ports: &Ports) -> anyhow::Result<Arc<dyn Model>> {
    let Some(model) = &settings.model else { return Ok(Arc::new(UnconfiguredModel)) };
    let others = settings.fallback_models.iter().map(connect).collect::<anyhow::Result<_>>()?;
    Ok(Arc::new(ResilientModel::new(connect(model)?, others, Arc::clone(&ports.random))))
}

fn connect(model: &ModelSettings) -> anyhow::Result<Arc<dyn Model>> {
    Ok(Arc::new(HttpModel::new(model.clone()).context("cannot prepare connections to the model")?))
}

/// The service; one of several where other processes change what it follows.
pub(crate) fn make_chat(settings: &Settings, ports: &Ports, model: Arc<dyn Model>, is_shared: bool) -> Chat {
    let relay = ports.relay();
    let Ports { store, clock, random, .. } = ports.clone();
    let (ports, settings) = (ChatPorts { store, model, clock, random }, settings.chat.clone());
    if is_shared { Chat::among_nodes(ports, settings, relay) } else { Chat::new(ports, settings) }
}

pub(crate) fn make_api(settings: &Settings, ports: &Ports, chat: Chat, keys: &Keys) -> Router {
    let Ports { store, clock, .. } = ports.clone();
    let inbox = chat.inbox(ports.notifier());
    let api_ports = ApiPorts { chat, inbox, store, clock, limits: ports.limits() };
    let api_settings = ApiSettings {
        keys: keys.ring.clone(),
        identity: settings.identity.clone(),
        origins: settings.origins.clone(),
        rate: settings.rate,
        prices: settings.prices.clone(),
        widget: settings.widget_bundle.as_deref().and_then(read_widget),
    };
    api::router(api_ports, api_settings, edge(settings, ports))
}

pub(crate) fn make_dashboard(
    settings: &Settings,
    ports: &Ports,
    chat: Option<&Chat>,
    keys: &Keys,
    only: Only,
) -> Router {
    let Ports { store, clock, random, .. } = ports.clone();
    let feeds = chat.map_or_else(|| Feeds::of_store(Arc::clone(&store), ports.relay()), Chat::feeds);
    let inbox = Inbox::new(feeds.clone(), Arc::clone(&clock), Arc::clone(&random), None);
    let install = keys.public.clone().map(|key| Install {
        api_url: settings.api_url.clone(),
        script_url: settings.script_url.clone(),
        key,
    });
    let model = only.serves_api().then(|| match &settings.model {
        Some(model) => Ok(format!("{}, {}", model.model, model.base_url)),
        None => Err(NoModel),
    });
    let dashboard_settings = DashboardSettings {
        site: SiteId::DEFAULT,
        password: settings.password.0.clone(),
        insecure_cookies: settings.insecure_cookies,
        install,
        test_pages: settings.mode == Mode::Development,
        model,
        prices: settings.prices.clone(),
    };
    dashboard::router(
        DashboardPorts { store, feeds, inbox, clock, random },
        dashboard_settings,
        edge(settings, ports),
    )
}

/// One router for two hosts, for platforms that give a program one port.
pub(crate) fn by_host(api: Router, dashboard: Router, dashboard_host: &str) -> Router {
    let dashboard_host = dashboard_host.to_owned();
    Router::new().fallback(async move |request: Request| {
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let router = if name.eq_ignore_ascii_case(&dashboard_host) { dashboard } else { api };
        router.oneshot(request).await
    })
}

fn edge(settings: &Settings, ports: &Ports) -> Edge {
    Edge {
        clock: Arc::clone(&ports.clock),
        random: Arc::clone(&ports.random),
        proxies: settings.proxies.clone(),
    }
}

/// The widget that WIDGET_BUNDLE_PATH names. Deployments of the origin name the file that its build made; where that is
/// missing, our own is meant.
fn read_widget(path: &Path) -> Option<axum::body::Bytes> {
    match fs::read(path) {
        Ok(bytes) => Some(bytes.into()),
        Err(error) => {
            warn!(path = %path.display(), %error, "WIDGET_BUNDLE_PATH cannot be read: the built-in widget is served");
            None
        }
    }
}

pub(crate) async fn listen(settings: &Settings, port: u16, name: &str) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::new(settings.host, port);
    let cannot = || format!("{name}: cannot listen on {address}");
    let listener = TcpListener::bind(address).await.with_context(cannot)?;
    // Connections get it from the listener.
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(&listener).set_tcp_notsent_lowat(UNSENT).with_context(cannot)?;
    Ok(listener)
}

/// How much the kernel takes of what it cannot send yet, in bytes. It would take megabytes for each reader that takes
/// nothing, and that it takes nothing would be noticed only then. What is on its way is not limited by this.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 32 * 1024;

pub(crate) fn serve_limits(settings: &Settings) -> ServeLimits {
    ServeLimits { max_connections: settings.max_connections, ..ServeLimits::default() }
}
