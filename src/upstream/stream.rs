//! A streamed answer, translated as it passes.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};
use pin_project_lite::pin_project;
use tollway_core::{Attempt, Outcome, Told};
use tollway_wire::chat::Event;
use tollway_wire::format::{StreamDecoder, StreamEncoder};
use tollway_wire::openai::completions;
use tollway_wire::{ApiError, Truncated};

use super::attempt::Ending;
use super::convert::ChatReading;
use super::redact::Secrets;
use super::streamed::Streamed;
use crate::Error;
use crate::error::BoxError;

/// Output gathered while input is at hand, before it is handed on.
const JOIN_UP_TO: usize = 16 * 1024;

/// The encoder of the client's stream.
#[derive(Debug)]
pub(super) enum Encoder {
    Chat(StreamEncoder),
    Completion(completions::StreamEncoder),
}

impl ChatReading {
    /// What reads the upstream's stream, and what writes the client's.
    pub(super) fn machines(self) -> (StreamDecoder, Encoder) {
        let Self { upstream, client, framing, decode, encode, completion } = self;
        let encoder = match completion {
            Some(options) => {
                Encoder::Completion(completions::StreamEncoder::new(encode).with_options(&options))
            }
            None => Encoder::Chat(StreamEncoder::new(client, framing, encode)),
        };
        (StreamDecoder::new(upstream, decode), encoder)
    }
}

impl Encoder {
    pub(super) fn encode(&mut self, event: &Event, out: &mut Vec<u8>) {
        match self {
            Self::Chat(encoder) => encoder.encode(event, out),
            Self::Completion(encoder) => encoder.encode(event, out),
        }
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        match self {
            Self::Chat(encoder) => encoder.finish(out),
            Self::Completion(encoder) => encoder.finish(out),
        }
    }

    fn fail(&mut self, error: &ApiError, out: &mut Vec<u8>) {
        match self {
            Self::Chat(encoder) => encoder.fail(error, out),
            Self::Completion(encoder) => encoder.fail(error, out),
        }
    }
}

/// Records what an event tells of how the answer is served.
pub(super) fn tell(attempt: &Attempt, event: &Event) {
    match event {
        Event::Start(start) => attempt.set_told(start.told()),
        Event::Tier(tier) => {
            attempt.set_told(Told { tier: Some(tier.as_str().into()), ..Told::clone(&attempt.told()) });
        }
        Event::Finish { choice: 0, finish } => {
            attempt.set_told(Told { finish: Some(finish.word().into()), ..Told::clone(&attempt.told()) });
        }
        Event::Usage(usage) => attempt.set_usage(*usage),
        Event::Delta { .. } => attempt.set_first_byte(),
        _ => {}
    }
}

pin_project! {
    /// Events in, in the upstream's dialect; events out, in the client's.
    ///
    /// Whatever goes wrong once the stream has begun becomes an error frame: a cut answer never
    /// looks whole.
    pub(super) struct Translated<B> {
        #[pin]
        inner: B,
        machine: Machine,
        out: Vec<u8>,
        done: bool,
        ending: Ending,
        // Below what records the end, which it asks for.
        streamed: Streamed,
    }
}

struct Machine {
    decoder: StreamDecoder,
    encoder: Encoder,
    attempt: Arc<Attempt>,
    secrets: Arc<Secrets>,
}

impl<B> Translated<B> {
    pub(super) fn new(
        inner: B,
        decoder: StreamDecoder,
        encoder: Encoder,
        attempt: Arc<Attempt>,
        secrets: Arc<Secrets>,
    ) -> Self {
        let ending = Ending::new(attempt.clone());
        let streamed = Streamed::decoded(attempt.clone());
        let machine = Machine { decoder, encoder, attempt, secrets };
        Self { inner, machine, out: Vec::new(), done: false, ending, streamed }
    }
}

impl Machine {
    /// Encodes what the decoder has. Says whether the provider reported an error, which ends the
    /// stream.
    fn drain(&mut self, out: &mut Vec<u8>, streamed: &mut Streamed) -> bool {
        while let Some(mut event) = self.decoder.next_event() {
            match &mut event {
                Event::Error(error) => {
                    self.secrets.error(error);
                    self.encoder.fail(error, out);
                    return true;
                }
                event => {
                    if let Event::Delta { delta, .. } = event {
                        streamed.delta(delta);
                    }
                    tell(&self.attempt, event);
                }
            }
            self.encoder.encode(&event, out);
        }
        false
    }
}

impl<B> Body for Translated<B>
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
        while !*this.done && this.out.len() < JOIN_UP_TO {
            let outcome = match this.inner.as_mut().poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    let Ok(data) = frame.into_data() else { continue };
                    this.machine.decoder.feed(&data);
                    if !this.machine.drain(this.out, this.streamed) {
                        continue;
                    }
                    Outcome::Refused
                }
                Poll::Ready(Some(Err(error))) => {
                    this.machine.encoder.fail(&error.to_api_error(), this.out);
                    error.outcome()
                }
                Poll::Ready(None) => {
                    let end = this.machine.decoder.finish();
                    if this.machine.drain(this.out, this.streamed) {
                        Outcome::Refused
                    } else if end.is_ok() {
                        this.machine.encoder.finish(this.out);
                        Outcome::Complete
                    } else {
                        let provider = this.machine.attempt.upstream().provider.to_string();
                        let error = Error::Broken { provider, reason: Truncated.to_string() };
                        this.machine.encoder.fail(&error.to_api_error(), this.out);
                        Outcome::Broken
                    }
                }
                Poll::Pending if this.out.is_empty() => return Poll::Pending,
                Poll::Pending => break,
            };
            *this.done = true;
            this.ending.set(outcome);
            this.streamed.settle();
        }
        if this.out.is_empty() {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(Ok(Frame::data(std::mem::take(this.out).into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.done && self.out.is_empty()
    }
}
