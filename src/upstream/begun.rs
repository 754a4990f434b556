//! A body of which the first frames are known.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;

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
    /// Waits for the first bytes. A body without any has none.
    pub(super) async fn new(mut inner: B) -> Result<Option<Self>, Error> {
        loop {
            match inner.frame().await {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => {
                        return Ok(Some(Self { ahead: VecDeque::from([data]), end: None, inner }));
                    }
                    _ => {}
                },
                Some(Err(error)) => return Err(error),
                None => return Ok(None),
            }
        }
    }

    /// The first bytes.
    pub(super) fn first(&self) -> &[u8] {
        self.ahead.front().map(AsRef::as_ref).unwrap_or_default()
    }

    /// The whole body, if it came in one frame and is known to have ended. Looks at what has come
    /// already, and waits for nothing.
    pub(super) async fn whole(&mut self) -> Option<Bytes> {
        if self.end.is_none() && !self.inner.is_end_stream() {
            std::future::poll_fn(|cx| {
                if let Poll::Ready(next) = Pin::new(&mut self.inner).poll_frame(cx) {
                    match next {
                        Some(Ok(frame)) => self.ahead.extend(frame.into_data().ok()),
                        Some(Err(error)) => self.end = Some(Err(error)),
                        None => self.end = Some(Ok(())),
                    }
                }
                Poll::Ready(())
            })
            .await;
        }
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
