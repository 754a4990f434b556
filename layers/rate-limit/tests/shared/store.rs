use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tollway_rate_limit::store::{Ask, Correction, Held, MemoryStore, Pending, Pulse, Taken};
use tollway_rate_limit::{Rule, Store, StoreError};

/// A store in memory, behind a network that can be slow or broken.
#[derive(Clone, Debug)]
pub(crate) struct Fake {
    memory: MemoryStore,
    network: Arc<Network>,
}

#[derive(Debug, Default)]
struct Network {
    mode: Mutex<Mode>,
    takes: AtomicU64,
}

/// What the network does to each call.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Mode {
    /// Each way takes so long.
    #[default]
    Prompt,
    Slow(Duration),
    /// The call comes, the answer comes after so long.
    LateAnswer(Duration),
    Fails,
    /// Neither call nor answer comes, until long after.
    Hangs,
}

impl Fake {
    pub(crate) fn new() -> Self {
        Self { memory: MemoryStore::default(), network: Arc::default() }
    }

    pub(crate) fn replica(&self) -> Self {
        Self { memory: self.memory.replica(), network: self.network.clone() }
    }

    pub(crate) fn set(&self, mode: Mode) {
        *self.network.mode.lock().unwrap() = mode;
    }

    /// Starts anew, empty.
    pub(crate) fn clear(&self) {
        self.memory.clear();
    }

    /// How many decisions were asked for.
    pub(crate) fn takes(&self) -> u64 {
        self.network.takes.load(Ordering::Relaxed)
    }

    /// What is left of a rule for a subject, past the network.
    pub(crate) async fn remaining(&self, rule: &Rule, subject: &str) -> u64 {
        let ask = |need| Ask { rule: Arc::new(rule.clone()), subject: subject.into(), need, want: need };
        match self.memory.take(vec![ask(0)]).await.unwrap() {
            Taken::Granted(grants) => grants[0].remaining,
            Taken::Refused(shortages) => shortages[0].remaining,
        }
    }

    fn through<T: Send + 'static>(
        &self,
        call: impl FnOnce(&MemoryStore) -> Pending<T> + Send + 'static,
    ) -> Pending<T> {
        let (memory, network) = (self.memory.clone(), self.network.clone());
        Box::pin(async move {
            let mode = *network.mode.lock().unwrap();
            match mode {
                Mode::Prompt => call(&memory).await,
                Mode::Slow(time) => {
                    tokio::time::sleep(time).await;
                    let answer = call(&memory).await;
                    tokio::time::sleep(time).await;
                    answer
                }
                Mode::LateAnswer(time) => {
                    let answer = call(&memory).await;
                    tokio::time::sleep(time).await;
                    answer
                }
                Mode::Fails => Err(StoreError::new("connection refused")),
                Mode::Hangs => {
                    tokio::time::sleep(Duration::from_mins(10)).await;
                    Err(StoreError::new("timed out"))
                }
            }
        })
    }
}

impl Store for Fake {
    fn take(&self, asks: Vec<Ask>) -> Pending<Taken> {
        self.network.takes.fetch_add(1, Ordering::Relaxed);
        self.through(move |memory| memory.take(asks))
    }

    fn settle(&self, corrections: Vec<Correction>) -> Pending<()> {
        self.through(move |memory| memory.settle(corrections))
    }

    fn beat(&self, held: &mut dyn FnMut() -> Vec<Held>) -> Pending<Pulse> {
        // Made now, heard later, as what is asked meanwhile.
        let held = held();
        self.through(move |memory| memory.beat(&mut || held.clone()))
    }
}
