//! A streamed answer of the client's own dialect, relayed as it passes.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};
use pin_project_lite::pin_project;
use tollway_core::{Attempt, Outcome, Usage};
use tollway_wire::StreamEnd;
use tollway_wire::relay::{self, UsageStrip};

use super::attempt::Ending;
use super::convert::Relay;
use super::redact::Secrets;
use super::streamed::Streamed;
use crate::Error;
use crate::error::BoxError;

pin_project! {
    /// The bytes as they came, frame by frame, while usage is read from them. An event that has not
    /// ended waits for its end, so that whatever follows can be read.
    ///
    /// An answer that breaks off gets an error frame at its end, so that it never looks whole.
    pub(super) struct Relayed<B> {
        #[pin]
        inner: B,
        strip: UsageStrip,
        usage: Option<Usage>,
        attempt: Arc<Attempt>,
        secrets: Arc<Secrets>,
        done: bool,
        ending: Ending,
        // Below what records the end, which it asks for.
        streamed: Streamed,
    }

    impl<B> PinnedDrop for Relayed<B> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            // Nobody asks any more, and what was told by then is all there is.
            if !*this.done {
                this.attempt.set_told(this.strip.take_told());
            }
        }
    }
}

impl<B> Relayed<B> {
    /// Relays an answer, less what `relay` says.
    pub(super) fn new(inner: B, relay: Relay, attempt: Arc<Attempt>, secrets: Arc<Secrets>) -> Self {
        let Relay { dialect, framing, n, strip_usage } = relay;
        let strip = if strip_usage {
            UsageStrip::new(dialect, framing, n)
        } else {
            UsageStrip::keeping(dialect, framing, n)
        };
        let ending = Ending::new(attempt.clone());
        let streamed = Streamed::relayed(attempt.clone(), dialect);
        Self { inner, strip, usage: None, attempt, secrets, done: false, ending, streamed }
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
            let (mut bytes, outcome) = match ready!(this.inner.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => {
                    let Ok(data) = frame.into_data() else { continue };
                    let events = this.strip.feed(data);
                    this.streamed.frame(&events);
                    (events, None)
                }
                Some(Err(error)) => (this.strip.fail(&error.to_api_error()), Some(error.outcome())),
                None => match this.strip.finish() {
                    relay::Ending { rest, end: Ok(StreamEnd) } => (rest, Some(Outcome::Complete)),
                    // The provider told the client itself.
                    relay::Ending { rest, .. } if this.strip.reading().error_passed() => {
                        (rest, Some(Outcome::Refused))
                    }
                    relay::Ending { end: Err(truncated), .. } => {
                        let provider = this.attempt.upstream().provider.to_string();
                        let error = Error::Broken { provider, reason: truncated.to_string() };
                        (this.strip.fail(&error.to_api_error()), Some(Outcome::Broken))
                    }
                },
            };
            let reading = this.strip.reading();
            if reading.error_passed() {
                bytes = this.secrets.body(bytes);
            }
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
                this.attempt.set_told(this.strip.take_told());
                this.ending.set(outcome);
                this.streamed.settle();
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
