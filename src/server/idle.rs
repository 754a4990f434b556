//! Closes connections on which nothing happens: no request for a long time, or a head that does
//! not get done.
//!
//! hyper's own timer for heads is made anew for every request and runs while a connection is idle,
//! so that it can be either a slow-client limit or a keep-alive time, not both. Here one timer
//! serves a connection for its life, and a request costs it a few atomic operations.
//!
//! Over HTTP/1.1 a client knows that a request which met the end of an idle connection was not
//! taken. Over HTTP/2 it must be told, so that such a connection is first asked to end.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Version;
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::{Instant, Sleep};
use tollway_core::{End, Observe};

use super::worker::Ticket;

/// How long a connection may be without a request, and how long the head of one may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct IdleLimits {
    pub(super) idle: Duration,
    pub(super) head: Duration,
}

/// What a connection is doing.
#[derive(Debug)]
pub(super) struct Activity {
    opened: Instant,
    /// Requests whose answers are not at their end.
    running: AtomicUsize,
    /// Requests begun so far.
    requests: AtomicUsize,
    /// Whether requests share the connection, as over HTTP/2. Bytes between two requests are then
    /// the protocol's own, such as the answer to a ping, and not a head that must get done.
    shared: AtomicBool,
    /// When the last answer ended, in milliseconds since `opened`; zero before the first.
    idle_since: AtomicU64,
    /// Whether the idle time has run out.
    over: AtomicBool,
    /// What is held until the connection, and all that became of it, is over.
    _held: Option<(watch::Receiver<bool>, Arc<Ticket>)>,
}

impl Activity {
    pub(super) fn new() -> Arc<Self> {
        Self::with(None)
    }

    /// That of a connection which is open while it lives: who stops the server waits for it.
    pub(super) fn holding(may_end: watch::Receiver<bool>, ticket: Arc<Ticket>) -> Arc<Self> {
        Self::with(Some((may_end, ticket)))
    }

    fn with(held: Option<(watch::Receiver<bool>, Arc<Ticket>)>) -> Arc<Self> {
        Arc::new(Self {
            opened: Instant::now(),
            running: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
            shared: AtomicBool::new(false),
            idle_since: AtomicU64::new(0),
            over: AtomicBool::new(false),
            _held: held,
        })
    }

    /// A request has begun, and runs until the returned value is dropped.
    pub(super) fn begin(self: &Arc<Self>, version: Version) -> Running {
        if version == Version::HTTP_2 {
            self.shared.store(true, Ordering::Relaxed);
        }
        self.running.fetch_add(1, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        Running(self.clone())
    }

    /// Requests begun so far.
    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    /// Whether the connection has idled for so long that it shall be asked to end. Where requests
    /// share it, the client must be told which of those on their way are still taken.
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn is_busy(&self) -> bool {
        self.running.load(Ordering::Relaxed) > 0
    }

    fn is_shared(&self) -> bool {
        self.shared.load(Ordering::Relaxed)
    }

    /// When a connection without a running request shall end. A new one has as long as a head for
    /// its first byte; one that was asked to end has as long as a head to do so.
    fn idle_until(&self, limits: IdleLimits) -> Instant {
        match self.idle_since.load(Ordering::Relaxed) {
            since if self.is_over() => self.opened + Duration::from_millis(since) + limits.idle + limits.head,
            0 => self.opened + limits.head,
            since => self.opened + Duration::from_millis(since) + limits.idle,
        }
    }
}

/// A request and its answer; also watches the answer's body, whose drop is the end.
#[derive(Debug)]
pub(super) struct Running(Arc<Activity>);

impl Observe for Running {
    fn frame(&mut self, _: &Bytes) {}

