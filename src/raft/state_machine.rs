//! openraft's state machine: decodes each committed entry, calls `machine::apply`, publishes the
//! result.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use openraft::alias::{SnapshotMetaOf, SnapshotOf};
use openraft::storage::{ApplyResponder, EntryResponder, RaftStateMachine};
use openraft::{OptionalSend, RaftSnapshotBuilder};
use tokio::sync::watch;

use super::apply_guard::ApplyGuard;
use super::halt_latch::HaltLatch;
use super::snapshot_policy::{SnapshotPolicy, SnapshotSize};
use super::types::{
    ApplyResult, OpenEntry, OpenLogId, Payload, StoredMembership, Types, log_id, membership_bytes,
    open_log_id, open_membership,
};
use crate::base::LogId;
use crate::catalog::Catalog;
use crate::machine::{self, Outcome};
use crate::runtime::Tasks;
use crate::storage::{Log, SnapshotHeader, Snapshots, is_full};
use crate::wire::envelope::{self, EnvelopeError};
use crate::wire::state;

pub(super) type OpenRaft = openraft::Raft<Types, StateMachine>;

/// State after the last applied entry.
#[derive(Clone, Debug)]
pub struct Applied {
    pub last: Option<LogId>,
    pub catalog: Catalog,
}

pub(super) struct StateMachine {
    last: Option<OpenLogId>,
    membership: StoredMembership,
    catalog: Catalog,
    /// Catalog before the last entry that was applied elsewhere, until it is freed there, too.
    replaced: Option<Catalog>,
    applied: watch::Sender<Arc<Applied>>,
    snapshot_policy: SnapshotPolicy,
    snapshot_store: SnapshotStore,
    apply_guard: ApplyGuard,
}

/// Stored snapshots. Reads and writes them without blocking Raft's threads.
#[derive(Clone)]
pub(super) struct SnapshotStore {
    snapshots: Snapshots,
    log: Log,
    tasks: Tasks,
    halt_latch: HaltLatch,
    size: SnapshotSize,
}

impl StateMachine {
    /// Opens the state machine with a snapshot that was found on disk, or empty.
    ///
    /// # Errors
    /// This version cannot read the snapshot.
    pub(super) fn open(
        snapshot_store: SnapshotStore,
        snapshot: Option<(SnapshotHeader, Bytes)>,
        applied: watch::Sender<Arc<Applied>>,
        apply_guard: ApplyGuard,
    ) -> io::Result<Self> {
        let nothing = (None, StoredMembership::default(), Catalog::default());
        let (last, membership, catalog) = match snapshot {
            None => nothing,
            Some((header, bytes)) => {
                let catalog = snapshot_store.decode(&header, &bytes)?;
                snapshot_store.size.set(bytes.len());
                (
                    header.last.map(open_log_id),
                    snapshot_store.membership(&header)?,
                    catalog,
                )
            }
        };
        snapshot_store.snapshots.set_loaded();
        let snapshot_policy = SnapshotPolicy::new(snapshot_store.size.clone());
        let machine = Self {
            last,
            membership,
            catalog,
            replaced: None,
            applied,
            snapshot_policy,
            snapshot_store,
            apply_guard,
        };
        machine.publish();
        Ok(machine)
    }

    async fn apply_one(&mut self, entry: OpenEntry) -> io::Result<ApplyResult> {
        let id = log_id(entry.log_id);
        let answer = match entry.payload {
            Payload::Blank => ApplyResult::Nothing,
            Payload::Normal(command) => self.apply_command(id, command.0).await?,
            Payload::Membership(membership) => {
                self.membership = StoredMembership::new(Some(entry.log_id), membership);
                ApplyResult::Nothing
            }
        };
        self.last = Some(entry.log_id);
        Ok(answer)
    }

    async fn apply_command(&mut self, id: LogId, bytes: Bytes) -> io::Result<ApplyResult> {
        self.snapshot_policy.add_applied(&bytes);
        let length = bytes.len();
        if envelope::is_large(&bytes) || self.apply_guard.is_noted(id, length) {
            let decode_and_apply = move |catalog: &mut Catalog| {
                let stamped = envelope::decode(&bytes)?;
                Ok(machine::apply(catalog, id, &stamped))
            };
            return self.apply_elsewhere(id, length, decode_and_apply).await;
        }
        match envelope::decode(&bytes) {
            // A small command may cost as much as a large one: the commit of a restore in parts.
            Ok(stamped) if machine::is_long(&self.catalog, &stamped.command) => {
                let apply = move |catalog: &mut Catalog| Ok(machine::apply(catalog, id, &stamped));
                self.apply_elsewhere(id, length, apply).await
            }
            Ok(stamped) => Ok(ApplyResult::Outcome(machine::apply(
                &mut self.catalog,
                id,
                &stamped,
            ))),
            Err(error) => Err(self.unreadable(id, error)),
        }
    }

