//! The network between the gateways and Redis, which may be slow.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// Carries bytes to a port and back, each after a delay. Gone with the runtime.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    /// In milliseconds, each way.
    delay: Arc<AtomicU64>,
}

impl Proxy {
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let delay = Arc::<AtomicU64>::default();
        tokio::spawn({
            let delay = delay.clone();
            async move {
                while let Ok((near, _)) = listener.accept().await {
                    // Where nobody is, the connection closes, as it does at a server that has gone.
                    let Ok(far) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await else { continue };
                    let _ = (near.set_nodelay(true), far.set_nodelay(true));
                    let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
                    carry(from_near, to_far, delay.clone());
                    carry(from_far, to_near, delay.clone());
                }
            }
        });
        Self { address, delay }
    }

    /// Delays what comes from now on.
    pub(crate) fn delay(&self, delay: Duration) {
        self.delay.store(u64::try_from(delay.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

/// One way of a connection. Where one side ends or fails, the other does.
fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, delay: Arc<AtomicU64>) {
    let (late, mut due) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    tokio::spawn(async move {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(read @ 1..) = from.read(&mut buffer).await {
            let at = Instant::now() + Duration::from_millis(delay.load(Ordering::Relaxed));
            if late.send((at, buffer[..read].to_vec())).is_err() {
                break;
            }
        }
    });
    tokio::spawn(async move {
        while let Some((at, bytes)) = due.recv().await {
            tokio::time::sleep_until(at.into()).await;
            if to.write_all(&bytes).await.is_err() {
                break;
            }
        }
        let _ = to.shutdown().await;
    });
}
