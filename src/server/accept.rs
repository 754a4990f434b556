use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

use super::worker::Worker;

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

/// Hands connections to the workers until it is dropped.
pub(super) async fn accept(listener: TcpListener, workers: &[Worker]) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // The worker registers the stream with its own runtime.
                let Ok(stream) = stream.into_std() else { continue };
                if let Some(worker) = workers.iter().min_by_key(|worker| worker.open()) {
                    worker.hand((stream, peer));
                }
            }
            // The client gave up in the queue; the next one is waiting.
            Err(error)
                if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset) => {}
            Err(error) => {
                tracing::warn!(%error, "connections cannot be accepted for a moment");
                tokio::time::sleep(REST).await;
            }
        }
    }
}
