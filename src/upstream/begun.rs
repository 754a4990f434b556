//! A body of which the first frames are known.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::Error;

/// Yields the frames that were read ahead, then the rest.
#[derive(Debug)]
pub(super) struct Begun<B> {
    ahead: VecDeque<Bytes>,
    /// What ended the body, where that was read ahead too.
    end: Option<Result<(), Error>>,
    inner: B,
}

impl<B> Begun<B>
where
    B: Body<Data = Bytes, Error = Error> + Unpin,
{
    /// A body of which nothing is known yet.
    pub(super) const fn new(inner: B) -> Self {
        Self { ahead: VecDeque::new(), end: None, inner }
    }

    /// Waits for the first bytes; tells whether there are any. Looks also whether they are all.
    pub(super) fn poll_first(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        while self.ahead.is_empty() {
            match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                Some(Ok(frame)) => self.ahead.extend(frame.into_data().ok().filter(|data| !data.is_empty())),
                Some(Err(error)) => return Poll::Ready(Err(error)),
                None => return Poll::Ready(Ok(false)),
            }
        }
        if self.end.is_none()
            && !self.inner.is_end_stream()
            && let Poll::Ready(next) = Pin::new(&mut self.inner).poll_frame(cx)
        {
            match next {
                Some(Ok(frame)) => self.ahead.extend(frame.into_data().ok()),
                Some(Err(error)) => self.end = Some(Err(error)),
                None => self.end = Some(Ok(())),
            }
        }
        Poll::Ready(Ok(true))
    }

    /// The same, awaited.
    pub(super) async fn begin(&mut self) -> Result<bool, Error> {
        if self.ahead.is_empty() { std::future::poll_fn(|cx| self.poll_first(cx)).await } else { Ok(true) }
    }

    /// The first bytes.
    pub(super) fn first(&self) -> &[u8] {
        self.ahead.front().map(AsRef::as_ref).unwrap_or_default()
    }

    /// The whole body, if it came in one frame and is known to have ended.
    pub(super) fn whole(&mut self) -> Option<Bytes> {
        let ended = matches!(self.end, Some(Ok(()))) || self.end.is_none() && self.inner.is_end_stream();
        if ended && self.ahead.len() == 1 { self.ahead.pop_front() } else { None }
    }
}

impl<B> Body for Begun<B>
where
    B: Body<Data = Bytes, Error = Error> + Unpin,
{
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Some(data) = self.ahead.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        match &mut self.end {
            None => Pin::new(&mut self.inner).poll_frame(cx),
            Some(end) => Poll::Ready(std::mem::replace(end, Ok(())).err().map(Err)),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ahead.is_empty() && self.end.as_ref().map_or_else(|| self.inner.is_end_stream(), Result::is_ok)
    }

    fn size_hint(&self) -> SizeHint {
        let ahead = self.ahead.iter().map(|data| data.len() as u64).sum::<u64>();
        let rest = if self.end.is_some() { SizeHint::with_exact(0) } else { self.inner.size_hint() };
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + ahead);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + ahead);
        }
        hint
    }
}
