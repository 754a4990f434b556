use std::convert::Infallible;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

use super::worker::{Accepted, Door, Worker};

/// The sockets that are listened on.
#[derive(Debug)]
pub(super) struct Listeners {
    pub(super) front: TcpListener,
    pub(super) admin: Option<TcpListener>,
}

/// How long accepting rests when the process is out of file descriptors.
const REST: Duration = Duration::from_millis(50);

/// Opens the listening socket.
pub(super) fn listen(addr: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for the last process' connections to be forgotten.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(4096)?;
    TcpListener::from_std(socket.into())
}

/// Hands connections to the workers until `end` has come.
pub(super) async fn accept_until<T>(
    listeners: &Listeners,
    workers: &[Worker],
    end: impl Future<Output = T>,
) -> T {
    let admin = async {
        match &listeners.admin {
            Some(listener) => accept(listener, Door::Admin, workers).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        end = end => end,
        never = accept(&listeners.front, Door::Front, workers) => match never {},
        never = admin => match never {},
    }
}

/// Hands over who has come already, and lets nobody else in.
pub(super) fn close(listeners: Listeners, workers: &[Worker]) -> std::io::Result<()> {
    close_one(listeners.front, Door::Front, workers)?;
    listeners.admin.map_or(Ok(()), |listener| close_one(listener, Door::Admin, workers))
}

fn close_one(listener: TcpListener, door: Door, workers: &[Worker]) -> std::io::Result<()> {
    // These clients believe that they are connected: the kernel would reset them.
    let listener = listener.into_std()?;
    loop {
        match listener.accept() {
            Ok((stream, peer)) => {
                if stream.set_nonblocking(true).is_ok() {
                    hand(workers, (stream, peer, door));
                }
            }
            Err(error) if gave_up(&error) => {}
            // Nobody is left, or nobody can be taken.
            Err(_) => return Ok(()),
        }
    }
}

async fn accept(listener: &TcpListener, door: Door, workers: &[Worker]) -> Infallible {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // The worker registers the stream with its own runtime.
                let Ok(stream) = stream.into_std() else { continue };
                hand(workers, (stream, peer, door));
            }
            Err(error) if gave_up(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "connections cannot be accepted for a moment");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

/// Whether a client gave up in the queue, where the next one is waiting.
fn gave_up(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted)
}

/// To the worker with the fewest.
fn hand(workers: &[Worker], accepted: Accepted) {
    if let Some(worker) = workers.iter().min_by_key(|worker| worker.open()) {
        worker.hand(accepted);
    }
}
