//! A client's connection and a provider's that have become one WebSocket.
//!
//! The answer that says so has no body to watch: who would watch it is attached to the [`Tunnel`] in
//! the answer's extensions, and told when that ends.

mod copy;

use std::sync::{Arc, Mutex, PoisonError};

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tollway_core::{Attempt, End, Exchange, Observe, Outcome};
use tollway_wire::others::SocketTap;

use crate::config::Timeouts;

/// Those who wait for a WebSocket's end, the innermost first.
#[derive(Clone, Default)]
pub(crate) struct Tunnel(Arc<Mutex<Watchers>>);

impl Tunnel {
    /// Tells `observer` of the server's bytes and of the end.
    pub(crate) fn attach(&self, observer: Box<dyn Observe + Send>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.push(observer);
    }

    fn take(&self) -> Watchers {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl std::fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tunnel").finish_non_exhaustive()
    }
}

/// Tells all of them of the end, however it comes.
#[derive(Default)]
struct Watchers(Vec<Box<dyn Observe + Send>>);

impl Watchers {
    fn frame(&mut self, data: &bytes::Bytes) {
        self.0.iter_mut().for_each(|observer| observer.frame(data));
    }

    fn end(&mut self, end: End) {
        for mut observer in self.0.drain(..) {
            observer.end(end);
        }
    }
}

impl Drop for Watchers {
    fn drop(&mut self) {
        self.end(End::Cancelled);
    }
}

/// Carries bytes both ways from when both sides have switched until either ends.
pub(crate) fn run(
    tunnel: Tunnel,
    client: OnUpgrade,
    server: OnUpgrade,
    limits: Timeouts,
    attempt: Arc<Attempt>,
    exchange: Option<Arc<Exchange>>,
) {
    tokio::spawn(async move {
        let both = tokio::try_join!(client, server);
        // Who watches has been attached by now: the client's side switches once the answer is out.
        let mut watchers = tunnel.take();
        let Ok((client, server)) = both else {
            attempt.set_outcome(Outcome::Cancelled);
            return watchers.end(End::Cancelled);
        };
        let mut counts = SocketTap::default();
        let sides = copy::Sides { client: TokioIo::new(client), server: TokioIo::new(server) };
        let ended = sides
            .join(limits, |passed| match passed {
                copy::Passed::ToClient(data) => {
                    attempt.set_first_byte();
                    counts.feed(data);
                    if let Some(usage) = counts.usage() {
                        attempt.set_usage(usage);
                    }
                    watchers.frame(&bytes::Bytes::copy_from_slice(data));
                }
                copy::Passed::ToServer(data) => {
                    if let Some(exchange) = &exchange {
                        exchange.add_received(data.len() as u64);
                    }
                }
            })
            .await;
        attempt.set_outcome(ended);
        watchers.end(match ended {
            Outcome::Complete => End::Complete,
            Outcome::Cancelled => End::Cancelled,
            _ => End::Error,
        });
    });
}
