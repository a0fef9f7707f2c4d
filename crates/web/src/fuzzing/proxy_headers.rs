use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::{HeaderMap, HeaderValue};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::TrustedProxies;

/// Checks the headers of a request that came in over proxies.
///
/// They have to mean nothing from a peer that is not trusted. From one that is, the client has to be the first address from
/// the right that is no trusted proxy's; and what the client itself has put before that must not change anything.
pub(super) fn check_proxies(headers: &HeaderMap) {
    let proxies = TrustedProxies::new(networks());
    for stranger in
        [IpAddr::from([203, 0, 113, 9]), IpAddr::from(Ipv4Addr::new(203, 0, 113, 9).to_ipv6_mapped())]
    {
        let client = proxies.client(stranger, headers);
        assert_eq!((client.address, client.is_https), (stranger.to_canonical(), false));
    }

    let peer = IpAddr::from([10, 0, 0, 2]);
    let client = proxies.client(peer, headers);
    let (told, is_a_client) = client_by_the_documentation(peer, headers);
    assert_eq!(client.address, told);
    assert_eq!(client.address, client.address.to_canonical());
    assert!(!proxies.is_unknown_proxy(peer, headers));
    if let IpAddr::V6(network) = client.address {
        let neighbour = Ipv6Addr::from(u128::from(network) ^ 1);
        let neighbour = crate::proxies::Client { address: neighbour.into(), is_https: false };
        assert_eq!(client.subscriber(), neighbour.subscriber());
    }

    // What a client claims reaches us to the left of what the proxy adds.
    if is_a_client {
        for claim in ["127.0.0.1", "10.9.9.9", "x", "6.6.6.6,", "[::1]:80"] {
            let mut claimed = HeaderMap::new();
            claimed.append("x-forwarded-for", HeaderValue::from_static(claim));
            for (name, value) in headers {
                claimed.append(name.clone(), value.clone());
            }
            assert_eq!(proxies.client(peer, &claimed), client, "{claim}");
        }
    }
}

fn networks() -> Vec<IpNet> {
    let private = Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8);
    vec![private.into(), Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128).into()]
}

/// `docs/DEPLOYMENT.md` word by word. Says too whether the address is a client's, and not where the walk had to end.
fn client_by_the_documentation(peer: IpAddr, headers: &HeaderMap) -> (IpAddr, bool) {
    let mut entries = Vec::new();
    for line in headers.get_all("x-forwarded-for") {
        if let Ok(line) = line.to_str() {
            entries.extend(line.split(',').map(str::trim));
        }
    }
    let mut address = peer;
    for (hops, entry) in entries.iter().rev().enumerate() {
        let without_port = match entry.strip_prefix('[') {
            Some(rest) => rest.split_once(']').filter(|(_, port)| is_port(port)).map(|(address, _)| address),
            None if entry.matches(':').count() == 1 => entry
                .split_once(':')
                .filter(|(_, port)| is_port(&format!(":{port}")))
                .map(|(address, _)| address),
            None => Some(*entry),
        };
        let is_six = entry.starts_with('[') || entry.matches(':').count() > 1;
        let hop = match without_port {
            Some(address) if is_six => address.parse::<Ipv6Addr>().ok().map(|six| six.to_canonical()),
            Some(address) => address.parse::<Ipv4Addr>().ok().map(IpAddr::from),
            None => None,
        };
        let Some(hop) = hop.filter(|_| hops < 16) else { break };
        address = hop;
        let is_trusted = match hop {
            IpAddr::V4(four) => four.octets()[0] == 10,
            IpAddr::V6(six) => six == Ipv6Addr::LOCALHOST,
        };
        if !is_trusted {
            return (address, true);
        }
    }
    (address, false)
}

/// Nothing, or a colon and the number of a port.
fn is_port(text: &str) -> bool {
    text.is_empty() || text.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok())
}
