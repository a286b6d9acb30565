//! The first command of a new cluster (founding.md 5.5).

use tokio::time::Instant;

use crate::cluster::identity::record::{Origin, Seat};
use crate::cluster::leader::timing::{RETRY_DELAY, STEP_TIMEOUT};
use crate::cluster::node::handle::NodeHandle;
use crate::machine::{Found, Founder, InternalCommand, Outcome};
use crate::raft::{ProposeError, Raft, Role};
use crate::wire::envelope::Body;
use crate::wire::identity::VectorEntry;

/// Proposes `Found` on a leader whose catalog has no cluster, until it is applied or another node
/// leads.
///
/// The catalog is read only after this leader's own first entry is applied (`barrier`): before that
/// the log may hold a `Found` that is not applied yet. A second `Found` would be a no-op.
pub(super) async fn found(node: &NodeHandle, raft: &Raft) {
    let is_founded = || raft.applied().borrow().catalog.cluster.is_some();
    while !is_founded() && raft.status().role == Role::Leader {
        let deadline = Instant::now() + STEP_TIMEOUT;
        if raft.barrier(deadline).await.is_ok() && !is_founded() {
            let Some(found) = first_command(node) else {
                return;
            };
            match raft
                .propose(Body::Internal(InternalCommand::Found(found)), deadline)
                .await
            {
                Ok(Outcome::Applied { index }) => {
                    tracing::info!(event = "autojoin.founded", index, "the cluster is founded");
                }
                // Founding agreed on distinct founders: a refusal is an error in this program.
                Ok(Outcome::Refused(why)) => {
                    tracing::error!(
                        event = "autojoin.refused",
                        %why,
                        "the cluster cannot be founded"
                    );
                    return;
                }
                Err(ProposeError::Stopping | ProposeError::Halted(_)) => return,
                Err(error) => {
                    tracing::debug!(event = "autojoin.found-again", %error, "asking again")
                }
            }
        }
        if !is_founded() {
            tokio::time::sleep(RETRY_DELAY).await;
        }
    }
}

fn first_command(node: &NodeHandle) -> Option<Found> {
    let record = node.state.record();
    let (seat, origin): (&Seat, &Origin) = (record.seat()?, record.origin()?);
    let founder = |entry: &VectorEntry| Founder {
        incarnation: entry.incarnation,
        http: entry.http.clone(),
        raft: entry.raft.clone(),
    };
    Some(Found {
        cluster_id: seat.cluster_id,
        name: seat.cluster_name.clone(),
        founders: origin.vector.iter().map(founder).collect(),
        with_secret: node.context.config.secret.is_some(),
        feature_level: node.state.founders_level(),
    })
}
