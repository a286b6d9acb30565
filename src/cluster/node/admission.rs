//! Who may talk Raft with this node (founding.md 5.4), and where its members are.

use std::net::IpAddr;
use std::sync::Arc;

use crate::auth::proof::PeerKey;
use crate::base::{Address, Incarnation, RaftId};
use crate::catalog::Catalog;
use crate::cluster::shared::{NodeOrder, Shared};
use crate::raft::{Admission, Hello, Refusal, Replica};
use crate::wire::identity::Starts;

pub(in crate::cluster) struct ClusterAdmission {
    shared: Arc<Shared>,
    key: Option<PeerKey>,
}

impl ClusterAdmission {
    pub(in crate::cluster) fn new(shared: Arc<Shared>) -> Self {
        let key = shared.config.secret.as_deref().map(PeerKey::derive);
        Self { shared, key }
    }

    fn with_catalog<T>(&self, look: impl FnOnce(&Catalog) -> T) -> Option<T> {
        let raft = self.shared.raft()?;
        let applied = raft.applied().borrow().clone();
        Some(look(&applied.catalog))
    }

    fn is_tombstoned(&self, sender: &Replica) -> bool {
        self.with_catalog(|catalog| catalog.tombstones.contains_key(&sender.incarnation))
            .unwrap_or(false)
    }
}

impl Admission for ClusterAdmission {
    /// Mine must be all three: cluster id, Raft id and incarnation. The sender may be any
    /// incarnation that is not tombstoned here: who lags does not know the sender's membership, and
    /// refusing an unknown one can leave an intact majority without a leader.
    fn admit(&self, hello: &Hello, from: IpAddr) -> Result<(), Refusal> {
        let Some((me, ..)) = self.me() else {
            self.shared.hint(&hello.sender_http, None, from);
            return Err(Refusal::NotOpen);
        };
        if me.cluster_id == hello.sender.cluster_id && self.is_tombstoned(&hello.sender) {
            // Told so also where it means another incarnation: it must learn it from somebody.
            return Err(Refusal::Tombstoned);
        }
        if hello.receiver != me {
            // Somebody believes that another incarnation lives here: worth a look at who that is.
            self.shared.hint(&hello.sender_http, None, from);
            return Err(Refusal::NotMe);
        }
        self.shared.heard(hello.sender.incarnation);
        Ok(())
    }

    fn me(&self) -> Option<(Replica, Address, Starts)> {
        let record = self.shared.record();
        let seat = record.seat().filter(|_| !self.shared.lacks_the_secret())?;
        let me = Replica {
            cluster_id: seat.cluster_id,
            raft_id: seat.raft_id,
            incarnation: record.incarnation,
        };
        let identity = self.shared.identity();
        Some((me, identity.http, identity.starts))
    }

    /// Where it was seen lately, then where the catalog says, then where it was founded. The
    /// handshake decides who is who, so a wrong address costs a dial and nothing else.
    fn addresses(&self, raft_id: RaftId) -> Vec<Address> {
        let mut addresses = self.shared.seen(raft_id);
        let known = self.with_catalog(|catalog| {
            catalog
                .meta_node_by_raft_id(raft_id)
                .map(|node| node.raft.clone())
        });
        addresses.extend(known.flatten());
        let coming = self.with_catalog(|c| {
            c.pending_by_raft_id(raft_id)
                .map(|pending| pending.raft.clone())
        });
        addresses.extend(coming.flatten());
        let record = self.shared.record();
        let founders = record.origin().map_or(&[][..], |origin| &origin.vector);
        let place = usize::try_from(raft_id.0)
            .ok()
            .and_then(|id| id.checked_sub(1));
        addresses.extend(
            place
                .and_then(|place| founders.get(place))
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

    fn heard(&self, incarnation: Incarnation) {
        self.shared.heard(incarnation);
    }

    /// Said in a proven handshake; what is done about it a member must confirm.
    fn refused(&self, _callee: &Replica, refusal: &Refusal) {
        if *refusal == Refusal::Tombstoned {
            self.shared.send_order(NodeOrder::Suspect);
        }
    }

    fn peer_key(&self) -> Option<[u8; 32]> {
        self.key.as_ref().map(PeerKey::bytes)
    }

    /// Where the cluster was founded with a secret. Before that is known, a founder with a secret
    /// asks for proofs too: so did founding, which this node could not have passed otherwise.
    fn needs_proof(&self) -> bool {
        let founded = self
            .with_catalog(|catalog| catalog.cluster.as_ref().map(|cluster| cluster.with_secret));
        founded.flatten().unwrap_or(self.key.is_some())
    }
}
