//! Opening Raft, in the order on which the safety of founding rests (founding.md 5).

use std::sync::Arc;

use crate::base::{LogId, StartId};
use crate::cluster::ClusterError;
use crate::cluster::identity::founders::raft_id_of;
use crate::cluster::identity::record::Record;
use crate::cluster::shared::Shared;
use crate::raft::{OpenError, Raft, Replica, Transport};
use crate::storage::{Log, LogError, OpenSnapshotsError, SnapshotHeader, Snapshots};

/// Where this node's Raft is.
#[derive(Default)]
pub(super) enum RaftState {
    /// Not in a cluster, as far as is known.
    #[default]
    NotYet,
    Open(Raft),
    /// What is stored cannot be used; nothing is repaired in silence, and the process stays up to
    /// say so.
    Halted(String),
}

impl RaftState {
    pub(super) fn is_due(&self) -> bool {
        matches!(self, Self::NotYet)
    }

    pub(super) fn raft(&self) -> Option<&Raft> {
        match self {
            Self::Open(raft) => Some(raft),
            Self::NotYet | Self::Halted(_) => None,
        }
    }

    pub(super) fn halted(&self) -> Option<&str> {
        match self {
            Self::Halted(text) => Some(text),
            Self::NotYet | Self::Open(_) => None,
        }
    }
}

const LOG_GONE: &str = "the log of this member is gone: somebody deleted it, and votes and acknowledged writes with \
                        it, so it takes no part; the others go on. Restore a lost volume, or delete all volumes \
                        if no data matters";

/// The stored log and snapshot, ready for Raft.
struct Stored {
    log: Log,
    snapshots: Snapshots,
    snapshot: Option<(SnapshotHeader, bytes::Bytes)>,
}

/// Opens Raft for a record that has a seat and is on disk.
pub(super) async fn open(
    shared: &Arc<Shared>,
    transport: &Transport,
    record: Record,
) -> Result<RaftState, ClusterError> {
    let Some(seat) = record.seat() else {
        return Ok(RaftState::NotYet);
    };
    let stored = match read(shared, &record, seat.opened).await? {
        Ok(stored) => stored,
        Err(halted) => return Ok(RaftState::Halted(halted)),
    };
    let me = Replica {
        cluster_id: seat.cluster_id,
        raft_id: seat.raft_id,
        incarnation: record.incarnation,
    };
    let Stored {
        log,
        snapshots,
        snapshot,
    } = stored;
    let is_empty = log.bounds().last.is_none() && log.vote().is_none() && snapshot.is_none();
    if is_empty && seat.opened && record.origin().is_some() {
        return Ok(RaftState::Halted(LOG_GONE.to_owned()));
    }
    let is_new = is_empty && !seat.opened;
    let config = shared.config.raft.clone();
    let opened = Raft::open(&shared.env, config, me, log, snapshots, snapshot, transport).await;
    let raft = match opened {
        Ok(raft) => raft,
        Err(error @ (OpenError::Unreadable(_) | OpenError::Failed(_))) => {
            return Ok(RaftState::Halted(error.to_string()));
        }
    };
    if is_new && let Some(origin) = record.origin() {
        let founders: Vec<_> = origin
            .vector
            .iter()
            .filter_map(|entry| {
                Some((
                    raft_id_of(&origin.vector, entry.incarnation)?,
                    entry.incarnation,
                ))
            })
            .collect();
        if let Err(error) = raft.initialize(&founders).await {
            return Ok(RaftState::Halted(error.to_string()));
        }
    }
    // Safety order: initialised → `opened` → admitted. `opened` first, and a crash in between would
    // leave a founder that takes its own empty log for a loss. Admitted first, and a vote request
    // that came in before would leave a vote without a log: such a node can never initialise, and
    // if another founder had to be wiped at that moment, two voters would be left that nobody can
    // lead.
    let mut start = [0; 8];
    shared.env.rng.fill(&mut start);
    let record = record.opened().with_start(StartId(start));
    shared.store(&record).await?;
    shared.set_record(record);
    shared.set_raft(raft.clone());
    raft.admit();
    Ok(RaftState::Open(raft))
}

/// The inner error is a reason to halt.
async fn read(
    shared: &Arc<Shared>,
    record: &Record,
    opened: bool,
) -> Result<Result<Stored, String>, ClusterError> {
    let (env, dir, incarnation) = (shared.env.clone(), shared.dir.clone(), record.incarnation);
    let io = |operation| move |source| ClusterError::Io { operation, source };
    let read = move || {
        // With `opened` set an empty log is no beginning but a loss. All fences would let this node
        // vote again under its old name, and acknowledged writes would be gone.
        if opened && !dir.has_log().map_err(io("reading the log"))? {
            return Ok(Err(LOG_GONE.to_owned()));
        }
        let (snapshots, snapshot) = Snapshots::open(&env, &dir).map_err(|error| match error {
            OpenSnapshotsError::Newer(newer) => ClusterError::NewerLog(newer.to_string()),
            OpenSnapshotsError::Io(source) => ClusterError::Io {
                operation: "reading the snapshots",
                source,
            },
        })?;
        for rejected in snapshots.rejected() {
            tracing::warn!(event = "snapshot.rejected", "{rejected}");
        }
        let covered: Option<LogId> = snapshot.as_ref().and_then(|(header, _)| header.last);
        match Log::open(&env, &dir, incarnation, covered) {
            Ok(log) => Ok(Ok(Stored {
                log,
                snapshots,
                snapshot,
            })),
            Err(LogError::Io { operation, source }) => {
                let text = format!("{operation}: {source}");
                Err(ClusterError::Io {
                    operation: "opening the log",
                    source: std::io::Error::new(source.kind(), text),
                })
            }
            Err(newer @ LogError::Newer { .. }) => Err(ClusterError::NewerLog(newer.to_string())),
            Err(halt @ LogError::Damaged(_)) => Ok(Err(halt.to_string())),
        }
    };
    shared.env.tasks.blocking(read).await
}
