//! What is known of a request's body that is still on its way to the provider.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::Error;

/// Written by the body as it passes; read by those who wait for the answer to it, and must not take
/// the time it takes to send for the provider's silence.
#[derive(Debug)]
pub(crate) struct Sending(Mutex<State>);

#[derive(Debug)]
struct State {
    /// When the last bytes passed, or the end did.
    moved: Instant,
    /// Whether the client is waited for, and not the provider.
    waits: bool,
    failure: Option<Error>,
}

impl Sending {
    /// A body of which nothing has passed.
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State { moved: Instant::now(), waits: false, failure: None }))
    }

    /// Bytes have passed, or the end has.
    pub(crate) fn moved(&self) {
        let mut state = self.state();
        state.moved = Instant::now();
        state.waits = false;
    }

    /// The client is waited for.
    pub(crate) fn waits(&self) {
        self.state().waits = true;
    }

    /// The client's body failed. Told to the client, as the provider only sees it break off.
    pub(crate) fn fail(&self, error: Error) {
        self.state().failure.get_or_insert(error);
    }

    /// Why the client's body failed, if it did.
    pub(crate) fn failure(&self) -> Option<Error> {
        self.state().failure.take()
    }

    /// Since when the provider could have answered.
    pub(super) fn since(&self, now: Instant) -> Instant {
        let state = self.state();
        if state.waits { now } else { state.moved }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
