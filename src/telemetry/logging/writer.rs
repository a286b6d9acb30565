//! The thread that writes log lines to stderr, and the bounded queue in front of it.
//!
//! Invariant: no thread but the writer ever waits for stderr. Whoever reads it may stall (a full
//! pipe, a stopped terminal) without stopping the node: lines are dropped, counted, and reported
//! in the log as soon as there is room again. The order of lines is the order of [`Log::push`].

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::runtime::lock;
use crate::runtime::spawn_thread;
use crate::runtime::stdio;
use crate::telemetry::metrics::Counter;

/// Maximum number of lines that wait for the writer.
pub(super) const MAX_QUEUED_LINES: usize = 4096;

/// Maximum number of bytes that wait for the writer. The lines that it is writing come on top: at
/// most as many again.
pub(super) const MAX_QUEUED_BYTES: usize = 512 << 10;

/// Writes a text whole. The error says how much of it was written before.
type Sink = Box<dyn FnMut(&[u8]) -> Result<(), stdio::PartlyWritten> + Send>;

/// Makes the line that reports dropped lines, from their number.
type DropReport = Box<dyn Fn(u64) -> String + Send + Sync>;

/// The log of this process. Cheap to clone; clones share the queue.
#[derive(Clone)]
pub struct Log(Arc<Shared>);

struct Shared {
    queue: Mutex<Queue>,
    /// Notified when the queue is no longer empty.
    is_filled: Condvar,
    /// Notified when everything in the queue has been written or lost.
    is_idle: Condvar,
    dropped: Arc<Counter>,
}

struct Queue {
    lines: VecDeque<String>,
    bytes: usize,
    /// Lines dropped behind `lines`, not yet reported.
    dropped: u64,
    /// The writer has taken lines and not finished them.
    is_writing: bool,
    /// Taken by the thread when it starts.
    writer: Option<Writer>,
}

impl Log {
    /// A log on stderr. Lines wait in the queue until [`Log::start_writer`].
    pub(super) fn to_stderr(report: DropReport) -> Self {
        Self::new(report, Box::new(stdio::write_all_to_stderr))
    }

    pub(super) fn new(report: DropReport, sink: Sink) -> Self {
        let writer = Writer {
            sink,
            report,
            missing: 0,
            is_torn: false,
        };
        Self(Arc::new(Shared {
            queue: Mutex::new(Queue {
                lines: VecDeque::new(),
                bytes: 0,
                dropped: 0,
                is_writing: false,
                writer: Some(writer),
            }),
            is_filled: Condvar::new(),
            is_idle: Condvar::new(),
            dropped: Arc::default(),
        }))
    }

    /// Number of lines that were dropped because nobody read them, or because stderr could not be
    /// written.
    pub fn dropped(&self) -> Arc<Counter> {
        self.0.dropped.clone()
    }

    /// Appends a line, which ends in a newline. Never waits: drops the line if there is no room.
    pub fn push(&self, line: String) {
        let mut queue = lock(&self.0.queue);
        // Once a line was dropped, all are until the writer takes the queue: so the report stands
        // where the lines are missing.
        let has_room = queue.dropped == 0
            && queue.lines.len() < MAX_QUEUED_LINES
            && queue.bytes + line.len() <= MAX_QUEUED_BYTES;
        if has_room {
            queue.bytes += line.len();
            queue.lines.push_back(line);
        } else {
            queue.dropped += 1;
            self.0.dropped.add();
        }
        self.0.is_filled.notify_one();
    }

    /// Starts the thread that writes. A second call changes nothing. Call it after root was
    /// dropped: on Linux each thread has its own user.
    ///
    /// # Errors
    /// The system has no room for another thread.
    pub fn start_writer(&self) -> io::Result<()> {
        let Some(writer) = lock(&self.0.queue).writer.take() else {
            return Ok(());
        };
        let shared = self.0.clone();
        spawn_thread("log", move || writer.run(&shared))
    }

    /// Waits until everything is written, but not longer than `timeout`: for the end of the
    /// process, whose exit must not depend on the reader of the log.
    pub fn flush(&self, timeout: Duration) {
        // Without a thread there is nothing to wait for, and nobody who could be told.
        if self.start_writer().is_ok() {
            let queue = lock(&self.0.queue);
            let is_busy = |queue: &mut Queue| queue.is_writing || !queue.is_empty();
            let waited = self.0.is_idle.wait_timeout_while(queue, timeout, is_busy);
            drop(waited);
        }
    }
}

impl Queue {
    fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.dropped == 0
    }
}

impl Shared {
    /// Waits for lines and takes all of them, with the number of lines dropped behind them.
    fn take(&self) -> (VecDeque<String>, u64) {
        let mut queue = lock(&self.queue);
        queue.is_writing = false;
        while queue.is_empty() {
            self.is_idle.notify_all();
            queue = self
                .is_filled
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
        queue.is_writing = true;
        queue.bytes = 0;
        let dropped = std::mem::take(&mut queue.dropped);
        (std::mem::take(&mut queue.lines), dropped)
    }
}

struct Writer {
    sink: Sink,
    report: DropReport,
    /// Lines that are missing in the output at this place, not yet reported there.
    missing: u64,
    /// The output ends within a line.
    is_torn: bool,
}

impl Writer {
    /// Writes until the process ends.
    fn run(mut self, shared: &Shared) {
        loop {
            let (lines, dropped) = shared.take();
            for line in lines {
                if !self.report_missing() || !self.write(&line) {
                    self.missing += 1;
                    shared.dropped.add();
                }
            }
            self.missing += dropped;
            self.report_missing();
        }
    }

