//! What is relayed to a provider without being understood: any method, any body, both ways as they
//! come, and web sockets. It shares the way of the calls from the timeouts inwards.

mod counting;
mod refused;

use std::sync::Arc;

use http::header::{CONNECTION, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::upgrade::OnUpgrade;
use tollway_core::{Attempt, Dialect, Exchange, Outcome, Tap, Upstream};
use tower::ServiceExt;
use tower_service::Service;

pub(crate) use self::counting::Counting;
use self::counting::{Observer, Reader};
use super::attempt::Ending;
use super::headers::{self, Passage};
use super::outgoing::Outgoing;
use super::redact::Secrets;
use super::sending::Sending;
use super::unread::Sweeper;
use crate::Error;
use crate::body::{Answer, full};
use crate::config::Provider;
use crate::tunnel::{self, Tunnel};

/// What is asked of a provider.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    /// The client's; which of them go on is decided here.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Outgoing,
    /// The body, if it passes as the client sends it.
    pub(crate) sending: Option<Arc<Sending>>,
    /// The client's connection, if it shall become a WebSocket.
    pub(crate) client: Option<OnUpgrade>,
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) exchange: Option<Arc<Exchange>>,
    /// Whether the provider bills what is asked, as far as anybody knows.
    pub(crate) bills: bool,
    /// How usage is read.
    pub(crate) counting: Counting,
    /// Whether errors that are not in OpenAI's shape are brought into it.
    pub(crate) reshape: bool,
}

/// Sends [`Order`]s to one provider.
#[derive(Clone, Debug)]
pub(crate) struct Passing<S> {
    inner: S,
    provider: Arc<Provider>,
    private: Arc<[HeaderName]>,
    secrets: Arc<Secrets>,
    sweeper: Arc<Sweeper>,
}

impl<S> Passing<S> {
    pub(super) const fn new(
        inner: S,
        provider: Arc<Provider>,
        private: Arc<[HeaderName]>,
        secrets: Arc<Secrets>,
        sweeper: Arc<Sweeper>,
    ) -> Self {
        Self { inner, provider, private, secrets, sweeper }
    }
}

