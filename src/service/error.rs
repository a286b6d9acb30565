//! Why a caller gets no answer to what was asked. `http` has the table of statuses.

use crate::cluster::{NotMember, Refusal};
use crate::raft::ProposeError;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not part of a cluster: the sentence says what the node waits for, and what to do.
    #[error("{0}")]
    NotMember(#[from] NotMember),
    /// Certainly not executed. The count is of meta nodes that this one has heard lately, itself
    /// included.
    #[error("no leader{}", reachable.map(|(heard, of)| format!(" ({heard} of {of} meta nodes reachable)")).unwrap_or_default())]
    NoLeader { reachable: Option<(usize, usize)> },
    /// May or may not have been executed: never a false success or failure.
    #[error("{0}")]
    Unknown(String),
    #[error("{0}")]
    DiskFull(String),
    #[error("{0}")]
    Halted(String),
    /// The wire's text (wire.md 4.3).
    #[error("server closed")]
    Stopping,
    #[error("{0}")]
    TooLarge(String),
    /// The caller's bytes or parameters are wrong.
    #[error("{0}")]
    Bad(String),
    /// What `cluster` says no to: joining, leaving, removing.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// No node has this id.
    #[error("node not found")]
    NodeNotFound,
    /// Carried here for another node; see [`MEANT_FOR_HEADER`](super::MEANT_FOR_HEADER). Certainly not executed.
    #[error("this is not the node that the request was carried to: two nodes answer to one name")]
    Misdirected,
    /// A data node did not do what it was asked: in its own words, or what kept it from it.
    #[error("{0}")]
    DataNode(String),
    /// What is asked for contradicts what is there.
    #[error("{0}")]
    Conflict(String),
    /// `GET /ping?all`.
    #[error("one or more metaservers not up")]
    NotAllUp,
}

impl Error {
    /// `None`: this node does not lead, somebody else has to be asked.
    pub(super) fn from_proposal(error: ProposeError) -> Option<Self> {
        let text = error.to_string();
        Some(match error {
            ProposeError::NotLeader { .. } => return None,
            ProposeError::NoLeader => Self::NoLeader { reachable: None },
            ProposeError::Unknown => Self::Unknown(text),
            ProposeError::DiskFull => Self::DiskFull(text),
            ProposeError::Halted(_) => Self::Halted(text),
            ProposeError::Stopping => Self::Stopping,
            ProposeError::TooLarge { .. } => Self::TooLarge(text),
        })
    }
}
