use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};

use super::connection::{self, ConnectionSettings};
use super::tls::Tls;
use crate::config::Workers;
use crate::stack::{self, Shared};

/// A connection on its way to a worker.
pub(super) type Accepted = (TcpStream, SocketAddr, Door);

/// By which address a connection came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// The gateway's.
    Front,
    /// That of administration, where it has one of its own.
    Admin,
}

/// A runtime in threads of its own, and the way to it.
pub(super) struct Worker {
    connections: mpsc::UnboundedSender<Accepted>,
    open: Arc<AtomicUsize>,
    thread: JoinHandle<()>,
}

/// What a worker is told while it runs.
#[derive(Clone)]
pub(super) struct Orders {
    /// The configuration in force; a new one builds a new stack.
    pub(super) shared: watch::Receiver<Shared>,
    /// When and how to end.
    pub(super) stop: watch::Receiver<Stop>,
    /// Certificates, where TLS is on.
    pub(super) tls: Option<Tls>,
}

/// The order to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Not yet.
    Never,
    /// With the last answer, also of those that only its cost is waited for, or when the grace is over.
    Gracefully,
    /// Whatever runs.
    AtOnce,
}

/// Starts the workers that the configuration asks for.
pub(super) fn start(workers: Workers, orders: &Orders) -> std::io::Result<Vec<Worker>> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let or_cores = |threads| if threads == 0 { cores } else { threads };
    match workers {
        Workers::Shared { threads } => {
            let mut runtime = Builder::new_multi_thread();
            runtime.worker_threads(or_cores(threads)).thread_name("worker");
            Ok(vec![Worker::start(runtime.enable_all().build()?, 0, orders.clone())?])
        }
        Workers::PerCore { threads } => (0..or_cores(threads))
            .map(|index| {
                let runtime = Builder::new_current_thread().enable_all().build()?;
                Worker::start(runtime, index, orders.clone())
            })
            .collect(),
    }
}

impl Worker {
    fn start(runtime: Runtime, index: usize, orders: Orders) -> std::io::Result<Self> {
        let (connections, incoming) = mpsc::unbounded_channel();
        let open = Arc::new(AtomicUsize::new(0));
        let counter = open.clone();
        let thread = std::thread::Builder::new().name(format!("worker-{index}")).spawn(move || {
            runtime.block_on(run(incoming, counter, orders));
            // Tasks that outlived the grace are dropped, not awaited.
            runtime.shutdown_timeout(Duration::from_millis(100));
        })?;
        Ok(Self { connections, open, thread })
    }

    /// How many connections it serves.
    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Hands it a connection.
    pub(super) fn hand(&self, accepted: Accepted) {
        self.open.fetch_add(1, Ordering::Relaxed);
        // A worker that has ended drops the connection, which closes it.
        let _ = self.connections.send(accepted);
    }

    /// Waits for its end.
    pub(super) fn join(self) {
        let _ = self.thread.join();
    }
}

async fn run(mut incoming: mpsc::UnboundedReceiver<Accepted>, open: Arc<AtomicUsize>, mut orders: Orders) {
    let shared = orders.shared.borrow_and_update().clone();
    let stack = Arc::new(ArcSwap::from_pointee(stack::build(&shared)));
    let administration = Arc::new(ArcSwap::from_pointee(stack::administration(&shared)));
    let mut settings = ConnectionSettings::new(&shared.settings);
    let mut grace = shared.settings.server.grace;
    let costs = shared.costs.clone();
    // Connections hold the receiver until they end.
    let (ending, may_end) = watch::channel(false);
    let take = |(stream, peer, door): Accepted, settings: &ConnectionSettings| {
        let ticket = Arc::new(Ticket(open.clone()));
        let (settings, tls, may_end) = (settings.clone(), orders.tls.clone(), may_end.clone());
        match door {
            Door::Front => {
                tokio::spawn(connection::serve(stream, peer, settings, tls, stack.clone(), may_end, ticket));
            }
            Door::Admin => {
                let stack = administration.clone();
                tokio::spawn(connection::serve(stream, peer, settings, tls, stack, may_end, ticket));
            }
        }
    };

    loop {
        tokio::select! {
            accepted = incoming.recv() => {
                let Some(accepted) = accepted else { break };
                take(accepted, &settings);
            }
            Ok(()) = orders.shared.changed() => {
                let shared = orders.shared.borrow_and_update().clone();
                settings = ConnectionSettings::new(&shared.settings);
                grace = shared.settings.server.grace;
                stack.store(Arc::new(stack::build(&shared)));
                administration.store(Arc::new(stack::administration(&shared)));
            }
            _ = orders.stop.wait_for(|stop| *stop != Stop::Never) => break,
        }
    }
    // Who was let in is served, also who still stands in the queue.
    incoming.close();
    while let Some(accepted) = incoming.recv().await {
        take(accepted, &settings);
    }
    drop(may_end);
    ending.send_replace(true);
    let ended = async {
        ending.closed().await;
        // Who has left is not waited for, but what it cost is.
        costs.drained().await;
    };
    tokio::select! {
        () = ended => {}
        _ = orders.stop.wait_for(|stop| *stop == Stop::AtOnce) => {}
        () = tokio::time::sleep(grace) => {
            let open = open.load(Ordering::Relaxed);
            if open > 0 {
                tracing::warn!(open, "connections were still open after the grace period and are cut");
            } else {
                tracing::warn!("answers were still read on after the grace period: what they cost is estimated");
            }
        }
    }
}

/// One connection fewer when it is dropped.
#[derive(Debug)]
pub(super) struct Ticket(Arc<AtomicUsize>);

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
