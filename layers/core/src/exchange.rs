use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use crate::{Attempt, Caller, Endpoint, RequestId, Upstream};

/// What becomes known of a request on its way in and out.
///
/// An outer layer keeps a clone of the `Arc` before it calls inward, and reads it when the answer's
/// body has ended. Cells are written once, by the layer that learns the fact.
#[derive(Debug)]
pub struct Exchange {
    request_id: RequestId,
    started: Instant,
    client: OnceLock<IpAddr>,
    caller: OnceLock<Arc<Caller>>,
    call: OnceLock<(Endpoint, Arc<str>, bool)>,
    received: AtomicU64,
    attempts: Mutex<Vec<Arc<Attempt>>>,
}

impl Exchange {
    /// Opens an exchange now.
    pub fn new(request_id: RequestId) -> Self {
        Self {
            request_id,
            started: Instant::now(),
            client: OnceLock::new(),
            caller: OnceLock::new(),
            call: OnceLock::new(),
            received: AtomicU64::new(0),
            attempts: Mutex::new(Vec::new()),
        }
    }

    /// The name of the request.
    pub fn request_id(&self) -> &RequestId {
        &self.request_id
    }

    /// When the request's head had been read.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Records from where a request comes, behind proxies: written by auth, once.
    pub fn set_client(&self, client: IpAddr) {
        let _ = self.client.set(client);
    }

    /// From where a request comes, once that is known.
    pub fn client(&self) -> Option<IpAddr> {
        self.client.get().copied()
    }

    /// Records who asks: written by auth, once.
    pub fn set_caller(&self, caller: Arc<Caller>) {
        let _ = self.caller.set(caller);
    }

    /// Who asks, once that is known.
    pub fn caller(&self) -> Option<&Arc<Caller>> {
        self.caller.get()
    }

    /// Records what was asked for: written by ingest, once.
    pub fn set_call(&self, endpoint: Endpoint, model: Arc<str>, stream: bool) {
        let _ = self.call.set((endpoint, model, stream));
    }

    /// What was asked for, once the body was read.
    pub fn endpoint(&self) -> Option<Endpoint> {
        self.call.get().map(|call| call.0)
    }

    /// The model as the client named it, once the body was read.
    pub fn request_model(&self) -> Option<&str> {
        self.call.get().map(|call| &*call.1)
    }

    /// Whether the client asked for an event stream.
    pub fn stream(&self) -> bool {
        self.call.get().is_some_and(|call| call.2)
    }

    /// Counts bytes of a request's body that passes without being collected.
    pub fn add_received(&self, bytes: u64) {
        self.received.fetch_add(bytes, Ordering::Relaxed);
    }

    /// How many bytes of such a body have come.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Opens the next attempt, now.
    pub fn begin_attempt(&self, upstream: Arc<Upstream>) -> Arc<Attempt> {
        let attempt = Arc::new(Attempt::new(upstream));
        self.lock_attempts().push(attempt.clone());
        attempt
    }

    /// All attempts so far, in order.
    pub fn attempts(&self) -> Vec<Arc<Attempt>> {
        self.lock_attempts().clone()
    }

    /// How many attempts there were so far, and the last one.
    pub fn last_attempt(&self) -> (usize, Option<Arc<Attempt>>) {
        let attempts = self.lock_attempts();
        (attempts.len(), attempts.last().cloned())
    }

    fn lock_attempts(&self) -> MutexGuard<'_, Vec<Arc<Attempt>>> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
