//! Entries and snapshots that are noted before they are applied or loaded, because the process may
//! not survive them.

use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use openraft::alias::SnapshotMetaOf;
use openraft::storage::{RaftLogStorageExt, RaftStateMachine};

use super::super::state_machine::StateMachine;
use super::super::types::{EntryBytes, OpenEntry, Payload, StoredMembership, Types};
use super::{PurgeRule, blank, id, open, open_in};
use crate::base::{Incarnation, LogId, UnixNanos};
use crate::catalog::Catalog;
use crate::machine::{InternalCommand, RestoreRef, WireCommand};
use crate::runtime::disk::{Fake, OpKind};
use crate::runtime::{Tasks, lock};
use crate::wire::attempt_note::{self, Attempts};
use crate::wire::envelope::{self, Body};
use crate::wire::{execute, state};

/// Applies a command as entry 5.
async fn apply(machine: &mut StateMachine, body: &Body) {
    let command = envelope::encode(UnixNanos(1), true, body);
    let entry = OpenEntry {
        log_id: id(1, 5),
        payload: Payload::Normal(EntryBytes(command)),
    };
    let entries = futures_util::stream::iter([Ok((entry, None))]);
    machine.apply(entries).await.expect("applied");
}

/// Applies a command for the first time. Returns the entries that were noted meanwhile.
async fn noted_for(body: Body) -> Vec<u64> {
    let disk = Fake::new();
    let mut stores = open(&disk);
    disk.record();
    apply(&mut stores.machine, &body).await;
    let attempts = notes_in(&disk, "applying").into_iter().flatten();
    attempts.map(|attempts| attempts.entry.index).collect()
}

/// Returns the notes that were written to this file. `None` is the end of an attempt.
fn notes_in(disk: &Fake, file: &str) -> Vec<Option<Attempts>> {
    let history = disk.history();
    let notes = history.iter().filter(|op| op.path.ends_with(file));
    let written = notes.filter_map(|op| match &op.kind {
        OpKind::Write { bytes, .. } => Some(attempt_note::decode(Incarnation([1; 16]), bytes)),
        _ => None,
    });
    written.collect()
}

/// A member with less memory than the leader dies while it loads the leader's snapshot.
#[tokio::test(start_paused = true)]
async fn a_received_snapshot_is_noted_while_it_is_loaded() {
    let disk = Fake::new();
    let mut stores = open(&disk);
    disk.record();
    let meta = SnapshotMetaOf::<Types> {
        last_log_id: Some(id(2, 8)),
        last_membership: StoredMembership::default(),
    };
    let bytes = state::encode(&Catalog::default());
    let size = bytes.len() as u64;
    let installed = stores.machine.install_snapshot(&meta, bytes).await;
    installed.expect("installed");
    let noted = Attempts {
        entry: LogId { term: 2, index: 8 },
        bytes: size,
        count: 1,
    };
    assert_eq!(notes_in(&disk, "loading"), [Some(noted), None]);

    // The next start loads it from the disk.
    drop(stores);
    let next = disk.after_kill();
    next.record();
    open(&next);
    let notes = notes_in(&next, "loading");
    let at: Vec<_> = notes
        .iter()
        .map(|note| note.map(|note| note.entry))
        .collect();
    assert_eq!(at, [Some(noted.entry), None]);
}

/// The commit of a restore in parts is a few bytes, and applies all of its parts.
#[tokio::test(start_paused = true)]
async fn a_small_command_that_takes_long_is_noted_before_its_first_apply() {
    let commit = InternalCommand::CommitRestore(RestoreRef { id: 7, parts: 3 });
    assert_eq!(noted_for(Body::from(commit)).await, [5]);
}

#[tokio::test(start_paused = true)]
async fn a_small_command_that_costs_little_is_not_noted() {
    assert_eq!(noted_for(create("db")).await, [0; 0]);
}

/// Applies a command, and asserts that its note is written and removed on another thread.
async fn assert_noted_elsewhere(disk: &Fake, body: Body) {
    let mut stores = open_in(disk, PurgeRule::NeedsSnapshot, Tasks::threads());
    let writers: Arc<Mutex<Vec<ThreadId>>> = Arc::default();
    let seen = writers.clone();
    disk.fail_with(move |op| {
        if op.path.ends_with("applying") && matches!(op.kind, OpKind::Write { .. }) {
            lock(&seen).push(thread::current().id());
        }
        None
    });
    apply(&mut stores.machine, &body).await;
    let writers = lock(&writers).clone();
    assert_eq!(writers.len(), 2, "before and after: {body:?}");
    assert!(!writers.contains(&thread::current().id()), "{body:?}");
}

fn create(name: &str) -> Body {
    Body::Wire(execute::encode(&WireCommand::CreateDatabase {
        name: name.into(),
        retention_policy: None,
    }))
}

/// The write of a note waits for a slow disk. Heartbeats and votes of this thread do not.
#[tokio::test]
async fn a_note_is_not_written_on_a_thread_that_carries_raft() {
    assert_noted_elsewhere(&Fake::new(), create(&"n".repeat(2000))).await;
    let commit = InternalCommand::CommitRestore(RestoreRef { id: 7, parts: 3 });
    assert_noted_elsewhere(&Fake::new(), Body::from(commit)).await;
}

/// Each entry that is replayed after a start is noted.
#[tokio::test]
async fn a_note_of_a_replayed_entry_is_not_written_on_such_a_thread() {
    let disk = Fake::new();
    let mut stores = open(&disk);
    let entries = (0..=5).map(|index| blank(1, index));
    let appended = stores.log.blocking_append(entries).await;
    appended.expect("appended");
    assert_noted_elsewhere(&disk.after_kill(), create("db")).await;
}
