//! Publishing this node's state: its identity, the Raft addresses and feature levels of members,
//! and the view.

use std::collections::BTreeMap;

use crate::base::{Address, Incarnation, RaftId};
use crate::catalog::Catalog;
use crate::cluster::node::NodeTask;
use crate::cluster::node::polling::PROOF_LIFETIME;
use crate::cluster::node::view_builder::{self, ViewInput};
use crate::wire::identity::FEATURE_LEVEL;

/// Feature level of the first version.
const OLDEST_LEVEL: u32 = 1;

impl NodeTask {
    /// Publishes everything that other tasks read.
    pub(super) fn publish(&mut self) {
        self.publish_identity();
        self.state.set_raft_addresses(self.raft_addresses());
        self.publish_levels();
        self.publish_proofs();
        self.state.set_founders_level(self.founders_level());
        let view = view_builder::view(&ViewInput {
            founding: &self.founding,
            raft_state: &self.raft_state,
            config: &self.node.context.config,
            peer_policy: self.node.peer_policy(),
            asking: self.request.map(|_| &self.retry),
            own_name_unknown: self
                .own_name_lookup
                .as_ref()
                .is_some_and(|lookup| lookup.has_failed()),
            name_taken: self.name_taken(),
            alarms: self.leader.alarms(),
            now: self.now(),
        });
        self.state.set_view(view);
    }

    fn publish_levels(&self) {
        let Some(raft) = self.raft_state.raft() else {
            return;
        };
        let applied = raft.applied().borrow().clone();
        let level = |incarnation: Incarnation| {
            let is_me = incarnation == self.founding.record().incarnation;
            if is_me {
                Some(FEATURE_LEVEL)
            } else {
                self.levels.get(&incarnation).copied()
            }
        };
        let levels = members_and_pendings(&applied.catalog)
            .filter_map(|(raft_id, incarnation)| Some((raft_id, level(incarnation)?)));
        self.state.set_levels(levels.collect());
    }

    /// Publishes which members have shown the secret, for the leader's task.
    fn publish_proofs(&self) {
        let Some(raft) = self.raft_state.raft() else {
            return;
        };
        if self.node.context.config.secret.is_none() {
            return;
        }
        let me = self.founding.record().incarnation;
        let applied = raft.applied().borrow().clone();
        let proof = |incarnation: Incarnation| {
            if incarnation == me {
                return Some(true);
            }
            let (is_proven, at) = self.proofs.get(&incarnation)?;
            (self.now().saturating_sub(*at) < PROOF_LIFETIME).then_some(*is_proven)
        };
        let proofs = members_and_pendings(&applied.catalog)
            .filter_map(|(raft_id, incarnation)| Some((raft_id, proof(incarnation)?)));
        self.state.set_proofs(proofs.collect());
    }

    pub(super) fn publish_identity(&self) {
        let mut identity = self.founding.identity();
        let halted = || self.raft_state.raft()?.status().halted;
        let not_opened = self.raft_state.halted().map(ToString::to_string);
        identity.halted = not_opened.or_else(halted);
        identity.voters = self.voters().unwrap_or_default();
        self.state.set_identity(identity);
    }

    /// HTTP addresses of all voters; `None` when one is not known here. For this node, the address
    /// that it advertises now, even if the catalog has another one.
    fn voters(&self) -> Option<Vec<Address>> {
        let (raft, me) = (
            self.raft_state.raft()?,
            self.founding.record().seat()?.raft_id,
        );
        let applied = raft.applied().borrow().clone();
        let catalog = &applied.catalog;
        let pending = |id| {
            catalog
                .pending_by_raft_id(id)
                .map(|pending| pending.http.clone())
        };
        let known = |id| {
            catalog
                .meta_node_by_raft_id(id)
                .map(|node| node.http.clone())
                .or_else(|| pending(id))
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

    /// The lowest feature level of the founders (founding.md 5.5). A founder that did not name its
    /// level may be of the oldest version.
    fn founders_level(&self) -> u32 {
        let record = self.founding.record();
        let Some(origin) = record.origin() else {
            return FEATURE_LEVEL;
        };
        let level = |incarnation: Incarnation| {
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
            .map(|entry| level(entry.incarnation))
            .min()
            .unwrap_or(OLDEST_LEVEL)
    }

    /// Raft addresses at which members answered their last poll.
    fn raft_addresses(&self) -> BTreeMap<RaftId, Vec<Address>> {
        let mut known: BTreeMap<RaftId, Vec<Address>> = BTreeMap::new();
        let Some(seat) = self.founding.record().seat() else {
            return known;
        };
        for (at, theirs) in self
            .founding
            .seen()
            .filter(|(_, t)| t.cluster_id == Some(seat.cluster_id))
        {
            let Some(raft_id) = theirs.raft_id else {
                continue;
            };
            let addresses = known.entry(raft_id).or_default();
            // First the host at which it answered: its advertised name may not resolve here.
            addresses.extend([
                Address::new(at.host(), theirs.raft.port()),
                theirs.raft.clone(),
            ]);
            addresses.dedup();
        }
        known
    }
}

/// Returns the Raft id and incarnation of each member and of each node that has a place but is no
/// member yet.
fn members_and_pendings(catalog: &Catalog) -> impl Iterator<Item = (RaftId, Incarnation)> {
    let members = catalog.meta_nodes.values();
    let members = members.map(|node| (node.raft_id, node.incarnation));
    let pendings = catalog.pendings.values();
    members.chain(pendings.map(|pending| (pending.raft_id, pending.incarnation)))
}
