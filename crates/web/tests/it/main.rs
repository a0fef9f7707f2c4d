//! The routers as their clients see them, over a store in memory and a model that says what the test tells it to.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod admin;
mod catalogue;
mod chat;
mod dashboard;
mod desk;
mod erasure;
mod feed;
mod feedback;
mod follow;
mod headers;
mod openapi;
mod sign_in;
mod site_settings;
mod widget;
mod wire;
