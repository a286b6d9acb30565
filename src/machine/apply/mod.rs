//! Applying one committed command: the stamp, the index, and which family carries it out.
//!
//! A family checks everything before it changes anything, so that a refusal needs no undoing.

mod cluster;
mod database;
mod labels;
mod members;
mod relocate;
mod retention_policy;

use super::{Command, Outcome, Refused, Stamped};
use crate::base::{Address, ClusterId, LogId, NodeId};
use crate::catalog::Catalog;

/// Applies one committed command. Never fails, never panics on any decodable command.
pub fn apply(catalog: &mut Catalog, log_id: LogId, stamped: &Stamped) -> Outcome {
    // Time is the highest stamp so far: a proposer whose clock went back does not take the catalog with it.
    catalog.last_at = catalog.last_at.max(stamped.at);
    let before = (!stamped.command.is_of_the_wire()).then(|| Shown::of(catalog));
    let result = carry_out(catalog, stamped);
    // Of the wire's own set, refused ones move the index too: its clients know it so (wire.md 3.2.1).
    // A command of ours moves it, and wakes who waits for it, only with what the wire shows.
    if before.is_none_or(|before| before != Shown::of(catalog)) {
        catalog.term = log_id.term;
        catalog.index = log_id.index;
    }
    match result {
        Ok(()) => Outcome::Applied { index: catalog.index },
        Err(refused) => Outcome::Refused(refused),
    }
}

fn carry_out(catalog: &mut Catalog, stamped: &Stamped) -> Result<(), Refused> {
    match &stamped.command {
        Command::CreateDatabase { name, retention_policy } => {
            database::create(catalog, name, retention_policy.as_ref(), stamped.retention_autocreate)
        }
        Command::DropDatabase { name } => {
            database::drop(catalog, name);
            Ok(())
        }
        Command::CreateRetentionPolicy { database, policy, default } => {
            retention_policy::create(catalog, database, policy, *default)
        }
        Command::DropRetentionPolicy { database, name } => {
            retention_policy::drop(catalog, database, name);
            Ok(())
        }
        Command::SetDefaultRetentionPolicy { database, name } => {
            retention_policy::set_default(catalog, database, name)
        }
        Command::UpdateRetentionPolicy(update) => retention_policy::update(catalog, update),
        Command::Found(found) => cluster::found(catalog, found),
        Command::AllocateRaftId(allocate) => members::allocate(catalog, allocate),
        Command::AddMetaNode(add) => members::add(catalog, add),
        Command::MoveMetaNode(to) => relocate::relocate(catalog, to),
        Command::RemoveMetaNode(remove) => {
            members::remove(catalog, remove);
            Ok(())
        }
        Command::SetLabels(asked) => labels::set(catalog, asked),
        Command::RaiseFeatureLevel { level } => cluster::raise_feature_level(catalog, *level),
    }
}

/// What commands of ours can change of what the wire's `Data` shows: not Raft ids, not incarnations.
#[derive(PartialEq)]
struct Shown {
    cluster: Option<ClusterId>,
    max_node_id: u64,
    meta_nodes: Vec<(NodeId, Address, Address)>,
}

impl Shown {
    fn of(catalog: &Catalog) -> Self {
        let nodes = catalog.meta_nodes.values();
        Self {
            cluster: catalog.cluster.as_ref().map(|cluster| cluster.id),
            max_node_id: catalog.max_node_id,
            meta_nodes: nodes.map(|node| (node.id, node.http.clone(), node.raft.clone())).collect(),
        }
    }
}
