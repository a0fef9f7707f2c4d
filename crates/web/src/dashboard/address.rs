//! Addresses that visitors' browsers told, as links.

use http::Uri;

/// An address, as a page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// Where a link may lead: only to pages of websites.
    pub(super) link: Option<String>,
    /// Its path and its query.
    pub(super) path: String,
    /// Its host.
    pub(super) host: String,
}

impl Address {
    pub(super) fn new(text: &str) -> Self {
        let uri = text.parse::<Uri>().ok().filter(|uri| {
            let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
            is_web && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
        });
        match uri {
            Some(uri) => Self {
                link: Some(text.to_owned()),
                path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
                host: uri.host().unwrap_or_default().to_owned(),
            },
            None => Self { link: None, path: text.to_owned(), host: text.to_owned() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_websites() {
        let page = Address::new("https://shop.example/rates?from=porto");
        assert_eq!(page.link.as_deref(), Some("https://shop.example/rates?from=porto"));
        assert_eq!((page.path.as_str(), page.host.as_str()), ("/rates?from=porto", "shop.example"));
        assert_eq!(Address::new("http://a.example").path, "/");
        for hostile in [
            "javascript:alert(1)",
            "data:text/html,x",
            "//evil.example/",
            "https://bank.example@evil.example/",
            "https:",
            "jAvAsCrIpT://a/%0aalert(1)",
            " javascript:alert(1)",
        ] {
            assert_eq!(Address::new(hostile).link, None, "{hostile}");
        }
    }
}
