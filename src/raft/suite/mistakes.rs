//! Planted mistakes: the crash tests fail if the storage leaves out a sync that safety needs.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;

use super::crashes::check_without;
use super::random::run_first_start;
use crate::runtime::disk::{Op, OpKind};

/// Number of random runs in one of which a mistake must be found.
const MAX_RUNS: u64 = 4;

/// Returns the text of the first failure that a mistake leads to.
async fn find(is_left_out: fn(&[Op], usize) -> bool) -> Option<String> {
    for seed in 1..=MAX_RUNS {
        let node = run_first_start(seed).await;
        let name = format!("seed {seed}");
        let checked = check_without(&node.journal, &name, is_left_out);
        if let Err(panic) = AssertUnwindSafe(checked).catch_unwind().await {
            let text = panic.downcast_ref::<String>();
            return Some(text.expect("a panic with a text").clone());
        }
    }
    None
}

fn is_in(op: &Op, folder: &str) -> bool {
    op.path.components().any(|part| part.as_os_str() == folder)
}

fn is_sync_of(op: &Op, folder: &str) -> bool {
    matches!(op.kind, OpKind::Sync) && is_in(op, folder)
}

/// Returns whether this is the last sync of the log before a snapshot is stored.
fn is_last_before_snapshot(history: &[Op], place: usize) -> bool {
    let mut later = history[place + 1..].iter();
    let next = later.find(|op| is_sync_of(op, "wal") || is_in(op, "snap"));
    is_sync_of(&history[place], "wal") && next.is_some_and(|next| is_in(next, "snap"))
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_never_synced_is_found() {
    let found = find(|history, place| is_sync_of(&history[place], "wal")).await;
    let text = found.expect("a failure");
    assert!(text.contains("were acknowledged"), "{text}");
}

/// The truncation that a snapshot needs is then in the page cache only.
#[tokio::test(start_paused = true)]
async fn a_log_that_is_not_synced_before_a_snapshot_is_found() {
    find(is_last_before_snapshot).await.expect("a failure");
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_is_not_synced_is_found() {
    let found = find(|history, place| is_sync_of(&history[place], "snap")).await;
    found.expect("a failure");
}

#[tokio::test(start_paused = true)]
async fn a_folder_of_snapshots_that_is_not_synced_is_found() {
    let is_left_out = |history: &[Op], place: usize| {
        let op = &history[place];
        matches!(op.kind, OpKind::SyncDir) && is_in(op, "snap")
    };
    find(is_left_out).await.expect("a failure");
}
