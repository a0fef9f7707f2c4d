//! What concerns who is signed in: their name, and how this browser tells them of things.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use frontdesk_core::OperatorName;
use http::StatusCode;

use super::Dashboard;
use super::done::Done;
use super::form::Form;
use super::frame::{Frame, render};
use super::login::operator_name;
use super::looking::Looking;
use super::session::Operator;
use crate::ApiError;
use crate::extract::Query;

#[derive(Template)]
#[template(path = "profile.html")]
struct ProfilePage {
    frame: Frame,
    name: String,
    is_wrong: bool,
}

/// The page.
pub(super) async fn page(
    State(dashboard): State<Arc<Dashboard>>,
    operator: Operator,
    query: Query,
) -> Result<Response, ApiError> {
    let is_named = operator.name != OperatorName::default();
    let name = if is_named { operator.name.as_str().to_owned() } else { String::new() };
    let toast = Done::read(&query)?.map(|done| done.toast(&Looking::default(), None));
    let frame = Frame::new(&dashboard, &operator, "/profile").await?.saying(toast);
    render(&ProfilePage { frame, name, is_wrong: false })
}

/// Changes the name.
pub(super) async fn form(
    State(dashboard): State<Arc<Dashboard>>,
    operator: Operator,
    form: Form,
) -> Result<Response, ApiError> {
    let given = form.text("name");
    if let Ok(name) = operator_name(given) {
        operator.rename(&dashboard, name).await?;
        return Ok(Done::saved("/profile"));
    }
    let frame = Frame::new(&dashboard, &operator, "/profile").await?;
    let page = render(&ProfilePage { frame, name: given.to_owned(), is_wrong: true })?;
    Ok((StatusCode::BAD_REQUEST, page).into_response())
}