    fn end(&mut self, _: End) {}
}

impl Drop for Running {
    fn drop(&mut self) {
        let now = u64::try_from(self.0.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.idle_since.store(now.max(1), Ordering::Relaxed);
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

pin_project! {
    /// A connection that ends by itself when nothing happens on it.
    pub(super) struct Idle<I> {
        #[pin]
        io: I,
        activity: Arc<Activity>,
        limits: IdleLimits,
        // When the head being read began; `None` between requests.
        head_since: Option<Instant>,
        // How many requests there had been then.
        requests: usize,
        // Boxed, as an I/O object must be movable.
        sleep: Pin<Box<Sleep>>,
    }
}

impl<I> Idle<I> {
    pub(super) fn new(io: I, activity: Arc<Activity>, limits: IdleLimits) -> Self {
        let sleep = Box::pin(tokio::time::sleep_until(activity.opened + limits.head));
        Self { io, activity, limits, head_since: None, requests: 0, sleep }
    }
}

impl<I: AsyncRead> AsyncRead for Idle<I> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let this = self.project();
        let before = buf.remaining();
        let read = this.io.poll_read(cx, buf);
        if read.is_ready() {
            if this.head_since.is_none() && buf.remaining() < before && !this.activity.is_busy() {
                *this.head_since = Some(Instant::now());
                *this.requests = this.activity.requests();
            }
            return read;
        }
        // A request may have begun and ended since its head was read.
        let begun = this.activity.requests() != *this.requests;
        if begun || this.activity.is_busy() || this.activity.is_shared() {
            *this.head_since = None;
        }
        loop {
            let deadline = match this.head_since {
                Some(since) => *since + this.limits.head,
                None if this.activity.is_busy() => Instant::now() + this.limits.idle,
                None => this.activity.idle_until(*this.limits),
            };
            // Later deadlines are looked at when the timer fires, so that it is rarely moved.
            if this.sleep.deadline() > deadline {
                this.sleep.as_mut().reset(deadline);
            }
            if this.sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if Instant::now() >= deadline {
                if !this.activity.is_shared() || this.activity.over.swap(true, Ordering::Relaxed) {
                    // The end of the stream, as if the client had closed it.
                    return Poll::Ready(Ok(()));
                }
                continue;
            }
            this.sleep.as_mut().reset(deadline);
        }
    }
}

impl<I: AsyncWrite> AsyncWrite for Idle<I> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        self.project().io.poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.project().io.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.project().io.poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        self.project().io.poll_write_vectored(cx, bufs)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const LIMITS: IdleLimits = IdleLimits { idle: Duration::from_mins(1), head: Duration::from_secs(10) };

    /// How long until the connection reads its end.
    async fn ends_after(idle: &mut Idle<tokio::io::DuplexStream>) -> Duration {
        let began = Instant::now();
        assert_eq!(idle.read(&mut [0; 64]).await.unwrap(), 0);
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_says_nothing_ends_after_the_time_for_a_head() {
        let (_client, server) = duplex(64);
        let mut idle = Idle::new(server, Activity::new(), LIMITS);
        let took = ends_after(&mut idle).await;
        assert!((10..=11).contains(&took.as_secs()), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_drips_ends_after_the_time_for_a_head() {
        let (mut client, server) = duplex(64);
        let activity = Activity::new();
        let mut idle = Idle::new(server, activity.clone(), LIMITS);
        drop(activity.begin(Version::HTTP_11));
        tokio::spawn(async move {
            for byte in b"POST / HTTP/1.1 and so on" {
                client.write_all(&[*byte]).await.unwrap();
                tokio::time::sleep(Duration::from_secs(3)).await;
            }
        });
        let began = Instant::now();
        while idle.read(&mut [0; 64]).await.unwrap() > 0 {}
        let took = began.elapsed();
        assert!((10..=11).contains(&took.as_secs()), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_answered_at_once_leaves_the_idle_time() {
        let (mut client, server) = duplex(64);
        let activity = Activity::new();
        let mut idle = Idle::new(server, activity.clone(), LIMITS);
        client.write_all(b"GET /health/live").await.unwrap();
        assert!(idle.read(&mut [0; 64]).await.unwrap() > 0);
        // Answered before the connection is read again.
        drop(activity.begin(Version::HTTP_11));
        let took = ends_after(&mut idle).await;
        assert!((59..=61).contains(&took.as_secs()), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn between_requests_a_connection_lives_for_the_idle_time() {
        let (_client, server) = duplex(64);
        let activity = Activity::new();
        let mut idle = Idle::new(server, activity.clone(), LIMITS);
        let running = activity.begin(Version::HTTP_11);
        assert!(tokio::time::timeout(Duration::from_mins(10), ends_after(&mut idle)).await.is_err());
        drop(running);
        let took = ends_after(&mut idle).await;
        assert!((59..=61).contains(&took.as_secs()), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn over_http2_bytes_between_requests_are_no_head() {
        let (mut client, server) = duplex(64);
        let activity = Activity::new();
        let mut idle = Idle::new(server, activity.clone(), LIMITS);
        drop(activity.begin(Version::HTTP_2));
        client.write_all(b"a ping").await.unwrap();
        assert_eq!(idle.read(&mut [0; 64]).await.unwrap(), 6);
        // It is asked to end, and as it does not, it is ended.
        let mut until = std::pin::pin!(ends_after(&mut idle));
        assert!(tokio::time::timeout(Duration::from_secs(59), until.as_mut()).await.is_err());
        assert!(!activity.is_over());
        assert!(tokio::time::timeout(Duration::from_secs(2), until.as_mut()).await.is_err());
        assert!(activity.is_over());
        let took = until.await;
        assert!((69..=71).contains(&took.as_secs()), "{took:?}");
    }
}
