//! Shard groups of one retention policy, in the order of the wire, with look-up by time and by id.

use std::ops::Bound;
use std::sync::Arc;

use super::ShardGroup;
use crate::base::{ShardGroupId, UnixNanos};

/// Order of the wire (wire.md 3.2.4): by effective end, then start. The id decides between equal
/// ones, whose order the original leaves open.
type Place = (UnixNanos, UnixNanos, ShardGroupId);

/// Groups in the order of the wire. Groups that are not deleted never overlap, so a look-up by time
/// is O(log n).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShardGroups {
    pub(super) in_order: imbl::OrdMap<Place, Arc<ShardGroup>>,
    pub(super) by_id: imbl::OrdMap<ShardGroupId, Place>,
    /// Sum of the sizes of the groups.
    size: u64,
}

impl ShardGroups {
    pub fn len(&self) -> usize {
        self.in_order.len()
    }

    pub fn is_empty(&self) -> bool {
        self.in_order.is_empty()
    }

    pub fn get(&self, id: ShardGroupId) -> Option<&ShardGroup> {
        self.in_order.get(self.by_id.get(&id)?).map(Arc::as_ref)
    }

    /// Groups in the order of the wire, deleted ones included.
    pub fn iter(&self) -> impl Iterator<Item = &ShardGroup> {
        self.in_order.values().map(Arc::as_ref)
    }

    /// Groups behind this one in the order of the wire; all of them for `None`.
    pub fn after(&self, id: Option<ShardGroupId>) -> impl Iterator<Item = &ShardGroup> {
        let from = match id.and_then(|id| self.by_id.get(&id)) {
            Some(place) => Bound::Excluded(*place),
            None => Bound::Unbounded,
        };
        let behind = self.in_order.range((from, Bound::Unbounded));
        behind.map(|(_, group)| group.as_ref())
    }

    /// Same as [`Self::iter`], with pointers. If a pointer is the same as before, the group is
    /// unchanged, whatever number of commands was applied in between.
    pub fn shared(&self) -> impl Iterator<Item = &Arc<ShardGroup>> {
        self.in_order.values()
    }

    /// Group that a point of this time goes into.
    pub fn taking(&self, at: UnixNanos) -> Option<&ShardGroup> {
        let first = self.ending_after(at).find(|group| !group.is_deleted())?;
        first.takes(at).then_some(first)
    }

    /// Groups whose effective end is later, in order. A truncation at `at` can change only these.
    pub fn ending_after(&self, at: UnixNanos) -> impl Iterator<Item = &ShardGroup> {
        let after = (Bound::Excluded(last_at(at)), Bound::Unbounded);
        self.in_order.range(after).map(|(_, group)| group.as_ref())
    }

    /// Bounds of a new group at `at`: the effective end of the last group that ends at `at` or
    /// before, and the start of the first one that starts after it. Deleted groups do not count.
    pub fn around(&self, at: UnixNanos) -> (Option<UnixNanos>, Option<UnixNanos>) {
        let live = |group: &&ShardGroup| !group.is_deleted();
        let before = self
            .in_order
            .range(..=last_at(at))
            .rev()
            .map(|(_, group)| group.as_ref())
            .find(live);
        let after = self
            .ending_after(at)
            .find(|group| live(group) && group.start > at);
        (
            before.map(ShardGroup::effective_end),
            after.map(|group| group.start),
        )
    }

    /// Size of all groups.
    pub fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn computed_size(&self) -> u64 {
        self.iter().map(ShardGroup::size).sum()
    }

    /// Whether each group is at its place, and under its id.
    pub(super) fn agree(&self) -> bool {
        let stands = |(at, group): (&Place, &Arc<ShardGroup>)| {
            *at == place(group) && self.by_id.get(&group.id) == Some(at)
        };
        self.in_order.len() == self.by_id.len() && self.in_order.iter().all(stands)
    }

    /// Adds a group to a policy that is in no catalog yet. Returns `false`, without a change, if
    /// its id is taken.
    pub fn add(&mut self, group: ShardGroup) -> bool {
        let is_new = !self.by_id.contains_key(&group.id);
        if is_new {
            self.put(group);
        }
        is_new
    }

    /// Adds or replaces a group. Only [`super::Catalog`] changes groups: it also keeps the index of
    /// shards.
    pub(super) fn put(&mut self, group: ShardGroup) {
        self.take(group.id);
        let place = place(&group);
        self.by_id.insert(group.id, place);
        self.size += group.size();
        self.in_order.insert(place, Arc::new(group));
    }

    pub(super) fn take(&mut self, id: ShardGroupId) -> Option<Arc<ShardGroup>> {
        let place = self.by_id.remove(&id)?;
        let taken = self.in_order.remove(&place)?;
        self.size -= taken.size();
        Some(taken)
    }
}

/// Place after every group with this effective end.
fn last_at(end: UnixNanos) -> Place {
    (end, UnixNanos(i64::MAX), ShardGroupId(u64::MAX))
}

fn place(group: &ShardGroup) -> Place {
    (group.effective_end(), group.start, group.id)
}

/// Groups in any order. If two have one id, the last stays. `check` decides whether they may exist
/// together.
impl FromIterator<ShardGroup> for ShardGroups {
    fn from_iter<I: IntoIterator<Item = ShardGroup>>(groups: I) -> Self {
        let mut all = Self::default();
        groups.into_iter().for_each(|group| all.put(group));
        all
    }
}
