//! HTTP: the chat API, the admin API and the dashboard.
//!
//! Two routers, for two listeners: [`api::router`] faces the public, [`dashboard::router`] the operators. They share no
//! origin, so that a defect in one is not a way into the other. [`serve()`] runs a router on a listener.

pub mod api;
mod assets;
mod copying;
mod cursor;
pub mod dashboard;
mod error;
mod extract;
mod feed;
mod filter;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod identity;
mod keys;
mod layers;
mod limit;
mod locales;
mod origins;
mod proxies;
mod reply;
mod serve;
mod site_documents;
mod site_feed;
mod stream;
mod transcript;
mod widget_config;

pub(crate) use error::{ApiError, Code, ErrorObject};
pub use frontdesk_core::RateLimit;
pub use identity::{IdentitySecrets, InvalidIdentitySecret};
pub use keys::KeyRing;
pub use layers::Edge;
pub use origins::{AllowedOrigins, InvalidOrigins};
pub use proxies::TrustedProxies;
pub use serve::{ServeLimits, Shutdown, serve};
