//! What others read of this node: its identity, where members were seen, what they can read, the
//! view.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::base::{Address, Incarnation, RaftId};
use crate::cluster::node::{NodeTask, view_builder};
use crate::runtime::lock;
use crate::wire::identity::FEATURE_LEVEL;

/// What the first version could read.
const OLDEST_LEVEL: u32 = 1;

impl NodeTask {
    /// What others read: identity, addresses of members, the view.
    pub(super) fn publish(&mut self) {
        self.publish_identity();
        self.shared.set_seen(self.seen());
        self.publish_levels();
        self.shared
            .feature_level
            .store(self.feature_level(), Ordering::Relaxed);
        let asking = self.request.map(|_| &self.retry);
        let view = view_builder::view(
            &self.founding,
            &self.raft_state,
            &self.shared,
            asking,
            self.now(),
        );
        self.shared.view.send_if_modified(|old| {
            let differs = **old != view;
            *old = Arc::new(view);
            differs
        });
    }

    fn publish_levels(&self) {
        let Some(raft) = self.raft_state.raft() else {
            return;
        };
        let applied = raft.applied().borrow().clone();
        let level = |who: Incarnation| {
            let is_me = who == self.founding.record().incarnation;
            if is_me {
                Some(FEATURE_LEVEL)
            } else {
                self.levels.get(&who).copied()
            }
        };
        let nodes = applied
            .catalog
            .meta_nodes
            .values()
            .map(|node| (node.raft_id, node.incarnation));
        let pendings = applied
            .catalog
            .pendings
            .values()
            .map(|pending| (pending.raft_id, pending.incarnation));
        let named = nodes
            .chain(pendings)
            .filter_map(|(raft_id, who)| Some((raft_id, level(who)?)));
        *lock(&self.shared.levels) = named.collect();
    }

    pub(super) fn publish_identity(&self) {
        let mut identity = self.founding.identity();
        identity.halted = self.raft_state.halted().map(str::to_owned);
        identity.voters = self.voters().unwrap_or_default();
        self.shared.set_identity(identity);
    }

    /// `None`: where one of them is, is not known here. The own address as it is now, whatever the
    /// catalog has.
    fn voters(&self) -> Option<Vec<Address>> {
        let (raft, me) = (
            self.raft_state.raft()?,
            self.founding.record().seat()?.raft_id,
        );
        let applied = raft.applied().borrow().clone();
        let catalog = &applied.catalog;
        let coming = |id| {
            catalog
                .pending_by_raft_id(id)
                .map(|pending| pending.http.clone())
        };
        let known = |id| {
            catalog
                .meta_node_by_raft_id(id)
                .map(|node| node.http.clone())
                .or_else(|| coming(id))
        };
        let voters = raft.status().voters.into_iter();
        voters
            .map(|id| {
                if id == me {
                    self.founding.own()
                } else {
                    known(id)
                }
            })
            .collect()
    }

    /// The lowest that the founders name (founding.md 5.5). One that is not seen now may be of the
    /// oldest version.
    fn feature_level(&self) -> u32 {
        let record = self.founding.record();
        let Some(origin) = record.origin() else {
            return FEATURE_LEVEL;
        };
        let named = |incarnation: Incarnation| {
            if incarnation == record.incarnation {
                return FEATURE_LEVEL;
            }
            self.levels
                .get(&incarnation)
                .copied()
                .unwrap_or(OLDEST_LEVEL)
        };
        origin
            .vector
            .iter()
            .map(|entry| named(entry.incarnation))
            .min()
            .unwrap_or(OLDEST_LEVEL)
    }

    fn seen(&self) -> BTreeMap<RaftId, Vec<Address>> {
        let mut seen: BTreeMap<RaftId, Vec<Address>> = BTreeMap::new();
        let Some(seat) = self.founding.record().seat() else {
            return seen;
        };
        for (at, theirs) in self
            .founding
            .seen()
            .filter(|(_, t)| t.cluster_id == Some(seat.cluster_id))
        {
            let Some(raft_id) = theirs.raft_id else {
                continue;
            };
            let addresses = seen.entry(raft_id).or_default();
            // Where it answered just now comes before what it calls itself: that name may not
            // resolve here.
            addresses.extend([
                Address::new(at.host(), theirs.raft.port()),
                theirs.raft.clone(),
            ]);
            addresses.dedup();
        }
        seen
    }
}
