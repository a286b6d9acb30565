//! The text format of Prometheus. Written without a library: the format is two comment lines and
//! `name{labels} value`.

use std::fmt::{Display, Write};

use super::counters::Metrics;
use super::histogram::HistogramCounts;

/// Values that have no counter, read at each request of `/metrics`.
#[derive(Clone, Debug, Default)]
pub struct Gauges {
    /// Phase on disk: `fresh`, `member`, …
    pub phase: String,
    /// Activity of the node concerning its membership: `waiting`, `open`, `blocked`, …
    pub doing: String,
    pub blocked: bool,
    pub missing_peers: usize,
    /// Kinds of alarms, each with whether there is one now.
    pub alarms: Vec<(&'static str, bool)>,
    /// Numbers of other members, by what their last polls showed.
    pub other_members: Vec<(&'static str, usize)>,
    pub ready: bool,
    pub catalog_index: u64,
    /// Size of the catalog and its quota, in bytes. `None` while there is no Raft node.
    pub catalog_bytes: Option<(u64, u64)>,
    /// `None` while there is no Raft node.
    pub raft: Option<RaftGauges>,
    pub fsync: Option<HistogramCounts>,
    /// `None` while there is no Raft node.
    pub disk: Option<DiskGauges>,
}

/// The disk of the log.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiskGauges {
    pub free_bytes: u64,
    pub full: bool,
    pub slow: bool,
    /// This node leads, and the disks of a majority are full.
    pub majority_full: bool,
}

#[derive(Clone, Debug, Default)]
pub struct RaftGauges {
    pub term: u64,
    /// `leader`, `no-majority`, `follower`, `candidate` or `learner`.
    pub role: &'static str,
    pub leader_known: bool,
    pub last_log: u64,
    pub committed: u64,
    pub applied: u64,
    pub snapshot: u64,
    pub voters: usize,
    pub learners: usize,
    /// Time since a majority was in contact; leader only.
    pub quorum_contact: Option<std::time::Duration>,
    pub halted: bool,
}

/// Name (without prefix), type, help. Names end in their unit, a base unit, by the rules of
/// Prometheus.
const TABLE: &[(&str, &str, &str)] = &[
    ("build_info", "gauge", "1, with the version as a label"),
    (
        "process_start_time_seconds",
        "gauge",
        "Start of the process, Unix time",
    ),
    (
        "process_resident_memory_bytes",
        "gauge",
        "Resident memory of the process",
    ),
    (
        "log_lines_dropped_total",
        "counter",
        "Log lines dropped because nobody read them or they could not be written",
    ),
    (
        "http_requests_total",
        "counter",
        "Answered requests by route and status",
    ),
    (
        "http_requests_under_way",
        "gauge",
        "Requests being answered now, long polls included",
    ),
    (
        "http_panics_total",
        "counter",
        "Requests that panicked and were answered 500",
    ),
    (
        "http_connections",
        "gauge",
        "Open connections on the HTTP port",
    ),
    (
        "http_connections_refused_total",
        "counter",
        "Connections closed because there were too many",
    ),
    (
        "http_carried_total",
        "counter",
        "Requests carried to the leader for a caller",
    ),
    (
        "watch_parked",
        "gauge",
        "Long polls waiting for a newer catalog",
    ),
    (
        "watch_encoded_total",
        "counter",
        "Catalogs encoded for long polls",
    ),
    (
        "catalog_index",
        "gauge",
        "Index of the catalog that this node serves",
    ),
    (
        "catalog_bytes",
        "gauge",
        "Size of the catalog that this node serves",
    ),
    (
        "catalog_quota_bytes",
        "gauge",
        "Size from which on this node, as leader, refuses commands that make the catalog larger",
    ),
    ("ready", "gauge", "1 if this node is ready"),
    ("phase", "gauge", "1 for the phase of this node's identity"),
    (
        "doing",
        "gauge",
        "1 for what this node does about its membership",
    ),
    (
        "blocked",
        "gauge",
        "1 if only a person can cure what keeps this node out",
    ),
    (
        "missing_peers",
        "gauge",
        "Founders that have not answered as needed",
    ),
    (
        "alarm",
        "gauge",
        "1 for each kind of alarm that an operator must act on, else 0",
    ),
    (
        "other_members",
        "gauge",
        "Other members by what this node saw of them last: well, halted, absent (none answers)",
    ),
    ("raft_term", "gauge", "Current Raft term"),
    (
        "raft_role",
        "gauge",
        "1 for the role of this node: leader, no-majority (a leader that no majority answers), \
         follower, candidate, learner",
    ),
    ("raft_leader_known", "gauge", "1 if a leader is known"),
    (
        "raft_last_log_index",
        "gauge",
        "Index of the last log entry",
    ),
    (
        "raft_committed_index",
        "gauge",
        "Index of the last entry known committed",
    ),
    (
        "raft_applied_index",
        "gauge",
        "Index of the last applied entry",
    ),
    (
        "raft_snapshot_index",
        "gauge",
        "Index up to which the newest snapshot reaches",
    ),
    ("raft_voters", "gauge", "Voters in the committed membership"),
    (
        "raft_learners",
        "gauge",
        "Learners in the committed membership",
    ),
    (
        "raft_quorum_contact_seconds",
        "gauge",
        "Leader only: time since a quorum last acknowledged",
    ),
    ("raft_halted", "gauge", "1 if Raft cannot go on here"),
    (
        "disk_free_bytes",
        "gauge",
        "Free bytes on the volume of the log",
    ),
    (
        "disk_full",
        "gauge",
        "1 if new commands are refused because this node's disk is full",
    ),
    (
        "disk_slow",
        "gauge",
        "1 if new commands wait because this node's disk does not keep up",
    ),
    (
        "disk_majority_full",
        "gauge",
        "Leader only: 1 if new commands are refused because the disks of a majority are full",
    ),
    (
        "wal_fsync_seconds",
        "histogram",
        "Duration of the fsyncs of the log",
    ),
];

const PREFIX: &str = "influxdb_meta_";

/// Body of the answer to `/metrics`.
pub fn render(metrics: &Metrics, gauges: &Gauges, resident_bytes: Option<u64>) -> String {
    let mut text = Text {
        out: String::with_capacity(8 * 1024),
        described: "",
    };
    process(&mut text, metrics, resident_bytes);
    http(&mut text, metrics);
    node(&mut text, gauges);
    if let Some(raft) = &gauges.raft {
        consensus(&mut text, raft);
    }
    if let Some(disk) = &gauges.disk {
        text.one("disk_free_bytes", &[], disk.free_bytes);
        text.one("disk_full", &[], u8::from(disk.full));
        text.one("disk_slow", &[], u8::from(disk.slow));
        text.one("disk_majority_full", &[], u8::from(disk.majority_full));
    }
    if let Some(fsync) = &gauges.fsync {
        text.histogram("wal_fsync_seconds", fsync);
    }
    text.out
}

fn process(text: &mut Text, metrics: &Metrics, resident_bytes: Option<u64>) {
    text.one("build_info", &[("version", &metrics.version)], 1);
    // Converts nanoseconds to seconds: a double holds them to a quarter of a microsecond.
    text.one(
        "process_start_time_seconds",
        &[],
        metrics.started.0 as f64 / 1e9,
    );
    if let Some(bytes) = resident_bytes {
        text.one("process_resident_memory_bytes", &[], bytes);
    }
    text.one(
        "log_lines_dropped_total",
        &[],
        metrics.log_lines_dropped.get(),
    );
}

fn http(text: &mut Text, metrics: &Metrics) {
    for (route, status, count) in metrics.requests.seen() {
        let status = status.map_or_else(|| "other".to_owned(), |status| status.to_string());
        text.one(
            "http_requests_total",
            &[("route", route), ("status", &status)],
            count,
        );
    }
    text.one(
        "http_requests_under_way",
        &[],
        metrics.requests_under_way.get(),
    );
    text.one("http_panics_total", &[], metrics.panics.get());
    text.one("http_connections", &[], metrics.connections.get());
    text.one(
        "http_connections_refused_total",
        &[],
        metrics.connections_refused.get(),
    );
    text.one("http_carried_total", &[], metrics.forwarded.get());
    text.one("watch_parked", &[], metrics.parked.get());
    text.one("watch_encoded_total", &[], metrics.snapshots_encoded.get());
}

fn node(text: &mut Text, gauges: &Gauges) {
    text.one("catalog_index", &[], gauges.catalog_index);
    if let Some((bytes, quota)) = gauges.catalog_bytes {
        text.one("catalog_bytes", &[], bytes);
        text.one("catalog_quota_bytes", &[], quota);
    }
    text.one("ready", &[], u8::from(gauges.ready));
    text.one("phase", &[("phase", &gauges.phase)], 1);
    text.one("doing", &[("doing", &gauges.doing)], 1);
    text.one("blocked", &[], u8::from(gauges.blocked));
    text.one("missing_peers", &[], gauges.missing_peers);
    for (kind, raised) in &gauges.alarms {
        text.one("alarm", &[("kind", kind)], u8::from(*raised));
    }
    for (state, count) in &gauges.other_members {
        text.one("other_members", &[("state", state)], *count);
    }
}

fn consensus(text: &mut Text, raft: &RaftGauges) {
    text.one("raft_term", &[], raft.term);
    text.one("raft_role", &[("role", raft.role)], 1);
    text.one("raft_leader_known", &[], u8::from(raft.leader_known));
    text.one("raft_last_log_index", &[], raft.last_log);
    text.one("raft_committed_index", &[], raft.committed);
    text.one("raft_applied_index", &[], raft.applied);
    text.one("raft_snapshot_index", &[], raft.snapshot);
    text.one("raft_voters", &[], raft.voters);
    text.one("raft_learners", &[], raft.learners);
    if let Some(contact) = raft.quorum_contact {
        text.one("raft_quorum_contact_seconds", &[], contact.as_secs_f64());
    }
    text.one("raft_halted", &[], u8::from(raft.halted));
}

/// Text of an exposition. Writing to a `String` cannot fail, so results of `write!` are dropped.
struct Text {
    out: String,
    /// Metric whose HELP and TYPE were written last. They come once, before its samples.
    described: &'static str,
}

impl Text {
    fn one(&mut self, name: &'static str, labels: &[(&str, &str)], value: impl Display) {
        self.describe(name);
        self.sample(name, "", labels, value);
    }

