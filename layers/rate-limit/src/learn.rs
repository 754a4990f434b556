use bytes::Bytes;
use tollway_core::End;

use crate::Actual;

/// Finds out what a request really takes.
///
/// Sees the request before it is passed on, and what it makes of it sees the end. Closures that return
/// closures implement it:
///
/// ```
/// use std::sync::Arc;
/// use tollway_core::{End, Exchange, Usage};
/// use tollway_rate_limit::{Actual, Learn};
///
/// let learn = |request: &http::Request<()>| {
///     let exchange = request.extensions().get::<Arc<Exchange>>().cloned();
///     move |_: End| {
///         let mut usage = Usage::default();
///         for attempt in exchange?.attempts() {
///             usage += attempt.usage().unwrap_or_default();
///         }
///         Some(Actual::tokens(usage.input, usage.output))
///     }
/// };
/// # fn is_one<R>(_: impl Learn<R>) {}
/// # is_one::<http::Request<()>>(learn);
/// ```
pub trait Learn<Req> {
    /// What watches one request.
    type Watch: Watch;

    /// Begins to watch a request that may pass.
    fn watch(&self, req: &Req) -> Self::Watch;
}

/// Watches one request.
pub trait Watch {
    /// Sees a data frame of the answer before it is handed outward.
    fn frame(&mut self, _data: &Bytes) {}

    /// Says what the request took, or nothing where the estimate is all there is.
    ///
    /// Called once: when the answer's body has ended, when the service failed ([`End::Error`]), or when
    /// either was dropped ([`End::Cancelled`]).
    fn end(self, end: End) -> Option<Actual>;
}

impl<F, W, Req> Learn<Req> for F
where
    F: Fn(&Req) -> W,
    W: Watch,
{
    type Watch = W;

    fn watch(&self, req: &Req) -> W {
        self(req)
    }
}

impl<F> Watch for F
where
    F: FnOnce(End) -> Option<Actual>,
{
    fn end(self, end: End) -> Option<Actual> {
        self(end)
    }
}

/// Learns nothing: what was estimated stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeepEstimate;

impl<Req> Learn<Req> for KeepEstimate {
    type Watch = Self;

    fn watch(&self, _: &Req) -> Self {
        Self
    }
}

impl Watch for KeepEstimate {
    fn end(self, _: End) -> Option<Actual> {
        None
    }
}
