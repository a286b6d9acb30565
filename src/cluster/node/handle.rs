//! Access to this node for the other tasks of `cluster`.

use std::sync::Arc;

use crate::auth::PeerPolicy;
use crate::cluster::node::context::NodeContext;
use crate::cluster::node::senders::NodeSenders;
use crate::cluster::node::state::NodeState;
use crate::cluster::peers::addresses::AddressBook;
use crate::cluster::peers::heard::Heard;
use crate::wire::identity::{Identity, Phase};
use crate::wire::version::BUDGET_LEVEL;

/// Everything that other tasks may use of this node: fixed values, state to read, times of contact
/// with other nodes, and channels to the node's task. Cheap to clone.
#[derive(Clone)]
pub(in crate::cluster) struct NodeHandle {
    pub(in crate::cluster) context: Arc<NodeContext>,
    pub(in crate::cluster) state: Arc<NodeState>,
    pub(in crate::cluster) heard: Arc<Heard>,
    pub(in crate::cluster) addresses: Arc<AddressBook>,
    pub(in crate::cluster) senders: NodeSenders,
}

impl NodeHandle {
    /// Returns the proof that this node requires of other meta nodes now. Everything that listens
    /// to them asks here.
    pub(in crate::cluster) fn peer_policy(&self) -> PeerPolicy {
        let required = self.state.secret_required();
        self.context.config.peer_policy(required)
    }

    /// Whether proofs that can be recorded are accepted. Members of an older version make no
    /// others, so they are until the cluster's level says that none is left. A node outside of a
    /// cluster may have to found with such a node; what can be replayed to it is a hint, or an
    /// invitation of the cluster that it has not joined yet. A removed node has been invited
    /// before, and must not come back by that invitation.
    pub(in crate::cluster) fn accepts_recorded_proofs(&self) -> bool {
        if self.state.record().phase() == Phase::Removed {
            return false;
        }
        self.state
            .feature_level()
            .is_none_or(|level| level < BUDGET_LEVEL)
    }

    /// This node's answer to `/cluster/identity`, as of now.
    pub(in crate::cluster) fn identity(&self) -> Identity {
        let mut identity = self.state.identity();
        let heard = self.heard.all().into_iter();
        identity.heard = heard
            .map(|(incarnation, ago)| {
                let ms = u64::try_from(ago.as_millis()).unwrap_or(u64::MAX);
                (incarnation, ms)
            })
            .collect();
        identity.clock = Some(self.context.env.clock.now());
        identity
    }
}
