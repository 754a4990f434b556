//! Between the client's dialect and the provider's, both ways.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Version};
use http_body::Body;
use http_body_util::{BodyExt, Full, Limited};
use pin_project_lite::pin_project;
use tollway_core::{Attempt, Call, Dialect, Exchange, Outcome, RequestId, Tap};
use tollway_wire::chat::Collect;
use tollway_wire::peek::Peek;
use tollway_wire::{ApiError, Refusal, anthropic, gemini, openai};
use tower_layer::Layer;
use tower_service::Service;

use super::attempt::{Ending, UsageObserver};
use super::convert::{self, Prepared, Reading};
use super::fetch::Fetch;
use super::headers::{self, DROPPED, Passage, UPSTREAM};
use super::redact;
use super::relay::Relayed;
use super::stream::{Decoder, Encoder, Translated};
use crate::Error;
use crate::body::{Answer, full};
use crate::config::{Provider, Resolved, Secret};
use crate::respond::error_response;

/// The most bytes of a whole answer that must be read before it can be translated.
const MAX_ANSWER: usize = 64 * 1024 * 1024;
/// The most bytes of an error that are read.
const MAX_ERROR: usize = 1024 * 1024;

/// Says calls in a provider's words, and its answers in the client's.
#[derive(Clone, Debug)]
pub(crate) struct TranslateLayer {
    provider: Arc<Provider>,
    fetch: Fetch,
}

impl TranslateLayer {
    pub(crate) const fn new(provider: Arc<Provider>, fetch: Fetch) -> Self {
        Self { provider, fetch }
    }
}

impl<S> Layer<S> for TranslateLayer {
    type Service = Translate<S>;

    fn layer(&self, inner: S) -> Translate<S> {
        Translate {
            inner,
            room: Arc::new(Room { provider: self.provider.clone(), fetch: self.fetch.clone() }),
        }
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
    fetch: Fetch,
}

impl<S, B> Service<Request<()>> for Translate<S>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Error> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes, Error = Error> + Send + 'static,
{
    type Response = Answer;
    type Error = Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, req: Request<()>) -> Self::Future {
        let Some((order, headers)) = Order::of(req) else {
            return ResponseFuture::Refused { error: Some(Error::Internal) };
        };
        let provider = &self.room.provider;
        if convert::is_relayed(&order.call, &order.resolved, provider) {
            let model = &order.resolved.upstream.model;
            let prepared = convert::relayed(&order.call, &order.peek, model, provider);
            return match order.begin(prepared, headers, provider) {
                Ok((out, sent)) => ResponseFuture::Sent { inner: self.inner.call(out), sent: Some(sent) },
                Err(error) => ResponseFuture::Refused { error: Some(error) },
            };
        }
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        let room = self.room.clone();
        let future = Box::pin(async move {
            let Room { provider, fetch } = &*room;
            let prepared = order.prepare(provider, fetch).await?;
            let (out, sent) = order.begin(prepared, headers, provider)?;
            let response = inner.call(out).await;
            sent.received(response).await
        });
        ResponseFuture::Later { future }
    }
}

pin_project! {
    /// The future of [`Translate`]. What is relayed waits for nothing but the provider; the rest,
    /// and every refusal, is boxed.
    #[project = Way]
    pub enum ResponseFuture<F> {
        Sent { #[pin] inner: F, sent: Option<Sent> },
        Later { future: Pin<Box<dyn Future<Output = Result<Answer, Error>> + Send>> },
        Refused { error: Option<Error> },
    }
}

impl<F, B> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, Error>>,
    B: Body<Data = Bytes, Error = Error> + Send + 'static,
{
    type Output = Result<Answer, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let future = match self.as_mut().project() {
                Way::Later { future } => return future.as_mut().poll(cx),
                Way::Refused { error } => return Poll::Ready(Err(error.take().unwrap_or(Error::Internal))),
                Way::Sent { inner, sent } => {
                    let response = ready!(inner.poll(cx));
                    let Some(sent) = sent.take() else { return Poll::Ready(Err(Error::Internal)) };
                    match (response, sent.relays()) {
                        (Ok(response), Some((n, strip_usage))) if response.status().is_success() => {
                            return Poll::Ready(sent.relay(response, n, strip_usage));
                        }
                        (response, _) => Box::pin(sent.received(response)),
                    }
                }
            };
            self.set(Self::Later { future });
        }
    }
}

