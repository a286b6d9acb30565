//! Random steps in the orders in which openraft asks for them: a node follows leaders of rising
//! terms, its log is truncated where they contradict it, it applies entries that its log has only
//! queued, builds snapshots, receives others, and starts again after each crash.

use openraft::alias::SnapshotMetaOf;
use openraft::storage::{IOFlushed, RaftLogStorage, RaftLogStorageExt, RaftStateMachine};
use openraft::{RaftLogReader, RaftSnapshotBuilder};

use super::super::types::{
    EntryBytes, OpenEntry, OpenLogId, OpenMembership, Payload, StoredMembership, Types, log_id,
    member_map,
};
use super::crashes::{Checked, check, settle, start};
use super::model::Durable;
use super::recording::{Journal, RecordedLog, RecordedMachine, record};
use super::{id, open, vote_of_leader};
use crate::base::{Incarnation, RaftId, UnixNanos};
use crate::catalog::Catalog;
use crate::machine::{self, WireCommand};
use crate::runtime::disk::Fake;
use crate::storage::DataDir;
use crate::wire::envelope::{self, Body};
use crate::wire::{execute, state};

const STARTS: usize = 2;
const STEPS_OF_A_START: u64 = 30;

#[tokio::test(start_paused = true)]
#[expect(clippy::print_stdout, reason = "the seed that failed is shown")]
async fn random_storage_steps_survive_a_crash_after_any_change() {
    let count = if std::env::var_os("SOAK").is_some() {
        300
    } else {
        2
    };
    let one = std::env::var("STEPS_SEED").ok();
    let one = one.map(|seed| seed.parse::<u64>().expect("STEPS_SEED is a number"));
    let mut checked = Checked::default();
    for seed in one.map_or(1..=count, |seed| seed..=seed) {
        println!("STEPS_SEED={seed}");
        checked += run(seed).await;
    }
    assert_eq!(
        checked.in_raft, checked.crashes,
        "steps that Raft does not ask for"
    );
}

/// Runs one volume through several starts. Each run between two starts is crashed at every change
/// of the disk; it goes on from one of these crashes.
async fn run(seed: u64) -> Checked {
    let mut dice = Dice(seed << 32);
    let mut checked = Checked::default();
    let mut disk = Fake::new();
    for number in 0..STARTS {
        let case = format!("STEPS_SEED={seed}, start {number}");
        let node = Node::run(&disk, dice.below(u64::MAX), &case).await;
        checked += check(&node.journal, &case).await;
        let changes = disk.recorded() as u64;
        let place = usize::try_from(dice.below(changes + 1)).expect("small");
        disk = node.journal.power_loss_at(place, dice.below(u64::MAX));
    }
    checked
}

/// Runs a new volume through its first start.
pub(super) async fn run_first_start(seed: u64) -> Node {
    Node::run(&Fake::new(), seed, &format!("seed {seed}")).await
}

/// Random generator whose numbers depend on the seed alone.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

/// A running node. Its log is open until it is dropped.
pub(super) struct Node {
    dice: Dice,
    pub(super) journal: Journal,
    log: RecordedLog,
    machine: RecordedMachine,
    term: u64,
    committed: Option<OpenLogId>,
    _dir: DataDir,
}

impl Node {
    async fn run(disk: &Fake, seed: u64, case: &str) -> Self {
        let mut node = Self::start(disk, seed, case).await;
        for _ in 0..STEPS_OF_A_START {
            node.step().await;
        }
        node
    }

