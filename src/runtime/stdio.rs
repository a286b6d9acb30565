//! Standard output and standard error. A reader that is gone is an error value, never a panic, as
//! it is with the print macros.

use std::io::{self, IsTerminal, Write};

use rustix::event::{PollFd, PollFlags, poll};

/// Writes data to stdout: for commands that print and end. May wait for the reader.
///
/// # Errors
/// The reader is gone, or the disk behind it is full. A command whose purpose is this output has
/// failed then.
pub fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Whether a person reads stdout at a terminal.
pub fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Whether a person reads stderr at a terminal.
pub fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// Writes a text without a line end to stderr: see [`print_error`].
pub fn write_to_stderr(text: &str) {
    let mut stderr = io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes());
    let _ = stderr.flush();
}

/// Writes a line to stderr: for commands that print and end. May wait for the reader. Nothing is
/// done if it cannot be written: there is no other place to say so.
pub fn print_error(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// A write failed after this many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartlyWritten(pub usize);

/// Writes all bytes to stderr and waits for the reader as long as it takes. Takes no lock: a
/// thread that is stuck here must not hold up another one that prints.
///
/// # Errors
/// The reader is gone, or the disk behind it is full.
pub fn write_all_to_stderr(bytes: &[u8]) -> Result<(), PartlyWritten> {
    let stderr = rustix::stdio::stderr();
    let mut written = 0;
    while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
        match rustix::io::write(stderr, rest) {
            Ok(0) => return Err(PartlyWritten(written)),
            Ok(count) => written += count,
            Err(rustix::io::Errno::INTR) => {}
            // Another process that shares this pipe or terminal may have made it non-blocking.
            Err(rustix::io::Errno::AGAIN) => {
                let _interrupted = poll(&mut [PollFd::new(&stderr, PollFlags::OUT)], None);
            }
            Err(_) => return Err(PartlyWritten(written)),
        }
    }
    Ok(())
}
