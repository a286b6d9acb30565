//! The shard groups of a database as parts: in runs, of which a command changes one.

use std::collections::HashMap;
use std::sync::Arc;

use super::rope::{Part, RopeBuilder};
use crate::base::ShardGroupId;
use crate::catalog::{RetentionPolicy, ShardGroup};
use crate::wire::convert::shard_group_info;

/// Number of consecutive group ids in a run. A run ends at fixed ids, so that a new group does not
/// move the ends of other runs.
const RUN_LEN: u64 = 256;

const SHARD_GROUPS: u32 = 5;

/// Encoded runs of one database, by the first group of each run.
#[derive(Default)]
pub(super) struct Runs(HashMap<ShardGroupId, Run>);

struct Run {
    of: Vec<Arc<ShardGroup>>,
    part: Part,
    used: bool,
}

impl Runs {
    /// Appends the groups of a policy.
    pub(super) fn encode(&mut self, policy: &RetentionPolicy, parts: &mut RopeBuilder) {
        let mut run: Vec<&Arc<ShardGroup>> = Vec::new();
        for group in policy.shard_groups.shared() {
            run.push(group);
            if group.id.0 % RUN_LEN == RUN_LEN - 1 {
                self.add(&run, parts);
                run.clear();
            }
        }
        self.add(&run, parts);
    }

    /// Drops the runs that were not used since the last call.
    pub(super) fn forget_unused(&mut self) {
        self.0.retain(|_, run| std::mem::take(&mut run.used));
    }

    fn add(&mut self, groups: &[&Arc<ShardGroup>], parts: &mut RopeBuilder) {
        let Some(first) = groups.first() else { return };
        match self.0.get_mut(&first.id) {
            Some(run) if run.is_of(groups) => {
                run.used = true;
                parts.push(&run.part);
            }
            _ => {
                let run = Run::of(groups);
                parts.push(&run.part);
                self.0.insert(first.id, run);
            }
        }
    }
}

impl Run {
    fn of(groups: &[&Arc<ShardGroup>]) -> Self {
        let mut bytes = Vec::new();
        for group in groups {
            prost::encoding::message::encode(SHARD_GROUPS, &shard_group_info(group), &mut bytes);
        }
        let of = groups.iter().map(|group| Arc::clone(group)).collect();
        Self {
            of,
            part: Part::new(bytes),
            used: true,
        }
    }

    /// Returns whether this is the encoding of the same objects. Equal objects do not count.
    fn is_of(&self, groups: &[&Arc<ShardGroup>]) -> bool {
        self.of.len() == groups.len()
            && self
                .of
                .iter()
                .zip(groups)
                .all(|(one, other)| Arc::ptr_eq(one, other))
    }
}
