//! `POST /execute`: validate before the log, propose, say what came of it (wire.md 4.7, design: how
//! data flows).

use bytes::Bytes;
use tokio::time::Instant;

use super::{Error, Refusal, Service};
use crate::cluster::NotYet;
use crate::machine::Outcome;
use crate::wire::envelope::Body;
use crate::wire::execute::{DecodeError, Decoded, decode, encode_response};

/// founding.md 7: a curl must not be able to make a leader remove a healthy voter.
const META_NODES: &str = "meta nodes are changed by /join and /remove";

/// What came of a command, here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Executed {
    /// The wire's `Response`, of a success or of an error that clients do not retry.
    Response(Bytes),
    /// Not proposed: this node does not lead.
    NotLeader,
}

impl Service {
    /// Executes a wire command if this node leads.
    ///
    /// # Errors
    /// All but `Unknown` mean that nothing was executed.
    pub async fn execute(&self, bytes: Bytes, deadline: Instant) -> Result<Executed, Error> {
        let decoded = match decode(&bytes) {
            Err(error @ DecodeError::Envelope(_)) => return Err(Error::Bad(error.to_string())),
            other => other,
        };
        // Before any answer that clients do not retry: a node outside the cluster must not end
        // their search.
        let raft = self.raft()?;
        let refusal = match decoded {
            // Clients try again: what a member does not read yet is a matter of its upgrade.
            Ok(Decoded::Command { format, .. })
                if format > raft.applied().borrow().catalog.feature_level() =>
            {
                return Err(Refusal::NotYet(NotYet::OldMembers("data nodes")).into());
            }
            Ok(Decoded::Command { .. }) => None,
            Ok(Decoded::MetaNodes) => Some(META_NODES.to_owned()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(text) = refusal {
            return Ok(Executed::Response(encode_response(Err(&text))));
        }
        match raft.propose(Body::Wire(bytes), deadline).await {
            Ok(Outcome::Applied { index }) => Ok(Executed::Response(encode_response(Ok(index)))),
            Ok(Outcome::Refused(refused)) => Ok(Executed::Response(encode_response(Err(
                &refused.to_string()
            )))),
            Err(error) => Error::from_proposal(error).map_or(Ok(Executed::NotLeader), Err),
        }
    }
}
