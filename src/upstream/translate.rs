//! Between the client's dialect and the provider's, both ways.

use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use http_body::Body;
use http_body_util::Full;
use pin_project_lite::pin_project;
use tollway_core::{Attempt, Call, Endpoint, Exchange, Framing, Outcome, Upstream};
use tollway_wire::peek::Peek;
use tollway_wire::{Refusal, offers_web_search};
use tower_layer::Layer;
use tower_service::Service;

use super::answer::{Answering, empty};
use super::attempt::Ending;
use super::begun::Begun;
use super::convert::{Prepared, Preparing, Reading, Relay, Step};
use super::fetch::Fetch;
use super::google::TokenSource;
use super::headers::{self, DROPPED, ESTIMATED, UPSTREAM};
use super::passing::Passing;
use super::query;
use super::redact::Secrets;
use super::refusal::refusal;
use super::unread::Sweeper;
use crate::Error;
use crate::body::{Answer, full};
use crate::config::{Provider, Resolved};

/// Says calls in a provider's words, and its answers in the client's.
#[derive(Clone, Debug)]
pub(crate) struct TranslateLayer {
    provider: Arc<Provider>,
    private: Arc<[HeaderName]>,
    fetch: Fetch,
    tokens: Option<TokenSource>,
}

impl TranslateLayer {
    /// Headers named in `private` are kept from the provider.
    pub(crate) const fn new(
        provider: Arc<Provider>,
        private: Arc<[HeaderName]>,
        fetch: Fetch,
        tokens: Option<TokenSource>,
    ) -> Self {
        Self { provider, private, fetch, tokens }
    }
}

impl<S> Layer<S> for TranslateLayer {
    type Service = Translate<S>;

    fn layer(&self, inner: S) -> Translate<S> {
        let room = Room {
            provider: self.provider.clone(),
            private: self.private.clone(),
            fetch: self.fetch.clone(),
            secrets: Arc::new(Secrets::new(&self.provider, self.tokens.clone())),
            sweeper: Sweeper::new(self.provider.timeouts),
        };
        Translate { inner, room: Arc::new(room) }
    }
}

/// The service of [`TranslateLayer`]. Reads `Arc<Call>`, `Arc<Peek>`, `Arc<Resolved>` and
/// `Arc<Exchange>` from the request; opens an attempt in the exchange.
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

impl<S: Clone> Translate<S> {
    /// The same way for what is relayed without being understood.
    pub(crate) fn beside(&self) -> Passing<S> {
        let Room { provider, private, secrets, sweeper, .. } = &*self.room;
        let (provider, private) = (provider.clone(), private.clone());
        Passing::new(self.inner.clone(), provider, private, secrets.clone(), sweeper.clone())
    }
}

impl<S, B> Service<Request<()>> for Translate<S>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Error> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes, Error = Error> + Unpin + Send + 'static,
{
    type Response = Answer;
    type Error = Error;
    type Future = ResponseFuture<S::Future, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, req: Request<()>) -> Self::Future {
        let Some((order, headers)) = Order::of(req) else {
            return ResponseFuture::Decided { answer: Some(Err(Error::Internal)) };
        };
        // All that can be done at once is done here, so that the future holds little.
        let prepared = match order.preparing(&self.room).begin() {
            Ok(Step::Ready(prepared)) => prepared,
            Ok(Step::Media(wanting)) => {
                let ready = self.inner.clone();
                let mut inner = std::mem::replace(&mut self.inner, ready);
                let room = self.room.clone();
                let future = Box::pin(async move {
                    let prepared = order.preparing(&room).with_media(wanting, &room.fetch).await?;
                    let (out, sent) = order.begin(prepared, headers, &room)?;
                    let response = inner.call(out).await;
                    sent.received(response.map(|response| response.map(Begun::new))).await
                });
                return ResponseFuture::Later { future };
            }
            Ok(Step::Guessed(body)) => {
                return ResponseFuture::Decided { answer: Some(Ok(estimated(body))) };
            }
            Err(error) => return ResponseFuture::Decided { answer: Some(Err(error)) },
        };
        match order.begin(prepared, headers, &self.room) {
            Ok((out, sent)) => ResponseFuture::Sent { inner: self.inner.call(out), sent: Some(sent) },
            Err(error) => ResponseFuture::Decided { answer: Some(Err(error)) },
        }
    }
}