    /// Applies an entry that takes long, or that is noted, outside of the threads that carry Raft:
    /// a disk that is slow delays the write of the note, and neither heartbeats nor votes. The
    /// catalog is replaced when it is done: if this call is dropped, the entry is not applied, and
    /// the catalog is that of the entry before.
    async fn apply_elsewhere(
        &mut self,
        id: LogId,
        length: usize,
        apply: impl FnOnce(&mut Catalog) -> Result<Outcome, EnvelopeError> + Send + 'static,
    ) -> io::Result<ApplyResult> {
        let mut catalog = self.catalog.clone();
        let guard = self.apply_guard.clone();
        let replaced = self.replaced.take();
        let applied = move || {
            drop(replaced);
            // Safety order: the note is in the page cache, then the entry is decoded and applied.
            let _noted = guard.begin(id, length);
            apply(&mut catalog).map(|outcome| (catalog, outcome))
        };
        match self.snapshot_store.tasks.blocking(applied).await {
            Ok((catalog, outcome)) => {
                self.replaced = Some(std::mem::replace(&mut self.catalog, catalog));
                Ok(ApplyResult::Outcome(outcome))
            }
            Err(error) => Err(self.unreadable(id, error)),
        }
    }

    /// Frees what was replaced outside of the threads that carry Raft: it may be a whole catalog, or
    /// a restore in parts. `before` was published before.
    async fn free(&mut self, before: Arc<Applied>) {
        if let Some(replaced) = self.replaced.take() {
            let free = move || drop((before, replaced));
            self.snapshot_store.tasks.blocking(free).await;
        }
    }

    /// Never skipped: other members may have read it, and this replica would differ from them from
    /// then on.
    fn unreadable(&self, id: LogId, error: EnvelopeError) -> io::Error {
        self.snapshot_store.halt_latch.unreadable_entry(id, error)
    }

    /// Returns what was published before.
    fn publish(&self) -> Arc<Applied> {
        let applied = Applied {
            last: self.last.map(log_id),
            catalog: self.catalog.clone(),
        };
        self.applied.send_replace(Arc::new(applied))
    }
}

impl RaftStateMachine<Types> for StateMachine {
    /// The encoded catalog.
    type SnapshotData = Bytes;
    type SnapshotBuilder = Builder;

    async fn applied_state(&mut self) -> io::Result<(Option<OpenLogId>, StoredMembership)> {
        Ok((self.last, self.membership.clone()))
    }

    async fn apply<S>(&mut self, mut entries: S) -> io::Result<()>
    where
        S: Stream<Item = io::Result<EntryResponder<Types>>> + Unpin + OptionalSend,
    {
        let mut answers: Vec<(ApplyResponder<Types>, ApplyResult)> = Vec::new();
        let mut failed = Ok(());
        while let Some(item) = entries.next().await {
            let applied = match item {
                Ok((entry, responder)) => {
                    let answer = self.apply_one(entry).await;
                    answer.map(|answer| (responder, answer))
                }
                Err(error) => Err(error),
            };
            match applied {
                Ok((Some(responder), answer)) => answers.push((responder, answer)),
                Ok((None, _)) => {}
                Err(error) => {
                    failed = Err(error);
                    break;
                }
            }
        }
        // Published before any caller is answered: a caller that gets an index finds it here.
        let before = self.publish();
        for (responder, answer) in answers {
            responder.send(answer);
        }
        self.free(before).await;
        failed
    }

    async fn try_create_snapshot_builder(&mut self, force: bool) -> Option<Builder> {
        if force || self.snapshot_policy.is_due() {
            Some(self.get_snapshot_builder().await)
        } else {
            None
        }
    }

    async fn get_snapshot_builder(&mut self) -> Builder {
        self.snapshot_policy.restart();
        Builder {
            last: self.last,
            membership: self.membership.clone(),
            catalog: self.catalog.clone(),
            snapshot_store: self.snapshot_store.clone(),
        }
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMetaOf<Types>,
        bytes: Bytes,
    ) -> io::Result<()> {
        let header = header(meta.last_log_id, &meta.last_membership);
        let catalog = self
            .snapshot_store
            .decode_elsewhere(&header, &bytes)
            .await?;
        // Safety order: the log is synced, then the snapshot is stored, then it is published.
        // openraft has truncated entries that contradict the snapshot, and the truncation may be
        // queued only. A snapshot that is durable without it, after a power loss, is later than the
        // last entry and has a lower index: openraft takes that for a corrupted store.
        // openraft next purges the log that the snapshot replaces. If that came before the snapshot
        // is durable, a crash would leave neither of them.
        self.snapshot_store.sync_log().await?;
        self.snapshot_store
            .store_when_there_is_room(header, bytes)
            .await?;
        self.last = meta.last_log_id;
        self.membership = meta.last_membership.clone();
        self.replaced = Some(std::mem::replace(&mut self.catalog, catalog));
        self.snapshot_policy.restart();
        let before = self.publish();
        self.free(before).await;
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> io::Result<Option<SnapshotOf<Types, Bytes>>> {
        let Some((header, snapshot)) = self.snapshot_store.latest().await? else {
            return Ok(None);
        };
        let last_membership = self.snapshot_store.membership(&header)?;
        let meta = SnapshotMetaOf::<Types> {
            last_log_id: header.last.map(open_log_id),
            last_membership,
        };
        Ok(Some(SnapshotOf::<Types, Bytes> { meta, snapshot }))
    }
}

/// Delay between attempts to store a snapshot on a full disk, while an operator makes room.
const DISK_FULL_RETRY_DELAY: Duration = Duration::from_secs(5);

/// Clone of the state, cheap to take, that becomes a snapshot while the original changes.
pub(super) struct Builder {
    last: Option<OpenLogId>,
    membership: StoredMembership,
    catalog: Catalog,
    snapshot_store: SnapshotStore,
}

impl RaftSnapshotBuilder<Types> for Builder {
    type SnapshotData = Bytes;

