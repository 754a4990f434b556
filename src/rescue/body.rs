use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::Error;

pin_project! {
    /// A body whose panic is its error: the head is sent, so that all that can be done is to end
    /// the answer as one that is not whole.
    #[derive(Debug)]
    pub struct RescuedBody<B> {
        #[pin]
        inner: B,
        panicked: bool,
    }
}

impl<B> RescuedBody<B> {
    pub(super) const fn new(inner: B) -> Self {
        Self { inner, panicked: false }
    }
}

impl<B> Body for RescuedBody<B>
where
    B: Body,
    B::Error: From<Error>,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        if *this.panicked {
            return Poll::Ready(None);
        }
        let inner = this.inner;
        catch_unwind(AssertUnwindSafe(|| inner.poll_frame(cx))).unwrap_or_else(|_| {
            // The panic hook has written where and why. The body stays where it is until it is
            // dropped from outside, so that the exchange ends as broken and not as cancelled.
            *this.panicked = true;
            Poll::Ready(Some(Err(Error::Internal.into())))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.panicked || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
