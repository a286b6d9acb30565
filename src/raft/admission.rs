//! Who may talk Raft with this node. `cluster` answers; the transport asks.

use std::net::IpAddr;

use super::Replica;
use crate::base::{Address, Incarnation, RaftId};
use crate::wire::identity::Starts;

/// What a dialler says of itself in the 8089 handshake, besides the receiver that it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    pub sender: Replica,
    pub sender_http: Address,
    pub receiver: Replica,
    /// Start counter, ids of the last 64 starts (oldest first) and the durable WAL seq of the
    /// sender (founding.md 7).
    pub starts: Starts,
}

/// Why a handshake is refused; sent to the dialler in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("not me: this is another cluster, Raft id or incarnation")]
    NotMe,
    #[error("Raft is not open here yet")]
    NotOpen,
    #[error("your incarnation was removed from this cluster")]
    Tombstoned,
    #[error("wrong secret")]
    WrongSecret,
    #[error("this cluster was founded with a secret and you proved none")]
    MissingSecret,
    #[error("{0}")]
    Other(String),
}

/// Who may talk Raft, what we say of ourselves, and where members are. Implemented by `cluster`.
pub trait Admission: Send + Sync + 'static {
    /// Called for each incoming handshake with a good proof (or none, where none is needed), before
    /// any Raft byte. Hints (a handshake meant for another incarnation at this address) are taken
    /// here too. `from` is the dialler's source address.
    fn admit(&self, hello: &Hello, from: IpAddr) -> Result<(), Refusal>;
    /// What this node is and says in handshakes; `None` while it is no member of anything.
    fn me(&self) -> Option<(Replica, Address, Starts)>;
    /// Raft addresses where this member may be, best first. Resolved anew at every dial.
    fn addresses(&self, raft_id: RaftId) -> Vec<Address>;
    /// This incarnation lives: it proved to be who it is, in either direction, or a frame of it
    /// came on a connection where it did. Told at most every 100 ms for each connection; must not
    /// block.
    fn heard(&self, incarnation: Incarnation);
    /// A dial of this member was refused, for instance because this node is tombstoned there: a
    /// hint.
    fn refused(&self, _callee: &Replica, _refusal: &Refusal) {}
    /// The key of founding.md 11, when a secret is set.
    fn peer_key(&self) -> Option<[u8; 32]>;
    /// Whether handshakes without proof are refused (the cluster was founded with a secret).
    fn needs_proof(&self) -> bool;
}
