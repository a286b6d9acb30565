//! Applies one committed command: the stamp, the index, and the dispatch to the function of each
//! command.
//!
//! Each function checks everything before it changes anything, so that a refusal needs no undoing.

mod cluster;
mod data_node;
mod database;
mod destination;
mod labels;
mod lease;
mod members;
mod move_meta_node;
mod query;
mod restore;
mod retention_policy;
mod shard_group;
mod shard_lifecycle;
mod subscription;
mod user;

use super::{Command, Outcome, Refused, Stamped};
use crate::base::{Address, ClusterId, LogId, NodeId};
use crate::catalog::{Catalog, DATA_LEVEL};

/// Applies one committed command. Never fails, and never panics on a command that could be decoded.
pub fn apply(catalog: &mut Catalog, log_id: LogId, stamped: &Stamped) -> Outcome {
    // Time is the highest stamp so far. A proposer whose clock went back does not set the catalog
    // back.
    catalog.last_at = catalog.last_at.max(stamped.at);
    let content = catalog.content_changes();
    let shown = (!stamped.command.is_of_the_wire()).then(|| Shown::of(catalog));
    let result = execute(catalog, log_id, stamped);
    let content_changed = content != catalog.content_changes();
    if content_changed && catalog.feature_level() >= DATA_LEVEL {
        catalog.content_index = log_id.index;
    }
    // A command of the wire's own set moves the index even if it is refused: clients rely on it
    // (wire.md 3.2.1). A command of ours moves it, and so wakes long polls, only if it changes what
    // the wire shows.
    if content_changed || shown.is_none_or(|shown| shown != Shown::of(catalog)) {
        catalog.term = log_id.term;
        catalog.index = log_id.index;
    }
    match result {
        Ok(()) => Outcome::Applied {
            index: catalog.index,
        },
        Err(refused) => Outcome::Refused(refused),
    }
}

fn execute(catalog: &mut Catalog, log_id: LogId, stamped: &Stamped) -> Result<(), Refused> {
    match &stamped.command {
        Command::CreateDatabase {
            name,
            retention_policy,
        } => {
            database::create(
                catalog,
                name,
                retention_policy.as_ref(),
                stamped.retention_autocreate,
            )?;
        }
        Command::DropDatabase { name } => database::drop(catalog, name),
        Command::CreateRetentionPolicy {
            database,
            policy,
            default,
        } => {
            retention_policy::create(catalog, database, policy, *default)?;
        }
        Command::DropRetentionPolicy { database, name } => {
            retention_policy::drop(catalog, database, name)
        }
        Command::SetDefaultRetentionPolicy { database, name } => {
            retention_policy::set_default(catalog, database, name)?;
        }
        Command::UpdateRetentionPolicy(update) => retention_policy::update(catalog, update)?,
        Command::CreateShardGroup {
            database,
            policy,
            at,
        } => {
            shard_group::create(catalog, database, policy, *at)?;
        }
        Command::DeleteShardGroup {
            database,
            policy,
            id,
        } => {
            shard_lifecycle::delete(catalog, database, policy, *id)?;
        }
        Command::TruncateShardGroups { at } => shard_lifecycle::truncate(catalog, *at),
        Command::PruneShardGroups => shard_lifecycle::prune(catalog),
        Command::DropShard { id } => shard_lifecycle::drop(catalog, *id),
        Command::CopyShardOwner(copy) => shard_lifecycle::add_copy(catalog, *copy)?,
        Command::RemoveShardOwner(copy) => shard_lifecycle::remove_owner(catalog, *copy),
        Command::RemoveShardCopy { copy, force } => {
            shard_lifecycle::remove_copy(catalog, *copy, *force)?
        }
        Command::CreateContinuousQuery { database, query } => {
            query::create(catalog, database, query)?
        }
        Command::DropContinuousQuery { database, name } => query::drop(catalog, database, name),
        Command::CreateSubscription {
            database,
            policy,
            subscription,
        } => {
            subscription::create(catalog, database, policy, subscription)?;
        }
        Command::DropSubscription {
            database,
            policy,
            name,
        } => {
            subscription::drop(catalog, database, policy, name)?;
        }
        Command::CreateUser(asked) => user::create(catalog, asked)?,
        Command::DropUser { name } => user::drop(catalog, name)?,
        Command::UpdateUser { name, hash } => user::set_hash(catalog, name, hash)?,
        Command::SetPrivilege {
            user,
            database,
            privilege,
        } => {
            user::set_privilege(catalog, user, database, *privilege)?;
        }
        Command::SetAdminPrivilege { user, admin } => user::set_admin(catalog, user, *admin)?,
        Command::CreateDataNode { http, tcp } => data_node::create(catalog, http, tcp)?,
        Command::UpdateDataNode { id, http, tcp } => data_node::update(catalog, *id, http, tcp)?,
        // The wire's command has no `force`, and always succeeds in the original.
        Command::DeleteDataNode { id } => data_node::remove(catalog, *id, true)?,
        Command::RemoveDataNode { id, force } => data_node::remove(catalog, *id, *force)?,
        Command::SetPassive { tcp, passive } => data_node::set_passive(catalog, tcp, *passive),
        Command::SetData(restore) => restore::set_data(catalog, restore)?,
        Command::SetLeaseHolder { term, .. } if *term != log_id.term => {
            return Err(Refused::LeaseOfAnotherTerm);
        }
        Command::SetLeaseHolder { lease, holder, .. } => {
            lease::set_holder(catalog, lease, *holder)?
        }
        Command::Found(found) => cluster::found(catalog, found)?,
        Command::AllocateRaftId(allocate) => members::allocate(catalog, allocate)?,
        Command::AddMetaNode(add) => members::add(catalog, add)?,
        Command::MoveMetaNode(to) => move_meta_node::relocate(catalog, to)?,
        Command::RemoveMetaNode(remove) => members::remove(catalog, remove),
        Command::SetLabels(asked) => labels::set(catalog, asked)?,
        Command::RaiseFeatureLevel { level } => cluster::raise_feature_level(catalog, *level)?,
    }
    Ok(())
}

/// The part of the wire's `Data`, besides databases, that commands of ours can change. Raft ids and
/// incarnations are not in `Data`.
#[derive(PartialEq)]
struct Shown {
    cluster: Option<ClusterId>,
    max_node_id: u64,
    meta_nodes: Vec<(NodeId, Address, Address)>,
    /// Number of data nodes. Commands of ours remove data nodes, and change no address of one, so
    /// the number is enough.
    data_nodes: usize,
}

impl Shown {
    fn of(catalog: &Catalog) -> Self {
        let nodes = catalog.meta_nodes.values();
        Self {
            cluster: catalog.cluster.as_ref().map(|cluster| cluster.id),
            max_node_id: catalog.max_node_id,
            meta_nodes: nodes
                .map(|node| (node.id, node.http.clone(), node.raft.clone()))
                .collect(),
            data_nodes: catalog.data_nodes.len(),
        }
    }
}
