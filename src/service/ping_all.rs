//! `/ping?all`: whether all meta nodes name the same leader. The route is open to everybody, so one
//! result is shared by all callers of a second, and the other nodes are asked no more often.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

use super::{Error, ForwardedRequest, Service};
use crate::base::{Address, Incarnation};

/// Timeout of a round. The nodes that it asks answer at once; one that takes longer is not up.
const ROUND_TIMEOUT: Duration = Duration::from_secs(5);
/// Minimum time between the beginnings of two rounds, and the time for which a result is shared.
const ROUND_INTERVAL: Duration = Duration::from_secs(1);

/// The last round. Locked while one is under way: its callers wait for that result.
#[derive(Default)]
pub(super) struct PingAll(Mutex<LastRound>);

#[derive(Default)]
struct LastRound {
    begun: Option<Instant>,
    /// End of the round, and the leader that all nodes named; no leader if they disagree.
    ended: Option<(Instant, Option<String>)>,
}

impl Service {
    /// Asks every other meta node for its leader: all must name the one that this node names.
    ///
    /// # Errors
    /// `NotAllUp` when one does not answer, or names another.
    pub async fn ping_all(&self) -> Result<String, Error> {
        let mut last = self.ping_all.0.lock().await;
        if let Some((at, agreed)) = &last.ended
            && at.elapsed() < ROUND_INTERVAL
        {
            return agreed.clone().ok_or(Error::NotAllUp);
        }
        // The caller of the last round may have hung up before its end.
        if let Some(begun) = last.begun {
            sleep_until(begun + ROUND_INTERVAL).await;
        }
        last.begun = Some(Instant::now());
        let agreed = self.agreed_leader().await;
        last.ended = Some((Instant::now(), agreed.clone()));
        agreed.ok_or(Error::NotAllUp)
    }

    async fn agreed_leader(&self) -> Option<String> {
        let local = self.local_state();
        let leader = self.leader();
        let others: Vec<(Address, Incarnation)> =
            local.catalog().map_or_else(Vec::new, |catalog| {
                let others = catalog
                    .meta_nodes
                    .values()
                    .filter(|n| n.incarnation != local.view.incarnation);
                others
                    .map(|node| (node.http.clone(), node.incarnation))
                    .collect()
            });
        let request = ForwardedRequest {
            method: "GET".to_owned(),
            path_and_query: "/ping".to_owned(),
            headers: Vec::new(),
            body: bytes::Bytes::new(),
        };
        let deadline = Instant::now() + ROUND_TIMEOUT;
        let ask = async |(other, incarnation): &(Address, Incarnation)| {
            self.forwarder
                .forward(other, &request.clone().meant_for(*incarnation), deadline)
                .await
        };
        let answers = join_all(others.iter().map(ask)).await;
        // Statuses are ignored, as in the original: only the bodies have to agree.
        let agree = answers
            .iter()
            .all(|answer| answer.as_ref().is_ok_and(|a| a.body == leader.as_bytes()));
        agree.then_some(leader)
    }
}
