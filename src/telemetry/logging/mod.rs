//! Log lines on stderr: logfmt, JSON, or a form for terminals, with the same keys in each.
//!
//! First `lvl` (error: an operator must act; warn: it may heal by itself; info: of interest to an
//! operator; debug), then `event` (stable, for programs), `msg` (for operators), then the event's
//! own fields.

mod config;
mod fields;
mod line;

use std::io::{IsTerminal, Write as _};
use std::sync::Arc;

use tracing::level_filters::LevelFilter;
use tracing::span;
use tracing::{Event, Level, Metadata, Subscriber};

pub use config::{Format, LoggingConfig, Threshold, UnknownWord};
use fields::Fields;
use line::Record;

use crate::runtime::Clock;

/// Starts logging for the whole process. A second call changes nothing.
pub fn start(config: &LoggingConfig, clock: Arc<dyn Clock>) {
    let terminal = std::io::stderr().is_terminal();
    let format = match (config.format, terminal) {
        (Format::Auto, true) => Format::Console,
        (Format::Auto, false) => Format::Logfmt,
        (format, _) => format,
    };
    // Fails only if a subscriber is set already, for example by a test.
    let _ = tracing::subscriber::set_global_default(Lines {
        format,
        color: terminal && format == Format::Console,
        threshold: config.level.filter(),
        clock,
        sink: |line| {
            // If stderr is closed, the error cannot be reported anywhere.
            let _ = std::io::stderr().lock().write_all(line.as_bytes());
        },
    });
}

/// Writes each event as one line, in one write, so that lines of several threads do not mix.
struct Lines {
    format: Format,
    color: bool,
    threshold: LevelFilter,
    clock: Arc<dyn Clock>,
    sink: fn(&str),
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
        (self.sink)(&record.line(self.format, self.color));
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
