use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

/// How a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The last byte was handed on.
    Complete,
    /// The inner body failed.
    Error,
    /// The body was dropped before its end: the client went away.
    Cancelled,
}

/// Watches a body pass. Sees each data frame and then, exactly once, the end.
pub trait Observe {
    /// A data frame, before it is handed outward.
    fn frame(&mut self, data: &Bytes);

    /// The end of the body. Called once, also when the body is dropped unread.
    fn end(&mut self, end: End);
}

pin_project! {
    /// Hands a body through unchanged while an [`Observe`] watches it.
    ///
    /// The observer stands below the inner body on purpose: fields drop in declaration order, so on
    /// a hang-up the innermost tap of a stack ends first and the outer ones see what it wrote.
    pub struct Tap<B, O>
    where
        O: Observe,
    {
        #[pin]
        inner: B,
        guard: Guard<O>,
    }
}

impl<B, O> Tap<B, O>
where
    B: Body<Data = Bytes>,
    O: Observe,
{
    /// Wraps `inner`. A body that is empty from the start ends here, as nobody may poll it.
    pub fn new(inner: B, observer: O) -> Self {
        let mut guard = Guard { observer, ended: false };
        if inner.is_end_stream() {
            guard.end(End::Complete);
        }
        Self { inner, guard }
    }
}

impl<B, O> Body for Tap<B, O>
where
    B: Body<Data = Bytes>,
    O: Observe,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        let frame = ready!(this.inner.as_mut().poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    this.guard.observer.frame(data);
                }
                // A server does not poll again once the length is reached.
                if this.inner.is_end_stream() {
                    this.guard.end(End::Complete);
                }
            }
            Some(Err(_)) => this.guard.end(End::Error),
            None => this.guard.end(End::Complete),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B, O: Observe> std::fmt::Debug for Tap<B, O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tap").field("ended", &self.guard.ended).finish_non_exhaustive()
    }
}

struct Guard<O: Observe> {
    observer: O,
    ended: bool,
}

impl<O: Observe> Guard<O> {
    fn end(&mut self, end: End) {
        if !std::mem::replace(&mut self.ended, true) {
            self.observer.end(end);
        }
    }
}

impl<O: Observe> Drop for Guard<O> {
    fn drop(&mut self) {
        self.end(End::Cancelled);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use http_body_util::{BodyExt, Empty, Full};

    use super::*;

    #[derive(Clone, Default)]
    struct Seen(Arc<Mutex<(Vec<u8>, Vec<End>)>>);

    impl Observe for Seen {
        fn frame(&mut self, data: &Bytes) {
            self.0.lock().unwrap().0.extend_from_slice(data);
        }

        fn end(&mut self, end: End) {
            self.0.lock().unwrap().1.push(end);
        }
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        let mut future = std::pin::pin!(future);
        loop {
            let mut cx = Context::from_waker(std::task::Waker::noop());
            if let Poll::Ready(out) = future.as_mut().poll(&mut cx) {
                return out;
            }
        }
    }

    #[test]
    fn a_collected_body_ends_complete_once() {
        let seen = Seen::default();
        let tap = Tap::new(Full::new(Bytes::from_static(b"hello")), seen.clone());
        let out = block_on(tap.collect()).unwrap().to_bytes();
        assert_eq!(out, "hello");
        assert_eq!(*seen.0.lock().unwrap(), (b"hello".to_vec(), vec![End::Complete]));
    }

    #[test]
    fn an_empty_body_ends_complete_without_a_poll() {
        let seen = Seen::default();
        drop(Tap::new(Empty::<Bytes>::new(), seen.clone()));
        assert_eq!(seen.0.lock().unwrap().1, [End::Complete]);
    }

    #[test]
    fn a_body_dropped_unread_ends_cancelled() {
        let seen = Seen::default();
        drop(Tap::new(Full::new(Bytes::from_static(b"hello")), seen.clone()));
        assert_eq!(seen.0.lock().unwrap().1, [End::Cancelled]);
    }

    /// Yields what it holds, then is pending for ever.
    struct Frames(Vec<Result<Frame<Bytes>, &'static str>>);

    impl Body for Frames {
        type Data = Bytes;
        type Error = &'static str;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
            if self.0.is_empty() { Poll::Pending } else { Poll::Ready(Some(self.0.remove(0))) }
        }
    }

    #[test]
    fn a_failing_body_ends_with_error_even_when_dropped_after() {
        let seen = Seen::default();
        let frames = Frames(vec![Ok(Frame::data(Bytes::from_static(b"a"))), Err("reset")]);
        assert!(block_on(Tap::new(frames, seen.clone()).collect()).is_err());
        assert_eq!(seen.0.lock().unwrap().1, [End::Error]);
    }

    #[test]
    fn on_a_hang_up_the_innermost_tap_ends_first() {
        struct Name(&'static str, Arc<Mutex<Vec<&'static str>>>);
        impl Observe for Name {
            fn frame(&mut self, _: &Bytes) {}
            fn end(&mut self, _: End) {
                self.1.lock().unwrap().push(self.0);
            }
        }
        let order = Arc::new(Mutex::new(Vec::new()));
        let inner = Tap::new(Full::new(Bytes::from_static(b"x")), Name("inner", order.clone()));
        drop(Tap::new(inner, Name("outer", order.clone())));
        assert_eq!(*order.lock().unwrap(), ["inner", "outer"]);
    }
}
