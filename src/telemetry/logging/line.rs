//! An event as one line of text.

use std::fmt::Write as _;

use tracing::Level;

use super::config::Format;
use super::fields::Value;
use crate::base::UnixNanos;

#[derive(Clone, Copy)]
pub(super) struct LineForm {
    pub(super) format: Format,
    /// Colors for a terminal, with `Format::Console`.
    pub(super) color: bool,
}

pub(super) struct Record {
    pub(super) at: UnixNanos,
    pub(super) level: Level,
    pub(super) event: String,
    pub(super) msg: String,
    pub(super) fields: Vec<(&'static str, Value)>,
}

impl Record {
    pub(super) fn line(&self, form: LineForm) -> String {
        match form.format {
            Format::Json => self.json(),
            Format::Console => self.console(form.color),
            Format::Logfmt | Format::Auto => self.logfmt(),
        }
    }

    fn logfmt(&self) -> String {
        let mut line = format!(
            "ts={} lvl={} event={}",
            stamp(self.at),
            name(self.level),
            plain(&self.event)
        );
        let _ = write!(line, " msg={}", quoted(&self.msg));
        for (key, value) in &self.fields {
            let _ = write!(line, " {key}={}", plain(value.text()));
        }
        line.push('\n');
        line
    }

    fn json(&self) -> String {
        let text = |text: &str| serde_json::Value::from(text).to_string();
        let mut line = format!(
            r#"{{"ts":"{}","lvl":"{}","event":{},"msg":{}"#,
            stamp(self.at),
            name(self.level),
            text(&self.event),
            text(&self.msg)
        );
        for (key, value) in &self.fields {
            match value {
                Value::Text(value) => drop(write!(line, ",{}:{}", text(key), text(value))),
                Value::Bare(value) => drop(write!(line, ",{}:{value}", text(key))),
            }
        }
        line.push_str("}\n");
        line
    }

    /// Line such as `12:00:01.234 WARN  waiting for 2 of 3 founders  ok=meta-1`. It has no date:
    /// the reader sits at the terminal.
    fn console(&self, color: bool) -> String {
        let (on, off) = match (color, self.level) {
            (false, _) => ("", ""),
            (true, Level::ERROR) => ("\x1b[31m", "\x1b[0m"),
            (true, Level::WARN) => ("\x1b[33m", "\x1b[0m"),
            (true, Level::INFO) => ("\x1b[32m", "\x1b[0m"),
            (true, _) => ("\x1b[2m", "\x1b[0m"),
        };
        let stamp = stamp(self.at);
        let clock = stamp.get(11..23).unwrap_or(&stamp);
        let level = name(self.level).to_ascii_uppercase();
        let mut line = format!("{clock} {on}{level:<5}{off} {}", one_line(&self.msg));
        for (key, value) in &self.fields {
            let _ = write!(line, "  {key}={}", plain(value.text()));
        }
        line.push('\n');
        line
    }
}

fn name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        _ => "debug",
    }
}

/// Time in RFC 3339, UTC, to the microsecond.
fn stamp(at: UnixNanos) -> String {
    let since = std::time::Duration::from_nanos(u64::try_from(at.0).unwrap_or(0));
    humantime::format_rfc3339_micros(std::time::UNIX_EPOCH + since).to_string()
}

/// The unchanged text if every reader splits it correctly, else in quotes.
fn plain(text: &str) -> String {
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '=' | '\\');
    if text.is_empty() || text.contains(odd) {
        quoted(text)
    } else {
        text.to_owned()
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", one_line(text).replace('"', "\\\""))
}

/// Escapes control characters: text from other nodes must not forge a line or control a terminal.
fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out
}
