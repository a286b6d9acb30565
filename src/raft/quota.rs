//! Quota of the catalog: the leader refuses commands that make a full catalog larger, before they
//! are logged (write_path.md, "The quota of the catalog").
//!
//! The quota is configuration of this node, so apply never sees it. An entry that is in the log is
//! always applied.

use std::sync::{Arc, Mutex};

use super::Raft;
use super::propose::ProposeError;
use super::state_machine::Applied;
use super::types::EntryBytes;
use crate::base::LogId;
use crate::catalog::Restoring;
use crate::machine::{self, SizeEffect, Stamped};
use crate::runtime::lock;
use crate::wire::envelope;

/// Room that no command can use up alone: what one command costs in memory is far below it. While
/// so much is left, commands are not looked at.
const AMPLE_BYTES: u64 = 16 << 20;

/// Growth from which on a command is refused if it does not fit. A smaller one is refused once the
/// quota is reached, so the catalog exceeds its quota by one small command at most.
const LARGE_GROWTH_BYTES: u64 = 64 << 10;

/// Shares of the quota, in percent, at which the level rises and below which it falls again. The
/// distance keeps a catalog that changes around a limit from raising it again and again.
const NEAR_RISES: u64 = 80;
const NEAR_FALLS: u64 = 75;
const FULL_RISES: u64 = 100;
const FULL_FALLS: u64 = 95;

/// The command was not proposed: the catalog would exceed its quota.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the catalog has {size} of at most {quota} bytes ([meta] catalog-quota), and this would add \
     {added}: drop databases, retention policies, shards, continuous queries, subscriptions, users \
     or data nodes, or raise catalog-quota on all meta nodes"
)]
pub struct OverQuota {
    pub size: u64,
    pub added: u64,
    pub quota: u64,
}

/// Size of this node's catalog, and its quota, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatalogUse {
    pub bytes: u64,
    pub quota: u64,
}

/// Share of the quota that the catalog has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum QuotaLevel {
    #[default]
    Free,
    /// 80 % or more.
    Near,
    /// 100 % or more: growth is refused.
    Full,
}

/// The level when it was asked for last. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct LastLevel(Arc<Mutex<QuotaLevel>>);

impl QuotaLevel {
    fn after(self, used: CatalogUse) -> Self {
        let reaches = |percent: u64| {
            u128::from(used.bytes) * 100 >= u128::from(used.quota) * u128::from(percent)
        };
        if reaches(FULL_RISES) || self == Self::Full && reaches(FULL_FALLS) {
            Self::Full
        } else if reaches(NEAR_RISES) || self >= Self::Near && reaches(NEAR_FALLS) {
            Self::Near
        } else {
            Self::Free
        }
    }
}

impl Raft {
    pub fn catalog_use(&self) -> CatalogUse {
        CatalogUse {
            bytes: self.applied().borrow().catalog.size(),
            quota: self.inner.config.catalog_quota,
        }
    }

    /// Returns the level of this node's own catalog. It depends on the level before.
    pub fn quota_level(&self) -> QuotaLevel {
        let used = self.catalog_use();
        let mut level = lock(&self.inner.quota_level.0);
        *level = level.after(used);
        *level
    }

    /// Checks that a restore of this size fits beside the present databases, before its first part.
    /// It drops the parts of an earlier restore.
    ///
    /// # Errors
    /// The catalog would exceed its quota.
    pub fn check_restore_fits(&self, added: u64) -> Result<(), OverQuota> {
        let applied = self.applied().borrow().clone();
        let staged = applied.catalog.restoring.as_ref().map(Restoring::size);
        let size = applied.catalog.size() - staged.unwrap_or(0);
        let quota = self.inner.config.catalog_quota;
        match size.saturating_add(added) > quota {
            true => Err(OverQuota { size, added, quota }),
            false => Ok(()),
        }
    }

    /// Checks that a command may be proposed. Near the quota it is applied to a copy of the
    /// catalog: only that tells by how much it grows. So a command that changes nothing, or that
    /// would be refused, has the answer that it always has.
    pub(super) async fn check_quota(&self, command: &EntryBytes) -> Result<(), ProposeError> {
        let CatalogUse { bytes, quota } = self.catalog_use();
        if bytes.saturating_add(AMPLE_BYTES) <= quota {
            return Ok(());
        }
        let applied = self.applied().borrow().clone();
        let added = match envelope::is_large(&command.0) {
            true => {
                let command = command.clone();
                let grown = move || growth(&applied, &command);
                self.inner.env.tasks.blocking(grown).await
            }
            false => growth(&applied, command),
        };
        match added {
            Some(added) if exceeds(bytes, added, quota) => Err(OverQuota {
                size: bytes,
                added,
                quota,
            }
            .into()),
            _ => Ok(()),
        }
    }
}

fn exceeds(size: u64, added: u64, quota: u64) -> bool {
    added > 0
        && size.saturating_add(added) > quota
        && (size >= quota || added >= LARGE_GROWTH_BYTES)
}

/// Returns the bytes that a growing command adds; `None` for other commands, and for those that
/// this node cannot read.
fn growth(applied: &Applied, command: &EntryBytes) -> Option<u64> {
    let stamped: Stamped = envelope::decode(&command.0).ok()?;
    if stamped.command.size_effect() != SizeEffect::Grows {
        return None;
    }
    let mut catalog = applied.catalog.clone();
    let last = applied.last.unwrap_or_default();
    let next = LogId {
        term: last.term,
        index: last.index + 1,
    };
    machine::apply(&mut catalog, next, &stamped);
    Some(catalog.size().saturating_sub(applied.catalog.size()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(bytes: u64) -> CatalogUse {
        CatalogUse { bytes, quota: 1000 }
    }

    #[test]
    fn a_level_rises_at_its_limit_and_falls_some_way_below() {
        let mut level = QuotaLevel::Free;
        for (bytes, then) in [
            (799, QuotaLevel::Free),
            (800, QuotaLevel::Near),
            (799, QuotaLevel::Near),
            (750, QuotaLevel::Near),
            (749, QuotaLevel::Free),
            (799, QuotaLevel::Free),
            (1000, QuotaLevel::Full),
            (950, QuotaLevel::Full),
            (949, QuotaLevel::Near),
            (999, QuotaLevel::Near),
            (2000, QuotaLevel::Full),
            (0, QuotaLevel::Free),
        ] {
            level = level.after(used(bytes));
            assert_eq!(level, then, "{bytes}");
        }
    }

    #[test]
    fn a_small_command_may_be_the_last_and_a_large_one_has_to_fit() {
        let quota = 1 << 20;
        for (size, added, refused) in [
            (quota - 1, 1, false),
            (quota - 1, 100, false),
            (quota, 1, true),
            (quota, 0, false),
            (2 * quota, 0, false),
            (2 * quota, 1, true),
            (quota - LARGE_GROWTH_BYTES, LARGE_GROWTH_BYTES, false),
            (quota - LARGE_GROWTH_BYTES + 1, LARGE_GROWTH_BYTES, true),
            (0, quota + 1, true),
        ] {
            assert_eq!(exceeds(size, added, quota), refused, "{size} + {added}");
        }
    }
}
