//! Copies bytes both ways: what one side does not take, the other is not asked for.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep_until};
use tollway_core::Outcome;

use crate::config::Timeouts;

/// How many bytes of each direction may wait.
const BUFFER: usize = 16 * 1024;

/// How long one side may go on when the other has ended.
const LINGER: Duration = Duration::from_secs(10);

/// The two connections.
pub(super) struct Sides<C, S> {
    pub(super) client: C,
    pub(super) server: S,
}

/// What has passed.
pub(super) enum Passed<'a> {
    ToClient(&'a [u8]),
    ToServer(&'a [u8]),
}

impl<C, S> Sides<C, S>
where
    C: AsyncRead + AsyncWrite + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
{
    /// Copies until both have ended, nothing has moved for `limits.unread`, or `limits.total` is over.
    pub(super) async fn join(mut self, limits: Timeouts, mut saw: impl FnMut(Passed<'_>)) -> Outcome {
        let began = Instant::now();
        let end = limits.total.map(|total| began + total);
        let (mut down, mut up) = (Way::new(), Way::new());
        let mut quiet = limits.unread;
        let mut moved = began;
        let mut timer = pin!(sleep_until(began + quiet));
        poll_fn(|cx| {
            let (client, server) = (Pin::new(&mut self.client), Pin::new(&mut self.server));
            let to_client = down.poll(cx, server, client, |data| saw(Passed::ToClient(data)));
            let (client, server) = (Pin::new(&mut self.client), Pin::new(&mut self.server));
            let to_server = up.poll(cx, client, server, |data| saw(Passed::ToServer(data)));
            if std::mem::take(&mut down.moved) | std::mem::take(&mut up.moved) {
                moved = Instant::now();
            }
            match (to_client, to_server) {
                (Poll::Ready(Err(Broken::Source)), _) | (_, Poll::Ready(Err(Broken::Target))) => {
                    return Poll::Ready(Outcome::Broken);
                }
                (Poll::Ready(Err(Broken::Target)), _) | (_, Poll::Ready(Err(Broken::Source))) => {
                    return Poll::Ready(Outcome::Cancelled);
                }
                (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => return Poll::Ready(Outcome::Complete),
                (Poll::Ready(Ok(())), _) | (_, Poll::Ready(Ok(()))) => quiet = quiet.min(LINGER),
                _ => {}
            }
            loop {
                let quiet_until = moved + quiet;
                let deadline = end.map_or(quiet_until, |end| end.min(quiet_until));
                if timer.deadline() > deadline {
                    timer.as_mut().reset(deadline);
                }
                ready!(timer.as_mut().poll(cx));
                if Instant::now() >= deadline {
                    let half_closed = down.done || up.done;
                    return Poll::Ready(if half_closed { Outcome::Complete } else { Outcome::TimedOut });
                }
                timer.as_mut().reset(deadline);
            }
        })
        .await
    }
}

/// Which side of a direction failed.
#[derive(Clone, Copy, Debug)]
enum Broken {
    Source,
    Target,
}

/// One direction.
struct Way {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    ended: bool,
    unflushed: bool,
    moved: bool,
    done: bool,
}

impl Way {
    fn new() -> Self {
        let buffer = vec![0; BUFFER].into_boxed_slice();
        Self { buffer, start: 0, end: 0, ended: false, unflushed: false, moved: false, done: false }
    }

    /// Ready when the source has ended and the target knows.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        mut source: Pin<&mut impl AsyncRead>,
        mut target: Pin<&mut impl AsyncWrite>,
        mut saw: impl FnMut(&[u8]),
    ) -> Poll<Result<(), Broken>> {
        let to = |result: io::Result<()>| result.map_err(|_| Broken::Target);
        while !self.done {
            let waiting = self.buffer.get(self.start..self.end).unwrap_or_default();
            if !waiting.is_empty() {
                match ready!(target.as_mut().poll_write(cx, waiting)) {
                    Ok(written @ 1..) => self.start += written,
                    Ok(0) | Err(_) => return Poll::Ready(Err(Broken::Target)),
                }
                (self.unflushed, self.moved) = (true, true);
                continue;
            }
            if self.ended {
                to(ready!(target.as_mut().poll_shutdown(cx)))?;
                self.done = true;
                break;
            }
            let mut read = ReadBuf::new(&mut self.buffer);
            match source.as_mut().poll_read(cx, &mut read) {
                Poll::Ready(Ok(())) => {
                    if !read.filled().is_empty() {
                        saw(read.filled());
                    }
                    (self.start, self.end) = (0, read.filled().len());
                    self.ended = self.end == 0;
                    self.moved = true;
                }
                Poll::Ready(Err(_)) => return Poll::Ready(Err(Broken::Source)),
                Poll::Pending => {
                    // Written as it comes; flushed when there is no more for the moment.
                    if self.unflushed {
                        to(ready!(target.as_mut().poll_flush(cx)))?;
                        self.unflushed = false;
                    }
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    const LIMITS: Timeouts = Timeouts {
        connect: Duration::from_secs(5),
        first_byte: Duration::from_secs(20),
        idle: Duration::from_secs(20),
        unread: Duration::from_mins(1),
        total: None,
    };

    /// The far ends of a tunnel, and what becomes of it.
    fn tunnel(
        limits: Timeouts,
    ) -> (DuplexStream, DuplexStream, tokio::task::JoinHandle<(Outcome, usize, usize)>) {
        let ((client, near), (far, server)) = (duplex(64), duplex(64));
        let task = tokio::spawn(async move {
            let (mut down, mut up) = (0, 0);
            let ended = Sides { client: near, server: far }
                .join(limits, |passed| match passed {
                    Passed::ToClient(data) => down += data.len(),
                    Passed::ToServer(data) => up += data.len(),
                })
                .await;
            (ended, down, up)
        });
        (client, server, task)
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_pass_both_ways_until_both_have_ended() {
        let (mut client, mut server, task) = tunnel(LIMITS);
        let sent: Vec<u8> = (0..100_000_u32).map(|at| at.to_le_bytes()[0]).collect();
        let mut got = Vec::new();
        let write = async {
            client.write_all(&sent).await.unwrap();
            client.shutdown().await.unwrap();
            let mut back = String::new();
            client.read_to_string(&mut back).await.unwrap();
            back
        };
        let read = async {
            server.read_to_end(&mut got).await.unwrap();
            server.write_all(b"bye").await.unwrap();
            server.shutdown().await.unwrap();
        };
        let (back, ()) = tokio::join!(write, read);
        assert_eq!((back.as_str(), got == sent), ("bye", true));
        assert_eq!(task.await.unwrap(), (Outcome::Complete, 3, sent.len()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_one_side_does_not_take_the_other_is_not_asked_for() {
        let (mut client, _server, task) = tunnel(LIMITS);
        let mut sent = 0;
        while tokio::time::timeout(Duration::from_secs(1), client.write(&[0; 64])).await.is_ok() {
            sent += 64;
        }
        assert!(sent <= BUFFER + 4 * 64, "{sent}");
        // Nothing moves for a minute.
        assert_eq!(task.await.unwrap().0, Outcome::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_side_that_never_follows_the_other_s_end_is_left() {
        let began = Instant::now();
        let (client, _server, task) = tunnel(LIMITS);
        drop(client);
        assert_eq!(task.await.unwrap().0, Outcome::Complete);
        assert_eq!(began.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn the_whole_has_a_limit_however_lively_it_is() {
        let (mut client, mut server, task) =
            tunnel(Timeouts { total: Some(Duration::from_mins(2)), ..LIMITS });
        let began = Instant::now();
        while client.write_all(b"x").await.is_ok() && server.read_u8().await.is_ok() {
            tokio::time::sleep(Duration::from_secs(7)).await;
        }
        assert_eq!(task.await.unwrap().0, Outcome::TimedOut);
        assert!((120..=128).contains(&began.elapsed().as_secs()));
    }
}
