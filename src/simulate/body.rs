//! The body of an answer: its frames, their pace, and how they end.

use super::line::Resetter;
use super::stats::Ticket;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Sleep, sleep};

/// How a body ends after its frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Complete,
    /// The connection is closed without the end of the body.
    Cut,
    /// The connection is reset.
    Reset,
    /// Nothing more comes, and nothing ends.
    Stall,
}

/// Frames with a pace.
#[derive(Debug)]
pub(super) struct PacedBody {
    frames: Arc<[Bytes]>,
    /// Frames to send; those behind are cut off.
    upto: usize,
    next: usize,
    first: Duration,
    gap: Duration,
    wait: Option<Pin<Box<Sleep>>>,
    ending: Ending,
    /// Whether the length is told before the body.
    sized: bool,
    resetter: Resetter,
    /// None for answers that are not counted.
    ticket: Option<Ticket>,
}

/// The pace of a body.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pace {
    pub(super) first: Duration,
    pub(super) gap: Duration,
}

impl PacedBody {
    pub(super) fn new(
        frames: Arc<[Bytes]>,
        upto: usize,
        ending: Ending,
        pace: Pace,
        sized: bool,
        resetter: Resetter,
        ticket: Option<Ticket>,
    ) -> Self {
        let upto = upto.min(frames.len());
        let mut body = Self {
            frames,
            upto,
            next: 0,
            first: pace.first,
            gap: pace.gap,
            wait: None,
            ending,
            sized,
            resetter,
            ticket,
        };
        body.settle();
        body
    }

    /// Notes that everything that was to be sent has been handed over.
    fn settle(&mut self) {
        if self.next >= self.upto && self.ending == Ending::Complete {
            if let Some(entry) = self.ticket.as_mut().and_then(|ticket| ticket.entry.as_mut()) {
                entry.ended();
            }
            self.finish();
        }
    }

    fn finish(&mut self) {
        if let Some(ticket) = &mut self.ticket {
            ticket.done();
        }
    }

    /// The time to wait before the next frame, or before the break.
    fn pause(&self) -> Duration {
        let pace = if self.next == 0 { self.first } else { self.gap };
        if self.next < self.upto { pace } else { pace.max(BEFORE_BREAK) }
    }
}

/// What was sent before a break must be on its way, and read, before the connection dies.
const BEFORE_BREAK: Duration = Duration::from_millis(10);

impl Body for PacedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        let ended = this.next >= this.upto;
        if !ended || matches!(this.ending, Ending::Cut | Ending::Reset) {
            let pause = this.pause();
            if !pause.is_zero() {
                let wait = this.wait.get_or_insert_with(|| Box::pin(sleep(pause)));
                ready!(wait.as_mut().poll(cx));
                // Re-armed from now: a slow reader does not earn a burst.
                this.wait = None;
            }
        }
        if let Some(frame) = this.frames.get(this.next).filter(|_| !ended) {
            this.next += 1;
            let frame = frame.clone();
            if let Some(ticket) = &mut this.ticket {
                ticket.wrote(frame.len());
            }
            this.settle();
            return Poll::Ready(Some(Ok(Frame::data(frame))));
        }
        match this.ending {
            Ending::Complete => Poll::Ready(None),
            Ending::Cut => {
                this.finish();
                Poll::Ready(Some(Err(io::Error::other("simulated cut of the stream"))))
            }
            Ending::Reset => {
                this.finish();
                this.resetter.reset();
                Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())))
            }
            Ending::Stall => {
                // Nothing wakes this up: the connection drops it when the client hangs up.
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.next >= self.upto && self.ending == Ending::Complete
    }

    fn size_hint(&self) -> SizeHint {
        if !self.sized {
            return SizeHint::default();
        }
        let left = self.frames.iter().skip(self.next).map(|frame| frame.len() as u64).sum();
        SizeHint::with_exact(left)
    }
}