pin_project! {
    /// The future of [`Translate`]. What is relayed needs nothing but the provider; the rest, and
    /// every refusal, is boxed once its head is there.
    #[project = Way]
    pub enum ResponseFuture<F, B> {
        Sent { #[pin] inner: F, sent: Option<Sent> },
        Beginning { response: Option<Response<Begun<B>>>, sent: Option<Sent> },
        Later { future: Pin<Box<dyn Future<Output = Result<Answer, Error>> + Send>> },
        Decided { answer: Option<Result<Answer, Error>> },
    }
}

impl<F, B> Future for ResponseFuture<F, B>
where
    F: Future<Output = Result<Response<B>, Error>>,
    B: Body<Data = Bytes, Error = Error> + Unpin + Send + 'static,
{
    type Output = Result<Answer, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let next = match self.as_mut().project() {
                Way::Later { future } => return future.as_mut().poll(cx),
                Way::Decided { answer } => {
                    return Poll::Ready(answer.take().unwrap_or(Err(Error::Internal)));
                }
                Way::Sent { inner, sent } => {
                    let response = ready!(inner.poll(cx)).map(|response| response.map(Begun::new));
                    match (response, sent.take()) {
                        (Ok(response), Some(sent)) if sent.relays() && response.status().is_success() => {
                            Self::Beginning { response: Some(response), sent: Some(sent) }
                        }
                        (response, Some(sent)) => Self::Later { future: Box::pin(sent.received(response)) },
                        (_, None) => Self::Decided { answer: None },
                    }
                }
                Way::Beginning { response, sent } => {
                    // Events go out as soon as their head is there; a whole answer is looked at.
                    let first = match (&mut *response, &mut *sent) {
                        (Some(response), Some(sent)) if !sent.wants_events() => {
                            ready!(response.body_mut().poll_first(cx))
                        }
                        _ => Ok(true),
                    };
                    match (response.take(), sent.take()) {
                        (Some(response), Some(sent)) => match sent.at_once(first, response) {
                            ControlFlow::Break(answer) => return Poll::Ready(answer),
                            ControlFlow::Continue((response, sent)) => {
                                Self::Later { future: Box::pin(sent.received(Ok(response))) }
                            }
                        },
                        _ => Self::Decided { answer: None },
                    }
                }
            };
            self.set(next);
        }
    }
}

/// A count of tokens that nobody was asked for.
fn estimated(body: Vec<u8>) -> Answer {
    let mut answer = Response::new(full(body));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer.headers_mut().insert(ESTIMATED, HeaderValue::from_static("tokens"));
    answer
}

/// What is asked, and of whom.
struct Order {
    call: Arc<Call>,
    peek: Arc<Peek>,
    resolved: Arc<Resolved>,
    /// The format in which the provider is asked.
    upstream: Arc<Upstream>,
    query: Option<Box<str>>,
    exchange: Option<Arc<Exchange>>,
}

impl Order {
    /// Takes the order out of a request, of which the headers are left.
    fn of(req: Request<()>) -> Option<(Self, HeaderMap)> {
        let (mut head, ()) = req.into_parts();
        let (call, resolved): (Arc<Call>, Arc<Resolved>) =
            (head.extensions.remove()?, head.extensions.remove()?);
        let peek: Arc<Peek> = head.extensions.remove()?;
        let upstream = if call.endpoint == Endpoint::Chat && offers_web_search(&peek) {
            resolved.upstream_for_search(call.dialect)
        } else {
            resolved.upstream_for(call.dialect, call.endpoint)
        };
        let order = Self {
            upstream: upstream.clone(),
            peek,
            query: head.uri.query().map(Box::from),
            exchange: head.extensions.remove(),
            call,
            resolved,
        };
        Some((order, head.headers))
    }

    /// What it takes to say it in the provider's words.
    fn preparing<'a>(&'a self, room: &'a Room) -> Preparing<'a> {
        Preparing {
            call: &self.call,
            peek: &self.peek,
            resolved: &self.resolved,
            upstream: &self.upstream,
            provider: &room.provider,
            exchange: self.exchange.as_deref(),
        }
    }

