use std::time::Duration;

use bytes::Bytes;
use http::response::Parts;
use tollway_core::{End, Money};

/// Opens a [`Tab`] for each request to a service that may fail with an `E`.
pub trait OpenTab<Req, E> {
    /// Where what a request comes to is written down.
    type Tab: Tab;

    /// Opens it, before the request goes on.
    fn open(&self, req: &Req) -> Self::Tab;

    /// The service has failed: there will be no answer. The tab is closed after that.
    fn failed(&self, _tab: &mut Self::Tab, _error: &E) {}
}

/// What one request comes to, from when it is let through until nobody works on it any more.
///
/// It is closed exactly once, by whatever way the request ends.
pub trait Tab: Send + 'static {
    /// The answer's head is here.
    fn head(&mut self, _head: &Parts) {}

    /// How many bytes of the answer may be held back until it is whole, so that its cost can stand in its
    /// head. Asked once, after the head. Zero passes all on as it comes, as for streams.
    fn gathers(&self) -> usize {
        0
    }

    /// What the request costs, if that is known while the answer's head is still here.
    fn known(&mut self) -> Option<Money> {
        None
    }

    /// A piece of the answer has come, whether or not there is still a client.
    fn frame(&mut self, _data: &Bytes) {}

    /// The client has left: for how long what comes is still worth reading, to know what it cost. Zero
    /// ends the request to the provider at once.
    fn patience(&mut self) -> Duration {
        Duration::ZERO
    }

    /// Whether enough was read after the client had left. Asked after each piece.
    fn is_enough(&self) -> bool {
        false
    }

    /// Nobody works on it any more. Gives what it came to; nothing where that is not known, and what
    /// was reserved is taken to be spent.
    fn close(self, end: End) -> Option<Money>;
}
