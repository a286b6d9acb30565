//! Refusals of requests about membership, with the status that operators and other meta nodes get.

use crate::wire::joining::Removed;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// This node does not lead. Never answered as it is: the leader is asked instead.
    #[error("not the leader")]
    NotLeader,
    /// The request is wrong: 400.
    #[error("{0}")]
    Bad(String),
    /// The present state forbids it, and asking again does not help by itself: 409.
    #[error("{0}")]
    Conflict(String),
    /// Nothing is lost by asking again: 503.
    #[error("{0}")]
    NotYet(String),
    /// The other node does not answer, or is no meta node: 500 (wire.md 6.2).
    #[error("{0}")]
    Unreachable(String),
    /// No such node: 500 (wire.md 6.2).
    #[error("node not found: {0}")]
    NotFound(String),
    /// 401.
    #[error("wrong secret: internal-shared-secret differs")]
    WrongSecret,
    /// The caller's incarnation was removed from the cluster: 410.
    #[error("this node was taken out of the cluster by {}", .0.by)]
    Gone(Removed),
}

impl Refusal {
    pub fn status(&self) -> u16 {
        match self {
            Self::Bad(_) => 400,
            Self::WrongSecret => 401,
            Self::Conflict(_) => 409,
            Self::Gone(_) => 410,
            Self::Unreachable(_) | Self::NotFound(_) => 500,
            Self::NotLeader | Self::NotYet(_) => 503,
        }
    }
}
