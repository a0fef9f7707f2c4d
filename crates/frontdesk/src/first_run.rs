//! What a deployment needs before it can serve: its site, keys and a password. What is missing is made.

use anyhow::{Context as _, bail};
use frontdesk_core::{KeyId, KeyKind, SiteId, StoredKey, secret_text};
use frontdesk_web::KeyRing;
use frontdesk_web::dashboard::hash_password;

use crate::config::{Mode, Only, Settings};
use crate::ports::Ports;

/// What was made, to be shown once.
#[derive(Debug, Default)]
pub(crate) struct Made {
    pub(crate) admin_key: Option<String>,
    pub(crate) password: Option<String>,
}

/// The keys in force, and the public one that is shown in snippets.
#[derive(Debug)]
pub(crate) struct Keys {
    pub(crate) ring: KeyRing,
    pub(crate) public: Option<String>,
}

/// Makes the site and whatever else is missing.
///
/// In production nothing secret is made: it would have to be printed, and there printed means kept in a log.
pub(crate) async fn prepare(settings: &Settings, ports: &Ports, only: Only) -> anyhow::Result<(Keys, Made)> {
    let store = &ports.store;
    store
        .ensure_site(SiteId::DEFAULT, "default", ports.clock.now())
        .await
        .context("cannot prepare the database")?;
    let mut made = Made::default();
    let stored = store.keys(SiteId::DEFAULT).await?;
    let has_stored = |kind| stored.iter().any(|key| key.kind == kind);
    let is_development = settings.mode == Mode::Development;

    if only.serves_api() && settings.widget_keys.is_empty() {
        if !is_development {
            bail!(
                "WIDGET_API_KEY: is required in production: the key that stands in every page with the widget"
            );
        }
        if !has_stored(KeyKind::Public) {
            add_key(ports, KeyKind::Public).await?;
        }
    }
    if only.serves_api() && is_development && settings.admin_keys.is_empty() && !has_stored(KeyKind::Admin) {
        made.admin_key = Some(add_key(ports, KeyKind::Admin).await?);
    }
    let serves_dashboard = only.serves_dashboard() || settings.dashboard_host.is_some();
    if serves_dashboard && settings.password.0.is_none() && store.operator_password().await?.is_none() {
        if !is_development {
            bail!("DASHBOARD_PASSWORD: is required in production: set it, or run `frontdesk reset-password`");
        }
        made.password = Some(new_password(ports).await?);
    }
    Ok((read_keys(settings, ports).await?, made))
}

/// Gives the dashboard a new password, and everybody who is signed in has to sign in again.
pub(crate) async fn new_password(ports: &Ports) -> anyhow::Result<String> {
    // 22 of the characters are 132 bits, and shorter to type than all 43.
    let password: String = secret_text(&*ports.random).chars().take(22).collect();
    ports.store.set_operator_password(hash_password(&password)?, ports.clock.now()).await?;
    Ok(password)
}

async fn add_key(ports: &Ports, kind: KeyKind) -> anyhow::Result<String> {
    let prefix = match kind {
        KeyKind::Public => "pk",
        KeyKind::Admin => "ak",
    };
    let text = format!("{prefix}_{}", secret_text(&*ports.random));
    let key = StoredKey {
        id: KeyId::mint(&*ports.clock, &*ports.random),
        site: SiteId::DEFAULT,
        kind,
        sha256: KeyRing::hash(&text),
        text: (kind == KeyKind::Public).then(|| text.clone()),
        created_at: ports.clock.now(),
    };
    ports.store.add_key(key).await?;
    Ok(text)
}

/// The keys that the settings fix; in development also, of each kind that they do not, those that were made.
async fn read_keys(settings: &Settings, ports: &Ports) -> anyhow::Result<Keys> {
    let site = SiteId::DEFAULT;
    let stored = ports.store.keys(site).await?;
    let mut ring = KeyRing::default();
    for (kind, texts) in [(KeyKind::Public, &settings.widget_keys), (KeyKind::Admin, &settings.admin_keys)] {
        if texts.is_empty() && settings.mode == Mode::Development {
            ring = stored.iter().filter(|key| key.kind == kind).fold(ring, KeyRing::with_stored);
        } else {
            ring = texts.iter().fold(ring, |ring, text| ring.with_text(site, kind, text));
        }
    }
    let made =
        || stored.iter().find_map(|key| key.text.clone()).filter(|_| settings.mode == Mode::Development);
    let public = settings.widget_keys.first().cloned().or_else(made);
    Ok(Keys { ring, public })
}