    /// Reports missing lines, once. Returns whether the output has no gap that is not reported.
    fn report_missing(&mut self) -> bool {
        if self.missing > 0 {
            let line = (self.report)(self.missing);
            if self.write(&line) {
                self.missing = 0;
            }
        }
        self.missing == 0
    }

    /// Returns whether the whole line was written.
    fn write(&mut self, line: &str) -> bool {
        let separated;
        let text = if self.is_torn {
            separated = format!("\n{line}");
            &separated
        } else {
            line
        };
        match (self.sink)(text.as_bytes()) {
            Ok(()) => {
                self.is_torn = false;
                true
            }
            Err(stdio::PartlyWritten(0)) => false,
            Err(_) => {
                self.is_torn = true;
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// A log whose reader takes a line only when the test says so, and the lines it has read.
    fn stalled() -> (Log, mpsc::SyncSender<()>, mpsc::Receiver<String>) {
        let (allow, allowed) = mpsc::sync_channel::<()>(0);
        let (written, read) = mpsc::channel();
        let sink = move |bytes: &[u8]| {
            let open = allowed.recv();
            let text = String::from_utf8_lossy(bytes).into_owned();
            let _gone = written.send(text);
            open.map_err(|_| stdio::PartlyWritten(0))
        };
        let log = Log::new(
            Box::new(|lines| format!("{lines} dropped\n")),
            Box::new(sink),
        );
        log.start_writer().expect("a thread");
        (log, allow, read)
    }

    fn read_one(allow: &mpsc::SyncSender<()>, read: &mpsc::Receiver<String>) -> String {
        allow.send(()).expect("the writer lives");
        read.recv().expect("a line")
    }

    #[test]
    fn a_stalled_reader_costs_lines_which_are_counted_and_reported_in_their_place() {
        let (log, allow, read) = stalled();
        log.push("first\n".into());
        // Until the writer has taken the first line, it still is in the queue.
        while !lock(&log.0.queue).lines.is_empty() {
            std::thread::yield_now();
        }
        for n in 0..MAX_QUEUED_LINES + 3 {
            log.push(format!("{n}\n"));
        }
        assert_eq!(log.dropped().get(), 3);
        log.flush(Duration::from_millis(1));
        assert_eq!(read_one(&allow, &read), "first\n");
        for n in 0..MAX_QUEUED_LINES {
            assert_eq!(read_one(&allow, &read), format!("{n}\n"));
        }
        assert_eq!(read_one(&allow, &read), "3 dropped\n");
        log.push("later\n".into());
        assert_eq!(read_one(&allow, &read), "later\n");
        assert_eq!(log.dropped().get(), 3, "reported once");
    }

    #[test]
    fn bytes_are_bounded_and_a_short_line_does_not_overtake_the_report() {
        let (log, allow, read) = stalled();
        log.push("x".repeat(MAX_QUEUED_BYTES + 1));
        assert_eq!(read_one(&allow, &read), "1 dropped\n");
        let half = "y".repeat(MAX_QUEUED_BYTES / 2);
        log.push("first\n".into());
        while !lock(&log.0.queue).lines.is_empty() {
            std::thread::yield_now();
        }
        for line in [&half, &half, "too much\n", "more\n"] {
            log.push(line.into());
        }
        let wanted = ["first\n", &half, &half, "2 dropped\n"];
        for line in wanted {
            assert_eq!(read_one(&allow, &read), line);
        }
    }

    #[test]
    fn lines_that_cannot_be_written_are_counted_and_reported_when_it_works_again() {
        let (written, read) = mpsc::channel();
        let mut results = vec![
            Ok(()),
            Err(stdio::PartlyWritten(0)),
            Err(stdio::PartlyWritten(3)),
            Err(stdio::PartlyWritten(0)),
        ];
        let sink = move |bytes: &[u8]| {
            let result = results.pop().unwrap_or(Ok(()));
            if result.is_ok() {
                let _gone = written.send(String::from_utf8_lossy(bytes).into_owned());
            }
            result
        };
        let log = Log::new(
            Box::new(|lines| format!("{lines} dropped\n")),
            Box::new(sink),
        );
        for line in ["a\n", "b\n", "c\n"] {
            log.push(line.into());
        }
        log.flush(Duration::from_secs(20));
        // a fails; b's report fails within the line; c's report fails; the last report works.
        assert_eq!(read.recv().as_deref(), Ok("\n3 dropped\n"));
        log.push("d\n".into());
        assert_eq!(read.recv().as_deref(), Ok("d\n"));
        assert_eq!(log.dropped().get(), 3);
    }
}
