//! The routers as their clients see them, over a store in memory and a model that says what the test tells it to.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod admin;
mod bulk;
mod catalogue;
mod chat;
mod dashboard;
mod dashboard_guard;
mod dashboard_inbox;
mod desk;
mod drafts;
mod erasure;
mod feed;
mod feedback;
mod follow;
mod handoff;
mod headers;
mod inbox;
mod live;
mod notes;
mod openapi;
mod sign_in;
mod site_events;
mod site_settings;
mod widget;
mod wire;
