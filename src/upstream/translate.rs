//! Between the client's dialect and the provider's, both ways.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use http_body::Body;
use http_body_util::Full;
use tollway_core::{Attempt, Call, Exchange, Outcome, RequestId};
use tollway_wire::Refusal;
use tollway_wire::peek::Peek;
use tower_layer::Layer;
use tower_service::Service;

use super::answer::Answering;
use super::attempt::Ending;
use super::convert::{Prepared, Preparing, Reading, Step};
use super::fetch::Fetch;
use super::headers::{self, DROPPED};
use super::redact::Secrets;
use super::refusal::refusal;
use super::unread::Sweeper;
use crate::Error;
use crate::body::Answer;
use crate::config::{Provider, Resolved};

/// Says calls in a provider's words, and its answers in the client's.
#[derive(Clone, Debug)]
pub(crate) struct TranslateLayer {
    provider: Arc<Provider>,
    private: Arc<[HeaderName]>,
    fetch: Fetch,
}

impl TranslateLayer {
    /// Headers named in `private` are kept from the provider.
    pub(crate) const fn new(provider: Arc<Provider>, private: Arc<[HeaderName]>, fetch: Fetch) -> Self {
        Self { provider, private, fetch }
    }
}

impl<S> Layer<S> for TranslateLayer {
    type Service = Translate<S>;

    fn layer(&self, inner: S) -> Translate<S> {
        let room = Room {
            provider: self.provider.clone(),
            private: self.private.clone(),
            fetch: self.fetch.clone(),
            secrets: Arc::new(Secrets::new(&self.provider)),
            sweeper: Sweeper::new(self.provider.timeouts),
        };
        Translate { inner, room: Arc::new(room) }
    }
}

/// The service of [`TranslateLayer`]. Reads `Arc<Call>`, `Resolved` and `Arc<Exchange>` from the
/// request; opens an attempt in the exchange.
#[derive(Clone, Debug)]
pub struct Translate<S> {
    inner: S,
    room: Arc<Room>,
}

#[derive(Debug)]
struct Room {
    provider: Arc<Provider>,
    private: Arc<[HeaderName]>,
    fetch: Fetch,
    secrets: Arc<Secrets>,
    sweeper: Arc<Sweeper>,
}

impl<S, B> Service<Request<()>> for Translate<S>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Error> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes, Error = Error> + Unpin + Send + 'static,
{
    type Response = Answer;
    type Error = Error;
    // Boxed, as media may have to be fetched before the inner call.
    type Future = Pin<Box<dyn Future<Output = Result<Answer, Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, req: Request<()>) -> Self::Future {
        // All that can be done at once is done here, so that the future holds little.
        let room = self.room.clone();
        match Opened::new(req).and_then(|opened| Ok((opened.preparing(&room).begin()?, opened))) {
            Ok((Step::Ready(prepared), opened)) => match opened.send(&room, &mut self.inner, prepared) {
                Ok((response, sent)) => Box::pin(async move { room.finish(response, sent).await }),
                Err(error) => Box::pin(std::future::ready(Err(error))),
            },
            Ok((Step::Media(wanted), opened)) => {
                let ready = self.inner.clone();
                let mut inner = std::mem::replace(&mut self.inner, ready);
                Box::pin(async move {
                    let prepared = opened.preparing(&room).with_media(wanted, &room.fetch).await?;
                    let (response, sent) = opened.send(&room, &mut inner, prepared)?;
                    room.finish(response, sent).await
                })
            }
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }
}

/// A request, and what is known of it.
#[derive(Debug)]
struct Opened {
    headers: HeaderMap,
    call: Arc<Call>,
    peek: Arc<Peek>,
    resolved: Resolved,
    exchange: Option<Arc<Exchange>>,
    request_id: RequestId,
}

/// What stays of a request that is on its way to the provider.
#[derive(Debug)]
struct Sent {
    call: Arc<Call>,
    request_id: RequestId,
    attempt: Arc<Attempt>,
    ending: Ending,
    reading: Reading,
    dropped: Vec<String>,
}