/// What is asked, and of whom.
struct Order {
    call: Arc<Call>,
    peek: Arc<Peek>,
    resolved: Arc<Resolved>,
    exchange: Option<Arc<Exchange>>,
}

impl Order {
    /// Takes the order out of a request, of which the headers are left.
    fn of(req: Request<()>) -> Option<(Self, HeaderMap)> {
        let (mut head, ()) = req.into_parts();
        let order = Self {
            call: head.extensions.remove()?,
            peek: head.extensions.remove()?,
            resolved: head.extensions.remove()?,
            exchange: head.extensions.remove(),
        };
        Some((order, head.headers))
    }

    /// Says it in the provider's words.
    async fn prepare(&self, provider: &Provider, fetch: &Fetch) -> Result<Prepared, Error> {
        let made_up;
        let request_id = match &self.exchange {
            Some(exchange) => exchange.request_id(),
            None => {
                made_up = RequestId::from_random(fastrand::u128(..));
                &made_up
            }
        };
        convert::prepare(&self.call, &self.peek, &self.resolved, provider, fetch, request_id).await
    }

    /// Opens the attempt and makes the request.
    fn begin(
        self,
        prepared: Prepared,
        headers: HeaderMap,
        provider: &Arc<Provider>,
    ) -> Result<(Request<Full<Bytes>>, Sent), Error> {
        let Prepared { endpoint, body, stream, dropped, reading } = prepared;
        let model = &self.resolved.upstream.model;
        let uri = provider.uri(endpoint, model, stream).ok_or_else(|| {
            Refusal::at("model", format!("provider {} has no such endpoint for model {model}", provider.name))
        })?;
        let mut out = Request::new(Full::new(body));
        *out.method_mut() = Method::POST;
        *out.uri_mut() = uri;
        *out.headers_mut() = headers::to_upstream(headers, provider.dialect);
        out.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let accept = if stream { "text/event-stream" } else { "application/json" };
        out.headers_mut().insert(ACCEPT, HeaderValue::from_static(accept));

        let upstream = self.resolved.upstream.clone();
        let attempt = match self.exchange {
            Some(exchange) => exchange.begin_attempt(upstream),
            None => Arc::new(Attempt::new(upstream)),
        };
        let ending = Ending::new(attempt);
        let sent = Sent { provider: provider.clone(), resolved: self.resolved, reading, dropped, ending };
        Ok((out, sent))
    }
}

/// What must be known of a request until its answer comes.
struct Sent {
    provider: Arc<Provider>,
    resolved: Arc<Resolved>,
    reading: Reading,
    dropped: Vec<String>,
    ending: Ending,
}

impl Sent {
    /// How the answer is relayed, if it is.
    const fn relays(&self) -> Option<(Option<u64>, bool)> {
        match &self.reading {
            Reading::Relay { n, strip_usage } => Some((*n, *strip_usage)),
            _ => None,
        }
    }

    /// A successful answer of the client's own dialect, as it passes.
    fn relay<B>(mut self, response: Response<B>, n: Option<u64>, strip_usage: bool) -> Result<Answer, Error>
    where
        B: Body<Data = Bytes, Error = Error> + Send + 'static,
    {
        self.ending.attempt().set_status(response.status());
        let answer = relayed(response, n, strip_usage, self.ending.attempt());
        self.ended(answer)
    }

    /// Whatever came, as the client expects it.
    async fn received<B>(mut self, response: Result<Response<B>, Error>) -> Result<Answer, Error>
    where
        B: Body<Data = Bytes, Error = Error> + Send + 'static,
    {
        let response = response.inspect_err(|error| self.ending.set(error.outcome()))?;
        self.ending.attempt().set_status(response.status());
        if !response.status().is_success() {
            self.ending.set(Outcome::Refused);
            let mut answer = refusal(response, &self.provider).await;
            tell(answer.headers_mut(), &self.resolved, &self.dropped);
            return Ok(answer);
        }
        let reading = std::mem::replace(&mut self.reading, Reading::Relay { n: None, strip_usage: false });
        let answer = answer(response, reading, self.ending.attempt()).await;
        self.ended(answer)
    }

