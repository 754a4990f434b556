//! The body of a request to a provider.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use http_body_util::combinators::UnsyncBoxBody;

use crate::error::BoxError;

/// What is sent: bytes that are there, a body that passes as the client sends it, or none, as the
/// connection is to become a WebSocket.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// All of it.
    Whole(Full<Bytes>),
    /// Piece by piece.
    Streamed(UnsyncBoxBody<Bytes, BoxError>),
    /// Nothing: the request asks for an upgrade, which HTTP/1.1 alone can do.
    Upgrade,
}

impl From<Full<Bytes>> for Outgoing {
    fn from(body: Full<Bytes>) -> Self {
        Self::Whole(body)
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
            Self::Streamed(body) => Pin::new(body).poll_frame(cx),
            Self::Upgrade => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Streamed(body) => body.is_end_stream(),
            Self::Upgrade => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Streamed(body) => body.size_hint(),
            Self::Upgrade => SizeHint::with_exact(0),
        }
    }
}
