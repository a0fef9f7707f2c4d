use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use frontdesk_core::is_near;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Url;
use sha2::Sha256;
use thiserror::Error;

/// Where the webhook is, and what signs what is sent there.
#[derive(Clone, Debug)]
pub struct WebhookSettings {
    /// The address.
    pub url: WebhookUrl,
    /// The secrets that sign.
    pub secrets: WebhookSecrets,
}

/// The address of a webhook. Shows where it is, but not its path and what comes after, which often are a secret.
///
/// The owner of the program names it, so it may be any: of this machine, of a private network, of the internet.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl(Url);

/// The text is not a [`WebhookUrl`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidWebhookUrl {
    /// It is no address.
    #[error("must be an https address such as https://hooks.example/frontdesk")]
    Unknown,
    /// It is not encrypted, and not near by.
    #[error(
        "must be https, because it is told what visitors write; http is for this machine and private networks"
    )]
    Plain,
}

impl WebhookUrl {
    /// Reads an address. Without encryption only hosts of this machine or of a private network are taken.
    pub fn parse(text: &str) -> Result<Self, InvalidWebhookUrl> {
        let url = Url::parse(text).map_err(|_| InvalidWebhookUrl::Unknown)?;
        let host = url.host_str().unwrap_or_default();
        if !matches!(url.scheme(), "http" | "https") || host.is_empty() || url.fragment().is_some() {
            return Err(InvalidWebhookUrl::Unknown);
        }
        if url.scheme() == "http" && !is_near(host) {
            return Err(InvalidWebhookUrl::Plain);
        }
        Ok(Self(url))
    }

    pub(super) fn url(&self) -> Url {
        self.0.clone()
    }
}

impl fmt::Display for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.origin().ascii_serialization())
    }
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The secrets that sign what is sent to a webhook, one or more: while one takes the place of another, both sign.
#[derive(Clone)]
pub struct WebhookSecrets(Vec<Hmac<Sha256>>);

/// The text is no secret. It is not shown: it may be most of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "must be whsec_ and 24 to 64 random bytes in base64, such as `openssl rand -base64 32` prints; several are separated by commas"
)]
pub struct InvalidWebhookSecret;

impl WebhookSecrets {
    /// Reads secrets in the form of Standard Webhooks, separated by commas: base64, with `whsec_` before it or not.
    pub fn parse(text: &str) -> Result<Self, InvalidWebhookSecret> {
        let secrets = text.split(',').map(str::trim).filter(|secret| !secret.is_empty());
        let keys: Vec<_> = secrets.map(read).collect::<Result<_, _>>()?;
        if keys.is_empty() { Err(InvalidWebhookSecret) } else { Ok(Self(keys)) }
    }

    /// The header `webhook-signature`: HMAC-SHA256 of the id, the seconds and the body, with dots between.
    pub(super) fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        let sign = |key: &Hmac<Sha256>| {
            let signed = key.clone().chain_update(format!("{id}.{timestamp}.")).chain_update(body);
            format!("v1,{}", STANDARD.encode(signed.finalize().into_bytes()))
        };
        self.0.iter().map(sign).collect::<Vec<_>>().join(" ")
    }
}

fn read(secret: &str) -> Result<Hmac<Sha256>, InvalidWebhookSecret> {
    let bytes = STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret));
    let bytes = bytes.map_err(|_| InvalidWebhookSecret)?;
    if !(24..=64).contains(&bytes.len()) {
        return Err(InvalidWebhookSecret);
    }
    Hmac::new_from_slice(&bytes).map_err(|_| InvalidWebhookSecret)
}

impl fmt::Debug for WebhookSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookSecrets({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn it_signs_as_the_specifications_own_libraries_do() {
        let secrets = WebhookSecrets::parse(SECRET).unwrap();
        let signature = secrets.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}");
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn every_secret_signs() {
        let [old, new] = [SECRET, "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"];
        let sign = |text: &str| WebhookSecrets::parse(text).unwrap().sign("id", 1, "{}");
        assert_eq!(sign(&format!("{old}, {new},")), format!("{} {}", sign(old), sign(new)));
    }

    #[test]
    fn secrets_are_long_and_base64_and_shown_to_nobody() {
        assert_eq!(format!("{:?}", WebhookSecrets::parse(SECRET).unwrap()), "WebhookSecrets(1)");
        let [short, long] = [23, 65].map(|length| STANDARD.encode(vec![1; length]));
        for bad in ["", ",", "whsec_", "whsec_!", "plain words", &short, &long, &format!("{SECRET},short")] {
            assert_eq!(WebhookSecrets::parse(bad).unwrap_err(), InvalidWebhookSecret, "{bad}");
        }
    }

    #[test]
    fn only_near_by_it_may_be_without_encryption() {
        for (text, shown) in [
            ("https://hooks.example/canary?canary=1", "https://hooks.example"),
            ("https://canary:canary@hooks.example:8443/x", "https://hooks.example:8443"),
            ("http://127.0.0.1:5678/webhook/canary", "http://127.0.0.1:5678"),
            ("http://[::1]/", "http://[::1]"),
            ("http://n8n:5678/webhook", "http://n8n:5678"),
            ("http://192.168.1.7/", "http://192.168.1.7"),
        ] {
            let url = WebhookUrl::parse(text).unwrap();
            assert_eq!((url.to_string(), format!("{url:?}")), (shown.to_owned(), shown.to_owned()));
        }
        for text in ["http://hooks.example/", "http://203.0.113.1/", "http://[2001:db8::1]/"] {
            assert_eq!(WebhookUrl::parse(text), Err(InvalidWebhookUrl::Plain), "{text}");
        }
        for text in ["", "hooks.example", "ftp://hooks.example", "https://", "file:///x", "https://a/#b"] {
            assert_eq!(WebhookUrl::parse(text), Err(InvalidWebhookUrl::Unknown), "{text}");
        }
    }
}
