//! `POST /execute`: validates a command before it enters the log, proposes it, and reports the
//! outcome (wire.md 4.7, write_path.md).

use bytes::Bytes;
use tokio::time::Instant;

use super::error::BadRequest;
use super::{Error, Refusal, Service};
use crate::cluster::NotYet;
use crate::machine::Outcome;
use crate::raft::ProposeError;
use crate::wire::budget::{self, OverBudget};
use crate::wire::envelope::{self, Body};
use crate::wire::execute::{DecodeError, Decoded, decode, encode_response};

/// Refusal of commands about meta nodes: a single curl must not be able to make a leader remove a
/// healthy voter (founding.md 7).
const META_NODES: &str = "meta nodes are changed by /join and /remove";

impl Service {
    /// Executes a wire command if this node leads. Returns the wire's `Response`: of a success, or
    /// of an error that clients do not retry.
    ///
    /// # Errors
    /// All but `Unknown` mean that nothing was executed.
    pub async fn execute(&self, bytes: Bytes, deadline: Instant) -> Result<Bytes, Error> {
        let decoded = match self.decode(&bytes, deadline).await? {
            Ok(Err(error @ DecodeError::Envelope(_))) => return Err(BadRequest::from(error).into()),
            other => other,
        };
        // Comes before any answer that clients do not retry: a node outside the cluster must not
        // end their search.
        let raft = self.raft()?;
        let decoded = match decoded {
            Err(over) if budget::is_restore(&bytes) => {
                return self.restore(&raft, bytes, over.cost, deadline).await;
            }
            other => other?,
        };
        let refusal = match decoded {
            // Clients retry: a member that does not read this command yet is being upgraded.
            Ok(Decoded::Command { format, .. })
                if format > raft.applied().borrow().catalog.feature_level() =>
            {
                // A full disk is what has to be cured, and may be why the level is not raised.
                if raft.disk_fault().is_some_and(|fault| fault.refuses()) {
                    return Err(Error::DiskFull);
                }
                return Err(Refusal::NotYet(NotYet::OldMembers("data nodes")).into());
            }
            Ok(Decoded::Command { .. }) => None,
            Ok(Decoded::MetaNodes) => Some(META_NODES.to_owned()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(text) = refusal {
            return Ok(encode_response(Err(&text)));
        }
        Ok(match raft.propose(Body::Wire(bytes), deadline).await {
            Ok(Outcome::Applied { index }) => encode_response(Ok(index)),
            Ok(Outcome::Refused(refused)) => encode_response(Err(&refused.to_string())),
            // Data nodes send a command eleven times at any other status, and do not show its text.
            Err(ProposeError::OverQuota(over)) => encode_response(Err(&over.to_string())),
            Err(error) => return Err(error.into()),
        })
    }

    /// Decodes a command that costs no more than one may. A large one is decoded outside of the
    /// threads that carry Raft, one at a time: its cost is on this node before it is known to be
    /// a command.
    ///
    /// # Errors
    /// `Busy`: the deadline passed while others were decoded.
    async fn decode(&self, bytes: &Bytes, deadline: Instant) -> Result<Bounded, Error> {
        if !envelope::is_large(bytes) {
            return Ok(decode_within_budget(bytes));
        }
        let turn = self.large_commands.turn(deadline).await?;
        let bytes = bytes.clone();
        let decoded = move || {
            let _turn = turn;
            decode_within_budget(&bytes)
        };
        Ok(self.env.tasks.blocking(decoded).await)
    }
}

/// Result of decoding a command, unless it costs too much.
type Bounded = Result<Result<Decoded, DecodeError>, OverBudget>;

/// Counts before it decodes: a few bytes can become a lot of memory.
fn decode_within_budget(bytes: &[u8]) -> Bounded {
    let count = match budget::count(bytes) {
        Ok(count) => count,
        Err(error) => return Ok(Err(error)),
    };
    count.check()?;
    Ok(decode(bytes))
}
