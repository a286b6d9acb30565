//! Requests of this node to its cluster, and their answers.

use crate::base::{Address, Incarnation};
use crate::cluster::peers::exchange::{PeerResponse, PollError};

/// The request that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MembershipRequest {
    /// Asks for a Raft id in the cluster, and whether this node is still a member.
    Join,
    /// Tells the cluster that this member's addresses differ from those in the catalog.
    Moved,
}

/// The end of one request: an answer or an error.
pub(super) struct PeerAnswer {
    pub(super) request: MembershipRequest,
    pub(super) target: Address,
    /// This node's incarnation at the time of the request. An answer to an earlier incarnation
    /// changes nothing.
    pub(super) me: Incarnation,
    pub(super) result: Result<PeerResponse, PollError>,
}
