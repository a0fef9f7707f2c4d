use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use frontdesk_core::{InvalidOperatorName, OperatorName};
use http::header::{self, RETRY_AFTER, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Dashboard;
use super::form::Form;
use super::frame::{Frame, render};
use super::session::Cookies;
use super::sign_in::{Refusal, SignedIn, sign_in};
use crate::extract::{FromJson, JsonBody, Query};
use crate::layers::RequestContext;
use crate::reply::JsonReply;
use crate::{ApiError, Code};

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    frame: Frame,
    host: String,
    next: String,
    state: LoginState,
}

/// What the page says above and below the field.
enum LoginState {
    Rest,
    Ended,
    Insecure,
    Missing,
    BadName,
    Wrong { left: u32 },
    Paused { seconds: u64 },
}

impl LoginState {
    /// Whether there is nothing to type now.
    fn is_off(&self) -> bool {
        matches!(self, Self::Paused { .. } | Self::Insecure)
    }

    /// Whether the name is none.
    fn is_bad_name(&self) -> bool {
        matches!(self, Self::BadName)
    }

    /// Whether what was typed is wrong.
    fn is_wrong(&self) -> bool {
        matches!(self, Self::Wrong { .. } | Self::Missing)
    }
}

impl LoginPage {
    fn response(headers: &HeaderMap, next: &str, state: LoginState) -> Result<Response, ApiError> {
        let host =
            headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned();
        let status = match state {
            LoginState::Rest | LoginState::Ended => StatusCode::OK,
            LoginState::Insecure => StatusCode::FORBIDDEN,
            LoginState::Missing | LoginState::BadName => StatusCode::BAD_REQUEST,
            LoginState::Wrong { .. } => StatusCode::UNAUTHORIZED,
            LoginState::Paused { .. } => StatusCode::TOO_MANY_REQUESTS,
        };
        let retry_after = match state {
            LoginState::Paused { seconds } => Some(HeaderValue::from(seconds)),
            _ => None,
        };
        let mut response =
            render(&Self { frame: Frame::bare(), host, next: safe_path(next).to_owned(), state })?;
        *response.status_mut() = status;
        response.headers_mut().extend(retry_after.map(|seconds| (RETRY_AFTER, seconds)));
        Ok(response)
    }
}

/// The form to sign in with.
pub(super) async fn page(
    State(dashboard): State<Arc<Dashboard>>,
    query: Query,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, _) = request.into_parts();
    let state = match Cookies::for_request(&parts, &dashboard) {
        Err(_) => LoginState::Insecure,
        Ok(_) if query.text("ended")?.is_some() => LoginState::Ended,
        Ok(_) => LoginState::Rest,
    };
    LoginPage::response(&parts.headers, query.text("next")?.unwrap_or("/"), state)
}

/// The form, filled in.
pub(super) async fn form(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(context): Extension<RequestContext>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let form = Form::read(&parts.headers, body).await?;
    let next = safe_path(form.text("next")).to_owned();
    let Ok(cookies) = Cookies::for_request(&parts, &dashboard) else {
        return LoginPage::response(&parts.headers, &next, LoginState::Insecure);
    };
    let Ok(name) = operator_name(form.text("name")) else {
        return LoginPage::response(&parts.headers, &next, LoginState::BadName);
    };
    let password = form.text("password").to_owned();
    match sign_in(&dashboard, &context, cookies, &parts.headers, password, name).await {
        Ok(signed_in) => Ok((set_cookies(signed_in), Redirect::to(&next)).into_response()),
        Err(Refusal::Missing) => LoginPage::response(&parts.headers, &next, LoginState::Missing),
        Err(Refusal::Wrong { left }) => {
            LoginPage::response(&parts.headers, &next, LoginState::Wrong { left })
        }
        Err(Refusal::Paused { wait }) => {
            LoginPage::response(&parts.headers, &next, LoginState::Paused { seconds: wait.as_secs() + 1 })
        }
        Err(Refusal::Failed(error)) => Err(error),
    }
}

/// What a program sends to sign in.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct LoginRequest {
    password: Option<Value>,
    name: Option<Value>,
}

impl FromJson for LoginRequest {}

/// Word that the program is signed in.
#[derive(Debug, Serialize)]
pub(super) struct LoginReply {
    ok: bool,
}

/// The same for programs, as the origin had it.
pub(super) async fn json(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(context): Extension<RequestContext>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let cookies = Cookies::for_request(&parts, &dashboard)?;
    let headers = parts.headers.clone();
    let JsonBody(body) =
        JsonBody::<LoginRequest>::from_request(Request::from_parts(parts, body), &()).await?;
    let Some(Value::String(password)) = body.password else { return Err(Code::PasswordRequired.into()) };
    let name = body.name.as_ref().and_then(Value::as_str).unwrap_or_default();
    let name = operator_name(name)
        .map_err(|rule| ApiError::new(Code::InvalidRequest).detail("name", rule.to_string()))?;
    match sign_in(&dashboard, &context, cookies, &headers, password, name).await {
        Ok(signed_in) => Ok((set_cookies(signed_in), JsonReply(LoginReply { ok: true })).into_response()),
        Err(Refusal::Missing) => Err(Code::PasswordRequired.into()),
        Err(Refusal::Wrong { .. }) => Err(Code::InvalidPassword.into()),
        Err(Refusal::Paused { wait }) => Err(ApiError::new(Code::TooManyLogins).retry_after(wait)),
        Err(Refusal::Failed(error)) => Err(error),
    }
}

/// What an operator is to be called who gave this name, or none.
pub(super) fn operator_name(given: &str) -> Result<OperatorName, InvalidOperatorName> {
    if given.trim().is_empty() { Ok(OperatorName::default()) } else { OperatorName::parse(given) }
}

fn set_cookies(signed_in: SignedIn) -> axum::response::AppendHeaders<Vec<(HeaderName, HeaderValue)>> {
    axum::response::AppendHeaders(signed_in.cookies.into_iter().map(|cookie| (SET_COOKIE, cookie)).collect())
}

/// A path of this dashboard, or its first page: nobody is sent on to another site.
pub(crate) fn safe_path(path: &str) -> &str {
    let is_path = path.starts_with('/') && !path.starts_with("//") && !path.contains('\\');
    // Browsers drop tabs and line ends from addresses before they read them.
    if is_path && path.bytes().all(|byte| byte.is_ascii_graphic()) { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_on_to_another_site() {
        for path in ["/", "/conversations/1?after=2"] {
            assert_eq!(safe_path(path), path);
        }
        let paths = [
            "",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "/a\r\nx",
            "/\t/evil.example",
            "javascript:1",
        ];
        for path in paths {
            assert_eq!(safe_path(path), "/", "{path}");
        }
    }
}
