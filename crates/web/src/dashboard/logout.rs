use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{AppendHeaders, IntoResponse as _, Redirect, Response};
use frontdesk_core::TokenHash;
use http::header::SET_COOKIE;
use http::{HeaderName, HeaderValue, StatusCode};

use super::Dashboard;
use super::session::Cookies;
use crate::ApiError;

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// What has the browser forget a session.
type Cleared = AppendHeaders<[(HeaderName, HeaderValue); 2]>;

/// Signs out, and shows the form.
pub(super) async fn form(
    State(dashboard): State<Arc<Dashboard>>,
    request: Request,
) -> Result<Response, ApiError> {
    let cleared = sign_out(&dashboard, request).await?;
    Ok((cleared, Redirect::to("/login")).into_response())
}

/// Signs a program out.
pub(super) async fn json(
    State(dashboard): State<Arc<Dashboard>>,
    request: Request,
) -> Result<Response, ApiError> {
    let cleared = sign_out(&dashboard, request).await?;
    Ok((cleared, StatusCode::NO_CONTENT).into_response())
}

/// Ends the session here and in the browser, and has the browser forget what it has seen. The device stays known.
async fn sign_out(dashboard: &Dashboard, request: Request) -> Result<Cleared, ApiError> {
    let (parts, _) = request.into_parts();
    let cookies = Cookies::for_request(&parts, dashboard)?;
    if let Some(token) = cookies.session(&parts.headers) {
        dashboard.ports.store.end_operator_session(TokenHash::of(&token)).await?;
    }
    Ok(AppendHeaders([
        (SET_COOKIE, cookies.clear_session()),
        (CLEAR_SITE_DATA, HeaderValue::from_static("\"cache\", \"storage\"")),
    ]))
}
