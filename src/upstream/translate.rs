//! Between the client's dialect and the provider's, both ways.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, Request, Response};
use http_body::Body;
use http_body_util::Full;
use tollway_core::{Attempt, Call, Exchange, Outcome, RequestId};
use tollway_wire::Refusal;
use tollway_wire::peek::Peek;
use tower_layer::Layer;
use tower_service::Service;

use super::answer::Answering;
use super::attempt::Ending;
use super::convert::{self, Prepared};
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
    S::Future: Send,
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
        B: Body<Data = Bytes, Error = Error> + Unpin + Send + 'static,
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
        *out.headers_mut() = headers::to_upstream(parts.headers, self.provider.dialect, &self.private);
        out.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let accept = if stream { "text/event-stream" } else { "application/json" };
        out.headers_mut().insert(ACCEPT, HeaderValue::from_static(accept));

        let answering = Answering {
            call: &call,
            request_id: &request_id,
            attempt: &attempt,
            secrets: &self.secrets,
            sweeper: &self.sweeper,
        };
        let result = match inner.call(out).await {
            Ok(response) => {
                attempt.set_status(response.status());
                if response.status().is_success() {
                    answering.answer(response, reading).await
                } else {
                    attempt.set_outcome(Outcome::Refused);
                    Ok(refusal(response, self.provider.dialect, &self.secrets).await)
                }
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
