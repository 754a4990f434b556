//! Connections to servers that clients name: to public addresses only, unless all are allowed.

use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower_service::Service;

use super::super::connect::Stream;
use super::super::proxies::{Proxies, bare_host, reach};
use crate::error::BoxError;

/// Connects directly, or through the proxy that the environment names.
///
/// Through a proxy, too, it is the gateway that resolves a name, and the proxy is asked for the
/// address that was checked: a proxy that resolved for itself would reach into its own network for
/// whoever owns a name. Only where private addresses are allowed at all is it given the name.
#[derive(Clone, Debug)]
pub(super) struct Connect {
    direct: HttpConnector<Guarded>,
    /// The proxy itself may be anywhere: the operator names it.
    to_proxy: HttpConnector,
    proxies: Proxies,
    guarded: Guarded,
}

impl Connect {
    pub(super) fn new(proxies: Proxies, allow_private: bool) -> Self {
        let guarded = Guarded { inner: GaiResolver::new(), allow_private };
        let mut direct = HttpConnector::new_with_resolver(guarded.clone());
        direct.enforce_http(false);
        let mut to_proxy = HttpConnector::new();
        to_proxy.enforce_http(false);
        Self { direct, to_proxy, proxies, guarded }
    }
}

impl Service<Uri> for Connect {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let Self { mut direct, to_proxy, proxies, guarded } = self.clone();
        Box::pin(async move {
            let Some(proxy) = proxies.for_uri(&uri) else {
                return Ok(Stream::direct(direct.call(uri).await?));
            };
            let uri = if guarded.allow_private { uri } else { guarded.resolved(uri).await? };
            Ok(reach(&proxy, to_proxy, &uri).await?.into())
        })
    }
}

/// A resolver that gives out public addresses only.
#[derive(Clone, Debug)]
struct Guarded {
    inner: GaiResolver,
    allow_private: bool,
}

impl Service<Name> for Guarded {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolving = self.inner.call(name);
        let allow_private = self.allow_private;
        Box::pin(async move {
            let all = resolving.await?;
            let public: Vec<_> = all.filter(|addr| allow_private || is_public(addr.ip())).collect();
            if public.is_empty() { Err("its address is not public".into()) } else { Ok(public.into_iter()) }
        })
    }
}

impl Guarded {
    /// The URL with a public address in place of its host.
    async fn resolved(mut self, uri: Uri) -> Result<Uri, BoxError> {
        let host = bare_host(&uri).ok_or("the URL has no host")?;
        let ip = match host.parse::<IpAddr>() {
            Ok(ip) if is_public(ip) => ip,
            Ok(_) => return Err("its address is not public".into()),
            Err(_) => {
                let mut found = self.call(host.parse()?).await.map_err(|error| {
                    format!("its name is resolved here, not by the proxy, and could not be: {error}")
                })?;
                // Proxies that reach no IPv6 are many, those that reach no IPv4 few.
                let first = found.next();
                first
                    .into_iter()
                    .chain(found)
                    .min_by_key(SocketAddr::is_ipv6)
                    .ok_or("it has no address")?
                    .ip()
            }
        };
        let port = uri.port_u16().unwrap_or(443);
        let mut parts = uri.into_parts();
        parts.authority = Some(SocketAddr::new(ip, port).to_string().parse()?);
        Ok(Uri::from_parts(parts)?)
    }
}

/// Whether an address is reachable by everyone: not loopback, private, link-local (cloud metadata),
/// shared, documentation, benchmarking, multicast or reserved. Sources: IANA's special-purpose
/// address registries for IPv4 and IPv6.
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            !(ip.is_loopback()
                || ip.is_private()
                || ip.is_link_local()
                || ip.is_documentation()
                || ip.is_multicast()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                // Relays of 6to4, which is no more.
                || (a == 192 && b == 88 && c == 99)
                || (a == 198 && (b == 18 || b == 19)))
        }
        IpAddr::V6(ip) => {
            let s = ip.segments();
            // An IPv4 address in disguise (mapped, NAT64, 6to4) is judged as what it is.
            let inner = match s {
                [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some((s[6], s[7])),
                [0x2002, high, low, ..] => Some((high, low)),
                _ => None,
            };
            if let Some((high, low)) = inner {
                let bits = u32::from(high) << 16 | u32::from(low);
                return is_public(IpAddr::V4(bits.into()));
            }
            // Global unicast is 2000::/3, less documentation (2001:db8::/32, 3fff::/20) and the
            // protocol assignments of 2001::/23.
            s[0] & 0xe000 == 0x2000
                && !(s[0] == 0x2001 && (s[1] == 0xdb8 || s[1] < 0x200))
                && !(s[0] == 0x3fff && s[1] < 0x1000)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_pass() {
        for public in ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for private in [
            "127.0.0.1",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.88.99.1",
            "64:ff9b:1::1",
            "::1",
            "::",
            "fe80::1",
            "fd00:ec2::254",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "::127.0.0.1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }
}
