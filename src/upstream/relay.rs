//! A streamed answer of the client's own dialect, relayed as it passes.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
use pin_project_lite::pin_project;
use tollway_core::{Attempt, Outcome, Usage};
use tollway_wire::relay::{self, Reading, UsageStrip, UsageTap};
use tollway_wire::{StreamEnd, Truncated, openai};

use super::attempt::Ending;
use crate::Error;
use crate::error::BoxError;

pin_project! {
    /// The bytes as they came, frame by frame, while usage is read from them.
    ///
    /// An answer that breaks off gets an error frame at its end, so that it never looks whole.
    pub(super) struct Relayed<B> {
        #[pin]
        inner: B,
        way: Way,
        usage: Option<Usage>,
        attempt: Arc<Attempt>,
        done: bool,
        ending: Ending,
    }
}

/// Whether the usage chunk is the client's, or was our idea and is taken out.
enum Way {
    Tap(UsageTap),
    Strip(UsageStrip),
}

impl<B> Relayed<B> {
    /// Relays an answer of `n` choices.
    pub(super) fn new(inner: B, strip_usage: bool, n: Option<u64>, attempt: Arc<Attempt>) -> Self {
        let way = if strip_usage { Way::Strip(UsageStrip::new(n)) } else { Way::Tap(UsageTap::stream(n)) };
        let ending = Ending::new(attempt.clone());
        Self { inner, way, usage: None, attempt, done: false, ending }
    }
}

impl Way {
    fn feed(&mut self, data: Bytes) -> Bytes {
        match self {
            Self::Tap(tap) => {
                tap.feed(&data);
                data
            }
            Self::Strip(strip) => strip.feed(data),
        }
    }

    /// What is left to send, and whether the answer was whole.
    fn finish(&mut self) -> (Bytes, Result<StreamEnd, Truncated>) {
        match self {
            Self::Tap(tap) => (Bytes::new(), tap.finish()),
            Self::Strip(strip) => {
                let relay::Ending { rest, end } = strip.finish();
                (rest, end)
            }
        }
    }

    const fn reading(&self) -> &Reading {
        match self {
            Self::Tap(tap) => tap.reading(),
            Self::Strip(strip) => strip.reading(),
        }
    }

    const fn at_event_boundary(&self) -> bool {
        match self {
            Self::Tap(tap) => tap.at_event_boundary(),
            Self::Strip(strip) => strip.at_event_boundary(),
        }
    }
}

impl<B> Body for Relayed<B>
where
    B: Body<Data = Bytes, Error = Error>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut this = self.project();
        while !*this.done {
            let (bytes, outcome) = match ready!(this.inner.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => {
                    let Ok(data) = frame.into_data() else { continue };
                    (this.way.feed(data), None)
                }
                Some(Err(error)) => (failure(this.way, &error), Some(error.outcome())),
                None => match this.way.finish() {
                    (rest, Ok(StreamEnd)) => (rest, Some(Outcome::Complete)),
                    // The provider told the client itself.
                    (rest, Err(Truncated)) if this.way.reading().error_passed() => {
                        (rest, Some(Outcome::Refused))
                    }
                    (_, Err(truncated)) => {
                        let provider = this.attempt.upstream().provider.to_string();
                        let error = Error::Broken { provider, reason: truncated.to_string() };
                        (failure(this.way, &error), Some(Outcome::Broken))
                    }
                },
            };
            let reading = this.way.reading();
            if reading.content_passed() {
                this.attempt.set_first_byte();
            }
            if let Some(usage) = reading.usage()
                && *this.usage != Some(usage)
            {
                *this.usage = Some(usage);
                this.attempt.set_usage(usage);
            }
            if let Some(outcome) = outcome {
                *this.done = true;
                this.ending.set(outcome);
            }
            if !bytes.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.done
    }
}

/// The error frame that ends a broken stream.
fn failure(way: &Way, error: &Error) -> Bytes {
    let mut frame = BytesMut::new();
    if !way.at_event_boundary() {
        // What was cut off must not swallow the error.
        frame.extend_from_slice(b"\n\n");
    }
    frame.extend_from_slice(b"data: ");
    frame.extend_from_slice(&openai::encode_error(&error.to_api_error()));
    frame.extend_from_slice(b"\n\n");
    frame.freeze()
}
