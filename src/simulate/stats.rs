//! What the simulator has received and sent, for tests to look at.

use super::ledger::Entry;
use super::slots::Slot;
use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Counters and the last requests.
#[derive(Debug)]
pub(super) struct Stats {
    requests: AtomicU64,
    in_flight: AtomicU64,
    bytes_written: AtomicU64,
    hang_ups: AtomicU64,
    connections: AtomicU64,
    paths: Mutex<BTreeMap<&'static str, u64>>,
    last: Mutex<VecDeque<Received>>,
    keep: usize,
}

/// A request as it came in.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) sequence: u64,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Bodies above this are told by their size alone.
const KEPT_BODY: usize = 1 << 20;

impl Stats {
    pub(super) fn new(keep: usize) -> Self {
        Self {
            requests: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            bytes_written: AtomicU64::new(0),
            hang_ups: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            paths: Mutex::default(),
            last: Mutex::default(),
            keep,
        }
    }

    pub(super) fn connected(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request and returns its number.
    pub(super) fn arrived(&self, path: &'static str) -> u64 {
        let mut paths = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
        *paths.entry(path).or_default() += 1;
        drop(paths);
        self.requests.fetch_add(1, Ordering::Relaxed)
    }

    /// Keeps a request among the last ones.
    pub(super) fn received(&self, received: Received) {
        if self.keep == 0 {
            return;
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() >= self.keep {
            last.pop_front();
        }
        last.push_back(received);
    }

    /// Forgets everything but what is still in flight.
    pub(super) fn reset(&self) {
        for counter in [&self.requests, &self.bytes_written, &self.hang_ups, &self.connections] {
            counter.store(0, Ordering::Relaxed);
        }
        self.paths.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(super) fn counters(&self) -> Value {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        json!({
            "requests": read(&self.requests),
            "in_flight": read(&self.in_flight),
            "bytes_written": read(&self.bytes_written),
            "client_went_away": read(&self.hang_ups),
            "connections": read(&self.connections),
            "paths": *self.paths.lock().unwrap_or_else(PoisonError::into_inner),
        })
    }

    /// The last `n` requests, the newest first.
    pub(super) fn last(&self, n: usize) -> Value {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.iter().rev().take(n).map(Received::told).collect()
    }
}

impl Received {
    fn told(&self) -> Value {
        let mut headers = Map::new();
        for (name, value) in &self.headers {
            let secret = matches!(
                name.as_str(),
                "authorization" | "x-api-key" | "x-goog-api-key" | "api-key" | "cookie"
            );
            let text = if secret {
                "[redacted]".into()
            } else {
                String::from_utf8_lossy(value.as_bytes()).into_owned()
            };
            match headers.get_mut(name.as_str()) {
                Some(Value::String(known)) => {
                    known.push_str(", ");
                    known.push_str(&text);
                }
                _ => {
                    headers.insert(name.as_str().to_owned(), text.into());
                }
            }
        }
        let body = if self.body.len() > KEPT_BODY {
            json!(format!("[{} bytes]", self.body.len()))
        } else {
            serde_json::from_slice(&self.body).unwrap_or_else(|_| json!(String::from_utf8_lossy(&self.body)))
        };
        json!({
            "sequence": self.sequence, "method": self.method, "path": without_key(&self.path),
            "headers": headers, "body": body, "body_bytes": self.body.len(),
        })
    }
}

/// The path with Gemini's `?key=` taken out.
fn without_key(path: &str) -> String {
    let Some((path, query)) = path.split_once('?') else { return path.to_owned() };
    let shown: Vec<&str> =
        query.split('&').map(|pair| if pair.starts_with("key=") { "key=[redacted]" } else { pair }).collect();
    format!("{path}?{}", shown.join("&"))
}

/// A request in flight. Dropped before [`Ticket::done`], it counts as a client that went away.
#[derive(Debug)]
pub(super) struct Ticket {
    stats: Arc<Stats>,
    done: bool,
    /// Held until the answer has ended or is given up.
    slot: Option<Slot>,
    /// Its line in the ledger, written when this is dropped.
    pub(super) entry: Option<Entry>,
}

impl Ticket {
    pub(super) fn new(stats: Arc<Stats>) -> Self {
        stats.in_flight.fetch_add(1, Ordering::Relaxed);
        Self { stats, done: false, slot: None, entry: None }
    }

    pub(super) fn works_in(&mut self, slot: Slot) {
        self.slot = Some(slot);
    }

    pub(super) fn wrote(&mut self, bytes: usize) {
        if let Some(entry) = &mut self.entry {
            entry.sent(bytes);
        }
        self.stats.bytes_written.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn done(&mut self) {
        self.done = true;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.stats.in_flight.fetch_sub(1, Ordering::Relaxed);
        if !self.done {
            self.stats.hang_ups.fetch_add(1, Ordering::Relaxed);
        }
    }
}
