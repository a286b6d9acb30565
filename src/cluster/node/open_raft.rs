//! Opening Raft, in the order on which the safety of founding rests (founding.md 5).

use crate::base::{Address, LogId, StartId};
use crate::cluster::error::ClusterError;
use crate::cluster::identity::founders::raft_id_of;
use crate::cluster::identity::record::IdentityRecord;
use crate::cluster::node::context::NodeContext;
use crate::cluster::node::state::NodeStateWriter;
use crate::raft::{OpenError, Raft, Replica, Transport};
use crate::storage::{
    DeadlySnapshot, Log, LogError, OpenSnapshotsError, SnapshotHeader, Snapshots,
};

/// State of this node's Raft.
#[derive(Default)]
pub(super) enum RaftState {
    /// Raft is not open: this node is in no cluster as far as it knows, or Raft is due to be
    /// opened.
    #[default]
    NotYet,
    Open(Raft),
    /// The stored log or snapshot cannot be used. Nothing is repaired silently, and the process
    /// stays up to report it.
    Halted(HaltReason),
}

/// Reasons why what is stored cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum HaltReason {
    #[error(
        "the log of this member is gone: somebody deleted it, and votes and acknowledged writes \
         with it, so it takes no part; the others go on. Restore a lost volume, or delete all \
         volumes if no data matters"
    )]
    LogGone,
    #[error("{0}")]
    Snapshot(DeadlySnapshot),
    #[error("{0}")]
    Log(LogError),
    #[error("{0}")]
    Raft(OpenError),
    #[error(
        "another process runs with a copy of this volume and answers at {at}; it began earlier, so \
         this one takes no part. Stop the copy and delete its volume; a node that is to go on after \
         this has to be restarted"
    )]
    Twin { at: Address },
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

    pub(super) fn halted(&self) -> Option<&HaltReason> {
        match self {
            Self::Halted(reason) => Some(reason),
            Self::NotYet | Self::Open(_) => None,
        }
    }
}

/// The stored log and snapshot, ready for Raft.
struct Stored {
    log: Log,
    snapshots: Snapshots,
    snapshot: Option<(SnapshotHeader, bytes::Bytes)>,
}

/// Opens Raft for a record that has a seat and is on disk.
pub(super) async fn open(
    context: &NodeContext,
    state: &NodeStateWriter,
    transport: &Transport,
    record: IdentityRecord,
) -> Result<RaftState, ClusterError> {
    let Some(seat) = record.seat() else {
        return Ok(RaftState::NotYet);
    };
    let stored = match read(context, &record, seat.opened).await? {
        Ok(stored) => stored,
        Err(reason) => return Ok(RaftState::Halted(reason)),
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
        return Ok(RaftState::Halted(HaltReason::LogGone));
    }
    let is_new = is_empty && !seat.opened;
    let (env, mut config) = (&context.env, context.config.raft.clone());
    config.snapshot_every_bytes = config.snapshot_every_bytes.min(context.dir.max_log_bytes());
    let raft = match Raft::open(env, config, me, log, snapshots, snapshot, transport).await {
        Ok(raft) => raft,
        Err(error) => return Ok(RaftState::Halted(HaltReason::Raft(error))),
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
            return Ok(RaftState::Halted(HaltReason::Raft(error)));
        }
    }
    // Safety order: initialised → `opened` → admitted.
    // If `opened` came first, a crash in between would leave a founder that takes its own empty log
    // for a loss. If admission came first, a vote request could leave a vote without a log. Such a
    // node can never initialise. If another founder had to be wiped at that moment, the two voters
    // left could not elect a leader.
    let mut start = [0; 8];
    context.env.rng.fill(&mut start);
    let record = record.opened().with_start(StartId(start));
    state.store_record(&record).await?;
    state.set_raft(Some(raft.clone()));
    raft.admit();
    Ok(RaftState::Open(raft))
}

/// Reads the stored log and snapshot. The inner error is a reason to halt.
async fn read(
    context: &NodeContext,
    record: &IdentityRecord,
    opened: bool,
) -> Result<Result<Stored, HaltReason>, ClusterError> {
    let (env, dir) = (context.env.clone(), context.dir.clone());
    let incarnation = record.incarnation;
    let io = |operation| move |source| ClusterError::Io { operation, source };
    let read = move || {
        // With `opened` set, an empty log is a loss, not a beginning. A weaker check would let this
        // node vote again under its old Raft id, and acknowledged writes would be lost.
        if opened && !dir.has_log().map_err(io("reading the log"))? {
            return Ok(Err(HaltReason::LogGone));
        }
        let (snapshots, snapshot) = match Snapshots::open(&env, &dir, incarnation) {
            Ok(opened) => opened,
            Err(OpenSnapshotsError::Deadly(deadly)) => {
                return Ok(Err(HaltReason::Snapshot(deadly)));
            }
            Err(OpenSnapshotsError::Newer(newer)) => {
                return Err(ClusterError::NewerSnapshot(newer));
            }
            Err(OpenSnapshotsError::Io(source)) => {
                return Err(ClusterError::Io {
                    operation: "reading the snapshots",
                    source,
                });
            }
        };
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
            Err(newer @ LogError::Newer { .. }) => Err(ClusterError::NewerLog(newer)),
            Err(damaged) => Ok(Err(HaltReason::Log(damaged))),
        }
    };
    context.env.tasks.blocking(read).await
}
