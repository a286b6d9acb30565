//! Runs the membership task of the leader (founding.md 7): the IO around the machine beside it.
//! So far it founds: the first command of a new cluster.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use crate::cluster::identity::{Origin, Seat};
use crate::cluster::shared::Shared;
use crate::machine::{Command, Found, Founder, Outcome};
use crate::raft::{ProposeError, Raft, Role};
use crate::wire::envelope::Body;

/// One attempt: far more than a commit takes, and short enough to look again who leads.
const ATTEMPT: Duration = Duration::from_secs(5);
/// After one that failed.
const PAUSE: Duration = Duration::from_millis(100);

/// Runs as long as the Raft node; acts while this node leads.
pub(in crate::cluster) async fn lead(shared: Arc<Shared>, raft: Raft) {
    let stop = shared.env.tasks.clone();
    let work = async {
        let mut changed = raft.changed();
        loop {
            changed.borrow_and_update();
            if raft.status().role == Role::Leader {
                found(&shared, &raft).await;
            }
            if changed.changed().await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        biased;
        () = stop.stopped() => {}
        () = work => {}
    }
}

/// On a leader whose catalog has no cluster: `Found`, until it is there or somebody else leads.
///
/// The catalog is judged only once this leader's own first entry is applied (`barrier`): before that its log
/// may hold a `Found` that it has not applied. A second one would be a no-op anyway.
async fn found(shared: &Shared, raft: &Raft) {
    let is_founded = || raft.applied().borrow().catalog.cluster.is_some();
    while !is_founded() && raft.status().role == Role::Leader {
        let deadline = Instant::now() + ATTEMPT;
        if raft.barrier(deadline).await.is_ok() && !is_founded() {
            let Some(found) = first_command(shared) else { return };
            match raft.propose(Body::Ours(Command::Found(found)), deadline).await {
                Ok(Outcome::Applied { index }) => {
                    tracing::info!(event = "autojoin.founded", index, "the cluster is founded");
                }
                // Founding agreed on distinct founders; anything else is a fault of this program.
                Ok(Outcome::Refused(why)) => {
                    tracing::error!(event = "autojoin.refused", %why, "the cluster cannot be founded");
                    return;
                }
                Err(ProposeError::Stopping | ProposeError::Halted(_)) => return,
                Err(error) => tracing::debug!(event = "autojoin.found-again", %error, "asking again"),
            }
        }
        if !is_founded() {
            tokio::time::sleep(PAUSE).await;
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
