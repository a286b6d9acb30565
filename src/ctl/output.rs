//! The output of a command.

use crate::runtime::stdio::{print, print_error};

/// Result of a command. `stdout` is printed even if the command failed half-way.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Output {
    pub(super) stdout: String,
    /// Lines for stderr that are no failure.
    pub(super) notes: Vec<String>,
    /// Line for stderr. If there is one, the exit code is 1.
    pub(super) failure: Option<String>,
}

impl Output {
    pub(super) fn done(stdout: String) -> Self {
        Self {
            stdout,
            ..Self::default()
        }
    }

    pub(super) fn failed(why: impl Into<String>) -> Self {
        Self {
            failure: Some(why.into()),
            ..Self::default()
        }
    }

    /// Prints everything and returns the exit code. A closed stdout is a failure, not a panic.
    pub(super) fn finish(&self) -> i32 {
        let printed = print(&harmless(&self.stdout));
        for line in self.notes.iter().chain(&self.failure) {
            print_error(&harmless(line));
        }
        i32::from(printed.is_err() || self.failure.is_some())
    }
}

/// The text for stdout, or the line for stderr.
impl From<Result<String, String>> for Output {
    fn from(result: Result<String, String>) -> Self {
        match result {
            Ok(stdout) => Self::done(stdout),
            Err(why) => Self::failed(why),
        }
    }
}

/// Writes a line to stdout at once, while the command still runs.
pub(super) fn write_stdout(line: &str) {
    let _ = print(&harmless(&format!("{line}\n")));
}

/// Escapes the control characters of a text that must stay within its line and its cell. Names of
/// databases, labels and errors come from others, and must not forge a row.
pub(super) fn one_line(text: &str) -> String {
    escape(text, |c| c.is_control())
}

/// Escapes control characters except line ends and tabs: text of others must not control the
/// terminal.
fn harmless(text: &str) -> String {
    escape(text, |c| c.is_control() && !matches!(c, '\n' | '\t'))
}

fn escape(text: &str, is_escaped: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_escaped(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}