    /// Opens the attempt and makes the request.
    fn begin(
        self,
        prepared: Prepared,
        headers: HeaderMap,
        room: &Arc<Room>,
    ) -> Result<(Request<Full<Bytes>>, Sent), Error> {
        let Self { call, resolved, upstream, query, exchange, .. } = self;
        let Prepared { endpoint, body, stream, dropped, reading } = prepared;
        let provider = &room.provider;
        let (dialect, model) = (upstream.dialect, &upstream.model);
        let mut uri = provider.uri(dialect, endpoint, model, stream).ok_or_else(|| {
            Refusal::at("model", format!("provider {} has no such endpoint for model {model}", provider.name))
        })?;
        let mut out = Request::new(Full::new(body));
        *out.method_mut() = Method::POST;
        if let (Some(query), true) =
            (query, call.dialect == dialect && provider.kind.takes_parameters_of(dialect))
        {
            uri = query::joined(uri, &query);
        }
        *out.uri_mut() = uri;
        *out.headers_mut() = headers::to_upstream(headers, call.dialect, dialect, &room.private);
        out.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let accept = if stream == Some(Framing::Events) { "text/event-stream" } else { "application/json" };
        out.headers_mut().insert(ACCEPT, HeaderValue::from_static(accept));

        let attempt = match &exchange {
            Some(exchange) => exchange.begin_attempt(upstream.clone()),
            None => Arc::new(Attempt::new(upstream.clone())),
        };
        let ending = Ending::new(attempt);
        Ok((out, Sent { room: room.clone(), call, exchange, resolved, upstream, reading, dropped, ending }))
    }
}

/// An answer that takes more than a look.
type Undecided<B> = (Response<Begun<B>>, Sent);

/// What must be known of a request until its answer comes.
struct Sent {
    room: Arc<Room>,
    call: Arc<Call>,
    exchange: Option<Arc<Exchange>>,
    resolved: Arc<Resolved>,
    upstream: Arc<Upstream>,
    reading: Reading,
    dropped: Vec<String>,
    ending: Ending,
}

impl Sent {
    /// Whether the answer is relayed.
    const fn relays(&self) -> bool {
        matches!(self.reading, Reading::Relay(_))
    }

    fn wants_events(&self) -> bool {
        self.answering().wants_stream() && self.call.framing == Framing::Events
    }

    fn answering(&self) -> Answering<'_> {
        Answering {
            call: &self.call,
            exchange: self.exchange.as_deref(),
            attempt: self.ending.attempt(),
            secrets: &self.room.secrets,
            sweeper: &self.room.sweeper,
        }
    }

    /// A success that can be relayed without more ado; given back if it cannot.
    fn at_once<B>(
        self,
        first: Result<bool, Error>,
        response: Response<Begun<B>>,
    ) -> ControlFlow<Result<Answer, Error>, Undecided<B>>
    where
        B: Body<Data = Bytes, Error = Error> + Unpin + Send + 'static,
    {
        let Reading::Relay(relay) = self.reading else {
            return ControlFlow::Continue((response, self));
        };
        self.ending.attempt().set_status(response.status());
        let attempt = self.ending.attempt();
        if let Err(error) = first.and_then(|any| if any { Ok(()) } else { Err(empty(attempt)) }) {
            return ControlFlow::Break(self.ended(Err(error)));
        }
        match self.answering().at_once(response, relay) {
            ControlFlow::Break(answer) => ControlFlow::Break(self.ended(answer)),
            ControlFlow::Continue(response) => ControlFlow::Continue((response, self)),
        }
    }

    /// Whatever came, as the client expects it.
    async fn received<B>(mut self, response: Result<Response<Begun<B>>, Error>) -> Result<Answer, Error>
    where
        B: Body<Data = Bytes, Error = Error> + Unpin + Send + 'static,
    {
        let answer = match response {
            Ok(response) => {
                self.ending.attempt().set_status(response.status());
                if response.status().is_success() {
                    let as_it_is = Reading::Relay(Relay::of(&self.call));
                    let reading = std::mem::replace(&mut self.reading, as_it_is);
                    self.answering().answer(response, reading).await
                } else {
                    self.ending.attempt().set_outcome(Outcome::Refused);
                    Ok(refusal(response, self.call.dialect, self.upstream.dialect, &self.room.secrets).await)
                }
            }
            Err(error) => Err(error),
        };
        self.ended(answer)
    }

    /// Records a failure; what is still on its way records its own end. Says in the answer's headers
    /// who served it, and what could not be carried.
    fn ended(mut self, answer: Result<Answer, Error>) -> Result<Answer, Error> {
        match answer {
            Ok(mut answer) => {
                self.ending.disarm();
                if let Some(label) = &self.resolved.label {
                    answer.headers_mut().insert(UPSTREAM, label.clone());
                }
                if let Some(value) = headers::dropped(&self.dropped) {
                    answer.headers_mut().insert(DROPPED, value);
                }
                Ok(answer)
            }
            Err(mut error) => {
                if !error.was_sent() {
                    self.ending.attempt().set_unsent();
                }
                self.ending.set(error.outcome());
                if let Error::Upstream(told) = &mut error {
                    self.room.secrets.error(told);
                }
                let upstream = self.upstream.clone();
                Err(Error::Attempt { upstream, source: Box::new(error) })
            }
        }
    }
}
