//! Proxies that the environment names.

use std::net::IpAddr;
use std::sync::Arc;

use http::uri::{Authority, Scheme};
use http::{HeaderValue, Uri};
use hyper::rt::{Read, Write};
use hyper_util::client::legacy::connect::proxy::{SocksV4, SocksV5, Tunnel};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use tower_service::Service;

use crate::error::BoxError;

/// The variables that name proxies; of each pair the first that is set counts.
const VARIABLES: [[&str; 2]; 3] =
    [["ALL_PROXY", "all_proxy"], ["HTTP_PROXY", "http_proxy"], ["HTTPS_PROXY", "https_proxy"]];

/// The proxies, by what they are asked for. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Proxies(Arc<Matcher>);

/// A connection, and whether whoever is at its other end reads requests for others.
#[derive(Debug)]
pub(super) struct Reached<T> {
    pub(super) io: T,
    pub(super) proxied: bool,
}

impl Proxies {
    /// Reads `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`. A proxy that cannot be used is an
    /// error: to go without it could show what it should hide, and to fail later would fail each call.
    pub(super) fn from_env() -> Result<Self, BoxError> {
        // A CGI server fills HTTP_PROXY from a client's header; then no proxy is used at all.
        if std::env::var_os("REQUEST_METHOD").is_none() {
            for names in VARIABLES {
                let set = names.iter().find_map(|name| Some((*name, std::env::var(name).ok()?)));
                if let Some((name, value)) = set {
                    check(name, &value)?;
                }
            }
        }
        Ok(Self(Arc::new(Matcher::from_env())))
    }

    /// The proxy for a URL. This machine is never asked for through one: a proxy elsewhere cannot
    /// reach the simulated provider or a local Ollama.
    pub(super) fn for_uri(&self, uri: &Uri) -> Option<Intercept> {
        let host = bare_host(uri)?;
        let is_here =
            host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if is_here { None } else { self.0.intercept(uri) }
    }

    /// What a proxy wants of requests that it reads itself, which are those in the clear.
    pub(super) fn authorization(&self, scheme: &Scheme, authority: &Authority) -> Option<HeaderValue> {
        if *scheme != Scheme::HTTP {
            return None;
        }
        let uri = Uri::builder().scheme(scheme.clone()).authority(authority.clone());
        self.for_uri(&uri.path_and_query("/").build().ok()?)?.basic_auth().cloned()
    }
}

/// Connects to `uri` through a proxy. A name in it is resolved by the proxy.
pub(super) async fn reach<C>(
    proxy: &Intercept,
    mut tcp: C,
    uri: &Uri,
) -> Result<Reached<C::Response>, BoxError>
where
    C: Service<Uri> + Clone,
    C::Response: Read + Write + Unpin + Send + 'static,
    C::Error: Into<BoxError> + std::error::Error + Send + Sync + 'static,
    C::Future: Send + 'static,
{
    let is_tls = uri.scheme() == Some(&Scheme::HTTPS);
    let to = with_port(uri, if is_tls { 443 } else { 80 })?;
    let io = match proxy.uri().scheme_str() {
        Some("http") if is_tls => {
            let mut tunnel = Tunnel::new(proxy.uri().clone(), tcp);
            if let Some(auth) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(auth.clone());
            }
            tunnel.call(to).await?
        }
        Some("http") => {
            let io = tcp.call(proxy.uri().clone()).await.map_err(Into::into)?;
            return Ok(Reached { io, proxied: true });
        }
        Some("socks5" | "socks5h") => {
            let mut socks = SocksV5::new(with_port(proxy.uri(), 1080)?, tcp);
            if let Some((user, password)) = proxy.raw_auth() {
                socks = socks.with_auth(user.to_owned(), password.to_owned());
            }
            socks.call(to).await?
        }
        Some("socks4" | "socks4a") => SocksV4::new(with_port(proxy.uri(), 1080)?, tcp).call(to).await?,
        other => return Err(format!("no proxy of this kind can be used: {}", other.unwrap_or("?")).into()),
    };
    Ok(Reached { io, proxied: false })
}

/// A URL's host, without the brackets of an IPv6 address.
pub(super) fn bare_host(uri: &Uri) -> Option<&str> {
    Some(uri.host()?.trim_start_matches('[').trim_end_matches(']'))
}

/// The URL with a port, which is `usual` where it names none.
fn with_port(uri: &Uri, usual: u16) -> Result<Uri, BoxError> {
    let host = uri.host().ok_or("the URL has no host")?;
    let mut parts = uri.clone().into_parts();
    parts.authority = Some(format!("{host}:{}", uri.port_u16().unwrap_or(usual)).parse()?);
    Ok(Uri::from_parts(parts)?)
}

/// Whether a proxy of this URL can be used. The URL is not shown: it may hold a password.
fn check(name: &str, value: &str) -> Result<(), String> {
    const HINT: &str = "hint: write it as http://host:port or socks5://host:port, or unset the variable";
    if value.is_empty() {
        return Ok(());
    }
    let uri: Option<Uri> = value.parse().ok();
    let Some(uri) = uri.filter(|uri| uri.host().is_some_and(|host| !host.is_empty())) else {
        return Err(format!("the variable {name} does not hold the URL of a proxy\n{HINT}"));
    };
    match uri.scheme_str() {
        None | Some("http" | "socks5" | "socks5h" | "socks4" | "socks4a") => Ok(()),
        Some(scheme) => {
            Err(format!("the variable {name} names a proxy of a kind that cannot be used: {scheme}\n{HINT}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_that_cannot_be_used_are_refused_without_showing_them() {
        for fine in ["", "http://proxy:3128", "proxy:3128", "socks5://me:secret@proxy", "socks5h://[::1]:9"] {
            assert_eq!(check("ALL_PROXY", fine), Ok(()), "{fine}");
        }
        for (wrong, says) in [
            ("https://me:secret@proxy", "https"),
            ("quic://me:secret@proxy", "quic"),
            ("http://", "does not hold"),
            ("me:secret proxy", "does not hold"),
        ] {
            let told = check("ALL_PROXY", wrong).unwrap_err();
            assert!(told.contains("ALL_PROXY") && told.contains(says) && told.contains("hint:"), "{told}");
            assert!(!told.contains("secret"), "{told}");
        }
    }

    #[test]
    fn ports_are_filled_in() {
        let with = |uri: &str| with_port(&uri.parse().unwrap(), 1080).unwrap().to_string();
        assert_eq!(with("socks5://proxy"), "socks5://proxy:1080/");
        assert_eq!(with("socks5://[::1]:7/"), "socks5://[::1]:7/");
    }
}
