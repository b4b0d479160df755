//! Which IP addresses a request may go to: the public ones, and the operator's own networks.
//!
//! The tables follow the IANA special-purpose address registries (RFC 6890 and its updates).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Whether a connection to `ip` may be made. An IPv4-mapped IPv6 address is reached where the IPv4 address it stands for is
/// on the list.
pub(super) fn allowed(ip: IpAddr, list: &[IpNet]) -> bool {
    let listed = |ip: IpAddr| list.iter().any(|network| network.contains(&ip));
    match ip {
        IpAddr::V4(v4) => public_v4(v4) || listed(ip),
        IpAddr::V6(v6) => public_v6(v6) || listed(ip) || v6.to_ipv4_mapped().is_some_and(|v4| listed(v4.into())),
    }
}

/// Whether everybody may be behind this address.
pub(super) fn public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => public_v4(v4),
        IpAddr::V6(v6) => public_v6(v6),
    }
}

fn public_v4(ip: Ipv4Addr) -> bool {
    !SPECIAL_V4.iter().any(|network| network.contains(&ip))
}

/// Only `2000::/3` is global unicast; mapped (`::ffff:0:0/96`), NAT64 (`64:ff9b::/96`), unique-local, link-local and
/// multicast addresses all lie outside of it.
fn public_v6(ip: Ipv6Addr) -> bool {
    GLOBAL_V6.contains(&ip) && !SPECIAL_V6.iter().any(|network| network.contains(&ip))
}

const fn v4(a: u8, b: u8, c: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, 0), prefix)
}

const fn v6(a: u16, b: u16, c: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix)
}

const SPECIAL_V4: [Ipv4Net; 18] = [
    v4(0, 0, 0, 8),       // this network, unspecified
    v4(10, 0, 0, 8),      // private
    v4(100, 64, 0, 10),   // carrier-grade NAT
    v4(127, 0, 0, 8),     // loopback
    v4(169, 254, 0, 16),  // link-local, cloud metadata
    v4(172, 16, 0, 12),   // private
    v4(192, 0, 0, 24),    // IETF protocol assignments
    v4(192, 0, 2, 24),    // documentation
    v4(192, 31, 196, 24), // AS112
    v4(192, 52, 193, 24), // AMT
    v4(192, 88, 99, 24),  // 6to4 relays
    v4(192, 168, 0, 16),  // private
    v4(192, 175, 48, 24), // AS112
    v4(198, 18, 0, 15),   // benchmarking
    v4(198, 51, 100, 24), // documentation
    v4(203, 0, 113, 24),  // documentation
    v4(224, 0, 0, 4),     // multicast
    v4(240, 0, 0, 4),     // reserved, broadcast
];

const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 0, 3);

const SPECIAL_V6: [Ipv6Net; 5] = [
    v6(0x2001, 0, 0, 23),         // IETF protocol assignments: Teredo, benchmarking, ORCHID
    v6(0x2001, 0xdb8, 0, 32),     // documentation
    v6(0x2002, 0, 0, 16),         // 6to4
    v6(0x2620, 0x4f, 0x8000, 48), // AS112
    v6(0x3fff, 0, 0, 20),         // documentation
];

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(ip: &str, list: &[&str]) -> bool {
        let list: Vec<IpNet> = list.iter().map(|network| network.parse().unwrap()).collect();
        allowed(ip.parse().unwrap(), &list)
    }

    #[test]
    fn public_addresses_are_reached() {
        for ip in ["8.8.8.8", "100.128.0.1", "172.32.0.1", "192.0.1.1", "223.255.255.255", "2606:4700::1111", "2a00::1"]
        {
            assert!(reached(ip, &[]), "{ip}");
        }
    }

    #[test]
    fn special_addresses_are_refused() {
        for ip in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.31.196.1",
            "192.52.193.1",
            "192.88.99.1",
            "192.168.1.1",
            "192.175.48.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::7f00:1",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2620:4f:8000::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!reached(ip, &[]), "{ip}");
        }
    }

    #[test]
    fn the_operators_networks_are_reached_and_nothing_beside_them() {
        assert!(reached("10.1.2.3", &["10.1.0.0/16"]) && !reached("10.2.0.1", &["10.1.0.0/16"]));
        assert!(reached("::ffff:127.0.0.1", &["127.0.0.0/8"]) && !reached("::1", &["127.0.0.0/8"]));
        assert!(reached("::ffff:127.0.0.1", &["::ffff:0:0/96"]) && reached("fd00::1", &["fd00::/8"]));
        assert!(!reached("64:ff9b::7f00:1", &["127.0.0.0/8"]));
    }
}
