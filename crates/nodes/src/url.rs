use std::fmt;

use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _};
use thiserror::Error;

/// Where a server of Redis or Valkey is, and how to sign in there.
#[derive(Clone)]
pub struct RedisUrl {
    client: Client,
}

/// The text is not a URL of a server. Says what is right, and nothing of the text: there may be a password in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be redis://user:password@host:6379/0 or rediss:// with TLS")]
pub struct InvalidRedisUrl;

impl RedisUrl {
    /// Reads a URL: `redis://` or `valkey://`, or `rediss://` or `valkeys://` with TLS, whose certificate has to be right.
    pub fn parse(url: &str) -> Result<Self, InvalidRedisUrl> {
        let schemes = ["redis://", "rediss://", "valkey://", "valkeys://"];
        // What comes after # would turn the check of certificates off.
        if !schemes.iter().any(|scheme| url.starts_with(scheme)) || url.contains('#') {
            return Err(InvalidRedisUrl);
        }
        let info: ConnectionInfo = url.into_connection_info().map_err(|_| InvalidRedisUrl)?;
        let client = Client::open(info).map_err(|_| InvalidRedisUrl)?;
        Ok(Self { client })
    }

    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }
}

impl fmt::Display for RedisUrl {
    /// Without name and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let info = self.client.get_connection_info();
        let scheme = if matches!(info.addr(), ConnectionAddr::TcpTls { .. }) { "rediss" } else { "redis" };
        write!(f, "{scheme}://{}/{}", info.addr(), info.redis_settings().db())
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_password() {
        for (url, shown) in [
            ("redis://127.0.0.1", "redis://127.0.0.1:6379/0"),
            ("redis://:canary@redis.internal:7000/3", "redis://redis.internal:7000/3"),
            ("rediss://frontdesk:canary@redis.internal", "rediss://redis.internal:6379/0"),
            ("valkey://127.0.0.1:1", "redis://127.0.0.1:1/0"),
        ] {
            let url = RedisUrl::parse(url).unwrap();
            assert_eq!(url.to_string(), shown);
            assert!(!format!("{url:?}").contains("canary"));
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for url in [
            "",
            "127.0.0.1",
            "http://127.0.0.1",
            "redis://",
            "redis://h/x",
            "rediss://h/#insecure",
            "unix:///x",
        ] {
            assert_eq!(RedisUrl::parse(url).unwrap_err(), InvalidRedisUrl, "{url}");
        }
    }
}
