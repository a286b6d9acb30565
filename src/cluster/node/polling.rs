//! Polls of other nodes, and what their answers change here.

use crate::base::Address;
use crate::cluster::node::NodeTask;
use crate::cluster::node::own_name::OwnNameLookup;
use crate::cluster::peers::exchange::PollError;
use crate::cluster::peers::poll;
use crate::wire::identity::Identity;

/// Maximum number of incarnations whose feature level is kept, more than any cluster has. A polled
/// node may name new incarnations without end.
const MAX_REMEMBERED_LEVELS: usize = 1024;

impl NodeTask {
    pub(super) fn poll(&mut self, at: Address, number: u64) {
        let (context, ours) = (self.node.context.clone(), self.node.identity());
        self.polls.push(Box::pin(async move {
            let results = poll::poll(&context.env, &*context.exchange, &at, ours).await;
            (at, number, results)
        }));
    }

    pub(super) fn note_heard(&mut self, results: &[Result<Identity, PollError>]) {
        for theirs in results.iter().flatten() {
            self.node.heard.note(theirs.incarnation);
            if self.levels.len() < MAX_REMEMBERED_LEVELS
                || self.levels.contains_key(&theirs.incarnation)
            {
                self.levels.insert(theirs.incarnation, theirs.feature_level);
            }
            let is_member = self
                .founding
                .record()
                .seat()
                .is_some_and(|s| theirs.cluster_id == Some(s.cluster_id));
            if is_member {
                self.gossip.polled(theirs);
            }
        }
    }

    /// Begins the look-up of the own name, once it is known.
    pub(super) fn look_up_own_name(&mut self) {
        if self.own_name_lookup.is_none()
            && let Some(own) = self.founding.own()
        {
            self.own_name_lookup = Some(OwnNameLookup::begin(&self.node.context.env, own));
        }
    }
}
