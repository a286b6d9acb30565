//! Labels of nodes, set by people; the catalog keeps them and nothing here reads meaning into them.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use super::{Error, Service};
use crate::base::NodeId;
use crate::cluster::{NotYet, Refusal};
use crate::machine::{Command, Outcome, Refused, SetLabels};
use crate::wire::envelope::Body;
use crate::wire::identity::JOINING_LEVEL;

/// What changes: labels that are not named stay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    pub set: BTreeMap<String, String>,
    pub delete: BTreeSet<String>,
}

impl Service {
    /// Changes the labels of a node if this node leads; `None`: it does not.
    ///
    /// # Errors
    /// `NodeNotFound`, or why nothing can be proposed. All but `Unknown` mean that nothing was
    /// changed.
    pub async fn set_labels(
        &self,
        node_id: NodeId,
        labels: Labels,
        deadline: Instant,
    ) -> Result<Option<()>, Error> {
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
        match raft
            .propose(Body::Ours(Command::SetLabels(command)), deadline)
            .await
        {
            Ok(Outcome::Applied { .. }) => Ok(Some(())),
            Ok(Outcome::Refused(Refused::NodeNotFound(_))) => Err(Error::NodeNotFound),
            Ok(Outcome::Refused(why)) => Err(Error::Bad(why.to_string())),
            Err(error) => Error::from_proposal(error).map_or(Ok(None), Err),
        }
    }
}
