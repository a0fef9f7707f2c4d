//! Who is signed in.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Redirect, Response};
use frontdesk_core::{OperatorName, OperatorSession, TokenHash};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, header};
use tokio::time::sleep;
use tracing::warn;

use super::{Dashboard, password};
use crate::layers::RequestContext;
use crate::proxies::Client;
use crate::{ApiError, Code};

/// A session ends after this long without a request. Longer than OWASP's half hour for low risk, because operators
/// leave the inbox open through a working day.
pub(super) const IDLE: Duration = Duration::from_hours(12);

/// A session ends after this long in any case, as the origin's did.
const ABSOLUTE: Duration = Duration::from_hours(7 * 24);

/// So far the clock may be set back, as computers do that compare it with others, without ending a session.
const CORRECTION: Duration = Duration::from_mins(5);

/// How exactly it is noted when a session was last seen: a write a minute, not one a request.
const SEEN_EVERY: Duration = Duration::from_mins(1);

/// Signing in in a browser is remembered for this long, to tell its owner's slips from a stranger's guesses.
pub(super) const DEVICE: Duration = Duration::from_hours(180 * 24);

/// An operator who is signed in.
#[derive(Clone)]
pub(crate) struct Operator {
    token: String,
    /// What they are called.
    pub(super) name: OperatorName,
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Operator(..)")
    }
}

/// How soon a page that stays open notices that its operator is signed out.
const SIGNED_OUT_WITHIN: Duration = Duration::from_secs(15);

impl Operator {
    /// Calls them something else from now on.
    pub(super) async fn rename(&self, dashboard: &Dashboard, name: OperatorName) -> Result<(), ApiError> {
        Ok(dashboard.ports.store.name_operator_session(TokenHash::of(&self.token), name).await?)
    }

    /// Waits until the operator's session has ended. Waiting does not prolong it.
    pub(super) async fn signed_out(self, dashboard: Arc<Dashboard>) {
        loop {
            sleep(SIGNED_OUT_WITHIN).await;
            if let Ok(None) = find_open(&dashboard, &self.token).await {
                return;
            }
        }
    }
}

/// Nobody is signed in, or it cannot be told.
#[derive(Debug)]
pub(crate) enum NotSignedIn {
    /// To the form, and from there back to where the request went.
    Login {
        next: String,
        ended: bool,
    },
    Failed(ApiError),
}

/// What marks a response that leads to the form to sign in with.
#[derive(Clone, Copy, Debug)]
pub(super) struct SignedOut;

impl IntoResponse for NotSignedIn {
    fn into_response(self) -> Response {
        match self {
            Self::Login { next, ended } => {
                let query = form_urlencoded::Serializer::new(String::new())
                    .append_pair("next", &next)
                    .extend_pairs(ended.then_some(("ended", "1")))
                    .finish();
                let target =
                    if next == "/" && !ended { "/login".to_owned() } else { format!("/login?{query}") };
                (Extension(SignedOut), Redirect::to(&target)).into_response()
            }
            Self::Failed(error) => error.into_response(),
        }
    }
}

impl From<ApiError> for NotSignedIn {
    fn from(error: ApiError) -> Self {
        Self::Failed(error)
    }
}

impl FromRequestParts<Arc<Dashboard>> for Operator {
    type Rejection = NotSignedIn;

    async fn from_request_parts(parts: &mut Parts, dashboard: &Arc<Dashboard>) -> Result<Self, NotSignedIn> {
        let token =
            Cookies::for_request(parts, dashboard).ok().and_then(|cookies| cookies.session(&parts.headers));
        // What was to be done is not done later by itself.
        let page = parts.uri.path_and_query().filter(|_| parts.method == Method::GET);
        let next = page.map_or("/", |path| path.as_str()).to_owned();
        match token {
            None => Err(NotSignedIn::Login { next, ended: false }),
            Some(token) => match find_open(dashboard, &token).await? {
                Some(session) => {
                    note_seen(dashboard, &session).await;
                    Ok(Self { token, name: session.name })
                }
                None => Err(NotSignedIn::Login { next, ended: true }),
            },
        }
    }
}

/// The open session that a token stands for. One that is over is ended.
async fn find_open(dashboard: &Dashboard, token: &str) -> Result<Option<OperatorSession>, ApiError> {
    let store = &dashboard.ports.store;
    let hash = TokenHash::of(token);
    let Some(session) = store.operator_session(hash).await? else { return Ok(None) };
    let now = dashboard.ports.clock.now();
    let in_time = now.since(session.created_at) < ABSOLUTE && now.since(session.last_seen_at) < IDLE;
    // A clock that was wrong and is right again must not make a session last longer: it ends instead.
    let is_past = session.created_at.max(session.last_seen_at).since(now) < CORRECTION;
    let current = dashboard.verifier.current(store).await?;
    let same_password =
        current.is_some_and(|it| password::fingerprint(token, &it) == session.password_fingerprint);
    if !in_time || !is_past || !same_password {
        store.end_operator_session(hash).await?;
        return Ok(None);
    }
    Ok(Some(session))
}

async fn note_seen(dashboard: &Dashboard, session: &OperatorSession) {
    let now = dashboard.ports.clock.now();
    if now.since(session.last_seen_at) >= SEEN_EVERY
        && let Err(error) = dashboard.ports.store.touch_operator_session(session.token, now).await
    {
        // What can be read on a full disk is to be read.
        warn!(error = &error as &dyn std::error::Error, "not noted that an operator was seen");
    }
}

