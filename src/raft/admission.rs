//! Decisions about which nodes may talk Raft with this node. `cluster` makes them; the transport
//! asks.

use std::net::IpAddr;

use super::Replica;
use crate::auth::{PeerKeys, PeerPolicy};
use crate::base::{Address, Incarnation, RaftId};
use crate::wire::frames::VERSIONS;
use crate::wire::identity::Starts;

/// Identity that a dialler presents in the 8089 handshake, and the receiver that it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    pub sender: Replica,
    pub sender_http: Address,
    pub receiver: Replica,
    /// Start counter, ids of the last 64 starts (oldest first) and durable WAL sequence number of
    /// the sender (founding.md 7.7).
    pub starts: Starts,
}

/// Reasons to refuse a handshake. The text is sent to the dialler.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeRefusal {
    #[error("not me: this is another cluster, Raft id or incarnation")]
    NotMe,
    #[error("Raft is not open here yet")]
    NotOpen,
    #[error("your incarnation was removed from this cluster")]
    Tombstoned,
    #[error("wrong secret")]
    WrongSecret,
    #[error("this cluster requires internal-shared-secret and you proved none")]
    MissingSecret,
    #[error("{0}")]
    Other(String),
}

/// Decides which nodes may talk Raft, and knows this node's identity and the members' addresses.
/// Implemented by `cluster`.
pub trait Admission: Send + Sync + 'static {
    /// Called for each incoming handshake with a good proof (or without one, where none is needed),
    /// before any Raft byte. Also takes hints: a handshake that is meant for another incarnation at
    /// this address. `from` is the dialler's source address.
    fn admit(&self, hello: &Hello, from: IpAddr) -> Result<(), HandshakeRefusal>;
    /// Identity that this node sends in handshakes; `None` while it is no member of a cluster.
    fn me(&self) -> Option<(Replica, Address, Starts)>;
    /// Raft addresses at which this member may be, the best first. Names are resolved at every
    /// dial.
    fn addresses(&self, raft_id: RaftId) -> Vec<Address>;
    /// Called when this incarnation is alive: it proved its identity, in either direction, or a
    /// frame of it came on a connection where it had done so. Called at most once in 100 ms for
    /// each connection. Must not block.
    fn heard(&self, incarnation: Incarnation);
    /// Called when this member refused a dial, for instance because this node is tombstoned there.
    /// Only a hint.
    fn refused(&self, _callee: &Replica, _refusal: &HandshakeRefusal) {}
    /// The keys of founding.md 11, if a secret is set.
    fn peer_keys(&self) -> Option<PeerKeys>;
    /// Oldest version of the handshake that a dialler may use here (founding.md 11.2). In version 1
    /// the listener says who it is before the dialler's proof.
    fn oldest_version(&self) -> u32 {
        *VERSIONS.start()
    }
    /// Returns whether handshakes without a proof are refused. Asked for each handshake, and for
    /// each frame of a connection without a proof: the answer changes while the node runs.
    fn policy(&self) -> PeerPolicy;
    /// Returns whether a member was found at this address lately: its handshakes have places of
    /// their own. No more than that follows from an address.
    fn is_member_address(&self, _from: IpAddr) -> bool {
        false
    }
}
