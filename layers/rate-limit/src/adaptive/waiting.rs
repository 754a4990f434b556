use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, Sleep};

use super::flight::Flight;
use super::{Adaptive, Refused, Ticket, gate};

/// Waits for a request's turn. Dropped, it gives its place up.
#[derive(Debug)]
pub struct Waiting {
    adaptive: Arc<Adaptive>,
    ticket: Option<Ticket>,
    /// Boxed, so that those who need not wait do not carry it.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Waiting {
    pub(super) const fn new(adaptive: Arc<Adaptive>, ticket: Ticket) -> Self {
        Self { adaptive, ticket: Some(ticket), sleep: None }
    }
}

impl Future for Waiting {
    type Output = Result<Flight, Refused>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            // Not polled again when it has ended.
            let Some(ticket) = this.ticket else { return Poll::Pending };
            let at = match this.adaptive.with(|gate, now| gate.poll(now, ticket, Some(cx.waker()))) {
                gate::Poll::Wait(at) => Instant::from_std(at),
                gate::Poll::Enter(pass) => {
                    this.ticket = None;
                    return Poll::Ready(Ok(Flight::new(this.adaptive.clone(), pass)));
                }
                gate::Poll::Refuse(refused) => {
                    this.ticket = None;
                    return Poll::Ready(Err(refused));
                }
            };
            let sleep = this.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
            if sleep.deadline() != at {
                sleep.as_mut().reset(at);
            }
            ready!(sleep.as_mut().poll(cx));
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.adaptive.with(|gate, now| gate.abandon(now, ticket));
        }
    }
}
