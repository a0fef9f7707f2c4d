//! Who is on the other side of the reverse proxies.

use std::net::{IpAddr, Ipv6Addr};

use http::HeaderMap;
use ipnet::IpNet;

/// The proxies whose word on the client's address is believed.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<IpNet>);

/// What is known of a request's client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Client {
    /// Its address.
    pub(crate) address: IpAddr,
    /// Whether it speaks HTTPS to the proxy in front of us.
    pub(crate) is_https: bool,
}

/// A client as limits count it: an address, or for IPv6 the network that one subscriber commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Subscriber(IpAddr);

/// Longer chains of proxies are not followed.
const MAX_HOPS: usize = 16;

impl TrustedProxies {
    /// These networks.
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// The client of a request that came in over a connection from `peer`.
    ///
    /// `X-Forwarded-For` is read from the right, because each proxy appends the address it saw: entries of trusted
    /// proxies are passed over, and the first other one is the client. What stands further left is the client's own
    /// claim. A request from elsewhere is taken as it is, whatever it claims.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Client {
        let peer = peer.to_canonical();
        if !self.trusts(peer) {
            return Client { address: peer, is_https: false };
        }
        let is_https =
            last_value(headers, "x-forwarded-proto").is_some_and(|proto| proto.eq_ignore_ascii_case("https"));
        let forwarded = headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok());
        let entries: Vec<_> = forwarded.flat_map(|line| line.split(',')).collect();
        let mut address = peer;
        for entry in entries.into_iter().rev().take(MAX_HOPS) {
            let Some(hop) = parse_hop(entry.trim()) else { break };
            address = hop;
            if !self.trusts(hop) {
                break;
            }
        }
        Client { address, is_https }
    }

    /// Whether a peer claims to speak for somebody although it is not trusted to: a sign of a forgotten setting.
    pub(crate) fn is_unknown_proxy(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        let peer = peer.to_canonical();
        headers.contains_key("x-forwarded-for") && is_private(peer) && !self.trusts(peer)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl Client {
    pub(crate) fn subscriber(self) -> Subscriber {
        Subscriber(match self.address {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        })
    }
}

impl std::fmt::Display for Subscriber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

fn last_value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    value.rsplit(',').next().map(str::trim)
}

/// An address, with or without a port, and in brackets if it is IPv6 with one.
fn parse_hop(entry: &str) -> Option<IpAddr> {
    let address = entry
        .parse()
        .ok()
        .or_else(|| entry.parse::<std::net::SocketAddr>().ok().map(|with_port| with_port.ip()))
        .or_else(|| entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok());
    address.map(|address: IpAddr| address.to_canonical())
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            // RFC 6598, which some platforms number their machines by.
            let is_shared = matches!(address.octets(), [100, 64..=127, ..]);
            address.is_private() || address.is_loopback() || address.is_link_local() || is_shared
        }
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]);
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        proxies.client(peer.parse().unwrap(), &headers).address.to_string()
    }

    #[test]
    fn a_stranger_is_taken_as_it_is() {
        assert_eq!(client("203.0.113.9", &["6.6.6.6"]), "203.0.113.9");
        assert_eq!(client("127.0.0.1", &["6.6.6.6"]), "127.0.0.1");
    }

    #[test]
    fn the_first_untrusted_entry_from_the_right_is_the_client() {
        for forwarded in [
            &["198.51.100.7"][..],
            &["6.6.6.6, 198.51.100.7"],
            &["6.6.6.6", "198.51.100.7, 10.1.1.1"],
            &["6.6.6.6, 198.51.100.7:4711"],
            &["::ffff:198.51.100.7"],
        ] {
            assert_eq!(client("10.0.0.2", forwarded), "198.51.100.7", "{forwarded:?}");
        }
        assert_eq!(client("::1", &["[2001:db8::1]:99"]), "2001:db8::1");
        assert_eq!(client("::ffff:10.0.0.2", &["[2001:db8::1]"]), "2001:db8::1");
    }

    #[test]
    fn a_malformed_entry_ends_the_walk() {
        assert_eq!(client("10.0.0.2", &["198.51.100.7, unknown, 10.1.1.1"]), "10.1.1.1");
        assert_eq!(client("10.0.0.2", &["x"]), "10.0.0.2");
        assert_eq!(client("10.0.0.2", &[]), "10.0.0.2");
    }

    #[test]
    fn endless_chains_are_not_followed() {
        let chain = ["198.51.100.7"].into_iter().chain(["10.1.1.1"; 40]).collect::<Vec<_>>().join(",");
        assert_eq!(client("10.0.0.2", &[&chain]), "10.1.1.1");
    }

    #[test]
    fn only_a_trusted_proxy_says_that_the_client_speaks_https() {
        let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let headers =
            HeaderMap::from_iter([("x-forwarded-proto".parse().unwrap(), "https".parse().unwrap())]);
        assert!(proxies.client("10.0.0.2".parse().unwrap(), &headers).is_https);
        assert!(!proxies.client("203.0.113.9".parse().unwrap(), &headers).is_https);
    }

    #[test]
    fn an_ipv6_subscriber_is_one_client_wherever_it_sits_in_its_network() {
        let subscriber =
            |address: &str| Client { address: address.parse().unwrap(), is_https: false }.subscriber();
        assert_eq!(subscriber("2001:db8:1:2:3::4"), subscriber("2001:db8:1:2:ffff::1"));
        assert_ne!(subscriber("2001:db8:1:2::1"), subscriber("2001:db8:1:3::1"));
        assert_ne!(subscriber("192.0.2.1"), subscriber("192.0.2.2"));
    }
}
