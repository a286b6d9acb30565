//! Polls of other nodes, and what their answers change here.

use std::time::Duration;

use crate::base::Address;
use crate::cluster::node::NodeTask;
use crate::cluster::node::own_name::OwnNameLookup;
use crate::cluster::peers::exchange::PollError;
use crate::cluster::peers::poll::who_is_at;
use crate::wire::identity::Identity;

/// Maximum number of incarnations whose feature level is kept, more than any cluster has. A polled
/// node may name new incarnations without end.
const MAX_REMEMBERED_LEVELS: usize = 1024;

/// Time for which an answer counts as evidence that its node has the secret. Members poll each
/// other at least every 10 s.
pub(super) const PROOF_LIFETIME: Duration = Duration::from_secs(30);

impl NodeTask {
    pub(super) fn poll(&mut self, at: Address, number: u64) {
        let node = self.node.clone();
        self.polls.push(Box::pin(async move {
            let results = who_is_at(&node, &at).await;
            (at, number, results)
        }));
    }

    pub(super) fn note_heard(&mut self, results: &[Result<Identity, PollError>]) {
        let now = self.now();
        self.proofs
            .retain(|_, (_, at)| now.saturating_sub(*at) < PROOF_LIFETIME);
        for theirs in results.iter().flatten() {
            self.node.heard.note(theirs.incarnation);
            if self.levels.len() < MAX_REMEMBERED_LEVELS
                || self.levels.contains_key(&theirs.incarnation)
            {
                self.levels.insert(theirs.incarnation, theirs.feature_level);
            }
            // With a secret here, an identity that claims to have it was checked by the exchange.
            self.proofs
                .insert(theirs.incarnation, (theirs.with_secret, now));
            let is_member = self
                .founding
                .record()
                .seat()
                .is_some_and(|s| theirs.cluster_id == Some(s.cluster_id));
            if is_member {
                self.gossip.polled(theirs);
                if let (Some(raft), Some(clock)) = (self.raft_state.raft(), theirs.clock) {
                    raft.note_clock(theirs.incarnation, clock);
                }
            }
        }
    }

    /// Begins the look-up of the own name, once it is known and after each change.
    pub(super) fn look_up_own_name(&mut self) {
        let is_current = |own: &Address| {
            let lookup = self.own_name_lookup.as_ref();
            lookup.is_some_and(|lookup| lookup.is_of(own))
        };
        if let Some(own) = self.founding.own()
            && !is_current(&own)
        {
            self.own_name_lookup = Some(OwnNameLookup::begin(&self.node.context.env, own));
        }
    }
}