    /// Records a failure; what is still on its way records its own end.
    fn ended(&mut self, answer: Result<Answer, Error>) -> Result<Answer, Error> {
        match answer {
            Ok(mut answer) => {
                self.ending.disarm();
                tell(answer.headers_mut(), &self.resolved, &self.dropped);
                Ok(answer)
            }
            Err(error) => {
                self.ending.set(error.outcome());
                Err(error)
            }
        }
    }
}

/// Says in the answer's headers who served it, and what could not be carried.
fn tell(headers: &mut HeaderMap, resolved: &Resolved, dropped: &[String]) {
    if let Some(label) = &resolved.label {
        headers.insert(UPSTREAM, label.clone());
    }
    if !dropped.is_empty()
        && let Ok(value) = HeaderValue::try_from(dropped.join(", "))
    {
        headers.insert(DROPPED, value);
    }
}

/// A successful answer, as the client expects it.
async fn answer<B>(response: Response<B>, reading: Reading, attempt: &Arc<Attempt>) -> Result<Answer, Error>
where
    B: Body<Data = Bytes, Error = Error> + Send + 'static,
{
    if let Reading::Relay { n, strip_usage } = reading {
        return relayed(response, n, strip_usage, attempt);
    }
    let (parts, body) = response.into_parts();
    let is_stream = is_event_stream(&parts.headers);
    let (headers, body) = match reading {
        Reading::Relay { .. } => return Err(Error::Internal),
        Reading::Chat { dialect, decode, encode, completion, stream } => {
            let mut headers = headers::to_client(parts.headers, Passage::Anew);
            if stream && (is_stream || dialect == Dialect::Gemini) {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
                headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
                let encoder = Encoder::new(encode, completion.as_ref());
                let decoder = Decoder::new(dialect, decode);
                (headers, Translated::new(body, decoder, encoder, attempt.clone()).boxed_unsync())
            } else {
                let body = collect(body, MAX_ANSWER, attempt).await?;
                let reply = if is_stream {
                    whole(Decoder::new(dialect, decode), &body, attempt)
                } else {
                    match dialect {
                        Dialect::Anthropic => anthropic::decode_response(&body, &decode),
                        Dialect::Gemini => gemini::decode_response(&body, &decode),
                        _ => openai::decode_response(&body, &decode),
                    }
                };
                let reply = reply.map_err(Error::Upstream)?;
                if let Some(usage) = reply.usage {
                    attempt.set_usage(usage);
                }
                attempt.set_outcome(Outcome::Complete);
                let body = match completion {
                    Some(options) => openai::completions::encode_response(&reply, &options, &encode),
                    None => openai::encode_response(&reply, &encode),
                };
                (json_headers(headers), full(body))
            }
        }
        Reading::Embeddings { request, encode } => {
            let headers = headers::to_client(parts.headers, Passage::Anew);
            let body = collect(body, MAX_ANSWER, attempt).await?;
            let reply = gemini::embeddings::decode_response(&body).map_err(Error::Upstream)?;
            if let Some(usage) = reply.usage {
                attempt.set_usage(usage);
            }
            attempt.set_outcome(Outcome::Complete);
            (json_headers(headers), full(openai::embeddings::encode_response(&reply, &request, &encode)))
        }
    };
    let mut answer = Response::new(body);
    *answer.status_mut() = parts.status;
    *answer.headers_mut() = headers;
    Ok(answer)
}

