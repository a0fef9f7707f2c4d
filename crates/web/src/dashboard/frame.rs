//! What all pages have around them.

use askama::Template;
use axum::response::{Html, IntoResponse as _, Response};

use super::{Dashboard, files};
use crate::{ApiError, Code};

/// The frame of a page.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) style: String,
    pub(super) script: String,
    pub(super) icon: String,
    pub(super) has_test_pages: bool,
    /// What answers visitors, as the rail says it.
    pub(super) health: Option<Health>,
}

/// Whether visitors get answers.
#[derive(Clone, Debug)]
pub(super) struct Health {
    pub(super) is_ok: bool,
    pub(super) title: &'static str,
    pub(super) text: String,
}

impl Frame {
    /// The frame for somebody who is signed in.
    pub(super) fn new(dashboard: &Dashboard) -> Self {
        let settings = &dashboard.settings;
        let health = settings.model.as_ref().map(|model| match model {
            Ok(name) => Health { is_ok: true, title: "Answering", text: name.clone() },
            Err(super::NoModel) => Health {
                is_ok: false,
                title: "Not answering",
                text: "No model: set OPENAI_API_KEY or OPENAI_BASE_URL".to_owned(),
            },
        });
        Self { has_test_pages: settings.test_pages && settings.install.is_some(), health, ..Self::bare() }
    }

    /// The frame for anybody.
    pub(super) fn bare() -> Self {
        Self {
            style: files::address("dashboard.css"),
            script: files::address("dashboard.js"),
            icon: files::address("favicon.svg"),
            has_test_pages: false,
            health: None,
        }
    }
}

/// Renders a page.
pub(super) fn render(page: &impl Template) -> Result<Response, ApiError> {
    let body = page.render().map_err(|error| ApiError::new(Code::Internal).because(error))?;
    Ok(Html(body).into_response())
}
