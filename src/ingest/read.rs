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
        silence: Option<Pin<Box<Sleep>>>,
        waits: bool,
    }
}

impl<B> ReadBody<B> {
    /// Reads `body`, whose length `headers` may tell.
    pub(super) fn new(body: B, headers: &HeaderMap, limits: BodyLimits) -> Self {
        let told = headers.get(CONTENT_LENGTH).and_then(|len| len.to_str().ok()?.parse().ok());
        Self { body, limits, told, first: Bytes::new(), joined: BytesMut::new(), silence: None, waits: false }
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
            *this.waits = false;
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
        let limit = this.limits.timeout;
        let silence = this.silence.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        if !std::mem::replace(this.waits, true) {
            silence.as_mut().reset(Instant::now() + limit);
        }
        silence.as_mut().poll(cx).map(|()| Err(Error::BodyTimeout(limit)))
    }
}
