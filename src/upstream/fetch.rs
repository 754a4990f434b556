//! Fetches pictures and documents that a client names by URL, for providers that take only bytes.
//!
//! A URL in a request must not become a way into our own network: only `https` (and `http` where
//! private addresses are allowed at all), only public addresses, checked on the address that is
//! connected to, at every redirect anew, with a cap on size and time.

use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION, USER_AGENT};
use http::{HeaderValue, Request, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::rt::TokioExecutor;
use tower_service::Service;

use super::connect::Connector;
use crate::config::Media;
use crate::error::{BoxError, chain};

const MAX_REDIRECTS: usize = 3;

/// A client for media, behind the guard.
#[derive(Clone, Debug)]
pub(crate) struct Fetch {
    client: Client<HttpsConnector<HttpConnector<Guarded>>, Empty<Bytes>>,
    limits: Media,
}

/// A medium's bytes.
#[derive(Debug)]
pub(super) struct Fetched {
    /// The media type the server told.
    pub(super) media_type: Option<String>,
    /// The bytes in base64.
    pub(super) data: String,
}

impl Fetch {
    pub(crate) fn new(connector: &Connector, limits: Media) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(Guarded {
            inner: GaiResolver::new(),
            allow_private: limits.allow_private,
        });
        tcp.enforce_http(false);
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(connector.tls_config())
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        // Clients choose the hosts: no connection is kept for them.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(https);
        Self { client, limits }
    }

    /// The bytes at a URL, or why not, in words for the client.
    pub(super) async fn get(&self, url: &str) -> Result<Fetched, String> {
        match tokio::time::timeout(self.limits.timeout, self.follow(url)).await {
            Ok(result) => result,
            Err(_) => {
                Err(format!("the server did not send it within {} s", self.limits.timeout.as_secs_f32()))
            }
        }
    }

    async fn follow(&self, url: &str) -> Result<Fetched, String> {
        let mut url = url.to_owned();
        for _ in 0..=MAX_REDIRECTS {
            let uri = self.guard(&url)?;
            let mut request = Request::new(Empty::new());
            *request.uri_mut() = uri;
            let agent = concat!("tollway/", env!("CARGO_PKG_VERSION"));
            request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(agent));
            let response = self.client.request(request).await.map_err(|error| chain(&error))?;
            let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
            if response.status().is_redirection() {
                let location = header(LOCATION).ok_or("the server redirects to nowhere")?;
                let base = url::Url::parse(&url).map_err(|error| error.to_string())?;
                url = base.join(location).map_err(|error| error.to_string())?.into();
                continue;
            }
            if !response.status().is_success() {
                return Err(format!("the server answered {}", response.status()));
            }
            let media_type = header(CONTENT_TYPE)
                .and_then(|value| value.split(';').next())
                .map(|value| value.trim().to_ascii_lowercase());
            let body = Limited::new(response.into_body(), self.limits.max_bytes).collect().await;
            let bytes = body.map_err(|error| self.unread(&*error))?.to_bytes();
            return Ok(Fetched { media_type, data: STANDARD.encode(bytes) });
        }
        Err(format!("it redirects more than {MAX_REDIRECTS} times"))
    }

    /// A URL that may be asked for at all. Names are judged by what they resolve to.
    fn guard(&self, url: &str) -> Result<Uri, String> {
        let parsed = url::Url::parse(url).map_err(|error| format!("not a URL: {error}"))?;
        match parsed.scheme() {
            "https" => {}
            "http" if self.limits.allow_private => {}
            scheme => return Err(format!("only https URLs are fetched, got {scheme}")),
        }
        let literal = match parsed.host() {
            Some(url::Host::Ipv4(ip)) => Some(IpAddr::V4(ip)),
            Some(url::Host::Ipv6(ip)) => Some(IpAddr::V6(ip)),
            Some(url::Host::Domain(_)) => None,
            None => return Err("the URL has no host".to_owned()),
        };
        if literal.is_some_and(|ip| !self.limits.allow_private && !is_public(ip)) {
            return Err("its address is not public".to_owned());
        }
        let mut parsed = parsed;
        parsed.set_fragment(None);
        parsed.as_str().parse().map_err(|error| format!("not a URL: {error}"))
    }

    fn unread(&self, error: &(dyn std::error::Error + Send + Sync + 'static)) -> String {
        if error.is::<http_body_util::LengthLimitError>() {
            format!("it is larger than {} bytes", self.limits.max_bytes)
        } else {
            chain(error)
        }
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

/// Whether an address is reachable by everyone: not loopback, private, link-local (cloud metadata),
/// shared, documentation, benchmarking, multicast or reserved. Sources: IANA's special-purpose
/// address registries for IPv4 and IPv6.
fn is_public(ip: IpAddr) -> bool {
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