/// A successful answer of the client's own dialect, as it passes.
fn relayed<B>(
    response: Response<B>,
    n: Option<u64>,
    strip_usage: bool,
    attempt: &Arc<Attempt>,
) -> Result<Answer, Error>
where
    B: Body<Data = Bytes, Error = Error> + Send + 'static,
{
    let (mut parts, body) = response.into_parts();
    let passage = if is_event_stream(&parts.headers) { Passage::Events } else { Passage::Whole };
    let body = match passage {
        Passage::Events => Relayed::new(body, strip_usage, n, attempt.clone()).boxed_unsync(),
        _ if body.is_end_stream() => return Err(empty(attempt)),
        _ => {
            let observer = UsageObserver::new(body.size_hint().exact(), attempt.clone());
            let attempt = attempt.clone();
            let body = body.map_err(move |error| {
                // The tap sees that it broke, not why.
                attempt.set_outcome(error.outcome());
                error.into()
            });
            Tap::new(body, observer).boxed_unsync()
        }
    };
    parts.headers = headers::to_client(parts.headers, passage);
    // What belongs to the provider's connection is none of the client's.
    parts.extensions.clear();
    parts.version = Version::HTTP_11;
    Ok(Response::from_parts(parts, body))
}

/// A stream put together to a whole answer.
fn whole(
    mut decoder: Decoder,
    body: &[u8],
    attempt: &Attempt,
) -> Result<tollway_wire::chat::Reply, ApiError> {
    let mut collect = Collect::default();
    decoder.feed(body);
    let drain = |decoder: &mut Decoder, collect: &mut Collect| {
        while let Some(event) = decoder.next_event() {
            collect.push(event);
        }
    };
    drain(&mut decoder, &mut collect);
    let end = decoder.finish();
    drain(&mut decoder, &mut collect);
    match end {
        Ok(_) => collect.finish(),
        Err(truncated) => {
            // An error event explains the end better than the end itself.
            collect.finish().and(Err(Error::Broken {
                provider: attempt.upstream().provider.to_string(),
                reason: truncated.to_string(),
            }
            .to_api_error()))
        }
    }
}

/// An upstream's error in the client's shape. One that has the shape already goes through as it is,
/// but for our key, which some servers repeat.
async fn refusal<B>(response: Response<B>, provider: &Provider) -> Answer
where
    B: Body<Data = Bytes, Error = Error>,
{
    let (mut parts, body) = response.into_parts();
    let body = Limited::new(body, MAX_ERROR).collect().await.map(http_body_util::Collected::to_bytes);
    let told = body.unwrap_or_default();
    let key = provider.credentials.as_ref().map(Secret::expose);
    let body = redact::body(told.clone(), key);
    redact::headers(&mut parts.headers, key);
    let status = parts.status.as_u16();
    if provider.dialect == Dialect::OpenAi && openai::is_error_shape(&body) {
        let passage = if body == told { Passage::Whole } else { Passage::Events };
        let mut answer = Response::new(full(body));
        *answer.status_mut() = parts.status;
        *answer.headers_mut() = headers::to_client(parts.headers, passage);
        return answer;
    }
    let error = match provider.dialect {
        Dialect::Anthropic => anthropic::decode_error(status, &body),
        Dialect::Gemini => gemini::decode_error(status, &body),
        _ => openai::decode_error(status, &body),
    };
    let mut answer = error_response(Dialect::OpenAi, &error);
    for (name, value) in &headers::to_client(parts.headers, Passage::Anew) {
        answer.headers_mut().entry(name).or_insert_with(|| value.clone());
    }
    answer
}

/// The whole body of an answer.
async fn collect<B>(body: B, limit: usize, attempt: &Attempt) -> Result<Bytes, Error>
where
    B: Body<Data = Bytes, Error = Error>,
{
    match Limited::new(body, limit).collect().await.map(http_body_util::Collected::to_bytes) {
        Ok(body) if body.is_empty() => Err(empty(attempt)),
        Ok(body) => {
            attempt.set_first_byte();
            Ok(body)
        }
        Err(error) => Err(match error.downcast::<Error>() {
            Ok(error) => *error,
            Err(_) => broken(attempt, format!("its answer is larger than {limit} bytes")),
        }),
    }
}

/// A success without a body, which no client could read.
fn empty(attempt: &Attempt) -> Error {
    broken(attempt, "its answer is empty".to_owned())
}

fn broken(attempt: &Attempt, reason: String) -> Error {
    Error::Broken { provider: attempt.upstream().provider.to_string(), reason }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.trim_start().starts_with("text/event-stream"))
}

fn json_headers(mut headers: HeaderMap) -> HeaderMap {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers
}
