//! Entries that are noted before they are applied, because the process may not survive them.

use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use openraft::storage::{RaftLogStorageExt, RaftStateMachine};

use super::super::state_machine::StateMachine;
use super::super::types::{EntryBytes, OpenEntry, Payload};
use super::{PurgeRule, blank, id, open, open_in};
use crate::base::{Incarnation, UnixNanos};
use crate::machine::{InternalCommand, RestoreRef, WireCommand};
use crate::runtime::disk::{Fake, OpKind};
use crate::runtime::{Tasks, lock};
use crate::wire::envelope::{self, Body};
use crate::wire::{attempt_note, execute};

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
    let history = disk.history();
    let notes = history.iter().filter(|op| op.path.ends_with("applying"));
    let attempts = notes.filter_map(|op| match &op.kind {
        OpKind::Write { bytes, .. } => attempt_note::decode(Incarnation([1; 16]), bytes),
        _ => None,
    });
    attempts.map(|attempts| attempts.entry.index).collect()
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
