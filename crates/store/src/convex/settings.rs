use std::fmt;
use std::time::Duration;

use frontdesk_core::is_near;
use reqwest::Url;
use reqwest::header::HeaderValue;
use thiserror::Error;

/// Where a deployment of Convex is, and how to call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvexSettings {
    /// The deployment.
    pub url: ConvexUrl,
    /// The key to its internal functions.
    pub key: ConvexKey,
    /// How long a call may take in all, with everything that is tried again.
    pub timeout: Duration,
    /// How many calls are under way at once; others wait. At least 1.
    pub max_concurrency: usize,
}

impl ConvexSettings {
    /// How long a call may take, unless it is set otherwise.
    pub const TIMEOUT: Duration = Duration::from_secs(20);

    /// How many calls are under way at once, unless it is set otherwise: the smallest deployments run 16 queries and 16
    /// mutations, and somebody may look at the data meanwhile.
    pub const MAX_CONCURRENCY: usize = 12;
}

/// The address of a deployment, for example `https://happy-animal-123.convex.cloud`.
#[derive(Clone, PartialEq, Eq)]
pub struct ConvexUrl(Url);

/// The text is not a [`ConvexUrl`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidConvexUrl {
    /// It is no address of a deployment.
    #[error("must be the address of a deployment such as https://happy-animal-123.convex.cloud")]
    Unknown,
    /// It is the address for HTTP actions.
    #[error("must end with .convex.cloud: .convex.site is the deployment's address for HTTP actions")]
    Site,
    /// It is not encrypted, and not near by.
    #[error("must be https, because a key is sent to it; http is for this machine and private networks")]
    Plain,
}

impl ConvexUrl {
    /// Reads an address. Without encryption only hosts of this machine or of a private network are taken.
    pub fn parse(text: &str) -> Result<Self, InvalidConvexUrl> {
        let url = Url::parse(text).map_err(|_| InvalidConvexUrl::Unknown)?;
        let host = url.host_str().unwrap_or_default();
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let is_anonymous = url.username().is_empty() && url.password().is_none();
        if !matches!(url.scheme(), "http" | "https") || host.is_empty() || !is_bare || !is_anonymous {
            return Err(InvalidConvexUrl::Unknown);
        }
        if host.ends_with(".convex.site") {
            return Err(InvalidConvexUrl::Site);
        }
        if url.scheme() == "http" && !is_near(host) {
            return Err(InvalidConvexUrl::Plain);
        }
        Ok(Self(url))
    }

    pub(super) fn join(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(path);
        url
    }
}

impl fmt::Display for ConvexUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for ConvexUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A key to a deployment's internal functions. Shows itself to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct ConvexKey(HeaderValue);

/// The text is no key. It is not shown: it may be most of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be a key as Convex makes them: DEPLOYMENT|SECRET in one line, with the part before the |")]
pub struct InvalidConvexKey;

impl ConvexKey {
    /// A key of visible ASCII characters with a `|` in it.
    pub fn new(text: &str) -> Result<Self, InvalidConvexKey> {
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) || !text.contains('|') {
            return Err(InvalidConvexKey);
        }
        let mut value = HeaderValue::from_str(&format!("Convex {text}")).map_err(|_| InvalidConvexKey)?;
        value.set_sensitive(true);
        Ok(Self(value))
    }

    pub(super) fn header_value(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl fmt::Debug for ConvexKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConvexKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_deployments_own() {
        for good in [
            "https://happy-animal-123.convex.cloud",
            "https://happy-animal-123.convex.cloud/",
            "https://convex.example:8443",
            "http://127.0.0.1:3210",
            "http://[::1]:3210",
            "http://localhost:3210",
            "http://backend:3210",
            "http://10.1.2.3:3210",
        ] {
            assert_eq!(ConvexUrl::parse(good).unwrap().to_string(), good.trim_end_matches('/'));
        }
        for (bad, why) in [
            ("", InvalidConvexUrl::Unknown),
            ("happy-animal-123.convex.cloud", InvalidConvexUrl::Unknown),
            ("https://happy-animal-123.convex.cloud/api", InvalidConvexUrl::Unknown),
            ("https://x.convex.cloud?a=b", InvalidConvexUrl::Unknown),
            ("https://user:secret@x.convex.cloud", InvalidConvexUrl::Unknown),
            ("ftp://x.convex.cloud", InvalidConvexUrl::Unknown),
            ("https://happy-animal-123.convex.site", InvalidConvexUrl::Site),
            ("http://happy-animal-123.convex.cloud", InvalidConvexUrl::Plain),
            ("http://8.8.8.8:3210", InvalidConvexUrl::Plain),
        ] {
            assert_eq!(ConvexUrl::parse(bad), Err(why), "{bad}");
        }
    }

    #[test]
    fn a_key_is_whole_and_stays_out_of_debug_output() {
        let key = ConvexKey::new("prod:happy-animal-123|canary").unwrap();
        assert_eq!(format!("{key:?} {:?}", key.header_value()), "ConvexKey(..) Sensitive");
        for bad in ["", "canary", "prod:x|ca nary", "prod:x|canary\n"] {
            assert_eq!(ConvexKey::new(bad), Err(InvalidConvexKey), "{bad:?}");
        }
    }
}
