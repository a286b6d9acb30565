//! Log lines on stderr: logfmt, JSON, or a form for terminals, with the same keys in each.
//!
//! First `lvl` (error: an operator must act; warn: it may heal by itself; info: of interest to an
//! operator; debug), then `event` (stable, for programs), `msg` (for operators), then the event's
//! own fields.

mod config;
mod fields;
mod line;
mod writer;

use std::io::IsTerminal;
use std::sync::Arc;

use tracing::level_filters::LevelFilter;
use tracing::span;
use tracing::{Event, Level, Metadata, Subscriber};

pub use config::{Format, LoggingConfig, Threshold, UnknownWord};
use fields::{Fields, Value};
use line::{LineForm, Record};
pub use writer::Log;

use crate::base::UnixNanos;
use crate::runtime::Clock;

/// Starts logging for the whole process, into a queue: [`Log::start_writer`] starts the thread that
/// empties it. If a subscriber is set already, for example by a test, that one stays.
pub fn start(config: &LoggingConfig, clock: Arc<dyn Clock>) -> Log {
    let terminal = std::io::stderr().is_terminal();
    let format = match (config.format, terminal) {
        (Format::Auto, true) => Format::Console,
        (Format::Auto, false) => Format::Logfmt,
        (format, _) => format,
    };
    let form = LineForm {
        format,
        color: terminal && format == Format::Console,
    };
    let report_clock = clock.clone();
    let report = move |lines| dropped(lines, report_clock.now()).line(form);
    let log = Log::to_stderr(Box::new(report));
    let sink = log.clone();
    // Fails only if a subscriber is set already.
    let _ = tracing::subscriber::set_global_default(Lines {
        form,
        threshold: config.level.filter(),
        clock,
        sink: Box::new(move |line| sink.push(line)),
    });
    log
}

/// A log for the message of a start that fails before the configuration is known. Its lines are
/// plain text.
pub fn without_config() -> Log {
    Log::to_stderr(Box::new(|lines| format!("({lines} lines dropped)\n")))
}

/// The line about lines that are missing at its place.
fn dropped(lines: u64, at: UnixNanos) -> Record {
    Record {
        at,
        level: Level::WARN,
        event: "log.dropped".to_owned(),
        msg: format!(
            "{lines} lines dropped: the log was not read, or could not be written; the node was \
             not held up"
        ),
        fields: vec![("lines", Value::Bare(lines.to_string()))],
    }
}

/// Makes one line of each event, and passes it on whole, so that lines of several threads do not
/// mix.
struct Lines {
    form: LineForm,
    threshold: LevelFilter,
    clock: Arc<dyn Clock>,
    /// Never waits.
    sink: Box<dyn Fn(String) + Send + Sync>,
}

/// Most verbose level that is logged for a target. Libraries log their internals, so only levels
/// that may need an operator are taken from them. openraft warns of every heartbeat that a dead
/// member misses; `raft` reports once that the member is not reached.
fn noisiest(target: &str) -> Level {
    let of = |library: &str| target.split("::").next() == Some(library);
    if of("influxdb_meta") || of("influxd_meta") || of("influxd_ctl") {
        Level::TRACE
    } else if of("openraft") {
        Level::ERROR
    } else {
        Level::WARN
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let level = *metadata.level();
        metadata.is_event() && level <= self.threshold && level <= noisiest(metadata.target())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.threshold)
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let record = Record {
            at: self.clock.now(),
            level: *event.metadata().level(),
            event: fields
                .event
                .unwrap_or_else(|| module(event.metadata().target())),
            msg: fields.msg,
            fields: fields.rest,
        };
        (self.sink)(record.line(self.form));
    }

    // Spans are disabled by `enabled`: every line has its own fields.
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// `influxdb_meta::cluster::node` → `cluster`: the event of a line that names none.
fn module(target: &str) -> String {
    let inside = target.strip_prefix("influxdb_meta::").unwrap_or(target);
    inside.split("::").next().unwrap_or(inside).to_owned()
}

#[cfg(test)]
mod tests;
