use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tollway_core::End;

use super::Tab;
use super::account::Account;
use super::gathering::Ahead;
use super::rest::read_body;

/// The body of an answer. When it ends, the request's [`Tab`] is closed; when it is dropped before, it is
/// read on, for as long as the tab has patience.
pub struct CostBody<B, T>
where
    B: Body<Data = Bytes> + Unpin + Send + 'static,
    T: Tab,
{
    /// What has come already; the tab has seen it.
    ahead: Ahead<B::Error>,
    /// None once it has ended or was dropped.
    inner: Option<B>,
    account: Account<T>,
}

impl<B, T> CostBody<B, T>
where
    B: Body<Data = Bytes> + Unpin + Send + 'static,
    T: Tab,
{
    /// A body that is empty from the start ends here, as nobody may poll it.
    pub(super) fn new(ahead: Ahead<B::Error>, inner: Option<B>, account: Account<T>) -> Self {
        let mut body = Self { ahead, inner, account };
        body.close_at_end();
        body
    }

    fn close_at_end(&mut self) {
        if self.is_end_stream() {
            self.account.close(End::Complete);
        }
    }
}

impl<B, T> Body for CostBody<B, T>
where
    B: Body<Data = Bytes> + Unpin + Send + 'static,
    T: Tab,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        // Nothing of it is pinned but what is `Unpin`.
        let this = self.get_mut();
        let frame = match this.ahead.pop_front() {
            Some(frame) => Some(frame),
            None => match &mut this.inner {
                Some(inner) => ready!(Pin::new(inner).poll_frame(cx)).inspect(|frame| {
                    if let Some(data) = frame.as_ref().ok().and_then(Frame::data_ref) {
                        this.account.frame(data);
                    }
                }),
                None => None,
            },
        };
        match &frame {
            // A server does not poll again once the length is reached.
            Some(Ok(_)) => this.close_at_end(),
            Some(Err(_)) => this.account.close(End::Error),
            None => this.account.close(End::Complete),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.ahead.is_empty() && self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let lengths = self.ahead.iter().filter_map(|frame| frame.as_ref().ok()?.data_ref());
        let ahead: u64 = lengths.map(|data| data.len() as u64).sum();
        let rest = self.inner.as_ref().map(Body::size_hint).unwrap_or_default();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(ahead));
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(ahead)) {
            hint.set_upper(upper);
        }
        hint
    }
}

// What is moved out when it is dropped is `Unpin`, and so is this.
impl<B, T> Unpin for CostBody<B, T>
where
    B: Body<Data = Bytes> + Unpin + Send + 'static,
    T: Tab,
{
}

impl<B, T> Drop for CostBody<B, T>
where
    B: Body<Data = Bytes> + Unpin + Send + 'static,
    T: Tab,
{
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take() {
            self.account.leave(|account| read_body(account, inner));
        }
    }
}

impl<B, T> std::fmt::Debug for CostBody<B, T>
where
    B: Body<Data = Bytes> + Unpin + Send + 'static,
    T: Tab,
{
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CostBody").field("open", &self.account.is_open()).finish_non_exhaustive()
    }
}
