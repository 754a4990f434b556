//! Between the client's dialect and the provider's, both ways.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full, Limited};
use tollway_core::{Attempt, Call, Dialect, Exchange, Outcome, RequestId, Tap, Upstream};
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
    // Boxed, as media may have to be fetched before the inner call.
    type Future = Pin<Box<dyn Future<Output = Result<Answer, Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, req: Request<()>) -> Self::Future {
        let ready = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, ready);
        let room = self.room.clone();
        Box::pin(async move { room.exchange(inner, req).await })
    }
}

impl Room {
    async fn exchange<S, B>(&self, mut inner: S, req: Request<()>) -> Result<Answer, Error>
    where
        S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Error>,
        B: Body<Data = Bytes, Error = Error> + Send + 'static,
    {
        let (mut parts, ()) = req.into_parts();
        let call = parts.extensions.remove::<Arc<Call>>().ok_or(Error::Internal)?;
        let peek = parts.extensions.remove::<Arc<Peek>>().ok_or(Error::Internal)?;
        let resolved = parts.extensions.remove::<Resolved>().ok_or(Error::Internal)?;
        let exchange = parts.extensions.remove::<Arc<Exchange>>();
        let request_id = exchange
            .as_ref()
            .map_or_else(|| RequestId::from_random(0), |exchange| exchange.request_id().clone());

        let prepared =
            convert::prepare(&call, &peek, &resolved, &self.provider, &self.fetch, &request_id).await?;
        let model = &resolved.upstream.model;
        let uri = self.provider.uri(prepared.endpoint, model, prepared.stream).ok_or_else(|| {
            Refusal::at(
                "model",
                format!("provider {} has no such endpoint for model {model}", self.provider.name),
            )
        })?;

        let attempt = match &exchange {
            Some(exchange) => exchange.begin_attempt(resolved.upstream),
            None => Arc::new(Attempt::new(resolved.upstream)),
        };
        let mut ending = Ending::new(attempt.clone());
        let Prepared { endpoint: _, body, stream, dropped, reading } = prepared;
        let mut out = Request::new(Full::new(body));
        *out.method_mut() = Method::POST;
        *out.uri_mut() = uri;
        *out.headers_mut() = headers::to_upstream(parts.headers, self.provider.dialect);
        out.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let accept = if stream { "text/event-stream" } else { "application/json" };
        out.headers_mut().insert(ACCEPT, HeaderValue::from_static(accept));

        let response = match inner.call(out).await {
            Ok(response) => response,
            Err(error) => {
                ending.set(error.outcome());
                return Err(error);
            }
        };
        attempt.set_status(response.status());
        let mut answer = if response.status().is_success() {
            match answer(response, reading, &attempt).await {
                Ok(answer) => {
                    // What is still on its way records its own end.
                    ending.disarm();
                    answer
                }
                Err(error) => {
                    ending.set(error.outcome());
                    return Err(error);
                }
            }
        } else {
            ending.set(Outcome::Refused);
            refusal(response, &self.provider).await
        };
        tell(answer.headers_mut(), attempt.upstream(), &dropped);
        Ok(answer)
    }
}

/// Says in the answer's headers who served it, and what could not be carried.
fn tell(headers: &mut HeaderMap, upstream: &Upstream, dropped: &[String]) {
    let name = [&*upstream.provider, "/", &*upstream.model].concat();
    if let Ok(value) = HeaderValue::try_from(name) {
        headers.insert(UPSTREAM, value);
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
    let (parts, body) = response.into_parts();
    let is_stream = is_event_stream(&parts.headers);
    let (headers, body) = match reading {
        Reading::Relay { n, strip_usage } if is_stream => {
            let headers = headers::to_client(parts.headers, Passage::Events);
            (headers, Relayed::new(body, strip_usage, n, attempt.clone()).boxed_unsync())
        }
        Reading::Relay { .. } => {
            if body.is_end_stream() {
                return Err(empty(attempt));
            }
            let headers = headers::to_client(parts.headers, Passage::Whole);
            let observer = UsageObserver::new(body.size_hint().exact(), attempt.clone());
            let attempt = attempt.clone();
            let body = body.map_err(move |error| {
                // The tap sees that it broke, not why.
                attempt.set_outcome(error.outcome());
                error.into()
            });
            (headers, Tap::new(body, observer).boxed_unsync())
        }
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
