//! The last refusal of each node that asked this leader to join, for the operator who waits.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::base::Incarnation;
use crate::cluster::refusal::{MembershipConflict, Refusal};
use crate::runtime::lock;

/// Time after which a conflict counts as one that does not end by itself, as on the node that asks
/// (founding.md 6.2). An address in use, or a name that is not known yet, usually takes seconds.
const LASTS_AFTER: Duration = Duration::from_secs(5);
/// Time after which a refusal is forgotten. A node that is refused asks again within 2 s.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(5);
/// Maximum number of nodes whose refusals are kept.
const MAX_NODES: usize = 64;

/// Written by the requests of nodes that want to join, during one leadership.
#[derive(Debug, Default)]
pub(in crate::cluster) struct JoinRefusals(Mutex<BTreeMap<Incarnation, Refused>>);

#[derive(Debug)]
struct Refused {
    refusal: Refusal,
    /// Since when this node has been refused without an interruption.
    since: Instant,
    last: Instant,
}

impl JoinRefusals {
    /// Notes the answer to one request to join.
    pub(super) fn note(&self, who: Incarnation, refusal: Option<&Refusal>) {
        let now = Instant::now();
        let mut refused = lock(&self.0);
        refused.retain(|_, refused| now - refused.last < FORGOTTEN_AFTER);
        let before = refused.remove(&who);
        let Some(refusal) = refusal.filter(|_| refused.len() < MAX_NODES) else {
            return;
        };
        let since = before.map_or(now, |before| before.since);
        let (refusal, last) = (refusal.clone(), now);
        let entry = Refused {
            refusal,
            since,
            last,
        };
        refused.insert(who, entry);
    }

    /// Returns the last refusal of a node, if it is recent.
    pub(in crate::cluster) fn last(&self, who: Incarnation) -> Option<Refusal> {
        let refused = lock(&self.0);
        let refused = refused.get(&who)?;
        (refused.last.elapsed() < FORGOTTEN_AFTER).then(|| refused.refusal.clone())
    }

    /// Returns the last refusal of a node, if only an operator can end it.
    pub(in crate::cluster) fn lasting(&self, who: Incarnation) -> Option<Refusal> {
        let refusal = self.last(who)?;
        let since = lock(&self.0).get(&who)?.since;
        let lasts = match &refusal {
            Refusal::WrongSecret
            | Refusal::Conflict(
                MembershipConflict::LoopbackAtLeader { .. }
                | MembershipConflict::OtherClusterName { .. },
            ) => true,
            Refusal::Conflict(_) => since.elapsed() >= LASTS_AFTER,
            _ => false,
        };
        lasts.then_some(refusal)
    }
}