    async fn start(disk: &Fake, seed: u64, case: &str) -> Self {
        let mut stores = open(disk);
        start(&mut stores, case).await;
        // A vote of a new term makes the clean-up of the start durable. The same log id must never
        // stand for two entries: one may have been lost in the crash.
        let base = Durable::read(&mut stores).await;
        let term = base.log.vote.map_or(1, |vote| vote.leader_id.term + 1);
        let saved = stores.log.save_vote(&vote_of_leader(term)).await;
        saved.expect("saved");
        let base = Durable::read(&mut stores).await;
        let committed = base.log.committed.max(base.covered());
        let journal = Journal::start(disk, base);
        let (dir, log, machine) = record(stores, &journal);
        Self {
            dice: Dice(seed),
            journal,
            log,
            machine,
            term,
            committed,
            _dir: dir,
        }
    }

    async fn step(&mut self) {
        match self.dice.below(16) {
            0 => self.follow_next_leader().await,
            1 | 2 => self.truncate().await,
            3 | 4 => self.commit_and_apply().await,
            5 => self.build_snapshot().await,
            6 | 7 => self.install_snapshot().await,
            8 => self.purge().await,
            9 => settle().await,
            10 => tokio::task::yield_now().await,
            _ => self.append().await,
        }
    }

    async fn follow_next_leader(&mut self) {
        self.term += 1 + self.dice.below(2);
        let vote = vote_of_leader(self.term);
        self.log.save_vote(&vote).await.expect("saved");
    }

    async fn last(&mut self) -> Option<OpenLogId> {
        self.log
            .get_log_state()
            .await
            .expect("readable")
            .last_log_id
    }

    async fn entries(&mut self, from: u64, upto: u64) -> Vec<OpenEntry> {
        let mut reader = self.log.get_log_reader().await;
        let entries = reader
            .try_get_log_entries(from..upto.saturating_add(1))
            .await;
        entries.expect("readable")
    }

    /// The entry that the leader of this term has at an index.
    fn entry(&mut self, index: u64) -> OpenEntry {
        let log_id = id(self.term, index);
        let payload = match self.dice.below(8) {
            0 => Payload::Blank,
            1 => {
                let others = (2..3 + self.dice.below(3)).map(RaftId);
                let members: Vec<_> = others.map(|id| (id, Incarnation([7; 16]))).collect();
                let members = member_map(&members);
                let voters = [members.keys().copied().collect()].into();
                Payload::Membership(OpenMembership::new(voters, members).expect("valid"))
            }
            _ => Payload::Normal(EntryBytes(create_database(log_id, self.dice.below(600)))),
        };
        OpenEntry { log_id, payload }
    }

    async fn append(&mut self) {
        let first = self.last().await.map_or(0, |last| last.index + 1);
        let count = 1 + self.dice.below(3);
        let entries: Vec<_> = (first..first + count).map(|at| self.entry(at)).collect();
        if self.dice.below(4) == 0 {
            self.log.blocking_append(entries).await.expect("durable");
        } else {
            let queued = self.log.append(entries, IOFlushed::noop()).await;
            queued.expect("queued");
        }
    }

    /// A new leader does not have the last entries. It may commit its own before this log has
    /// written anything.
    async fn truncate(&mut self) {
        let (last, next) = (self.last().await, self.next_uncommitted());
        let Some(last) = last.filter(|last| last.index >= next) else {
            return;
        };
        self.follow_next_leader().await;
        let index = next + self.dice.below(last.index - next + 1);
        let before = match index.checked_sub(1) {
            Some(before) if before >= next => {
                let entries = self.entries(before, before).await;
                entries.first().map(|entry| entry.log_id)
            }
            _ => self.committed,
        };
        self.log.truncate_after(before).await.expect("queued");
        self.append().await;
        if self.dice.below(4) > 0 {
            self.commit_and_apply().await;
            self.build_snapshot().await;
        }
    }

    fn next_uncommitted(&self) -> u64 {
        self.committed.map_or(0, |committed| committed.index + 1)
    }

