//! The first command of a new cluster (founding.md 5.5).

use std::sync::atomic::Ordering;

use tokio::time::Instant;

use crate::cluster::identity::record::{Origin, Seat};
use crate::cluster::leader::{RETRY_DELAY, STEP_TIMEOUT};
use crate::cluster::shared::Shared;
use crate::machine::{Found, Founder, InternalCommand, Outcome};
use crate::raft::{ProposeError, Raft, Role};
use crate::wire::envelope::Body;

/// On a leader whose catalog has no cluster: `Found`, until it is there or somebody else leads.
///
/// The catalog is judged only once this leader's own first entry is applied (`barrier`): before
/// that its log may hold a `Found` that it has not applied. A second one would be a no-op anyway.
pub(super) async fn found(shared: &Shared, raft: &Raft) {
    let is_founded = || raft.applied().borrow().catalog.cluster.is_some();
    while !is_founded() && raft.status().role == Role::Leader {
        let deadline = Instant::now() + STEP_TIMEOUT;
        if raft.barrier(deadline).await.is_ok() && !is_founded() {
            let Some(found) = first_command(shared) else {
                return;
            };
            match raft
                .propose(Body::Internal(InternalCommand::Found(found)), deadline)
                .await
            {
                Ok(Outcome::Applied { index }) => {
                    tracing::info!(event = "autojoin.founded", index, "the cluster is founded");
                }
                // Founding agreed on distinct founders; anything else is a fault of this program.
                Ok(Outcome::Refused(why)) => {
                    tracing::error!(event = "autojoin.refused", %why, "the cluster cannot be founded");
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

fn first_command(shared: &Shared) -> Option<Found> {
    let record = shared.record();
    let (seat, origin): (&Seat, &Origin) = (record.seat()?, record.origin()?);
    let founder = |entry: &crate::wire::identity::VectorEntry| Founder {
        incarnation: entry.incarnation,
        http: entry.http.clone(),
        raft: entry.raft.clone(),
    };
    Some(Found {
        cluster_id: seat.cluster_id,
        name: seat.cluster_name.clone(),
        founders: origin.vector.iter().map(founder).collect(),
        with_secret: shared.config.secret.is_some(),
        feature_level: shared.feature_level.load(Ordering::Relaxed),
    })
}
