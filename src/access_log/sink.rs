use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak, mpsc};
use std::thread;
use std::time::Duration;

use super::line::Clock;

/// How long a line may wait before it is written.
const FLUSH_EVERY: Duration = Duration::from_millis(50);
/// How long the last lines may take when the process ends.
const LAST_FLUSH: Duration = Duration::from_secs(1);
/// How many bytes may wait in a lane. A reader that has stalled must not stop requests: further lines are lost,
/// and how many is told when there is room again.
const MOST_WAITING: usize = 16 * 1024 * 1024;

/// The most memory that an empty buffer keeps for the next lines.
const MOST_KEPT: usize = 1024 * 1024;

/// Log lines on their way out and the thread that writes them, so that a request never waits for a
/// terminal, and many lines cost one system call.
pub struct LineSink {
    lanes: Mutex<Vec<Arc<Lane>>>,
    signal: Mutex<Signal>,
    wake: Condvar,
    out: Mutex<Out>,
}

struct Out {
    to: Box<dyn Write + Send>,
    /// Takes the place of a buffer that is written.
    spare: Vec<u8>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Signal {
    lines: bool,
    closed: bool,
}

/// A way to a [`LineSink`] that has a buffer of its own: workers that shared one would wait for each
/// other's memory at every line. Lines of one lane keep their order.
pub struct Lane {
    sink: Weak<LineSink>,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    buffer: Vec<u8>,
    clock: Clock,
    lost: u64,
}

impl LineSink {
    /// Starts the writing thread. It ends with [`Self::close`].
    pub fn start(out: Box<dyn Write + Send>) -> std::io::Result<Arc<Self>> {
        let sink = Arc::new(Self {
            lanes: Mutex::default(),
            signal: Mutex::default(),
            wake: Condvar::new(),
            out: Mutex::new(Out { to: out, spare: Vec::new() }),
        });
        let writer = sink.clone();
        thread::Builder::new().name("access-log".into()).spawn(move || writer.run())?;
        Ok(sink)
    }

    /// Opens a way in. It closes when all its owners are gone and its lines are written.
    pub(crate) fn lane(self: &Arc<Self>) -> Arc<Lane> {
        let lane = Arc::new(Lane { sink: Arc::downgrade(self), waiting: Mutex::default() });
        lock(&self.lanes).push(lane.clone());
        lane
    }

    /// Writes out what waits.
    pub fn flush(&self) {
        // Who holds `out` takes the lines, so that those of a lane stay in order.
        let mut out = lock(&self.out);
        let lanes = lock(&self.lanes).clone();
        for lane in lanes {
            lane.write_to(&mut out);
        }
        // One reference is the list's own; a lane that nobody else has gets no more lines.
        lock(&self.lanes)
            .retain(|lane| Arc::strong_count(lane) > 1 || !lock(&lane.waiting).buffer.is_empty());
        // A closed pipe must not stop the gateway.
        let _ = out.to.flush();
    }

    /// Writes out what waits and ends the writing thread. A reader that has stalled is not waited for.
    pub fn close(self: &Arc<Self>) {
        lock(&self.signal).closed = true;
        self.wake.notify_one();
        let (done, flushed) = mpsc::channel();
        let sink = self.clone();
        let last = thread::Builder::new().name("access-log-end".into()).spawn(move || {
            sink.flush();
            // Nobody listens when it took too long.
            let _ = done.send(());
        });
        if last.is_ok() {
            let _ = flushed.recv_timeout(LAST_FLUSH);
        }
    }

    fn announce(&self) {
        if !std::mem::replace(&mut lock(&self.signal).lines, true) {
            self.wake.notify_one();
        }
    }

