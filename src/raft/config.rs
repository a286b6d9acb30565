//! Timers and sizes, and the openraft configuration made from them.

use std::time::Duration;

use openraft::{Config, SnapshotPolicy};

#[derive(Clone, Debug)]
pub struct RaftConfig {
    /// B = max(`heartbeat-timeout`, `election-timeout`). The heartbeat interval is 0.1 B, the
    /// election timeout 0.3 B to 0.5 B.
    pub base: Duration,
    /// Copied into the stamp of each proposal.
    pub retention_autocreate: bool,
    /// Size of the catalog, in bytes, from which on this node, as leader, refuses growth.
    pub catalog_quota: u64,
    pub snapshot_every_entries: u64,
    pub snapshot_every_bytes: u64,
}

/// Timers of the network and of the known leader, derived from B.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timers {
    /// Timeout for a member's next answer to an append request. Long enough that a slow fsync is
    /// not taken for a broken connection.
    pub(super) append_answer_timeout: Duration,
    /// Time without contact after which a leader does not count as known: no message from it, or no
    /// majority that confirmed it. Twice the longest election timeout, so that another node is
    /// being elected by then.
    pub(super) leader_timeout: Duration,
    /// Interval of the checks whether the leader is still known.
    pub(super) leader_poll_interval: Duration,
    /// Delay between attempts to reach a member with append requests.
    pub(super) append_retry_delay: Duration,
    /// Time for which a request waits for a leader: ten elections, and 5 s at least.
    pub(super) no_leader_timeout: Duration,
}

/// Minimum of B. Below it a loaded machine would lose its leader because threads are scheduled
/// late.
const MIN_BASE: Duration = Duration::from_millis(100);
/// Minimum of [`Timers::no_leader_timeout`]. Callers of the original wait for 10 s.
const MIN_NO_LEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// Timeout for a member to store a snapshot that it has received.
const INSTALL_TIMEOUT: Duration = Duration::from_secs(60);
/// Maximum number of entries in an append request. The log store limits the bytes.
const MAX_ENTRIES_PER_REQUEST: u64 = 1024;
/// Number of entries that stay in the log behind a snapshot, so that a member that restarts needs
/// no snapshot.
const ENTRIES_KEPT_BEHIND_SNAPSHOT: u64 = 10_000;

impl RaftConfig {
    pub(super) fn timers(&self) -> Timers {
        let base = self.base();
        Timers {
            append_answer_timeout: base * 2,
            leader_timeout: base,
            leader_poll_interval: base / 10,
            append_retry_delay: base / 5,
            no_leader_timeout: MIN_NO_LEADER_TIMEOUT.max(base * 5),
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
            // More than the distance between two snapshots. Otherwise a member would still lag
            // after it received one.
            replication_lag_threshold: every.saturating_mul(2),
            // A node that was cut off must not depose the leader when it returns.
            enable_pre_vote: Some(true),
            // The commit position is written with a delay, so a restarted leader must be elected
            // again.
            enable_leader_restore: Some(false),
            // A log that is shorter than before has lost acknowledged entries (founding.md 7.7).
            allow_log_reversion: Some(false),
            ..Config::default()
        }
    }
}
