//! Admission of other members to Raft on 8089 (founding.md 5.4), and their addresses.

use std::net::IpAddr;

use crate::auth::{PeerKeys, PeerPolicy};
use crate::base::{Address, Incarnation, RaftId};
use crate::catalog::Catalog;
use crate::cluster::node::handle::NodeHandle;
use crate::cluster::node::senders::NodeOrder;
use crate::raft::{Admission, HandshakeRefusal, Hello, Replica};
use crate::wire::frames::VERSIONS;
use crate::wire::identity::Starts;
use crate::wire::version::BUDGET_LEVEL;

pub(super) struct ClusterAdmission {
    node: NodeHandle,
    keys: Option<PeerKeys>,
}

impl ClusterAdmission {
    pub(super) fn new(node: NodeHandle) -> Self {
        let keys = node.context.config.peer_keys();
        Self { node, keys }
    }

    fn with_catalog<T>(&self, read: impl FnOnce(&Catalog) -> T) -> Option<T> {
        let raft = self.node.state.raft()?;
        let applied = raft.applied().borrow().clone();
        Some(read(&applied.catalog))
    }

    fn is_tombstoned(&self, sender: &Replica) -> bool {
        self.with_catalog(|catalog| catalog.tombstones.contains_key(&sender.incarnation))
            .unwrap_or(false)
    }
}

impl Admission for ClusterAdmission {
    /// The receiver must match in cluster id, Raft id and incarnation. The sender may be any
    /// incarnation that is not tombstoned here. A node that lags does not know the latest
    /// membership: if it refused senders that it does not know, an intact majority could stay
    /// without a leader.
    fn admit(&self, hello: &Hello, from: IpAddr) -> Result<(), HandshakeRefusal> {
        let Some((me, ..)) = self.me() else {
            self.node.senders.hint(&hello.sender_http, None, from);
            return Err(HandshakeRefusal::NotOpen);
        };
        if me.cluster_id == hello.sender.cluster_id && self.is_tombstoned(&hello.sender) {
            // Answered also when the sender means another incarnation here: it has to learn of its
            // removal from some node.
            return Err(HandshakeRefusal::Tombstoned);
        }
        if hello.receiver != me {
            // The sender believes that another incarnation lives here: poll it.
            self.node.senders.hint(&hello.sender_http, None, from);
            return Err(HandshakeRefusal::NotMe);
        }
        self.node.heard.note(hello.sender.incarnation);
        // The handshake has checked the proof. Without one anybody could take the members' places.
        if self.policy().refuses_unproven() {
            self.node.addresses.note_proven(from);
        }
        Ok(())
    }

    fn me(&self) -> Option<(Replica, Address, Starts)> {
        // A node without the secret that its cluster requires neither admits nor dials on 8089
        // (founding.md 11).
        if self.policy() == PeerPolicy::SecretMissing {
            return None;
        }
        let record = self.node.state.record();
        let seat = record.seat()?;
        let me = Replica {
            cluster_id: seat.cluster_id,
            raft_id: seat.raft_id,
            incarnation: record.incarnation,
        };
        let identity = self.node.identity();
        Some((me, identity.http, identity.starts))
    }

    /// Returns the Raft addresses of a member, without duplicates: those at which it answered
    /// lately, then the one of its meta node, of its pending, and of the founding. The handshake
    /// checks who answers, so a wrong address costs one dial and nothing else.
    fn addresses(&self, raft_id: RaftId) -> Vec<Address> {
        let mut addresses = self.node.state.raft_addresses(raft_id);
        let known = self.with_catalog(|catalog| {
            catalog
                .meta_node_by_raft_id(raft_id)
                .map(|node| node.raft.clone())
        });
        addresses.extend(known.flatten());
        let pending = self.with_catalog(|catalog| {
            catalog
                .pending_by_raft_id(raft_id)
                .map(|pending| pending.raft.clone())
        });
        addresses.extend(pending.flatten());
        let record = self.node.state.record();
        let founders = record.origin().map_or(&[][..], |origin| &origin.vector);
        let index = usize::try_from(raft_id.0)
            .ok()
            .and_then(|id| id.checked_sub(1));
        addresses.extend(
            index
                .and_then(|index| founders.get(index))
                .map(|entry| entry.raft.clone()),
        );
        let mut unique = Vec::with_capacity(addresses.len());
        for address in addresses {
            if !unique.contains(&address) {
                unique.push(address);
            }
        }
        unique
    }

    fn is_member_address(&self, from: IpAddr) -> bool {
        self.node.addresses.known().has_meta_node(from)
    }

    fn heard(&self, incarnation: Incarnation) {
        self.node.heard.note(incarnation);
    }

    /// The refusal came in a proven handshake. Before this node acts on it, a member must confirm
    /// it.
    fn refused(&self, _callee: &Replica, refusal: &HandshakeRefusal) {
        if *refusal == HandshakeRefusal::Tombstoned {
            self.node.senders.order(NodeOrder::Suspect);
        }
    }

    fn peer_keys(&self) -> Option<PeerKeys> {
        self.keys.clone()
    }

    /// From the level on at which every member knows version 2, and where proofs are required,
    /// version 1 would only tell strangers who this node is.
    fn oldest_version(&self) -> u32 {
        let all_know_2 = self
            .node
            .state
            .feature_level()
            .is_some_and(|level| level >= BUDGET_LEVEL);
        if all_know_2 && self.policy() == PeerPolicy::ProofRequired {
            2
        } else {
            *VERSIONS.start()
        }
    }

    fn policy(&self) -> PeerPolicy {
        self.node.peer_policy()
    }
}
