//! Gives up on a provider that does not answer, falls silent, or never ends.
//!
//! It acts when it is asked: what happens while nobody asks is [`unread`](super::unread)'s affair.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep};
use tower_layer::Layer;
use tower_service::Service;

use crate::Error;
use crate::config::Timeouts as Limits;
use crate::error::chain;

use super::sending::Sending;

/// Puts time limits on the head of an answer and on its body.
#[derive(Clone, Debug)]
pub(crate) struct TimeoutsLayer {
    provider: Arc<str>,
    limits: Limits,
}

impl TimeoutsLayer {
    pub(crate) const fn new(provider: Arc<str>, limits: Limits) -> Self {
        Self { provider, limits }
    }
}

impl<S> Layer<S> for TimeoutsLayer {
    type Service = Timeouts<S>;

    fn layer(&self, inner: S) -> Timeouts<S> {
        Timeouts { inner, provider: self.provider.clone(), limits: self.limits }
    }
}

/// The service of [`TimeoutsLayer`].
#[derive(Clone, Debug)]
pub struct Timeouts<S> {
    inner: S,
    provider: Arc<str>,
    limits: Limits,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Timeouts<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>, Error = Error>,
{
    type Response = Response<Timed<ResBody>>;
    type Error = Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, req: Request<ReqBody>) -> Self::Future {
        let now = Instant::now();
        let total = self.limits.total.map(|limit| Deadline {
            at: now + limit,
            limit,
            waited_for: "end of the answer",
        });
        let first = Deadline::after(now, self.limits.first_byte, "answer");
        let watch = Watch {
            provider: self.provider.clone(),
            idle: self.limits.idle,
            deadline: first.earlier(total),
            total,
            sending: req.extensions().get::<Arc<Sending>>().cloned(),
            // Boxed once: the same timer serves the head and then the body.
            sleep: Box::pin(tokio::time::sleep_until(first.earlier(total).at)),
        };
        ResponseFuture { inner: self.inner.call(req), watch: Some(watch) }
    }
}

/// A moment, and what was expected until then.
#[derive(Clone, Copy, Debug)]
struct Deadline {
    at: Instant,
    limit: Duration,
    waited_for: &'static str,
}

impl Deadline {
    fn after(now: Instant, limit: Duration, waited_for: &'static str) -> Self {
        Self { at: now + limit, limit, waited_for }
    }

    fn earlier(self, other: Option<Self>) -> Self {
        match other {
            Some(other) if other.at < self.at => other,
            _ => self,
        }
    }
}

/// One timer and what it waits for.
#[derive(Debug)]
struct Watch {
    provider: Arc<str>,
    idle: Duration,
    deadline: Deadline,
    total: Option<Deadline>,
    // The body that is answered, where it passes as the client sends it.
    sending: Option<Arc<Sending>>,
    sleep: Pin<Box<Sleep>>,
}

impl Watch {
    /// The silence begins anew.
    fn restart(&mut self) {
        self.sending = None;
        self.deadline = Deadline::after(Instant::now(), self.idle, "further bytes").earlier(self.total);
    }

    /// A provider cannot answer while it is sent the body.
    fn wait_for_body(&mut self) {
        let limit = self.deadline.limit;
        if let Some(sending) = &self.sending
            && self.total.is_none_or(|total| self.deadline.at < total.at)
        {
            let since = sending.since(Instant::now());
            self.deadline.at = self.deadline.at.max(since + limit);
            self.deadline = self.deadline.earlier(self.total);
        }
    }

    /// Ready with the error once the deadline has passed. The timer is moved only when it fires
    /// early, not at every frame.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        loop {
            if self.sleep.deadline() > self.deadline.at {
                self.sleep.as_mut().reset(self.deadline.at);
            }
            std::task::ready!(self.sleep.as_mut().poll(cx));
            self.wait_for_body();
            if Instant::now() >= self.deadline.at {
                return Poll::Ready(Error::Timeout {
                    provider: self.provider.to_string(),
                    waited_for: self.deadline.waited_for,
                    limit: self.deadline.limit,
                });
            }
            self.sleep.as_mut().reset(self.deadline.at);
        }
    }
}

pin_project! {
    /// The future of [`Timeouts`].
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        watch: Option<Watch>,
    }
}