    async fn build_snapshot(&mut self) -> io::Result<SnapshotOf<Types, Bytes>> {
        let catalog = self.catalog.clone();
        let bytes = self
            .snapshot_store
            .tasks
            .blocking(move || state::encode(&catalog))
            .await;
        // Safety order: the log is synced, then the snapshot is stored. openraft applies committed
        // entries that the log has only queued. A snapshot of them that is durable without the
        // truncation that is queued before them contradicts the log after a power loss.
        self.snapshot_store.sync_log().await?;
        self.snapshot_store
            .store_when_there_is_room(header(self.last, &self.membership), bytes.clone())
            .await?;
        let meta = SnapshotMetaOf::<Types> {
            last_log_id: self.last,
            last_membership: self.membership.clone(),
        };
        Ok(SnapshotOf::<Types, Bytes> {
            meta,
            snapshot: bytes,
        })
    }
}

fn header(last: Option<OpenLogId>, membership: &StoredMembership) -> SnapshotHeader {
    SnapshotHeader {
        last: last.map(log_id),
        membership_at: membership.log_id().map(log_id),
        membership: membership_bytes(membership.membership()),
    }
}

impl SnapshotStore {
    pub(super) fn new(snapshots: Snapshots, log: Log, tasks: Tasks, halt_latch: HaltLatch) -> Self {
        Self {
            snapshots,
            log,
            tasks,
            halt_latch,
            size: SnapshotSize::default(),
        }
    }

    async fn sync_log(&self) -> io::Result<()> {
        self.halt_latch
            .storage("syncing the log", self.log.sync().await)
    }

    /// Stores a snapshot. On a full disk it waits: the log is still there, and the log itself
    /// refuses proposals and entries. If the process ended instead, every later start would end as
    /// well.
    async fn store_when_there_is_room(
        &self,
        header: SnapshotHeader,
        bytes: Bytes,
    ) -> io::Result<()> {
        loop {
            match self.try_store(header.clone(), bytes.clone()).await {
                Err(error) if is_full(&error) && !self.tasks.is_stopped() => {
                    tracing::warn!(
                        event = "snapshot.no-room", %error, bytes = bytes.len(),
                        "waiting for room"
                    );
                    tokio::time::sleep(DISK_FULL_RETRY_DELAY).await;
                }
                stored => return self.halt_latch.storage("storing a snapshot", stored),
            }
        }
    }

    async fn try_store(&self, header: SnapshotHeader, bytes: Bytes) -> io::Result<()> {
        let (snapshots, size) = (self.snapshots.clone(), bytes.len());
        self.tasks
            .blocking(move || snapshots.store(&header, &bytes))
            .await?;
        self.size.set(size);
        Ok(())
    }

    async fn latest(&self) -> io::Result<Option<(SnapshotHeader, Bytes)>> {
        let snapshots = self.snapshots.clone();
        let latest = self.tasks.blocking(move || snapshots.latest()).await;
        latest.map_err(|error| self.halt_latch.lost_snapshot(error))
    }

    /// Decodes a received snapshot outside of the threads that carry Raft. It is noted meanwhile: it
    /// may cost more memory than this process has.
    async fn decode_elsewhere(
        &self,
        header: &SnapshotHeader,
        bytes: &Bytes,
    ) -> io::Result<Catalog> {
        let (note, bytes) = (self.snapshots.load_note().clone(), bytes.clone());
        let last = header.last.unwrap_or_default();
        let decode = move || {
            let _noted = note.hold(last, bytes.len() as u64);
            let decoded = state::decode(&bytes);
            note.forget_deaths();
            decoded
        };
        let decoded = self.tasks.blocking(decode).await;
        decoded.map_err(|error| self.halt_latch.unreadable_snapshot(header.last, error))
    }

    fn decode(&self, header: &SnapshotHeader, bytes: &Bytes) -> io::Result<Catalog> {
        state::decode(bytes)
            .map_err(|error| self.halt_latch.unreadable_snapshot(header.last, error))
    }

    fn membership(&self, header: &SnapshotHeader) -> io::Result<StoredMembership> {
        let membership = open_membership(&header.membership)
            .map_err(|error| self.halt_latch.unreadable_snapshot(header.last, error))?;
        Ok(StoredMembership::new(
            header.membership_at.map(open_log_id),
            membership,
        ))
    }
}
