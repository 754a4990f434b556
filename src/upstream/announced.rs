//! How many streams a server takes on one HTTP/2 connection, read from its first frame.
//!
//! hyper knows it (`SendRequest::current_max_send_streams`), but the pooled client keeps it to
//! itself: a request beyond it would wait within the client while other connections are free. The
//! first frame a server sends is `SETTINGS` (RFC 9113 §3.4). Later ones are not looked at: servers in
//! use say it once.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use pin_project_lite::pin_project;

/// Where a provider's connections tell the limit; `usize::MAX` until one has.
pub(super) type StreamLimit = Arc<AtomicUsize>;

/// The length of a frame's head.
const HEAD: usize = 9;
/// The type of a `SETTINGS` frame.
const SETTINGS: u8 = 4;
/// `SETTINGS_MAX_CONCURRENT_STREAMS`.
const MAX_CONCURRENT_STREAMS: u16 = 3;
/// The longest frame that is read: a dozen settings are known, of six bytes each.
const LONGEST: usize = 512;

pin_project! {
    /// A connection whose first bytes are looked at as they pass.
    #[derive(Debug)]
    pub(crate) struct Announced<I> {
        #[pin]
        io: I,
        first: Option<First>,
    }
}

/// The first bytes, until they are enough.
#[derive(Debug)]
struct First {
    bytes: Vec<u8>,
    limit: StreamLimit,
}

impl<I> Announced<I> {
    pub(super) const fn new(io: I, limit: StreamLimit) -> Self {
        Self { io, first: Some(First { bytes: Vec::new(), limit }) }
    }
}

impl First {
    /// Takes in bytes; tells whether more are wanted.
    fn wants_more(&mut self, bytes: &[u8]) -> bool {
        self.bytes.extend_from_slice(bytes);
        let [high, middle, low, kind, _, rest @ ..] = self.bytes.as_slice() else { return true };
        let length = usize::from(*high) << 16 | usize::from(*middle) << 8 | usize::from(*low);
        if *kind != SETTINGS || length > LONGEST {
            return false;
        }
        // Behind the head's last part, the stream's number.
        let Some(settings) = rest.get(HEAD - 5..HEAD - 5 + length) else { return true };
        for setting in settings.chunks_exact(6) {
            if let [a, b, value @ ..] = setting
                && u16::from_be_bytes([*a, *b]) == MAX_CONCURRENT_STREAMS
                && let Ok(value) = value.try_into().map(u32::from_be_bytes)
            {
                self.limit.store(value as usize, Ordering::Relaxed);
            }
        }
        false
    }
}

impl<I: Read> Read for Announced<I> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        let this = self.project();
        let Some(first) = this.first else { return this.io.poll_read(cx, buf) };
        // A cursor does not show what was read, so it is read beside.
        let mut beside = [0; 64];
        let room = buf.remaining().min(beside.len());
        let mut read = ReadBuf::new(beside.get_mut(..room).unwrap_or_default());
        ready!(this.io.poll_read(cx, read.unfilled()))?;
        buf.put_slice(read.filled());
        if !first.wants_more(read.filled()) {
            *this.first = None;
        }
        Poll::Ready(Ok(()))
    }
}

impl<I: Connection> Connection for Announced<I> {
    fn connected(&self) -> Connected {
        self.io.connected()
    }
}

impl<I: Write> Write for Announced<I> {
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
    use super::*;

    /// What is learned of bytes that come in pieces, and whether more were wanted at the end.
    fn learned(bytes: &[u8], piece: usize) -> (usize, bool) {
        let limit = StreamLimit::new(AtomicUsize::new(usize::MAX));
        let mut first = First { bytes: Vec::new(), limit: limit.clone() };
        let more = bytes.chunks(piece).all(|piece| first.wants_more(piece));
        (limit.load(Ordering::Relaxed), more)
    }

    #[test]
    fn the_limit_is_read_in_any_pieces() {
        let settings = [
            [0, 0, 12, 4, 0, 0, 0, 0, 0].as_slice(),
            &[0, 4, 0, 0, 255, 255],
            &[0, 3, 0, 0, 0, 100],
            &[0, 0, 4, 8],
        ]
        .concat();
        for piece in [1, 2, 9, 64] {
            assert_eq!(learned(&settings, piece), (100, false), "{piece}");
        }
        assert_eq!(learned(&settings[..20], 3), (usize::MAX, true));
    }

    #[test]
    fn what_is_no_settings_frame_is_let_be() {
        for other in
            [b"HTTP/1.1 200 OK\r\n".as_slice(), &[0, 0, 0, 4, 0, 0, 0, 0, 0], &[9, 9, 9, 4, 0, 0, 0, 0, 0]]
        {
            assert_eq!(learned(other, 4), (usize::MAX, false), "{other:?}");
        }
    }
}