    async fn commit_and_apply(&mut self) {
        let next = self.next_uncommitted();
        let Some(last) = self.last().await.filter(|last| last.index >= next) else {
            return;
        };
        let upto = match self.dice.below(2) {
            0 => last.index,
            _ => next + self.dice.below(last.index - next + 1),
        };
        let entries = self.entries(next, upto).await;
        self.committed = entries.last().map(|entry| entry.log_id);
        let saved = self.log.save_committed(self.committed).await;
        saved.expect("saved");
        let entries = entries.into_iter().map(|entry| Ok((entry, None)));
        let applied = self
            .machine
            .apply(futures_util::stream::iter(entries))
            .await;
        applied.expect("applied");
    }

    async fn build_snapshot(&mut self) {
        if self.committed.is_some() {
            let mut builder = self.machine.get_snapshot_builder().await;
            builder.build_snapshot().await.expect("built");
        }
    }

    async fn purge(&mut self) {
        let snapshot = self.machine.get_current_snapshot().await.expect("readable");
        if let Some(covered) = snapshot.and_then(|snapshot| snapshot.meta.last_log_id) {
            self.log.purge(covered).await.expect("queued");
        }
    }

    /// A leader sends a snapshot: of entries that this log has, of others at the same indexes, or
    /// of later ones.
    async fn install_snapshot(&mut self) {
        let next = self.next_uncommitted();
        let is_other = self.dice.below(2) == 0;
        let last = self.last().await.map_or(0, |last| last.index);
        let upto = match last.checked_sub(next) {
            // Other entries at the indexes of this log: the log is truncated first.
            Some(uncommitted) if is_other => next + self.dice.below(uncommitted + 1),
            _ => next + self.dice.below(12),
        };
        let mut entries = self.entries(next, upto).await;
        if is_other {
            self.follow_next_leader().await;
            let kept = self.dice.below(entries.len() as u64 + 1);
            entries.truncate(usize::try_from(kept).expect("small"));
        }
        let first = next + entries.len() as u64;
        if first <= upto && !is_other {
            // The leader's later entries are of its term, which may be later than this log's.
            self.follow_next_leader().await;
        }
        entries.extend(
            (first..=upto)
                .map(|index| self.entry(index))
                .collect::<Vec<_>>(),
        );
        let (meta, catalog) = self.snapshot_of(&entries).await;
        let last = meta.last_log_id.expect("not empty");
        let ours = self.entries(upto, upto).await;
        if ours.first().is_some_and(|ours| ours.log_id != last) {
            self.log
                .truncate_after(self.committed)
                .await
                .expect("queued");
        }
        let installed = self
            .machine
            .install_snapshot(&meta, state::encode(&catalog));
        installed.await.expect("installed");
        self.log.purge(last).await.expect("queued");
        self.committed = Some(last);
    }

    /// State after more entries are applied.
    async fn snapshot_of(&mut self, more: &[OpenEntry]) -> (SnapshotMetaOf<Types>, Catalog) {
        let (mut last_log_id, mut last_membership) =
            self.machine.applied_state().await.expect("readable");
        let mut catalog = self.machine.catalog();
        for entry in more {
            last_log_id = Some(entry.log_id);
            match &entry.payload {
                Payload::Blank => {}
                Payload::Membership(membership) => {
                    last_membership = StoredMembership::new(last_log_id, membership.clone());
                }
                Payload::Normal(command) => {
                    let command = envelope::decode(&command.0).expect("readable");
                    machine::apply(&mut catalog, log_id(entry.log_id), &command);
                }
            }
        }
        let meta = SnapshotMetaOf::<Types> {
            last_log_id,
            last_membership,
        };
        (meta, catalog)
    }
}

/// A command whose name says which entry it is.
fn create_database(at: OpenLogId, length: u64) -> bytes::Bytes {
    let at = log_id(at);
    let padding = "x".repeat(usize::try_from(length).expect("small"));
    let command = WireCommand::CreateDatabase {
        name: (&format!("database {at} {padding}")).into(),
        retention_policy: None,
    };
    let body = Body::Wire(execute::encode(&command));
    envelope::encode(UnixNanos(1), true, &body)
}
