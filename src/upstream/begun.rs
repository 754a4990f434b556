//! A body of which the first frames are known.

use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::Error;

/// Yields the frames that were read ahead, then the rest.
#[derive(Debug)]
pub(super) struct Begun<B> {
    /// What was read ahead, in order; empty once it was handed on.
    ahead: [Bytes; 2],
    /// Whether the end was read ahead too.
    ended: bool,
    inner: B,
}

impl<B> Begun<B>
where
    B: Body<Data = Bytes, Error = Error> + Unpin,
{
    /// A body of which nothing is known yet.
    pub(super) const fn new(inner: B) -> Self {
        Self { ahead: [Bytes::new(), Bytes::new()], ended: false, inner }
    }

    /// Waits for the first bytes; tells whether there are any.
    pub(super) fn poll_first(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        let [first, _] = &mut self.ahead;
        while first.is_empty() {
            match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                Some(Ok(frame)) => *first = frame.into_data().unwrap_or_default(),
                Some(Err(error)) => return Poll::Ready(Err(error)),
                None => return Poll::Ready(Ok(false)),
            }
        }
        Poll::Ready(Ok(true))
    }

    /// The same, awaited.
    pub(super) async fn begin(&mut self) -> Result<bool, Error> {
        std::future::poll_fn(|cx| self.poll_first(cx)).await
    }

    /// The first bytes.
    pub(super) fn first(&self) -> &[u8] {
        &self.ahead[0]
    }

    /// The whole body, if it came in one frame and is known to have ended. Looks at what has come
    /// already and waits for nothing: who reads on waits for the rest.
    /// An error is told while there is still a head to tell it in.
    pub(super) fn whole(&mut self) -> Result<Option<Bytes>, Error> {
        if !self.ended && !self.inner.is_end_stream() {
            let mut cx = Context::from_waker(Waker::noop());
            match Pin::new(&mut self.inner).poll_frame(&mut cx) {
                Poll::Ready(Some(Ok(frame))) => self.ahead[1] = frame.into_data().unwrap_or_default(),
                Poll::Ready(Some(Err(error))) => return Err(error),
                Poll::Ready(None) => self.ended = true,
                Poll::Pending => {}
            }
        }
        let ended = self.ended || self.inner.is_end_stream();
        Ok((ended && self.ahead[1].is_empty()).then(|| std::mem::take(&mut self.ahead[0])))
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
        if let Some(data) = self.ahead.iter_mut().find(|data| !data.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(data)))));
        }
        if self.ended { Poll::Ready(None) } else { Pin::new(&mut self.inner).poll_frame(cx) }
    }

    fn is_end_stream(&self) -> bool {
        self.ahead.iter().all(Bytes::is_empty) && (self.ended || self.inner.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let ahead = self.ahead.iter().map(|data| data.len() as u64).sum::<u64>();
        let rest = if self.ended { SizeHint::with_exact(0) } else { self.inner.size_hint() };
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + ahead);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + ahead);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use http_body_util::BodyExt;

    use super::*;

    /// Frames that are there, and whether there may be more.
    #[derive(Debug)]
    struct Frames {
        left: VecDeque<Result<&'static str, ()>>,
        more: bool,
    }

    impl Body for Frames {
        type Data = Bytes;
        type Error = Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
            match self.left.pop_front() {
                Some(frame) => {
                    let frame = frame.map(|text| Frame::data(text.into())).map_err(|()| Error::Internal);
                    Poll::Ready(Some(frame))
                }
                None if self.more => Poll::Pending,
                None => Poll::Ready(None),
            }
        }
    }

    async fn begun(left: &[Result<&'static str, ()>], more: bool) -> Result<Option<Begun<Frames>>, Error> {
        let mut body = Begun::new(Frames { left: left.iter().copied().collect(), more });
        Ok(body.begin().await?.then_some(body))
    }

    #[tokio::test]
    async fn one_frame_and_the_end_are_the_whole() {
        let mut body = begun(&[Ok(""), Ok("a")], false).await.unwrap().unwrap();
        assert_eq!(body.first(), b"a");
        assert_eq!(body.whole().unwrap().unwrap(), "a");
        assert!(begun(&[Ok("")], false).await.unwrap().is_none());
        assert!(begun(&[Err(())], false).await.is_err());
    }

    #[tokio::test]
    async fn nothing_that_was_read_ahead_is_lost() {
        let mut body = begun(&[Ok("a"), Ok("b"), Ok("c")], false).await.unwrap().unwrap();
        assert!(body.whole().unwrap().is_none());
        assert_eq!(body.size_hint().lower(), 2);
        assert_eq!(body.collect().await.unwrap().to_bytes(), "abc");

        // There is still a head to tell it in.
        let mut body = begun(&[Ok("a"), Err(())], false).await.unwrap().unwrap();
        assert!(body.whole().is_err());

        // What may still come is waited for by whoever reads on.
        let mut body = begun(&[Ok("a")], true).await.unwrap().unwrap();
        assert!(body.whole().unwrap().is_none());
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "a");
    }
}
