//! Copies that are under way at this leader, for `/copy-shard-status`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::base::ShardId;
use crate::wire::api::CopyInProgress;

#[derive(Clone, Default)]
pub(in crate::service) struct Copies(Arc<Mutex<Vec<CopyInProgress>>>);

/// Removes the entry of a copy when it is dropped.
pub(super) struct CopyGuard {
    copies: Copies,
    copy: CopyInProgress,
}

impl Copies {
    /// Adds a copy; returns `None` when the same copy is under way.
    pub(super) fn begin(&self, copy: CopyInProgress) -> Option<CopyGuard> {
        let mut all = self.lock();
        if all.iter().any(|other| is_same(other, &copy)) {
            return None;
        }
        all.push(copy.clone());
        Some(CopyGuard {
            copies: self.clone(),
            copy,
        })
    }

    pub(super) fn is_under_way(&self, shard: ShardId, dest: &str) -> bool {
        self.lock()
            .iter()
            .any(|copy| copy.shard_id == shard && copy.dest == dest)
    }

    pub(super) fn all(&self) -> Vec<CopyInProgress> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<CopyInProgress>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_same(one: &CopyInProgress, other: &CopyInProgress) -> bool {
    one.shard_id == other.shard_id && one.dest == other.dest
}

impl Drop for CopyGuard {
    fn drop(&mut self) {
        self.copies
            .lock()
            .retain(|other| !is_same(other, &self.copy));
    }
}
