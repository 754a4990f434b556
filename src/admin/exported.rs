use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};
use tollway_usage::{Export, StoreError};

/// An export as a body: the next piece is read when the one before has gone.
pub(super) struct Exported {
    /// The piece that is being read; none at the end.
    reading: Option<Reading>,
}

type Reading = Pin<Box<dyn Future<Output = Result<Option<(Vec<u8>, Export)>, StoreError>> + Send>>;

impl Exported {
    pub(super) fn new(export: Export) -> Self {
        Self { reading: Some(Box::pin(next(export))) }
    }
}

async fn next(mut export: Export) -> Result<Option<(Vec<u8>, Export)>, StoreError> {
    Ok(export.next().await?.map(|piece| (piece, export)))
}

impl Body for Exported {
    type Data = Bytes;
    type Error = StoreError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StoreError>>> {
        let Some(reading) = &mut self.reading else { return Poll::Ready(None) };
        let read = ready!(reading.as_mut().poll(cx));
        self.reading = None;
        Poll::Ready(match read {
            Ok(Some((piece, export))) => {
                self.reading = Some(Box::pin(next(export)));
                Some(Ok(Frame::data(piece.into())))
            }
            Ok(None) => None,
            Err(error) => {
                tracing::error!("an export of usage broke off: {}", crate::error::chain(&error));
                Some(Err(error))
            }
        })
    }
}
