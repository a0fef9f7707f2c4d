//! The public listener: the chat API, the admin API and the widget's file.

mod admin_bulk;
mod admin_canned_replies;
mod admin_conversation;
mod admin_conversations;
mod admin_delete;
mod admin_draft;
mod admin_edit;
mod admin_events;
mod admin_export;
mod admin_messages;
mod admin_notes;
mod admin_office_hours;
mod admin_return;
mod admin_site_events;
mod admin_takeover;
mod admin_typing;
mod admin_widget_config;
pub(crate) mod chat;
mod chat_stream;
mod docs;
pub(crate) mod feedback;
pub(crate) mod follow;
mod handoff;
mod health;
mod openapi;
mod ready;
mod session_delete;
mod session_events;
mod session_export;
mod session_messages;
mod session_typing;
mod stop;
mod widget;
mod widget_config;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use bytes::Bytes;
use frontdesk_core::{Chat, Clock, Inbox, Prices, SharedLimits, Store};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use admin_conversations::AnsweringOperator;
pub(crate) use health::health;
pub use openapi::document;
pub(crate) use session_messages::VisibleMessage;

use crate::layers::{self, Edge, Surface};
use crate::limit::Quota;
use crate::proxies::Subscriber;
use crate::{AllowedOrigins, ApiError, Code, IdentitySecrets, KeyRing, RateLimit};

/// How many clients the limits know at once.
const KNOWN_CLIENTS: usize = 100_000;

/// How much more a client may read than send.
const READS_PER_SEND: u32 = 4;

/// How much more often a client may say that somebody types than send.
const TYPING_PER_SEND: u32 = 2;

/// How many wrong keys a client may try.
const FAILED_KEYS: RateLimit = RateLimit { requests: 60, window: Duration::from_mins(1) };

/// What the API reaches the world through.
#[derive(Clone, Debug)]
pub struct ApiPorts {
    /// The service that runs turns.
    pub chat: Chat,
    /// What operators do with conversations.
    pub inbox: Inbox,
    /// Where conversations are kept.
    pub store: Arc<dyn Store>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where several nodes count together how much clients ask.
    pub limits: Option<Arc<dyn SharedLimits>>,
}

/// How the API behaves.
#[derive(Clone, Debug)]
pub struct ApiSettings {
    /// The keys in force.
    pub keys: KeyRing,
    /// What sites sign with whom their visitors are.
    pub identity: IdentitySecrets,
    /// The origins whose pages may use the API.
    pub origins: AllowedOrigins,
    /// How many messages a client may send.
    pub rate: RateLimit,
    /// A widget to serve in place of the one this program carries.
    pub widget: Option<Bytes>,
    /// What the models' tokens cost.
    pub prices: Prices,
}

/// What handlers are given.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) ports: ApiPorts,
    pub(crate) keys: KeyRing,
    pub(crate) identity: IdentitySecrets,
    pub(crate) sends: Quota<Subscriber>,
    pub(crate) reads: Quota<Subscriber>,
    pub(crate) typing: Quota<Subscriber>,
    pub(crate) failed_keys: Quota<Subscriber>,
    pub(crate) widget: widget::Bundle,
    pub(crate) prices: Prices,
    pub(crate) openapi: Bytes,
}

/// The public listener's router.
pub fn router(ports: ApiPorts, settings: ApiSettings, edge: Edge) -> Router {
    let ApiSettings { keys, identity, origins, rate, widget, prices } = settings;
    let shared = ports.limits.clone();
    let quota = |name, limit| Quota::new(name, limit, KNOWN_CLIENTS, shared.clone());
    let times = |more: u32| RateLimit { requests: rate.requests.saturating_mul(more), ..rate };
    let api = Arc::new(Api {
        ports,
        keys,
        identity,
        sends: quota("sends", rate),
        reads: quota("reads", times(READS_PER_SEND)),
        typing: quota("typing", times(TYPING_PER_SEND)),
        failed_keys: quota("failed_keys", FAILED_KEYS),
        widget: widget::Bundle::new(widget),
        prices,
        openapi: openapi::document().into(),
    });
    let routes = documented_routes().split_for_parts().0.merge(other_routes());
    let routes = routes.fallback(async || ApiError::new(Code::NotFound)).with_state(api);
    layers::wrap(routes, Some(origins), edge, Surface::Api)
}

/// The routes that the OpenAPI document describes.
fn documented_routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(health::health))
        .routes(routes!(ready::ready))
        .routes(routes!(widget::chat_widget))
        .routes(routes!(openapi::openapi))
        .routes(routes!(chat::chat))
        .routes(routes!(chat_stream::chat_stream))
        .routes(routes!(follow::follow))
        .routes(routes!(stop::stop))
        .routes(routes!(feedback::feedback))
        .routes(routes!(session_delete::session_delete))
        .routes(routes!(session_export::session_export))
        .routes(routes!(session_messages::session_messages))
        .routes(routes!(session_events::session_events))
        .routes(routes!(session_typing::session_typing))
        .routes(routes!(handoff::handoff))
        .routes(routes!(admin_conversations::admin_conversations))
        .routes(routes!(admin_bulk::admin_bulk))
        .routes(routes!(
            admin_conversation::admin_conversation,
            admin_edit::admin_edit,
            admin_delete::admin_delete
        ))
        .routes(routes!(admin_takeover::admin_takeover))
        .routes(routes!(admin_return::admin_return))
        .routes(routes!(admin_messages::admin_messages))
        .routes(routes!(admin_notes::admin_notes))
        .routes(routes!(admin_draft::admin_draft, admin_draft::set_admin_draft))
        .routes(routes!(admin_typing::admin_typing))
        .routes(routes!(admin_events::admin_events))
        .routes(routes!(admin_export::admin_export))
        .routes(routes!(admin_site_events::admin_site_events))
        .routes(routes!(
            admin_canned_replies::admin_canned_replies,
            admin_canned_replies::set_admin_canned_replies
        ))
        .routes(routes!(
            admin_office_hours::admin_office_hours,
            admin_office_hours::set_admin_office_hours,
            admin_office_hours::delete_admin_office_hours
        ))
        .routes(routes!(widget_config::widget_config))
        .routes(routes!(admin_widget_config::admin_widget_config))
}

/// Other names of those routes, and pages for people.
fn other_routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/chat", post(chat_stream::chat_stream))
        .route("/widget/{file}", get(widget::hashed_chat_widget))
        .route("/widget/locales/{file}", get(widget::locale))
        .route("/docs", get(docs::page))
        .route("/docs/errors", get(docs::errors))
        .route("/docs/{file}", get(docs::file))
}
