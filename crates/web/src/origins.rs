//! Which websites' pages may use the API.

use http::{HeaderMap, Uri, header};
use thiserror::Error;

/// The origins (RFC 6454) whose pages may use the API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedOrigins {
    all: bool,
    exact: Vec<String>,
    /// Scheme and the part of the host that follows the `*`, as in `https://` and `.shop.example`.
    wildcards: Vec<(String, String)>,
}

/// The text is not a list of origins.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "must be a comma-separated list of addresses such as https://shop.example, without a path; entry {place} is not"
)]
pub struct InvalidOrigins {
    /// Which entry of the list is wrong, counted from 1.
    pub place: usize,
}

impl AllowedOrigins {
    /// Reads a comma-separated list of origins. `*` allows all, `https://*.shop.example` all hosts below one.
    pub fn parse(list: &str) -> Result<Self, InvalidOrigins> {
        let mut origins = Self::default();
        for (at, entry) in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()).enumerate() {
            let invalid = || InvalidOrigins { place: at + 1 };
            if entry == "*" {
                origins.all = true;
            } else if let Some((scheme, host)) = entry.split_once('*') {
                let (scheme, host) = (scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
                let below = host.strip_prefix('.').ok_or_else(invalid)?;
                normal(&format!("{scheme}{below}")).ok_or_else(invalid)?;
                origins.wildcards.push((scheme, host));
            } else {
                origins.exact.push(normal(entry).ok_or_else(invalid)?);
            }
        }
        Ok(origins)
    }

    /// Whether pages of all origins are allowed.
    pub fn allows_all(&self) -> bool {
        self.all
    }

    /// Whether no page of any origin is allowed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn allows(&self, origin: &str) -> bool {
        let below = |(scheme, host): &(String, String)| {
            origin
                .strip_prefix(scheme.as_str())
                .and_then(|rest| rest.strip_suffix(host.as_str()))
                .is_some_and(|name| {
                    !name.is_empty()
                        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
                })
        };
        self.all || self.exact.iter().any(|allowed| allowed == origin) || self.wildcards.iter().any(below)
    }

    /// What a request says of its origin, and whether that is allowed.
    pub(crate) fn judge(&self, headers: &HeaderMap) -> OriginVerdict {
        let mut lines = headers.get_all(header::ORIGIN).iter();
        match (lines.next(), lines.next()) {
            (None, _) => OriginVerdict::None,
            (Some(origin), None) => match origin.to_str() {
                Ok(origin) if self.allows(&origin.to_ascii_lowercase()) => {
                    OriginVerdict::Allowed(origin.to_owned())
                }
                _ => OriginVerdict::Denied,
            },
            (Some(_), Some(_)) => OriginVerdict::Denied,
        }
    }
}

/// What a request's `Origin` header amounts to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OriginVerdict {
    /// There is none: not a browser's cross-origin request.
    None,
    /// It is allowed.
    Allowed(String),
    /// It is not.
    Denied,
}

/// An origin as browsers write it: lower case, without the scheme's own port; `None` if it is not one.
fn normal(origin: &str) -> Option<String> {
    let lower = origin.to_ascii_lowercase();
    let lower = lower.strip_suffix('/').unwrap_or(&lower);
    let uri: Uri = lower.parse().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    let default_port = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    if authority.as_str().contains('@') || !matches!(uri.path(), "" | "/") || uri.query().is_some() {
        return None;
    }
    let host = authority.host();
    Some(match authority.port_u16().filter(|port| *port != default_port) {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(allowed: &str, origin: &str) -> bool {
        let headers = HeaderMap::from_iter([(header::ORIGIN, origin.parse().unwrap())]);
        matches!(AllowedOrigins::parse(allowed).unwrap().judge(&headers), OriginVerdict::Allowed(_))
    }

    #[test]
    fn only_listed_origins_are_allowed() {
        let list = "https://shop.example, http://localhost:3000/ ,HTTPS://WWW.shop.example:443";
        for origin in [
            "https://shop.example",
            "https://SHOP.example",
            "http://localhost:3000",
            "https://www.shop.example",
        ] {
            assert!(verdict(list, origin), "{origin}");
        }
        for origin in [
            "null",
            "http://shop.example",
            "https://shop.example:8443",
            "https://shop.example.evil.com",
            "https://evil-shop.example",
            "https://a.shop.example",
            "http://localhost",
            "",
        ] {
            assert!(!verdict(list, origin), "{origin}");
        }
    }

    #[test]
    fn a_wildcard_allows_hosts_below_one_and_nothing_beside_it() {
        let list = "https://*.shop.example";
        for origin in ["https://a.shop.example", "https://a.b.shop.example"] {
            assert!(verdict(list, origin), "{origin}");
        }
        for origin in [
            "https://shop.example",
            "https://.shop.example",
            "http://a.shop.example",
            "https://evil.com/.shop.example",
            "https://a.shop.example:8443",
            "https://a.shop.example.evil.com",
            "https://user@a.shop.example",
        ] {
            assert!(!verdict(list, origin), "{origin}");
        }
    }

    #[test]
    fn a_star_allows_all() {
        assert!(verdict("*", "https://anything.example") && verdict("*", "null"));
        assert!(AllowedOrigins::parse(" , ").unwrap().is_empty());
    }

    #[test]
    fn what_is_not_an_origin_is_named_by_its_place() {
        for (list, place) in [
            ("shop.example", 1),
            ("https://a.example,ftp://b.example", 2),
            ("https://a.example/path", 1),
            ("https://a.example?x", 1),
            ("https://*shop.example", 1),
            ("https://*.", 1),
            ("*.shop.example", 1),
        ] {
            assert_eq!(AllowedOrigins::parse(list), Err(InvalidOrigins { place }), "{list}");
        }
    }

    #[test]
    fn two_origin_headers_are_not_allowed() {
        let mut headers = HeaderMap::new();
        headers.append(header::ORIGIN, "https://a.example".parse().unwrap());
        headers.append(header::ORIGIN, "https://a.example".parse().unwrap());
        assert_eq!(
            AllowedOrigins::parse("https://a.example").unwrap().judge(&headers),
            OriginVerdict::Denied
        );
    }
}
