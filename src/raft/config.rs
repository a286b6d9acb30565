//! Timers and sizes, and openraft's configuration made of them.

use std::time::Duration;

use openraft::{Config, SnapshotPolicy};

#[derive(Clone, Debug)]
pub struct RaftConfig {
    /// B = max(`heartbeat-timeout`, `election-timeout`): heartbeat 0.1 B, election 0.3 … 0.5 B.
    pub base: Duration,
    /// Stamped into each proposal.
    pub retention_autocreate: bool,
    pub snapshot_every_entries: u64,
    pub snapshot_every_bytes: u64,
}

/// What follows from B for the network.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timers {
    /// For a member's next answer to an append request: a slow fsync is not a broken connection.
    pub(super) append_answer_timeout: Duration,
    /// A leader not heard, or not confirmed by a majority, for so long is none: twice the longest
    /// election timeout, after which another is being elected.
    pub(super) leader_timeout: Duration,
    /// How often the leader's freshness is looked at.
    pub(super) leader_poll_interval: Duration,
    /// Between attempts to reach a member with append requests.
    pub(super) append_retry_delay: Duration,
}

/// Below this a loaded machine would lose its leader to its own scheduler.
const MIN_BASE: Duration = Duration::from_millis(100);
/// For a member to store a snapshot that it has received.
const INSTALL_TIMEOUT: Duration = Duration::from_secs(60);
/// In one append request. Bytes are bounded by the log store.
const MAX_ENTRIES_PER_REQUEST: u64 = 1024;
/// Entries that stay in the log behind a snapshot, so that a member back from a restart needs none.
const ENTRIES_KEPT_BEHIND_SNAPSHOT: u64 = 10_000;

impl RaftConfig {
    pub(super) fn timers(&self) -> Timers {
        let base = self.base();
        Timers {
            append_answer_timeout: base * 2,
            leader_timeout: base,
            leader_poll_interval: base / 10,
            append_retry_delay: base / 5,
        }
    }

    fn base(&self) -> Duration {
        self.base.max(MIN_BASE)
    }

    pub(super) fn openraft(&self) -> Config {
        let base = self.base().as_millis() as u64;
        let every = self.snapshot_every_entries.max(1);
        Config {
            cluster_name: "influxd-meta".to_owned(),
            heartbeat_interval: base / 10,
            election_timeout_min: base * 3 / 10,
            election_timeout_max: base / 2,
            install_snapshot_timeout: INSTALL_TIMEOUT.as_millis() as u64,
            max_payload_entries: MAX_ENTRIES_PER_REQUEST,
            snapshot_policy: SnapshotPolicy::LogsSinceLast(every),
            max_in_snapshot_log_to_keep: every.min(ENTRIES_KEPT_BEHIND_SNAPSHOT),
            // More than one snapshot's distance, or sending a snapshot would not end the lag.
            replication_lag_threshold: every.saturating_mul(2),
            // A node that was cut off must not depose the leader when it comes back.
            enable_pre_vote: Some(true),
            // The commit position is written lazily: a restarted leader must ask before it leads.
            enable_leader_restore: Some(false),
            // A log that went back has lost acknowledged entries (founding.md 7, restored volume).
            allow_log_reversion: Some(false),
            ..Config::default()
        }
    }
}