    fn histogram(&mut self, name: &'static str, counts: &HistogramCounts) {
        self.describe(name);
        for (bound, below) in &counts.buckets {
            self.sample(
                name,
                "_bucket",
                &[("le", &bound.as_secs_f64().to_string())],
                below,
            );
        }
        self.sample(name, "_bucket", &[("le", "+Inf")], counts.count);
        self.sample(name, "_sum", &[], counts.sum.as_secs_f64());
        self.sample(name, "_count", &[], counts.count);
    }

    fn describe(&mut self, name: &'static str) {
        if self.described == name {
            return;
        }
        self.described = name;
        let row = TABLE.iter().find(|(of_table, ..)| *of_table == name);
        debug_assert!(row.is_some(), "{name} is in no row of the table of metrics");
        if let Some((_, kind, help)) = row {
            let _ = writeln!(self.out, "# HELP {PREFIX}{name} {help}");
            let _ = writeln!(self.out, "# TYPE {PREFIX}{name} {kind}");
        }
    }

    fn sample(&mut self, name: &str, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        let _ = write!(self.out, "{PREFIX}{name}{suffix}");
        for (i, (label, text)) in labels.iter().enumerate() {
            let open = if i == 0 { '{' } else { ',' };
            let text = text
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n");
            let _ = write!(self.out, "{open}{label}=\"{text}\"");
        }
        let close = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.out, "{close} {value}");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::UnixNanos;