impl Opened {
    fn new(req: Request<()>) -> Result<Self, Error> {
        let (mut parts, ()) = req.into_parts();
        let exchange = parts.extensions.remove::<Arc<Exchange>>();
        let request_id = exchange
            .as_ref()
            .map_or_else(|| RequestId::from_random(0), |exchange| exchange.request_id().clone());
        Ok(Self {
            call: parts.extensions.remove().ok_or(Error::Internal)?,
            peek: parts.extensions.remove().ok_or(Error::Internal)?,
            resolved: parts.extensions.remove().ok_or(Error::Internal)?,
            headers: parts.headers,
            exchange,
            request_id,
        })
    }

    fn preparing<'a>(&'a self, room: &'a Room) -> Preparing<'a> {
        Preparing {
            call: &self.call,
            peek: &self.peek,
            resolved: &self.resolved,
            provider: &room.provider,
            request_id: &self.request_id,
        }
    }

    /// Sends it to the provider: an attempt begins.
    fn send<S>(self, room: &Room, inner: &mut S, prepared: Prepared) -> Result<(S::Future, Sent), Error>
    where
        S: Service<Request<Full<Bytes>>>,
    {
        let Self { headers, call, peek: _, resolved, exchange, request_id } = self;
        let Prepared { endpoint, body, stream, dropped, reading } = prepared;
        let model = &resolved.upstream.model;
        let uri = room.provider.uri(endpoint, model, stream).ok_or_else(|| {
            Refusal::at(
                "model",
                format!("provider {} has no such endpoint for model {model}", room.provider.name),
            )
        })?;
        let attempt = match &exchange {
            Some(exchange) => exchange.begin_attempt(resolved.upstream),
            None => Arc::new(Attempt::new(resolved.upstream)),
        };
        let ending = Ending::new(attempt.clone());
        let mut out = Request::new(Full::new(body));
        *out.method_mut() = Method::POST;
        *out.uri_mut() = uri;
        *out.headers_mut() = headers::to_upstream(headers, room.provider.dialect, &room.private);
        out.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let accept = if stream { "text/event-stream" } else { "application/json" };
        out.headers_mut().insert(ACCEPT, HeaderValue::from_static(accept));
        Ok((inner.call(out), Sent { call, request_id, attempt, ending, reading, dropped }))
    }
}

impl Room {
    /// Waits for the answer, and records how the attempt ended if it has.
    async fn finish<F, B>(&self, response: F, sent: Sent) -> Result<Answer, Error>
    where
        F: Future<Output = Result<Response<B>, Error>>,
        B: Body<Data = Bytes, Error = Error> + Unpin + Send + 'static,
    {
        let Sent { call, request_id, attempt, mut ending, reading, dropped } = sent;
        let result = match response.await {
            Ok(response) if response.status().is_success() => {
                attempt.set_status(response.status());
                let answering = Answering {
                    call: &call,
                    request_id: &request_id,
                    attempt: &attempt,
                    secrets: &self.secrets,
                    sweeper: &self.sweeper,
                };
                answering.answer(response, reading).await
            }
            Ok(response) => {
                attempt.set_status(response.status());
                attempt.set_outcome(Outcome::Refused);
                // Boxed, as what is rare must not make the future of what is not larger.
                Ok(Box::pin(refusal(response, self.provider.dialect, &self.secrets)).await)
            }
            Err(error) => Err(error),
        };
        match result {
            Ok(mut answer) => {
                // What is still on its way records its own end.
                ending.disarm();
                headers::name(answer.headers_mut(), attempt.upstream());
                if !dropped.is_empty()
                    && let Ok(value) = HeaderValue::try_from(dropped.join(", "))
                {
                    answer.headers_mut().insert(DROPPED, value);
                }
                Ok(answer)
            }
            Err(mut error) => {
                ending.set(error.outcome());
                if let Error::Upstream(told) = &mut error {
                    self.secrets.error(told);
                }
                Err(Error::Attempt { upstream: attempt.upstream().clone(), source: Box::new(error) })
            }
        }
    }
}
