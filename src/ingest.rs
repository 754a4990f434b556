//! Reads the client's body, once, and learns from it what policy needs.

mod read;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::request::Parts;
use http_body::Body;
use pin_project_lite::pin_project;
use tollway_core::{Call, Exchange, Operation};
use tollway_wire::peek::Peek;
use tower_layer::Layer;
use tower_service::Service;

pub use self::read::ReadBody;
use crate::Error;
use crate::error::BoxError;

/// How much of a body is read, and how long a client may be silent while it sends one.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// The most bytes.
    pub max_bytes: usize,
    /// The longest silence.
    pub timeout: Duration,
    /// The longest time for all of it: a byte now and then must not hold a request for ever.
    pub total: Duration,
}

/// Turns a request for an [`Operation`] into a [`Call`].
#[derive(Clone, Copy, Debug)]
pub struct IngestLayer {
    limits: BodyLimits,
}

impl IngestLayer {
    /// Reads within `limits`.
    pub const fn new(limits: BodyLimits) -> Self {
        Self { limits }
    }
}

impl<S> Layer<S> for IngestLayer {
    type Service = Ingest<S>;

    fn layer(&self, inner: S) -> Ingest<S> {
        Ingest { inner, limits: self.limits }
    }
}

/// The service of [`IngestLayer`]: takes the [`Operation`] from the extensions, writes an
/// `Arc<`[`Call`]`>` there, and an `Arc<`[`Peek`]`>` for those who splice the body.
#[derive(Clone, Debug)]
pub struct Ingest<S> {
    inner: S,
    limits: BodyLimits,
}

impl<S, B> Service<Request<B>> for Ingest<S>
where
    S: Service<Request<()>, Error = Error> + Clone,
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = Error;
    type Future = ResponseFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, req: Request<B>) -> Self::Future {
        let ready = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, ready);
        let (head, body) = req.into_parts();
        let body = ReadBody::new(body, &head.headers, self.limits);
        ResponseFuture { state: State::Reading { body, next: Some((head, inner)) } }
    }
}

pin_project! {
    /// The future of [`Ingest`]. Not boxed, so that a request moves but once.
    pub struct ResponseFuture<S, B>
    where
        S: Service<Request<()>>,
    {
        #[pin]
        state: State<S, B>,
    }
}

pin_project! {
    #[project = At]
    enum State<S, B>
    where
        S: Service<Request<()>>,
    {
        Reading { #[pin] body: ReadBody<B>, next: Option<(Parts, S)> },
        Calling { #[pin] future: S::Future },
    }
}

impl<S, B> Future for ResponseFuture<S, B>
where
    S: Service<Request<()>, Error = Error>,
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Output = Result<S::Response, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let future = match state.as_mut().project() {
                At::Calling { future } => return future.poll(cx),
                At::Reading { body, next } => {
                    let body = ready!(body.poll(cx))?;
                    let (mut head, mut inner) = next.take().ok_or(Error::Internal)?;
                    learn(&mut head, body)?;
                    inner.call(Request::from_parts(head, ()))
                }
            };
            state.set(State::Calling { future });
        }
    }
}

/// Writes what the body says into the request's extensions.
fn learn(head: &mut Parts, body: Bytes) -> Result<(), Error> {
    let operation: Operation = head.extensions.remove().ok_or(Error::Internal)?;
    let peek = Peek::new(&operation, body.clone())?;
    let Operation { dialect, endpoint, framing, .. } = operation;
    let call = Call { dialect, endpoint, model: peek.model().into(), stream: peek.stream(), framing, body };
    if let Some(exchange) = head.extensions.get::<Arc<Exchange>>() {
        exchange.set_call(call.endpoint, call.model.clone(), call.stream);
    }
    head.extensions.insert(Arc::new(call));
    head.extensions.insert(Arc::new(peek));
    Ok(())
}
