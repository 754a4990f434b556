//! Fetches pictures and documents that a client names by URL, for providers that take only bytes.
//!
//! A URL in a request must not become a way into our own network: only `https` (and `http` where
//! private addresses are allowed at all), only public addresses, checked on the address that is
//! connected to, at every redirect anew, with a cap on size and time.

mod connect;

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION, PROXY_AUTHORIZATION, USER_AGENT};
use http::{HeaderValue, Request, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use self::connect::{Connect, is_public};
use super::connect::Connector;
use super::proxies::Proxies;
use crate::config::Media;
use crate::error::chain;

const MAX_REDIRECTS: usize = 3;

/// A client for media, behind the guard.
#[derive(Clone, Debug)]
pub(crate) struct Fetch {
    client: Client<HttpsConnector<Connect>, Empty<Bytes>>,
    proxies: Proxies,
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
        let connect = Connect::new(connector.proxies().clone(), limits.allow_private);
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(connector.tls_config())
            .https_or_http()
            .enable_http1()
            .wrap_connector(connect);
        // Clients choose the hosts: no connection is kept for them.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(https);
        Self { client, proxies: connector.proxies().clone(), limits }
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
            if let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority())
                && let Some(value) = self.proxies.authorization(scheme, authority)
            {
                request.headers_mut().insert(PROXY_AUTHORIZATION, value);
            }
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