    fn run(&self) {
        loop {
            let signal = lock(&self.signal);
            let signal = self
                .wake
                .wait_while(signal, |signal| *signal == Signal::default())
                .unwrap_or_else(PoisonError::into_inner);
            // Gather more lines for one write; `close` cuts the wait short.
            let (mut signal, _) = self
                .wake
                .wait_timeout_while(signal, FLUSH_EVERY, |signal| !signal.closed)
                .unwrap_or_else(PoisonError::into_inner);
            if signal.closed {
                return;
            }
            signal.lines = false;
            drop(signal);
            self.flush();
        }
    }
}

impl Lane {
    /// Appends what `line` writes.
    pub(super) fn write(&self, line: impl FnOnce(&mut Vec<u8>, &mut Clock)) {
        let mut waiting = lock(&self.waiting);
        let was_empty = waiting.buffer.is_empty();
        let Waiting { buffer, clock, lost } = &mut *waiting;
        if buffer.len() >= MOST_WAITING {
            *lost += 1;
            return;
        }
        match std::mem::take(lost) {
            0 => {}
            // Writing to a Vec cannot fail.
            lost => drop(writeln!(buffer, "{{\"lost_lines\":{lost}}}")),
        }
        line(buffer, clock);
        drop(waiting);
        if was_empty && let Some(sink) = self.sink.upgrade() {
            sink.announce();
        }
    }

    fn write_to(&self, out: &mut Out) {
        let lines = std::mem::replace(&mut lock(&self.waiting).buffer, std::mem::take(&mut out.spare));
        let _ = out.to.write_all(&lines);
        out.spare = lines;
        out.spare.clear();
        out.spare.shrink_to(MOST_KEPT);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for LineSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LineSink").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lane").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets nothing through until it is told to, and then passes on what is written.
    struct Stalled(mpsc::Receiver<()>, mpsc::Sender<Vec<u8>>);

    impl Write for Stalled {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            // An error means that the test needs no more stalling.
            let _ = self.0.recv();
            let _ = self.1.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_stalled_reader_loses_lines_and_stops_nobody() {
        let (go_on, stall) = mpsc::channel();
        let (written, read) = mpsc::channel();
        let sink = LineSink::start(Box::new(Stalled(stall, written))).unwrap();
        let line = vec![b'x'; 1024 * 1024];
        let lane = sink.lane();
        for _ in 0..64 {
            lane.write(|buffer, _| buffer.extend_from_slice(&line));
        }
        drop(go_on);
        assert!(!read.recv().unwrap().is_empty());
        // There is room again, and what was lost is told before the next line.
        sink.flush();
        lane.write(|buffer, _| buffer.extend_from_slice(b"next\n"));
        sink.close();
        let rest: Vec<u8> = read.try_iter().flatten().collect();
        let text = String::from_utf8_lossy(&rest);
        assert!(text.contains("{\"lost_lines\":") && text.ends_with("next\n"), "{} bytes", text.len());
    }
    #[test]
    fn an_end_does_not_wait_for_a_stalled_reader() {
        let (_go_on, stall) = mpsc::channel();
        let (written, _read) = mpsc::channel();
        let sink = LineSink::start(Box::new(Stalled(stall, written))).unwrap();
        sink.lane().write(|buffer, _| buffer.extend_from_slice(b"never read\n"));
        // Returns; a hang would fail by the runner's limit.
        sink.close();
    }

    #[test]
    fn a_lane_that_is_dropped_loses_no_lines_and_leaves_no_trace() {
        let (go_on, stall) = mpsc::channel();
        let (written, read) = mpsc::channel();
        drop(go_on);
        let sink = LineSink::start(Box::new(Stalled(stall, written))).unwrap();
        let (first, second) = (sink.lane(), sink.lane());
        first.write(|buffer, _| buffer.extend_from_slice(b"first\n"));
        second.write(|buffer, _| buffer.extend_from_slice(b"second\n"));
        drop(first);
        sink.close();
        let text = String::from_utf8(read.try_iter().flatten().collect()).unwrap();
        assert_eq!(text, "first\nsecond\n");
        assert_eq!(lock(&sink.lanes).len(), 1);
    }
}
