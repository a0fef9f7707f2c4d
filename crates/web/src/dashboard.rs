//! The operators' listener: signing in, and reading what visitors and the assistant have said.
//!
//! Pages are rendered here and work as plain forms and links; the little script they load only adds comfort.

mod actions;
mod address;
mod browser;
mod canned_replies;
mod conversations;
mod done;
mod error_page;
mod events;
mod files;
mod form;
mod frame;
mod list;
pub(crate) mod login;
mod logout;
mod looking;
pub(crate) mod markdown;
mod moment;
mod office_hours;
mod password;
mod profile;
mod pseudonym;
mod same_origin;
pub(crate) mod session;
mod shortcuts;
mod sign_in;
mod test_pages;
mod thread;
mod unsent;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{get, post};
use frontdesk_core::{Clock, Feeds, Inbox, Prices, Random, SiteId, Store};

pub use password::{HashPasswordError, InvalidPasswordHash, Password, hash_password};
pub use test_pages::Install;

pub(crate) use error_page::error_page;
pub(crate) use unsent::Unsent;

use crate::layers::{self, Edge, Surface};
use crate::{ApiError, Code};
use password::Verifier;

/// What the dashboard reaches the world through.
#[derive(Clone, Debug)]
pub struct DashboardPorts {
    /// Where conversations, passwords and sessions are kept.
    pub store: Arc<dyn Store>,
    /// Follows conversations.
    pub feeds: Feeds,
    /// What operators do with them.
    pub inbox: Inbox,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where tokens come from.
    pub random: Arc<dyn Random>,
}

/// How the dashboard behaves.
#[derive(Clone, Debug)]
pub struct DashboardSettings {
    /// The site whose conversations it shows.
    pub site: SiteId,
    /// The password, if the settings fix it; otherwise the store has its hash.
    pub password: Option<Password>,
    /// Whether signing in over plain HTTP is allowed from elsewhere than the machine itself.
    pub insecure_cookies: bool,
    /// How a website gets the widget, if that is known here.
    pub install: Option<Install>,
    /// Whether the test pages are served.
    pub test_pages: bool,
    /// What answers visitors, if that is known here; `Err` says that nothing does.
    pub model: Option<Result<String, NoModel>>,
    /// What the models' tokens cost.
    pub prices: Prices,
}

/// No language model is configured.
#[derive(Clone, Copy, Debug)]
pub struct NoModel;

/// What handlers are given.
#[derive(Debug)]
pub(crate) struct Dashboard {
    ports: DashboardPorts,
    settings: DashboardSettings,
    verifier: Verifier,
}

/// The operators' listener's router.
pub fn router(ports: DashboardPorts, settings: DashboardSettings, edge: Edge) -> Router {
    let has_test_pages = settings.test_pages && settings.install.is_some();
    let verifier = Verifier::new(settings.password.clone());
    let mut routes = inbox_routes()
        .route(
            "/replies",
            get(canned_replies::page).post(canned_replies::form).layer(from_fn(unsent::give_back)),
        )
        .route("/office-hours", get(office_hours::page).post(office_hours::form))
        .route("/profile", get(profile::page).post(profile::form))
        .route("/shortcuts", get(shortcuts::page))
        .route("/login", get(login::page).post(login::form))
        .route("/logout", post(logout::form))
        .route("/api/login", post(login::json))
        .route("/api/logout", post(logout::json))
        .route("/health", get(crate::api::health))
        .route("/assets/{file}", get(files::file));
    if has_test_pages {
        routes = routes
            .route("/widget-test.html", get(test_pages::widget))
            .route("/headless-test.html", get(test_pages::headless));
    }
    let dashboard = Arc::new(Dashboard { ports, settings, verifier });
    let routes = routes.fallback(async || ApiError::new(Code::NotFound)).with_state(dashboard);
    layers::wrap(routes.layer(from_fn(same_origin::check)), None, edge, Surface::Dashboard)
}

/// Conversations, and what is done with them.
fn inbox_routes() -> Router<Arc<Dashboard>> {
    Router::new()
        .route("/", get(conversations::list))
        .route("/events", get(events::inbox))
        .route("/conversations/bulk", post(actions::bulk::form))
        .route("/conversations/{conversation}", get(conversations::one))
        .route("/conversations/{conversation}/events", get(events::conversation))
        .route("/conversations/{conversation}/takeover", post(actions::take_over::form))
        .route("/conversations/{conversation}/return", post(actions::hand_back::form))
        .route(
            "/conversations/{conversation}/reply",
            post(actions::reply::form).layer(from_fn(unsent::give_back)),
        )
        .route(
            "/conversations/{conversation}/note",
            post(actions::note::form).layer(from_fn(unsent::give_back)),
        )
        .route("/conversations/{conversation}/status", post(actions::status::form))
        .route("/conversations/{conversation}/assign", post(actions::assign::form))
        .route("/conversations/{conversation}/tags", post(actions::tags::form))
        .route("/conversations/{conversation}/draft", post(actions::draft::form))
        .route("/conversations/{conversation}/typing", post(actions::typing::form))
        .route("/conversations/{conversation}/delete", get(actions::delete::page).post(actions::delete::form))
        .route("/conversations/{conversation}/export", get(actions::export::file))
}