/// Opens a session, and gives its token.
pub(super) async fn open(
    dashboard: &Dashboard,
    password: &password::Password,
    headers: &HeaderMap,
    name: OperatorName,
) -> Result<String, ApiError> {
    let token = frontdesk_core::secret_text(&*dashboard.ports.random);
    let now = dashboard.ports.clock.now();
    let user_agent =
        headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let session = OperatorSession {
        token: TokenHash::of(&token),
        password_fingerprint: password::fingerprint(&token, password),
        created_at: now,
        last_seen_at: now,
        user_agent: user_agent.chars().take(200).collect(),
        name,
    };
    dashboard.ports.store.open_operator_session(session, now.minus(ABSOLUTE)).await?;
    Ok(token)
}

/// The cookies' names and attributes: they depend on how the browser reaches us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cookies {
    /// Over HTTPS, with the prefix that binds a cookie to this host (RFC 6265bis, section 4.1.3.2).
    Secure,
    /// Over plain HTTP, from the machine itself or where the settings allow it.
    Plain,
}

impl Cookies {
    /// How the request reaches us; over plain HTTP from elsewhere there are no cookies, and so no session.
    pub(super) fn for_request(parts: &Parts, dashboard: &Dashboard) -> Result<Self, ApiError> {
        let client = parts.extensions.get::<RequestContext>().map(|context| context.client);
        let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        Self::choose(client, host, dashboard.settings.insecure_cookies)
    }

    fn choose(client: Option<Client>, host: &str, allow_insecure: bool) -> Result<Self, ApiError> {
        if client.is_some_and(|client| client.is_https) {
            Ok(Self::Secure)
        } else if allow_insecure || is_loopback(host) {
            Ok(Self::Plain)
        } else {
            Err(Code::InsecureLogin.into())
        }
    }

    fn session_name(self) -> &'static str {
        match self {
            Self::Secure => "__Host-frontdesk_session",
            Self::Plain => "frontdesk_session",
        }
    }

    fn device_name(self) -> &'static str {
        match self {
            Self::Secure => "__Host-frontdesk_device",
            Self::Plain => "frontdesk_device",
        }
    }

    pub(crate) fn session(self, headers: &HeaderMap) -> Option<String> {
        find(headers, self.session_name())
    }

    pub(crate) fn device(self, headers: &HeaderMap) -> Option<String> {
        find(headers, self.device_name())
    }

    pub(super) fn set_session(self, token: &str) -> HeaderValue {
        self.set(self.session_name(), token, ABSOLUTE)
    }

    pub(super) fn set_device(self, token: &str) -> HeaderValue {
        self.set(self.device_name(), token, DEVICE)
    }

    pub(super) fn clear_session(self) -> HeaderValue {
        self.set(self.session_name(), "", Duration::ZERO)
    }

    /// `Lax` and not `Strict`, so that a link to a conversation works from a mail; what changes something is checked
    /// otherwise.
    fn set(self, name: &str, value: &str, age: Duration) -> HeaderValue {
        let secure = if self == Self::Secure { "; Secure" } else { "" };
        let cookie =
            format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{secure}", age.as_secs());
        // Names and tokens are plain ASCII.
        HeaderValue::from_str(&cookie).unwrap_or(HeaderValue::from_static(""))
    }
}

fn find(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, value)| *found == name && !value.is_empty()).map(|(_, value)| value.to_owned())
}

fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn choose(is_https: bool, host: &str, allow_insecure: bool) -> Option<Cookies> {
        let client = Client { address: IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9)), is_https };
        Cookies::choose(Some(client), host, allow_insecure).ok()
    }

    #[test]
    fn plain_http_is_for_the_machine_itself() {
        for host in ["localhost", "localhost:3000", "127.0.0.1:3000", "[::1]:3000", "[::1]", "127.8.8.8"] {
            assert_eq!(choose(false, host, false), Some(Cookies::Plain), "{host}");
        }
        for host in ["desk.example", "192.168.1.5:3000", "localhost.evil.example", ""] {
            assert_eq!(choose(false, host, false), None, "{host}");
            assert_eq!(choose(false, host, true), Some(Cookies::Plain), "{host}");
            assert_eq!(choose(true, host, false), Some(Cookies::Secure), "{host}");
        }
    }

    #[test]
    fn cookies_are_out_of_reach_of_scripts_and_other_hosts() {
        let cookie = Cookies::Secure.set_session("t");
        assert_eq!(
            cookie.to_str().unwrap(),
            "__Host-frontdesk_session=t; Path=/; HttpOnly; SameSite=Lax; Max-Age=604800; Secure"
        );
        assert!(!Cookies::Plain.set_session("t").to_str().unwrap().contains("Secure"));
        assert!(Cookies::Plain.clear_session().to_str().unwrap().contains("Max-Age=0"));
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let headers = HeaderMap::from_iter([(
            header::COOKIE,
            "a=b; xfrontdesk_session=no; frontdesk_session=; frontdesk_session=yes".parse().unwrap(),
        )]);
        assert_eq!(Cookies::Plain.session(&headers).as_deref(), Some("yes"));
        assert_eq!(Cookies::Secure.session(&headers), None);
    }
}
