//! Whom a request comes from, behind proxies.

use std::net::{IpAddr, Ipv6Addr};

use http::HeaderMap;
use http::header::{FORWARDED, HeaderName};
use ipnet::IpNet;

/// The address of the client: the peer, or whom trusted proxies name. Stands in the extensions of
/// every request that passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// What one subscriber holds: an IPv4 address, or the /64 network of an IPv6 address.
    pub fn subscriber(self) -> IpAddr {
        match self.0.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
            address @ IpAddr::V4(_) => address,
        }
    }
}

/// The proxies that may say whom a request comes from. None by default: then nobody is believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    by: ForwardedBy,
}

/// Not an address, nor a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither an address nor a network such as 10.0.0.0/8: {0}")]
pub struct TrustedProxiesError(String);

/// Where proxies say whom a request comes from.
///
/// One of the two is believed and never both: a proxy that appends to one passes the client's own
/// words in the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedBy {
    /// `X-Forwarded-For`, to which most proxies append.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl TrustedProxies {
    /// Believes those at these addresses or in these networks: `192.0.2.1`, `10.0.0.0/8`, `fd00::/8`.
    pub fn new<'n>(
        networks: impl IntoIterator<Item = &'n str>,
        by: ForwardedBy,
    ) -> Result<Self, TrustedProxiesError> {
        let read = |text: &str| {
            let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            network.map_err(|_| TrustedProxiesError(text.to_owned()))
        };
        Ok(Self { networks: networks.into_iter().map(read).collect::<Result<_, _>>()?, by })
    }

    /// The client of a request that came from `peer`.
    ///
    /// Reads the chain from its right end, where the last proxy wrote, and stops at the first address
    /// that is no trusted proxy: what stands further left is the client's own invention. An entry that
    /// is no address ends the reading too; the last proxy that was believed is the client then.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.trusts(client) {
            return client;
        }
        let mut chain: Box<dyn Iterator<Item = &str>> = match self.by {
            ForwardedBy::XForwardedFor => Box::new(entries(headers, &X_FORWARDED_FOR)),
            ForwardedBy::Forwarded => Box::new(entries(headers, &FORWARDED).map(forwarded_for)),
        };
        while self.trusts(client)
            && let Some(before) = chain.next().and_then(address)
        {
            client = before;
        }
        client
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }
}

/// The comma-separated entries of a header, from the right. One that is no text is one that is wrong,
/// and spoils no other.
fn entries<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    let values = headers.get_all(name).into_iter().rev();
    let entries = values.flat_map(|value| value.as_bytes().rsplit(|&byte| byte == b','));
    entries.map(|entry| str::from_utf8(entry).unwrap_or_default())
}

/// The `for` of an element of `Forwarded`; nothing that is an address where it has none.
fn forwarded_for(element: &str) -> &str {
    let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let mut named = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
    named.next().map_or("", |(_, value)| value.trim().trim_matches('"'))
}

/// An address with or without its port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let plain = || text.parse().ok();
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || text.parse().ok().map(|socket: std::net::SocketAddr| socket.ip());
    plain().or_else(bracketed).or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

#[cfg(test)]
mod tests {
    use super::*;

    fn client(by: ForwardedBy, peer: &str, values: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            let name = if by == ForwardedBy::Forwarded { FORWARDED } else { X_FORWARDED_FOR.clone() };
            headers.append(name, value.parse().unwrap());
        }
        TrustedProxies::new(["10.0.0.0/8", "fd00::/8"], by)
            .unwrap()
            .client(peer.parse().unwrap(), &headers)
            .to_string()
    }

    #[test]
    fn the_first_address_from_the_right_that_is_no_proxy_is_the_client() {
        let by = ForwardedBy::XForwardedFor;
        for (peer, values, expected) in [
            ("10.0.0.1", &["203.0.113.9"][..], "203.0.113.9"),
            ("10.0.0.1", &["6.6.6.6, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
            ("10.0.0.1", &["6.6.6.6", "203.0.113.9", "10.0.0.2"], "203.0.113.9"),
            ("::ffff:10.0.0.1", &["203.0.113.9:4711"], "203.0.113.9"),
            ("fd00::1", &["[2001:db8::9]:443"], "2001:db8::9"),
            ("fd00::1", &["2001:db8::9"], "2001:db8::9"),
            ("10.0.0.1", &["10.0.0.3,10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", &[], "10.0.0.1"),
        ] {
            assert_eq!(client(by, peer, values), expected, "{peer} {values:?}");
        }
    }

    #[test]
    fn a_network_is_read_or_named() {
        assert!(TrustedProxies::new(["192.0.2.1", "::1"], ForwardedBy::XForwardedFor).is_ok());
        let error = TrustedProxies::new(["10.0.0.0/40"], ForwardedBy::XForwardedFor).unwrap_err();
        assert!(error.to_string().ends_with("such as 10.0.0.0/8: 10.0.0.0/40"), "{error}");
    }

    #[test]
    fn nobody_else_is_believed() {
        assert_eq!(client(ForwardedBy::XForwardedFor, "198.51.100.1", &["203.0.113.9"]), "198.51.100.1");
        let nobody = TrustedProxies::default();
        let headers = HeaderMap::from_iter([(X_FORWARDED_FOR.clone(), "203.0.113.9".parse().unwrap())]);
        assert_eq!(nobody.client([10, 0, 0, 1].into(), &headers), IpAddr::from([10, 0, 0, 1]));
    }

    #[test]
    fn what_is_no_address_ends_the_reading() {
        for wrong in ["unknown", "", "_hidden", "300.1.1.1", "1.2.3.4:99999", "\u{80}"] {
            let values = [&format!("6.6.6.6,{wrong},10.0.0.2")[..]];
            assert_eq!(client(ForwardedBy::XForwardedFor, "10.0.0.1", &values), "10.0.0.2", "{wrong}");
        }
    }

    #[test]
    fn forwarded_is_read_where_it_is_what_proxies_write() {
        let by = ForwardedBy::Forwarded;
        for (value, expected) in [
            ("for=203.0.113.9;proto=https", "203.0.113.9"),
            ("For=\"[2001:db8::9]:4711\", for=10.0.0.2;by=10.0.0.1", "2001:db8::9"),
            ("for=6.6.6.6, proto=https", "10.0.0.1"),
            ("for=6.6.6.6, for=unknown", "10.0.0.1"),
        ] {
            assert_eq!(client(by, "10.0.0.1", &[value]), expected, "{value}");
        }
    }

    #[test]
    fn a_subscriber_has_one_address_or_one_network() {
        let subscriber = |text: &str| ClientAddress(text.parse().unwrap()).subscriber().to_string();
        assert_eq!(subscriber("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(subscriber("203.0.113.9"), "203.0.113.9");
        assert_eq!(subscriber("::ffff:203.0.113.9"), "203.0.113.9");
    }
}
