use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::response::Parts;
use http_body::{Body, Frame};

use super::Tab;
use super::account::Account;

/// What of a body has come before its head goes out.
pub(super) type Ahead<E> = VecDeque<Result<Frame<Bytes>, E>>;

/// An answer whose head is held back until its body is whole, too large for that, or known to take its
/// time.
pub(super) struct Gathering<B: Body> {
    head: Parts,
    ahead: Ahead<B::Error>,
    /// None once all of it has come.
    body: Option<B>,
    /// How many bytes more may be held back.
    room: usize,
}

impl<B> Gathering<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    /// Holds back so many bytes at most.
    pub(super) const fn new(head: Parts, body: B, room: usize) -> Self {
        Self { head, ahead: VecDeque::new(), body: Some(body), room }
    }

    /// Waits until all that will be held back is here.
    pub(super) fn poll<T: Tab>(&mut self, cx: &mut Context<'_>, account: &mut Account<T>) -> Poll<()> {
        while self.room > 0
            && let Some(body) = self.body.as_mut().filter(|body| !body.is_end_stream())
        {
            let Some(frame) = ready!(Pin::new(body).poll_frame(cx)) else {
                self.body = None;
                break;
            };
            let data = frame.as_ref().ok().and_then(Frame::data_ref);
            self.room = match data {
                // Blanks keep a connection alive on which the answer is still far.
                Some(data) if data.iter().any(|byte| !byte.is_ascii_whitespace()) => {
                    self.room.saturating_sub(data.len())
                }
                Some(data) if data.is_empty() => self.room,
                _ => 0,
            };
            if let Some(data) = data {
                account.frame(data);
            }
            self.ahead.push_back(frame);
        }
        Poll::Ready(())
    }

    /// The head, what has come of the body, and the rest of it.
    pub(super) fn into_parts(self) -> (Parts, Ahead<B::Error>, Option<B>) {
        (self.head, self.ahead, self.body)
    }
}
