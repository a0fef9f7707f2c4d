//! Pages to try the widget and the API on. Not served in production.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::HeaderValue;
use http::header::CONTENT_SECURITY_POLICY;

use super::Dashboard;
use super::files;
use super::frame::{Frame, render};
use crate::{ApiError, Code};

/// How a website gets the widget.
#[derive(Clone, Debug)]
pub struct Install {
    /// Where the API is, as browsers reach it, without a slash at the end.
    pub api_url: String,
    /// Where the widget's file is, as browsers reach it.
    pub script_url: String,
    /// The site's public key.
    pub key: String,
}

#[derive(Template)]
#[template(path = "widget-test.html")]
struct WidgetTestPage {
    frame: Frame,
    install: Install,
}

#[derive(Template)]
#[template(path = "headless-test.html")]
struct HeadlessTestPage {
    frame: Frame,
    script: String,
    install: Install,
}

/// A page with the widget on it.
pub(super) async fn widget(State(dashboard): State<Arc<Dashboard>>) -> Result<Response, ApiError> {
    let install = install(&dashboard)?;
    let script = &install.script_url;
    // As strict as a host page can be: what the widget needs is its host, twice.
    let policy = policy(&format!("'self' {}", origin(script)), &install);
    respond(&WidgetTestPage { frame: Frame::bare(), install }, &policy)
}

/// A page that speaks to the API itself.
pub(super) async fn headless(State(dashboard): State<Arc<Dashboard>>) -> Result<Response, ApiError> {
    let install = install(&dashboard)?;
    let policy = policy("'self'", &install);
    let script = files::address("headless-test.js");
    respond(&HeadlessTestPage { frame: Frame::bare(), script, install }, &policy)
}

fn install(dashboard: &Dashboard) -> Result<Install, ApiError> {
    dashboard.settings.install.clone().ok_or_else(|| Code::NotFound.into())
}

fn policy(scripts: &str, install: &Install) -> String {
    format!(
        "default-src 'none'; script-src {scripts}; connect-src {}; style-src 'self'; img-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
        origin(&install.api_url)
    )
}

/// The origin of an address; the address itself if it is only a path.
fn origin(address: &str) -> &str {
    let Some(scheme) = address.find("://") else { return "'self'" };
    let host = scheme + "://".len();
    address[host..].find('/').map_or(address, |end| &address[..host + end])
}

fn respond(page: &impl Template, policy: &str) -> Result<Response, ApiError> {
    let mut response = render(page)?;
    let policy =
        HeaderValue::from_str(policy).map_err(|error| ApiError::new(Code::Internal).because(error))?;
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_the_beginning_of_an_address() {
        assert_eq!(origin("http://localhost:4000/widget/chat-widget.js"), "http://localhost:4000");
        assert_eq!(origin("https://chat.example"), "https://chat.example");
        assert_eq!(origin("/widget/chat-widget.js"), "'self'");
    }
}