    fn all() -> String {
        let metrics = Metrics::new("1.12.4-c0.1.0".into(), UnixNanos(1_500_000_000), &["/ping"]);
        metrics.requests.count(0, 200);
        metrics.requests.count(0, 200);
        metrics.requests.count(7, 418);
        let micros = Duration::from_micros;
        let buckets = vec![(micros(50), 0), (micros(100), 1)];
        let fsync = HistogramCounts {
            buckets,
            count: 2,
            sum: micros(280),
        };
        let gauges = Gauges {
            phase: "fresh".into(),
            alarms: vec![("clock", true)],
            other_members: vec![("halted", 1)],
            raft: Some(RaftGauges {
                role: "leader",
                quorum_contact: Some(Duration::from_millis(250)),
                ..RaftGauges::default()
            }),
            fsync: Some(fsync),
            disk: Some(DiskGauges::default()),
            catalog_bytes: Some((1, 2)),
            ..Gauges::default()
        };
        render(&metrics, &gauges, Some(4096))
    }

    #[test]
    fn samples_are_written_as_the_format_has_them() {
        let text = all();
        for line in [
            "influxdb_meta_build_info{version=\"1.12.4-c0.1.0\"} 1",
            "influxdb_meta_process_start_time_seconds 1.5",
            "influxdb_meta_http_requests_total{route=\"/ping\",status=\"200\"} 2",
            "influxdb_meta_http_requests_total{route=\"other\",status=\"other\"} 1",
            "influxdb_meta_phase{phase=\"fresh\"} 1",
            "influxdb_meta_raft_role{role=\"leader\"} 1",
            "influxdb_meta_raft_quorum_contact_seconds 0.25",
            "influxdb_meta_wal_fsync_seconds_bucket{le=\"0.00005\"} 0",
            "influxdb_meta_wal_fsync_seconds_bucket{le=\"0.0001\"} 1",
            "influxdb_meta_wal_fsync_seconds_bucket{le=\"+Inf\"} 2",
            "influxdb_meta_wal_fsync_seconds_sum 0.00028",
            "influxdb_meta_wal_fsync_seconds_count 2",
        ] {
            assert!(text.lines().any(|l| l == line), "no line {line} in\n{text}");
        }
    }

    #[test]
    fn every_row_of_the_table_is_written_and_described_once() {
        let text = all();
        for (name, ..) in TABLE {
            let help = format!("# HELP {PREFIX}{name} ");
            assert_eq!(text.matches(&help).count(), 1, "{name} in\n{text}");
        }
    }
}