impl<F, ResBody> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<ResBody>, Error>>,
{
    type Output = Result<Response<Timed<ResBody>>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(result) = this.inner.poll(cx) {
            let watch = this.watch.take();
            return Poll::Ready(
                result.map(|response| response.map(|inner| Timed { inner, watch, waits: false })),
            );
        }
        match this.watch {
            Some(watch) => watch.poll(cx).map(Err),
            None => Poll::Pending,
        }
    }
}

pin_project! {
    /// A body that must not fall silent.
    #[derive(Debug)]
    pub struct Timed<B> {
        #[pin]
        inner: B,
        watch: Option<Watch>,
        // Whether the provider is waited for. While the client takes its time it is not.
        waits: bool,
    }
}

impl<B> Body for Timed<B>
where
    B: Body<Data = Bytes>,
    B::Error: std::error::Error + 'static,
{
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.project();
        match this.inner.poll_frame(cx) {
            Poll::Ready(frame) => {
                *this.waits = false;
                Poll::Ready(frame.map(|frame| {
                    frame.map_err(|error| Error::Broken {
                        provider: this
                            .watch
                            .as_ref()
                            .map(|watch| watch.provider.to_string())
                            .unwrap_or_default(),
                        reason: chain(&error),
                    })
                }))
            }
            Poll::Pending => match this.watch {
                Some(watch) => {
                    if !std::mem::replace(this.waits, true) {
                        watch.restart();
                    }
                    watch.poll(cx).map(|error| Some(Err(error)))
                }
                None => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    const LIMITS: Limits = Limits {
        connect: Duration::from_secs(5),
        first_byte: Duration::from_secs(20),
        idle: Duration::from_secs(10),
        unread: Duration::from_mins(5),
        total: Some(Duration::from_mins(1)),
    };

    /// Frames that come so long after each was asked for, as hyper reads only what is asked for.
    #[derive(Debug)]
    struct Frames {
        after: std::vec::IntoIter<Duration>,
        sleep: Option<Pin<Box<Sleep>>>,
    }

    impl Body for Frames {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            if self.sleep.is_none() {
                let Some(after) = self.after.next() else { return Poll::Ready(None) };
                self.sleep = Some(Box::pin(tokio::time::sleep(after)));
            }
            if let Some(sleep) = &mut self.sleep {
                std::task::ready!(sleep.as_mut().poll(cx));
            }
            self.sleep = None;
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"x")))))
        }
    }

    /// A provider whose head and frames come after so many seconds.
    async fn answer(head: u64, frames: &[u64]) -> Result<Response<Timed<Frames>>, Error> {
        let after: Vec<_> = frames.iter().map(|after| Duration::from_secs(*after)).collect();
        let provider = tower::service_fn(move |_: Request<()>| {
            let after = after.clone();
            async move {
                tokio::time::sleep(Duration::from_secs(head)).await;
                Ok::<_, Error>(Response::new(Frames { after: after.into_iter(), sleep: None }))
            }
        });
        TimeoutsLayer::new("test".into(), LIMITS).layer(provider).oneshot(Request::new(())).await
    }

    /// What was waited for in vain.
    fn in_vain(error: &Error) -> &'static str {
        match error {
            Error::Timeout { waited_for, .. } => waited_for,
            other => panic!("{other}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_has_its_own_limit() {
        let began = Instant::now();
        assert_eq!(in_vain(&answer(21, &[]).await.unwrap_err()), "answer");
        assert_eq!(began.elapsed().as_secs(), 20);
        assert!(answer(19, &[]).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn silence_between_frames_has_a_limit() {
        let body = answer(19, &[9, 9, 9]).await.unwrap().into_body();
        assert_eq!(body.collect().await.unwrap().to_bytes(), "xxx");
        let mut body = answer(1, &[9, 11]).await.unwrap().into_body();
        assert!(body.frame().await.unwrap().is_ok());
        let began = Instant::now();
        assert_eq!(in_vain(&body.frame().await.unwrap().unwrap_err()), "further bytes");
        assert_eq!(began.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn the_whole_has_a_limit_however_lively_it_is() {
        let began = Instant::now();
        let body = answer(5, &[5; 100]).await.unwrap().into_body();
        assert_eq!(in_vain(&body.collect().await.unwrap_err()), "end of the answer");
        assert_eq!(began.elapsed().as_secs(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_late_is_not_the_providers_silence() {
        let mut body = answer(1, &[1, 9, 9]).await.unwrap().into_body();
        for _ in 0..3 {
            assert!(body.frame().await.unwrap().is_ok());
            tokio::time::advance(Duration::from_secs(11)).await;
        }
        assert!(body.frame().await.is_none());
    }
}
