//! Collects a body within limits.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep};

use super::BodyLimits;
use crate::Error;
use crate::error::BoxError;

pin_project! {
    /// A body on its way in. One that comes in a single frame is not copied, and one that is there
    /// already starts no timer.
    pub struct ReadBody<B> {
        #[pin]
        body: B,
        limits: BodyLimits,
        told: Option<usize>,
        first: Bytes,
        joined: BytesMut,
        wait: Option<Wait>,
    }
}

impl<B> ReadBody<B> {
    /// Reads `body`, whose length `headers` may tell.
    pub(super) fn new(body: B, headers: &HeaderMap, limits: BodyLimits) -> Self {
        Self::of_length(
            body,
            headers.get(CONTENT_LENGTH).and_then(|len| len.to_str().ok()?.parse().ok()),
            limits,
        )
    }

    /// Reads `body`, whose length was `told`.
    pub(crate) fn of_length(body: B, told: Option<usize>, limits: BodyLimits) -> Self {
        Self { body, limits, told, first: Bytes::new(), joined: BytesMut::new(), wait: None }
    }
}

/// A client that is waited for.
struct Wait {
    /// When all must be there.
    end: Instant,
    /// Until when something must come, and the timer for it.
    until: Instant,
    sleep: Pin<Box<Sleep>>,
    /// Whether nothing came since the timer was set.
    silent: bool,
}

impl Wait {
    fn new(limits: BodyLimits) -> Self {
        let now = Instant::now();
        let until = now + limits.timeout.min(limits.total);
        let sleep = Box::pin(tokio::time::sleep_until(until));
        Self { end: now + limits.total, until, sleep, silent: true }
    }

    /// Ready with the error once the client has taken too long.
    fn poll(&mut self, cx: &mut Context<'_>, limits: BodyLimits) -> Poll<Error> {
        if !std::mem::replace(&mut self.silent, true) {
            self.until = self.end.min(Instant::now() + limits.timeout);
            self.sleep.as_mut().reset(self.until);
        }
        self.sleep.as_mut().poll(cx).map(|()| {
            if self.until < self.end {
                Error::BodyTimeout(limits.timeout)
            } else {
                Error::BodySlow(limits.total)
            }
        })
    }
}

impl<B> Future for ReadBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Output = Result<Bytes, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let too_large = Error::BodyTooLarge { limit: this.limits.max_bytes };
        if this.told.is_some_and(|len| len > this.limits.max_bytes) {
            return Poll::Ready(Err(too_large));
        }
        loop {
            let Poll::Ready(frame) = this.body.as_mut().poll_frame(cx) else { break };
            if let Some(wait) = this.wait {
                wait.silent = false;
            }
            let data = match frame {
                None => {
                    let first = std::mem::take(this.first);
                    let joined = std::mem::take(this.joined);
                    return Poll::Ready(Ok(if joined.is_empty() { first } else { joined.freeze() }));
                }
                Some(Err(error)) => return Poll::Ready(Err(Error::BodyBroken(error.into()))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => data,
                    Err(_) => continue,
                },
            };
            if this.first.len() + this.joined.len() + data.len() > this.limits.max_bytes {
                return Poll::Ready(Err(too_large));
            }
            if this.first.is_empty() && this.joined.is_empty() {
                *this.first = data;
                continue;
            }
            if this.joined.is_empty() {
                // What was told bounds the growth; what was not told grows as it comes.
                this.joined.reserve(this.told.unwrap_or(this.first.len() + data.len()));
                this.joined.extend_from_slice(&std::mem::take(this.first));
            }
            this.joined.extend_from_slice(&data);
        }
        this.wait.get_or_insert_with(|| Wait::new(*this.limits)).poll(cx, *this.limits).map(Err)
    }
}

#[cfg(test)]
mod tests {
    use std::task::ready;
    use std::time::Duration;

    use http_body::Frame;

    use super::*;

    /// A body of which a byte comes every so often.
    struct Drip {
        every: Duration,
        sleep: Pin<Box<tokio::time::Sleep>>,
    }

    async fn read(body: Drip, limits: BodyLimits) -> Result<Bytes, Error> {
        ReadBody::new(body, &HeaderMap::new(), limits).await
    }

    fn drip(every: Duration) -> Drip {
        Drip { every, sleep: Box::pin(tokio::time::sleep(every)) }
    }

    impl Body for Drip {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            ready!(self.sleep.as_mut().poll(cx));
            let next = Instant::now() + self.every;
            self.sleep.as_mut().reset(next);
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b" ")))))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_may_neither_pause_nor_take_for_ever() {
        let limits =
            BodyLimits { max_bytes: 1024, timeout: Duration::from_secs(30), total: Duration::from_mins(10) };
        let began = Instant::now();
        let slow = read(drip(Duration::from_secs(29)), limits).await;
        assert!(matches!(slow, Err(Error::BodySlow(_))), "{slow:?}");
        assert_eq!(began.elapsed().as_secs(), 600);
        let silent = read(drip(Duration::from_secs(31)), limits).await;
        assert!(matches!(silent, Err(Error::BodyTimeout(_))), "{silent:?}");
        assert_eq!(began.elapsed().as_secs(), 630);
    }
}
