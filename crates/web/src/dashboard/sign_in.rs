//! Signing in: one act, for the form and for programs.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use frontdesk_core::{LoginTry, OperatorName, ThrottleDecision, ThrottleRule, TokenHash};
use http::{HeaderMap, HeaderValue};
use sha2::{Digest as _, Sha256};
use tracing::{info, warn};

use super::session::{self, Cookies, DEVICE};
use super::{Dashboard, password::Password};
use crate::layers::RequestContext;
use crate::{ApiError, Code};

/// For one client, or one browser that was signed in before.
const BY_CLIENT: ThrottleRule = ThrottleRule {
    free_tries: 5,
    window: Duration::from_mins(5),
    first_pause: Duration::from_mins(1),
    longest_pause: Duration::from_mins(15),
};

/// For all clients that were never signed in, so that many of them cannot guess together. Its pause is short: it is
/// everybody's.
const BY_ALL: ThrottleRule = ThrottleRule {
    free_tries: 60,
    window: Duration::from_mins(1),
    first_pause: Duration::from_secs(10),
    longest_pause: Duration::from_mins(1),
};

/// The longest password that is compared, in bytes. More is a waste of a hash.
const MAX_PASSWORD: usize = 1024;

/// An operator who has just signed in.
#[derive(Debug)]
pub(super) struct SignedIn {
    /// What the browser is to keep.
    pub(super) cookies: Vec<HeaderValue>,
}

/// Why somebody is not signed in.
#[derive(Debug)]
pub(super) enum Refusal {
    /// No password was given.
    Missing,
    /// It was the wrong one.
    Wrong {
        /// Tries left before a pause.
        left: u32,
    },
    /// There were too many tries.
    Paused {
        /// For how long there are none.
        wait: Duration,
    },
    /// Something else is in the way.
    Failed(ApiError),
}

impl<E: Into<ApiError>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Signs in with a password, under a name.
pub(super) async fn sign_in(
    dashboard: &Dashboard,
    context: &RequestContext,
    cookies: Cookies,
    headers: &HeaderMap,
    given: String,
    name: OperatorName,
) -> Result<SignedIn, Refusal> {
    if given.is_empty() {
        return Err(Refusal::Missing);
    }
    let store = &dashboard.ports.store;
    let now = dashboard.ports.clock.now();
    let device = cookies.device(headers);
    let is_known = match &device {
        Some(device) => store.knows_device(TokenHash::of(device), now.minus(DEVICE)).await?,
        None => false,
    };
    let tries = match device.as_ref().filter(|_| is_known) {
        Some(device) => vec![LoginTry { bucket: bucket("device", device), rule: BY_CLIENT }],
        None => vec![
            LoginTry { bucket: bucket("client", &context.client.subscriber().to_string()), rule: BY_CLIENT },
            LoginTry { bucket: "all".to_owned(), rule: BY_ALL },
        ],
    };
    let own_bucket = tries.first().map(|own| own.bucket.clone()).unwrap_or_default();
    let left = match store.take_login_try(tries, now).await? {
        ThrottleDecision::Allowed { left } => left,
        ThrottleDecision::Paused { wait } => {
            warn!(request_id = &*context.id, client = %context.client.address, "sign-in paused");
            return Err(Refusal::Paused { wait });
        }
    };
    let Some(password) = right_password(dashboard, given).await? else {
        warn!(request_id = &*context.id, client = %context.client.address, left, "sign-in with a wrong password");
        return Err(Refusal::Wrong { left });
    };
    store.forget_login_tries(vec![own_bucket]).await?;
    let token = session::open(dashboard, &password, headers, name).await?;
    let device =
        device.filter(|_| is_known).unwrap_or_else(|| frontdesk_core::secret_text(&*dashboard.ports.random));
    store.remember_device(TokenHash::of(&device), now).await?;
    info!(request_id = &*context.id, client = %context.client.address, "signed in");
    Ok(SignedIn { cookies: vec![cookies.set_session(&token), cookies.set_device(&device)] })
}

/// The password in force, if it is the given one.
async fn right_password(dashboard: &Dashboard, given: String) -> Result<Option<Password>, ApiError> {
    let Some(password) = dashboard.verifier.current(&dashboard.ports.store).await? else {
        return Err(ApiError::new(Code::InvalidPassword).because("no dashboard password is set"));
    };
    if given.len() > MAX_PASSWORD {
        return Ok(None);
    }
    Ok(dashboard.verifier.verify(&password, given).await?.then_some(password))
}

/// Names a bucket without telling whose it is.
fn bucket(kind: &str, whose: &str) -> String {
    format!("{kind}:{}", URL_SAFE_NO_PAD.encode(Sha256::digest(whose.as_bytes())))
}
