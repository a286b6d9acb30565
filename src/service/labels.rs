//! Labels of nodes, set by operators. The catalog keeps them; nothing here interprets them.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use super::error::BadRequest;
use super::{Error, Service};
use crate::base::NodeId;
use crate::cluster::{NotYet, Refusal};
use crate::machine::{InternalCommand, Outcome, Refused, SetLabels};
use crate::wire::envelope::Body;
use crate::wire::identity::JOINING_LEVEL;

/// A change of labels. Labels that are not named stay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    pub set: BTreeMap<String, String>,
    pub delete: BTreeSet<String>,
}

impl Service {
    /// Changes the labels of a node if this node leads.
    ///
    /// # Errors
    /// `NodeNotFound`, or the reason why nothing can be proposed. All but `Unknown` mean that
    /// nothing was changed.
    pub async fn set_labels(
        &self,
        node_id: NodeId,
        labels: Labels,
        deadline: Instant,
    ) -> Result<(), Error> {
        let command = SetLabels {
            node_id,
            set: labels.set,
            delete: labels.delete,
        };
        let raft = self.raft()?;
        let level = raft
            .applied()
            .borrow()
            .catalog
            .cluster
            .as_ref()
            .map_or(0, |cluster| cluster.feature_level);
        if level < JOINING_LEVEL {
            return Err(Refusal::NotYet(NotYet::OldMembers("labels")).into());
        }
        let command = Body::Internal(InternalCommand::SetLabels(command));
        match raft.propose(command, deadline).await? {
            Outcome::Applied { .. } => Ok(()),
            Outcome::Refused(Refused::NodeNotFound(_)) => Err(Error::NodeNotFound),
            Outcome::Refused(refused) => Err(BadRequest::Refused(refused).into()),
        }
    }
}
