use std::net::IpAddr;

/// Whether a host, as it stands in an address, is this machine or of a private network: by its number, or by a name without a
/// dot, as containers have. What is sent there need not be encrypted.
pub fn is_near(host: &str) -> bool {
    match host.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_private(),
        Ok(IpAddr::V6(address)) => address.is_loopback() || address.is_unique_local(),
        Err(_) => !host.contains('.'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_and_private_networks_are_near() {
        for near in
            ["localhost", "127.0.0.1", "[::1]", "::1", "10.1.2.3", "192.168.0.1", "[fd00::1]", "mailpit"]
        {
            assert!(is_near(near), "{near}");
        }
        for far in ["shop.example", "203.0.113.1", "[2001:db8::1]", "169.254.169.254", "172.32.0.1"] {
            assert!(!is_near(far), "{far}");
        }
    }
}
