//! What all pages have around them.

use askama::Template;
use axum::response::{Html, IntoResponse as _, Response};

use super::list::count;
use super::looking::Tab;
use super::session::Operator;
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
    /// How many conversations need a person.
    pub(super) needs_person: u32,
    /// What the operator is called.
    pub(super) operator: String,
    /// What was just done.
    pub(super) toast: Option<Toast>,
    /// The entry of the rail that leads here.
    current: &'static str,
}

/// A word on what was just done.
#[derive(Clone, Debug)]
pub(super) struct Toast {
    pub(super) text: String,
    pub(super) undo: Option<Undo>,
}

/// How what was just done is undone.
#[derive(Clone, Debug)]
pub(super) struct Undo {
    /// Where the form goes.
    pub(super) action: String,
    /// Its fields.
    pub(super) fields: Vec<(&'static str, String)>,
}

/// Whether visitors get answers.
#[derive(Clone, Debug)]
pub(super) struct Health {
    pub(super) is_ok: bool,
    pub(super) title: &'static str,
    pub(super) text: String,
}

impl Frame {
    /// The frame for somebody who is signed in, around the page that the rail's entry `current` leads to.
    pub(super) async fn new(
        dashboard: &Dashboard,
        operator: &Operator,
        current: &'static str,
    ) -> Result<Self, ApiError> {
        let needs_person = count(dashboard, Tab::NeedsPerson).await?;
        Ok(Self::counted(dashboard, operator, current, needs_person))
    }

    /// The same for who knows how many conversations need a person.
    pub(super) fn counted(
        dashboard: &Dashboard,
        operator: &Operator,
        current: &'static str,
        needs_person: u32,
    ) -> Self {
        let settings = &dashboard.settings;
        let health = settings.model.as_ref().map(|model| match model {
            Ok(name) => Health { is_ok: true, title: "Answering", text: name.clone() },
            Err(super::NoModel) => Health {
                is_ok: false,
                title: "Not answering",
                text: "No model: set OPENAI_API_KEY or OPENAI_BASE_URL".to_owned(),
            },
        });
        let has_test_pages = settings.test_pages && settings.install.is_some();
        let operator = operator.name.as_str().to_owned();
        Self { has_test_pages, health, needs_person, operator, current, ..Self::bare() }
    }

    /// The frame for anybody.
    pub(super) fn bare() -> Self {
        Self {
            style: files::address("dashboard.css"),
            script: files::address("dashboard.js"),
            icon: files::address("favicon.svg"),
            has_test_pages: false,
            health: None,
            needs_person: 0,
            operator: String::new(),
            toast: None,
            current: "",
        }
    }

    /// The same with a word on what was just done.
    pub(super) fn saying(self, toast: Option<Toast>) -> Self {
        Self { toast, ..self }
    }

    /// What marks an entry of the rail as the current one.
    pub(super) fn mark(&self, entry: &str) -> &'static str {
        if self.current == entry { " aria-current=\"page\"" } else { "" }
    }
}

/// Renders a page.
pub(super) fn render(page: &impl Template) -> Result<Response, ApiError> {
    let body = page.render().map_err(|error| ApiError::new(Code::Internal).because(error))?;
    Ok(Html(body).into_response())
}
