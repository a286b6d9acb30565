//! The other members of this node's cluster, as their last polls showed them.

use super::Founding;
use crate::base::Address;

/// Other members of the catalog, by what answered at their addresses last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OtherMembers {
    /// A member answers, and its Raft is not halted.
    pub well: Vec<Address>,
    /// A member answers, and says that it is halted.
    pub halted: Vec<Address>,
    /// No member of this cluster answers there.
    pub absent: Vec<Address>,
}

impl Founding {
    /// Other members. Empty before the catalog is known.
    pub fn other_members(&self) -> OtherMembers {
        let own = self.own();
        let cluster_id = self.record.seat().map(|seat| seat.cluster_id);
        let mut others = OtherMembers::default();
        let is_own = |at: &&Address| Some(*at) == own.as_ref() || Some(*at) == self.registered();
        for at in self.members.iter().filter(|at| !is_own(at)) {
            let member = self.peers.node(at);
            let member = member.filter(|theirs| theirs.cluster_id == cluster_id);
            let group = match member.map(|theirs| theirs.halted.is_some()) {
                Some(false) => &mut others.well,
                Some(true) => &mut others.halted,
                None => &mut others.absent,
            };
            group.push(at.clone());
        }
        others
    }
}
