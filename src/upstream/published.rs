//! What issuers publish: their keys, fetched as everything else is, by the proxies and roots of the system.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, PROXY_AUTHORIZATION, USER_AGENT};
use http::{HeaderValue, Request, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tollway_auth::jwt::{Fetch, Fetched};

use super::announced::StreamLimit;
use super::connect::{Connector, Https, Within};
use super::proxies::Proxies;
use crate::config::Http2;
use crate::error::chain;

/// Fetches what issuers publish.
pub(crate) struct Published {
    proxies: Proxies,
    client: Client<Within<Https>, Empty<Bytes>>,
}

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(3);

impl Published {
    pub(crate) fn new(connector: &Connector) -> Self {
        // No connection is kept: the next question comes in minutes.
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_max_idle_per_host(0);
        let https = connector.build(Http2::Never, CONNECT, StreamLimit::default());
        Self { proxies: connector.proxies().clone(), client: builder.build(https) }
    }
}

impl Fetch for Published {
    fn get(&self, url: &Uri, limit: usize) -> Fetched {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = url.clone();
        let agent = concat!("tollway/", env!("CARGO_PKG_VERSION"));
        request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(agent));
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let (Some(scheme), Some(authority)) = (url.scheme(), url.authority())
            && let Some(value) = self.proxies.authorization(scheme, authority)
        {
            request.headers_mut().insert(PROXY_AUTHORIZATION, value);
        }
        let answer = self.client.request(request);
        Box::pin(async move {
            let (parts, body) = answer.await.map_err(|error| chain(&error))?.into_parts();
            if parts.status != http::StatusCode::OK {
                return Err(format!("it answered {}", parts.status).into());
            }
            Ok(Limited::new(body, limit).collect().await?.to_bytes())
        })
    }
}

impl std::fmt::Debug for Published {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Published").finish_non_exhaustive()
    }
}
