//! Entries that are noted before they are applied, because the process may not survive them.

use openraft::storage::RaftStateMachine;

use super::super::types::{EntryBytes, OpenEntry, Payload};
use super::{id, open};
use crate::base::{Incarnation, UnixNanos};
use crate::machine::{InternalCommand, RestoreRef, WireCommand};
use crate::runtime::disk::{Fake, OpKind};
use crate::wire::envelope::{self, Body};
use crate::wire::{apply_note, execute};

/// Applies a command for the first time. Returns the entries that were noted meanwhile.
async fn noted_for(body: Body) -> Vec<u64> {
    let disk = Fake::new();
    let mut stores = open(&disk);
    disk.record();
    let command = envelope::encode(UnixNanos(1), true, &body);
    let entry = OpenEntry {
        log_id: id(1, 5),
        payload: Payload::Normal(EntryBytes(command)),
    };
    let entries = futures_util::stream::iter([Ok((entry, None))]);
    stores.machine.apply(entries).await.expect("applied");
    let history = disk.history();
    let notes = history.iter().filter(|op| op.path.ends_with("applying"));
    let attempts = notes.filter_map(|op| match &op.kind {
        OpKind::Write { bytes, .. } => apply_note::decode(Incarnation([1; 16]), bytes),
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
    let create = WireCommand::CreateDatabase {
        name: "db".into(),
        retention_policy: None,
    };
    assert_eq!(
        noted_for(Body::Wire(execute::encode(&create))).await,
        [0; 0]
    );
}
