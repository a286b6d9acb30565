//! The shard groups of one retention policy: in the order of the wire, found by time and by id.

use std::ops::Bound;
use std::sync::Arc;

use super::ShardGroup;
use crate::base::{ShardGroupId, UnixNanos};

/// The order of the wire (wire.md 3.2.4): by effective end, then start; the id decides where the
/// original leaves it to its sort.
type Place = (UnixNanos, UnixNanos, ShardGroupId);

/// Groups in the order of the wire. Those that are not deleted never overlap, so a look-up by time
/// is O(log n).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShardGroups {
    pub(super) in_order: imbl::OrdMap<Place, Arc<ShardGroup>>,
    pub(super) by_id: imbl::OrdMap<ShardGroupId, Place>,
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

    /// In the order of the wire, deleted ones included.
    pub fn iter(&self) -> impl Iterator<Item = &ShardGroup> {
        self.in_order.values().map(Arc::as_ref)
    }

    /// As [`Self::iter`]. The same pointer is the same group, however many commands lie between.
    pub fn shared(&self) -> impl Iterator<Item = &Arc<ShardGroup>> {
        self.in_order.values()
    }

    /// The group that a point of this time goes into.
    pub fn taking(&self, at: UnixNanos) -> Option<&ShardGroup> {
        let first = self.ending_after(at).find(|group| !group.is_deleted())?;
        first.takes(at).then_some(first)
    }

    /// Those whose effective end is later, in order: what a truncation at `at` can concern, and
    /// more.
    pub fn ending_after(&self, at: UnixNanos) -> impl Iterator<Item = &ShardGroup> {
        let after = (Bound::Excluded(last_at(at)), Bound::Unbounded);
        self.in_order.range(after).map(|(_, group)| group.as_ref())
    }

    /// The effective end of the last group that ends at `at` or before, and the start of the first
    /// one that starts after it; of those that are not deleted. A new group lies between them.
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

    /// Whether each stands in its place, and under its id.
    pub(super) fn agree(&self) -> bool {
        let stands = |(at, group): (&Place, &Arc<ShardGroup>)| {
            *at == place(group) && self.by_id.get(&group.id) == Some(at)
        };
        self.in_order.len() == self.by_id.len() && self.in_order.iter().all(stands)
    }

    /// Only [`super::Catalog`] changes groups: it keeps the index of shards with them.
    pub(super) fn put(&mut self, group: ShardGroup) {
        self.take(group.id);
        let place = place(&group);
        self.by_id.insert(group.id, place);
        self.in_order.insert(place, Arc::new(group));
    }

    pub(super) fn take(&mut self, id: ShardGroupId) -> Option<Arc<ShardGroup>> {
        let place = self.by_id.remove(&id)?;
        self.in_order.remove(&place)
    }
}

/// No group with this effective end stands behind it.
fn last_at(end: UnixNanos) -> Place {
    (end, UnixNanos(i64::MAX), ShardGroupId(u64::MAX))
}

fn place(group: &ShardGroup) -> Place {
    (group.effective_end(), group.start, group.id)
}

/// In any order; of two groups of one id the last stays. Whether they may stand together, `check`
/// says.
impl FromIterator<ShardGroup> for ShardGroups {
    fn from_iter<I: IntoIterator<Item = ShardGroup>>(groups: I) -> Self {
        let mut all = Self::default();
        groups.into_iter().for_each(|group| all.put(group));
        all
    }
}
