use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::line::Clock;

/// How long a line may wait before it is written.
const FLUSH_EVERY: Duration = Duration::from_millis(50);
/// How many bytes may wait. A reader that has stalled must not stop requests: further lines are lost,
/// and how many is told when there is room again.
const MOST_WAITING: usize = 16 * 1024 * 1024;

/// A buffer of log lines and the thread that writes it out, so that a request never waits for a
/// terminal, and many lines cost one system call.
pub struct LineSink {
    state: Mutex<State>,
    wake: Condvar,
    out: Mutex<Box<dyn Write + Send>>,
}

#[derive(Default)]
struct State {
    buffer: Vec<u8>,
    clock: Clock,
    lost: u64,
    closed: bool,
}

impl LineSink {
    /// Starts the writing thread. It ends with [`Self::close`].
    pub fn start(out: Box<dyn Write + Send>) -> std::io::Result<Arc<Self>> {
        let sink = Arc::new(Self { state: Mutex::default(), wake: Condvar::new(), out: Mutex::new(out) });
        let writer = sink.clone();
        thread::Builder::new().name("access-log".into()).spawn(move || writer.run())?;
        Ok(sink)
    }

    /// Appends what `line` writes.
    pub(super) fn write(&self, line: impl FnOnce(&mut Vec<u8>, &mut Clock)) {
        let mut state = self.lock();
        let was_empty = state.buffer.is_empty();
        let State { buffer, clock, lost, .. } = &mut *state;
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
        drop(state);
        if was_empty {
            self.wake.notify_one();
        }
    }

    /// Writes out what waits.
    pub fn flush(&self) {
        // The order of locks keeps lines in order: who holds `out` takes the buffer.
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = std::mem::take(&mut self.lock().buffer);
        // A closed pipe must not stop the gateway.
        let _ = out.write_all(&lines).and_then(|()| out.flush());
    }

    /// Writes out what waits and ends the writing thread.
    pub fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_one();
        self.flush();
    }

    fn run(&self) {
        loop {
            let mut state = self.lock();
            while state.buffer.is_empty() && !state.closed {
                state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.closed {
                return;
            }
            // Gather more lines for one write; `close` cuts the wait short.
            let (state, _) = self
                .wake
                .wait_timeout_while(state, FLUSH_EVERY, |state| !state.closed)
                .unwrap_or_else(PoisonError::into_inner);
            drop(state);
            self.flush();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for LineSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LineSink").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

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
        for _ in 0..64 {
            sink.write(|buffer, _| buffer.extend_from_slice(&line));
        }
        drop(go_on);
        assert!(!read.recv().unwrap().is_empty());
        // There is room again, and what was lost is told before the next line.
        sink.flush();
        sink.write(|buffer, _| buffer.extend_from_slice(b"next\n"));
        sink.close();
        let rest: Vec<u8> = read.try_iter().flatten().collect();
        let text = String::from_utf8_lossy(&rest);
        assert!(text.contains("{\"lost_lines\":") && text.ends_with("next\n"), "{} bytes", text.len());
    }
}