impl<S, B> Passing<S>
where
    S: Service<Request<Outgoing>, Response = Response<B>, Error = Error>,
    B: Body<Data = bytes::Bytes, Error = Error> + Unpin + Send + 'static,
{
    /// Sends an order, and relays the answer. Opens an attempt in the exchange.
    pub(crate) async fn pass(self, order: Order) -> Result<Answer, Error> {
        let Order {
            method,
            uri,
            headers,
            body,
            sending,
            client,
            upstream,
            exchange,
            bills,
            counting,
            reshape,
        } = order;
        let attempt = match &exchange {
            Some(exchange) => exchange.begin_attempt(upstream.clone()),
            None => Arc::new(Attempt::new(upstream.clone())),
        };
        if !bills {
            attempt.set_free();
        }
        let mut ending = Ending::new(attempt.clone());
        let mut out = Request::new(body);
        *out.method_mut() = method;
        *out.uri_mut() = uri;
        *out.headers_mut() = self.headers(headers, client.is_some());
        if let Some(sending) = &sending {
            out.extensions_mut().insert(sending.clone());
        }
        let mut response = match self.inner.oneshot(out).await {
            Ok(response) => response,
            Err(error) => {
                // Where the client's own body failed, the provider is not to blame for the end.
                if let Some(failure) = sending.and_then(|sending| sending.failure()) {
                    ending.set(Outcome::Cancelled);
                    return Err(failure);
                }
                if !error.was_sent() {
                    attempt.set_unsent();
                }
                ending.set(error.outcome());
                return Err(Error::Attempt { upstream, source: Box::new(error) });
            }
        };
        let status = response.status();
        attempt.set_status(status);
        // Some servers repeat the parameters they were asked with, in the addresses they give.
        self.secrets.headers(response.headers_mut());
        if status == StatusCode::SWITCHING_PROTOCOLS {
            let joined = client.map(|client| (client, hyper::upgrade::on(&mut response)));
            let Some((client, server)) = joined else {
                ending.set(Outcome::Broken);
                let provider = upstream.provider.to_string();
                let source =
                    Box::new(Error::Broken { provider, reason: "an upgrade nobody asked for".into() });
                return Err(Error::Attempt { upstream, source });
            };
            let tunnel = Tunnel::default();
            tunnel.attach(Box::new(ending));
            tunnel::run(tunnel.clone(), client, server, self.provider.timeouts, attempt, exchange);
            return Ok(switched(response.into_parts().0.headers, tunnel, &upstream));
        }
        if status.is_client_error() || status.is_server_error() {
            ending.set(Outcome::Refused);
            let shape = reshape.then_some(Dialect::OpenAi);
            let mut answer =
                refused::refused(response, shape, self.provider.usual_dialect(), &self.secrets).await;
            headers::name(answer.headers_mut(), &upstream);
            return Ok(answer);
        }
        ending.disarm();
        let (head, body) = response.into_parts();
        let reader = Reader::new(counting, &head.headers);
        let body = self.sweeper.guard(body, &attempt).map_err({
            let attempt = attempt.clone();
            move |error| {
                // The tap sees that it broke, not why.
                attempt.set_outcome(error.outcome());
                error.into()
            }
        });
        let mut answer = Response::new(Tap::new(body, Observer::new(reader, attempt)).boxed_unsync());
        *answer.status_mut() = head.status;
        *answer.headers_mut() = headers::to_client(head.headers, Passage::Whole);
        headers::name(answer.headers_mut(), &upstream);
        Ok(answer)
    }

    /// The client's headers for the provider.
    fn headers(&self, client: HeaderMap, upgrades: bool) -> HeaderMap {
        // What the SDK of the provider's own format says of itself is no foreign talk here.
        let dialect = self.provider.usual_dialect();
        let socket = upgrades.then(|| of_websocket(&client));
        let mut headers = headers::to_upstream(client, dialect, dialect, &self.private);
        headers.extend(socket.into_iter().flatten());
        headers
    }
}

/// What asks for a WebSocket. Extensions are not asked for: compressed, the messages could not be read
/// for what they count.
fn of_websocket(client: &HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    for name in [SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION] {
        if let Some(value) = client.get(&name) {
            headers.insert(name, value.clone());
        }
    }
    headers.extend(protocols(client).map(|value| (SEC_WEBSOCKET_PROTOCOL, value)));
    headers
}

/// The subprotocols a client offers, without its credentials: browsers, which can set no headers, send
/// their keys among them.
fn protocols(client: &HeaderMap) -> Option<HeaderValue> {
    const OF_CLIENT: [&str; 4] = [
        "openai-insecure-api-key.",
        "openai-ephemeral-user-token.",
        "openai-organization.",
        "openai-project.",
    ];
    let lines = client.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    let words = lines.flat_map(|line| line.split(',')).map(str::trim);
    let is_kept = |word: &&str| !word.is_empty() && !OF_CLIENT.iter().any(|begin| word.starts_with(begin));
    let kept: Vec<&str> = words.filter(is_kept).collect();
    if kept.is_empty() { None } else { HeaderValue::try_from(kept.join(", ")).ok() }
}

/// Tells the client that its connection is a WebSocket now.
fn switched(upstream_headers: HeaderMap, tunnel: Tunnel, upstream: &Upstream) -> Answer {
    let protocol = upstream_headers.get(UPGRADE).cloned();
    let mut answer = Response::new(full(bytes::Bytes::new()));
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    *answer.headers_mut() = headers::to_client(upstream_headers, Passage::Whole);
    let headers = answer.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, protocol.unwrap_or(HeaderValue::from_static("websocket")));
    headers::name(headers, upstream);
    let mut extensions = Extensions::new();
    extensions.insert(tunnel);
    *answer.extensions_mut() = extensions;
    answer
}
