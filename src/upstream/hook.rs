//! Posts to a server that wants to be told, by the proxies and roots of the system.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, PROXY_AUTHORIZATION, USER_AGENT};
use http::{HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use super::announced::StreamLimit;
use super::connect::{Connector, Https, Within};
use super::proxies::Proxies;
use crate::BoxError;
use crate::config::Http2;
use crate::error::chain;

/// Posts JSON to one address.
pub(crate) struct Hook {
    url: Uri,
    proxies: Proxies,
    client: Client<Within<Https>, Full<Bytes>>,
}

impl Hook {
    pub(crate) fn new(url: Uri, connector: &Connector) -> Self {
        // No connection is kept: there is seldom something to tell.
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_max_idle_per_host(0);
        let https = connector.build(Http2::Never, CONNECT, StreamLimit::default());
        Self { url, proxies: connector.proxies().clone(), client: builder.build(https) }
    }

    /// Tells it; an error where it did not take it within ten seconds.
    pub(crate) async fn post(&self, json: Bytes) -> Result<(), BoxError> {
        let mut request = Request::new(Full::new(json));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.clone();
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("tollway/", env!("CARGO_PKG_VERSION"))));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let (Some(scheme), Some(authority)) = (self.url.scheme(), self.url.authority())
            && let Some(value) = self.proxies.authorization(scheme, authority)
        {
            headers.insert(PROXY_AUTHORIZATION, value);
        }
        let answer = tokio::time::timeout(PATIENCE, self.client.request(request)).await?;
        let status = answer.map_err(|error| chain(&error))?.status();
        if status.is_success() { Ok(()) } else { Err(format!("it answered {status}").into()) }
    }
}

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(3);

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Without the URL, which may be a secret.
impl std::fmt::Debug for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hook").finish_non_exhaustive()
    }
}
