//! Reads the client's body, once, and learns from it what policy needs.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::Request;
use http::header::CONTENT_LENGTH;
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::Instant;
use tollway_core::{Call, Endpoint, Exchange};
use tollway_wire::peek::Peek;
use tower_layer::Layer;
use tower_service::Service;

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

/// Turns a request for an [`Endpoint`] into a [`Call`].
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

/// The service of [`IngestLayer`]: reads an [`Endpoint`] from the extensions, writes an
/// `Arc<`[`Call`]`>` there, and an `Arc<`[`Peek`]`>` for those who splice the body.
#[derive(Clone, Debug)]
pub struct Ingest<S> {
    inner: S,
    limits: BodyLimits,
}

impl<S, B> Service<Request<B>> for Ingest<S>
where
    S: Service<Request<()>, Error = Error> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = Error;
    // Boxed, as the body is awaited before the inner call.
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<S::Response, Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, req: Request<B>) -> Self::Future {
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        let limits = self.limits;
        Box::pin(async move {
            let (mut parts, body) = req.into_parts();
            let endpoint = parts.extensions.get().copied().unwrap_or(Endpoint::Chat);
            let told = parts.headers.get(CONTENT_LENGTH).and_then(|len| len.to_str().ok()?.parse().ok());
            let body = read(body, told, limits).await?;
            let peek = Peek::new(endpoint, body.clone())?;
            let call = Call { endpoint, model: peek.model().into(), stream: peek.stream(), body };
            if let Some(exchange) = parts.extensions.get::<Arc<Exchange>>() {
                exchange.set_call(call.endpoint, &call.model, call.stream);
            }
            parts.extensions.insert(Arc::new(call));
            parts.extensions.insert(Arc::new(peek));
            inner.call(Request::from_parts(parts, ())).await
        })
    }
}

fn late(end: Instant, limits: BodyLimits) -> Error {
    if Instant::now() >= end { Error::BodySlow(limits.total) } else { Error::BodyTimeout(limits.timeout) }
}

/// Collects a body. One that comes in a single frame is not copied.
async fn read<B>(body: B, told: Option<usize>, limits: BodyLimits) -> Result<Bytes, Error>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let too_large = || Error::BodyTooLarge { limit: limits.max_bytes };
    if told.is_some_and(|len| len > limits.max_bytes) {
        return Err(too_large());
    }
    let mut body = std::pin::pin!(body);
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    let mut now = Instant::now();
    let end = now + limits.total;
    while let Some(frame) = tokio::time::timeout_at(end.min(now + limits.timeout), body.frame())
        .await
        .map_err(|_| late(end, limits))?
    {
        now = Instant::now();
        let frame = frame.map_err(|error| Error::BodyBroken(error.into()))?;
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + joined.len() + data.len() > limits.max_bytes {
            return Err(too_large());
        }
        if first.is_empty() && joined.is_empty() {
            first = data;
        } else {
            if joined.is_empty() {
                // What was told bounds the growth; what was not told grows as it comes.
                joined.reserve(told.unwrap_or(first.len() + data.len()));
                joined.extend_from_slice(&std::mem::take(&mut first));
            }
            joined.extend_from_slice(&data);
        }
    }
    Ok(if joined.is_empty() { first } else { joined.freeze() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A body of which a byte comes every so often.
    struct Drip {
        every: Duration,
        sleep: std::pin::Pin<Box<tokio::time::Sleep>>,
    }

    fn drip(every: Duration) -> Drip {
        Drip { every, sleep: Box::pin(tokio::time::sleep(every)) }
    }

    impl Body for Drip {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
            std::task::ready!(self.sleep.as_mut().poll(cx));
            let next = Instant::now() + self.every;
            self.sleep.as_mut().reset(next);
            Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::from_static(b" ")))))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_may_neither_pause_nor_take_for_ever() {
        let limits =
            BodyLimits { max_bytes: 1024, timeout: Duration::from_secs(30), total: Duration::from_mins(10) };
        let began = Instant::now();
        let slow = read(drip(Duration::from_secs(29)), None, limits).await;
        assert!(matches!(slow, Err(Error::BodySlow(_))), "{slow:?}");
        assert_eq!(began.elapsed().as_secs(), 600);
        let silent = read(drip(Duration::from_secs(31)), None, limits).await;
        assert!(matches!(silent, Err(Error::BodyTimeout(_))), "{silent:?}");
        assert_eq!(began.elapsed().as_secs(), 630);
    }
}
