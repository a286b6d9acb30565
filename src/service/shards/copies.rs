//! Which copies are under way at this leader, for `/copy-shard-status`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::base::{ShardId, UnixNanos};

/// One copy that has begun and not ended. Sizes are in bytes, 0 when they are not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct CopyInProgress {
    pub source: String,
    pub dest: String,
    pub database: String,
    pub policy: String,
    pub shard_id: ShardId,
    pub total_size: i64,
    pub current_size: i64,
    #[serde(serialize_with = "as_text")]
    pub started_at: UnixNanos,
}

fn as_text<S: serde::Serializer>(at: &UnixNanos, s: S) -> Result<S::Ok, S::Error> {
    s.collect_str(at)
}

#[derive(Clone, Default)]
pub(in crate::service) struct Copies(Arc<Mutex<Vec<CopyInProgress>>>);

/// Ends the entry when it is dropped.
pub(super) struct Begun {
    copies: Copies,
    copy: CopyInProgress,
}

impl Copies {
    /// `None` when the same copy is under way.
    pub(super) fn begin(&self, copy: CopyInProgress) -> Option<Begun> {
        let mut all = self.lock();
        if all.iter().any(|other| other.is_same(&copy)) {
            return None;
        }
        all.push(copy.clone());
        Some(Begun { copies: self.clone(), copy })
    }

    pub(super) fn is_under_way(&self, shard: ShardId, dest: &str) -> bool {
        self.lock().iter().any(|copy| copy.shard_id == shard && copy.dest == dest)
    }

    pub(super) fn all(&self) -> Vec<CopyInProgress> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<CopyInProgress>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CopyInProgress {
    fn is_same(&self, other: &Self) -> bool {
        self.shard_id == other.shard_id && self.dest == other.dest
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.copies.lock().retain(|other| !other.is_same(&self.copy));
    }
}
