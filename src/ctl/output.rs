//! The output of a command.

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::style::Style;
use super::table::Table;
use crate::runtime::stdio::{print, print_error};

/// Result of a command. `stdout` is printed even if the command failed half-way.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Output {
    pub(super) stdout: Vec<Part>,
    /// Lines for stderr that are no failure.
    pub(super) notes: Vec<String>,
    /// Line for stderr. If there is one, the exit code is 1.
    pub(super) failure: Option<String>,
    /// Exit code without a failure.
    pub(super) code: i32,
}

/// A part of stdout. Tables that follow each other have an empty line between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    Table(Table),
}

impl Output {
    pub(super) fn done(stdout: String) -> Self {
        Self {
            stdout: vec![Part::Text(stdout)],
            ..Self::default()
        }
    }

    pub(super) fn tables(tables: Vec<Table>) -> Self {
        Self {
            stdout: tables.into_iter().map(Part::Table).collect(),
            ..Self::default()
        }
    }

    /// A JSON document and a line end.
    pub(super) fn json(value: &impl Serialize) -> Self {
        match serde_json::to_string_pretty(value) {
            Ok(text) => Self::done(json_escaped(&text) + "\n"),
            Err(error) => Self::failed(format!("cannot write JSON: {error}")),
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
        let printed = print(&self.text(Style::of_stdout()));
        for line in self.notes.iter().chain(&self.failure) {
            print_error(&harmless(line));
        }
        if printed.is_err() || self.failure.is_some() {
            1
        } else {
            self.code
        }
    }

    /// The text for stdout.
    fn text(&self, style: Style) -> String {
        let mut text = String::new();
        let mut is_behind_table = false;
        for part in &self.stdout {
            match part {
                Part::Text(words) => text.push_str(&harmless(words)),
                Part::Table(table) => {
                    if is_behind_table {
                        text.push('\n');
                    }
                    // Cells are harmless; the colours must stay.
                    text.push_str(&table.print(style));
                }
            }
            is_behind_table = matches!(part, Part::Table(_));
        }
        text
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

/// The flag `-format` of commands that print data.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct FormatFlag {
    /// Layout of the output: table or json
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "table",
        hide_possible_values = true
    )]
    pub(super) format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Table,
    Json,
}

/// Writes a line to stdout at once, while the command still runs.
pub(super) fn write_stdout(line: &str) {
    let _ = print(&harmless(&format!("{line}\n")));
}

/// Writes a line to stderr at once, while the command still runs.
pub(super) fn write_stderr(line: &str) {
    print_error(&harmless(line));
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

/// Escapes the control characters that JSON allows in texts: DEL and those above it.
fn json_escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && c != '\n' {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
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
