//! Progress of what takes longer than a second, in one line of the terminal of stderr. Without a
//! terminal nothing is written: a script gets only the documented text.

use std::pin::pin;
use std::time::Duration;

use tokio::time::sleep;

use super::output::one_line;
use crate::runtime::stdio::{stderr_is_terminal, write_to_stderr};

/// Interval between two looks at what is under way.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Moves to the start of the line and deletes it.
const CLEAR_LINE: &str = "\r\x1b[2K";

/// The line. It is deleted when this is dropped.
pub(super) struct Progress {
    is_visible: bool,
    is_written: bool,
}

impl Progress {
    pub(super) fn of_stderr() -> Self {
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            is_visible: stderr_is_terminal() && !is_dumb,
            is_written: false,
        }
    }

    /// Replaces the line.
    pub(super) fn show(&mut self, text: &str) {
        if self.is_visible {
            write_to_stderr(&format!("{CLEAR_LINE}{}", one_line(text)));
            self.is_written = true;
        }
    }

    /// Deletes the line, before other output.
    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.is_written) {
            write_to_stderr(CLEAR_LINE);
        }
    }

    /// Waits for `work`. While it goes on, shows what `look` returns: first after a second, then
    /// once a second. Without a terminal `look` is never called.
    pub(super) async fn while_running<T>(
        &mut self,
        work: impl Future<Output = T>,
        look: impl AsyncFn() -> Option<String>,
    ) -> T {
        if !self.is_visible {
            return work.await;
        }
        let mut work = pin!(work);
        loop {
            let looked = async {
                sleep(POLL_INTERVAL).await;
                look().await
            };
            tokio::select! {
                done = &mut work => {
                    self.clear();
                    return done;
                }
                seen = looked => {
                    if let Some(text) = seen {
                        self.show(&text);
                    }
                }
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Formats a number of bytes with three digits: `12.3 MiB`.
pub(super) fn bytes(count: i64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut scaled = count.max(0) as f64;
    let mut unit = UNITS[0];
    for next in &UNITS[1..] {
        if scaled < 1000.0 {
            break;
        }
        (scaled, unit) = (scaled / 1024.0, next);
    }
    if unit == UNITS[0] {
        format!("{count} B")
    } else {
        format!("{scaled:.1} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn numbers_of_bytes_are_short() {
        let cases = [
            (0, "0 B"),
            (999, "999 B"),
            (1024, "1.0 KiB"),
            (1_048_576, "1.0 MiB"),
            (12_900_000, "12.3 MiB"),
            (i64::MAX, "8192.0 PiB"),
        ];
        for (count, want) in cases {
            assert_eq!(bytes(count), want, "{count}");
        }
    }
}
