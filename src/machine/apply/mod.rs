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
mod owners;
mod permissions;
mod query;
mod restore;
mod restore_parts;
mod retention_policy;
mod role;
mod shard_group;
mod shard_lifecycle;
mod subscription;
mod time;
mod user;

use super::{Command, InternalCommand, Outcome, Refused, Stamped, WireCommand};
use crate::base::{Address, ClusterId, LogId, NodeId, UnixNanos};
use crate::catalog::{Catalog, DATA_LEVEL};

/// Applies one committed command. Never fails, and never panics on a command that could be decoded.
pub fn apply(catalog: &mut Catalog, log_id: LogId, stamped: &Stamped) -> Outcome {
    // Time is the highest stamp so far. A proposer whose clock went back does not set the catalog
    // back; only an operator's order does.
    if stamped.command != Command::Internal(InternalCommand::RepairTime) {
        catalog.last_at = catalog.last_at.max(stamped.at);
    }
    let content = catalog.content_changes();
    let shown = match &stamped.command {
        Command::Wire(_) => None,
        Command::Internal(_) => Some(Shown::of(catalog)),
    };
    let result = execute(catalog, log_id, stamped);
    let content_changed = content != catalog.content_changes();
    if content_changed && catalog.feature_level() >= DATA_LEVEL {
        catalog.content_index = log_id.index;
    }
    restore_parts::drop_abandoned(catalog, content_changed);
    // A command of the wire's own set moves the index even if it is refused: clients rely on it
    // (wire.md 3.2.1). An internal command moves it, and so wakes long polls, only if
    // it changes what the wire shows.
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

/// Number of shards up to which no command takes long.
const MAX_SHORT_SHARDS: usize = 1000;

/// Returns whether applying a command takes long, because it looks at the whole catalog, or at all
/// shards of a database, or may free a restore in parts. Commands that data nodes send often do
/// not, as long as no restore is under way.
pub fn is_long(catalog: &Catalog, command: &Command) -> bool {
    // Any other command than the next part may drop the restore, see `drop_abandoned`.
    let is_part = matches!(
        command,
        Command::Internal(InternalCommand::AddRestorePart(_))
    );
    if catalog.restoring.is_some() && !is_part {
        return true;
    }
    let is_of_all_shards = match command {
        Command::Internal(InternalCommand::CommitRestore(_)) => return true,
        Command::Wire(WireCommand::SetData(_)) => return true,
        Command::Wire(command) => matches!(
            command,
            WireCommand::DropDatabase { .. }
                | WireCommand::DropRetentionPolicy { .. }
                | WireCommand::UpdateRetentionPolicy(_)
                | WireCommand::TruncateShardGroups { .. }
                | WireCommand::DeleteDataNode { .. }
        ),
        Command::Internal(command) => matches!(
            command,
            InternalCommand::RemoveDataNode { .. }
                | InternalCommand::AssignOwners
                | InternalCommand::RepairTime
        ),
    };
    is_of_all_shards && catalog.shard_count() > MAX_SHORT_SHARDS
}

fn execute(catalog: &mut Catalog, log_id: LogId, stamped: &Stamped) -> Result<(), Refused> {
    match &stamped.command {
        Command::Wire(command) => execute_wire(catalog, command, stamped.retention_autocreate),
        Command::Internal(command) => execute_internal(catalog, command, log_id.term, stamped.at),
    }
}

fn execute_wire(
    catalog: &mut Catalog,
    command: &WireCommand,
    retention_autocreate: bool,
) -> Result<(), Refused> {
    match command {
        WireCommand::CreateDatabase {
            name,
            retention_policy,
        } => {
            database::create(
                catalog,
                name,
                retention_policy.as_ref(),
                retention_autocreate,
            )?;
        }
        WireCommand::DropDatabase { name } => database::drop(catalog, name),
        WireCommand::CreateRetentionPolicy {
            database,
            policy,
            default,
        } => {
            retention_policy::create(catalog, database, policy, *default)?;
        }
        WireCommand::DropRetentionPolicy { database, name } => {
            retention_policy::drop(catalog, database, name)
        }
        WireCommand::SetDefaultRetentionPolicy { database, name } => {
            retention_policy::set_default(catalog, database, name)?;
        }
        WireCommand::UpdateRetentionPolicy(update) => retention_policy::update(catalog, update)?,
        WireCommand::CreateShardGroup {
            database,
            policy,
            at,
        } => {
            shard_group::create(catalog, database, policy, *at)?;
        }
        WireCommand::DeleteShardGroup {
            database,
            policy,
            id,
        } => {
            shard_lifecycle::delete(catalog, database, policy, *id)?;
        }
        WireCommand::TruncateShardGroups { at } => shard_lifecycle::truncate(catalog, *at),
        WireCommand::PruneShardGroups => shard_lifecycle::prune(catalog),
        WireCommand::DropShard { id } => shard_lifecycle::drop(catalog, *id),
        WireCommand::CopyShardOwner(copy) => shard_lifecycle::add_copy(catalog, *copy)?,
        WireCommand::RemoveShardOwner(copy) => shard_lifecycle::remove_owner(catalog, *copy),
        WireCommand::CreateContinuousQuery { database, query } => {
            query::create(catalog, database, query)?
        }
        WireCommand::DropContinuousQuery { database, name } => query::drop(catalog, database, name),
        WireCommand::CreateSubscription {
            database,
            policy,
            subscription,
        } => {
            subscription::create(catalog, database, policy, subscription)?;
        }
        WireCommand::DropSubscription {
            database,
            policy,
            name,
        } => {
            subscription::drop(catalog, database, policy, name)?;
        }
        WireCommand::CreateUser(asked) => user::create(catalog, asked)?,
        WireCommand::DropUser { name } => user::drop(catalog, name)?,
        WireCommand::UpdateUser { name, hash } => user::set_hash(catalog, name, hash)?,
        WireCommand::SetPrivilege {
            user,
            database,
            privilege,
        } => {
            user::set_privilege(catalog, user, database, *privilege)?;
        }
        WireCommand::SetAdminPrivilege { user, admin } => user::set_admin(catalog, user, *admin)?,
        WireCommand::CreateDataNode { http, tcp } => data_node::create(catalog, http, tcp)?,
        WireCommand::UpdateDataNode { id, http, tcp } => {
            data_node::update(catalog, *id, http, tcp)?
        }
        // The wire's command has no `force`, and always succeeds in the original.
        WireCommand::DeleteDataNode { id } => data_node::remove(catalog, *id, true)?,
        WireCommand::SetData(restore) => restore::set_data(catalog, restore)?,
    }
    Ok(())
}

/// `log_term` is the term of the log entry that holds the command.
fn execute_internal(
    catalog: &mut Catalog,
    command: &InternalCommand,
    log_term: u64,
    stamp: UnixNanos,
) -> Result<(), Refused> {
    match command {
        InternalCommand::RemoveShardCopy { copy, force } => {
            shard_lifecycle::remove_copy(catalog, *copy, *force)?
        }
        InternalCommand::RemoveDataNode { id, force } => data_node::remove(catalog, *id, *force)?,
        InternalCommand::SetPassive { tcp, passive } => {
            data_node::set_passive(catalog, tcp, *passive)
        }
        InternalCommand::SetLeaseHolder { term, .. } if *term != log_term => {
            return Err(Refused::LeaseOfAnotherTerm);
        }
        InternalCommand::SetLeaseHolder { lease, holder, .. } => {
            lease::set_holder(catalog, lease, *holder)?
        }
        InternalCommand::Found(found) => cluster::found(catalog, found)?,
        InternalCommand::AllocateRaftId(allocate) => members::allocate(catalog, allocate)?,
        InternalCommand::AddMetaNode(add) => members::add(catalog, add)?,
        InternalCommand::MoveMetaNode(to) => move_meta_node::relocate(catalog, to)?,
        InternalCommand::RemoveMetaNode(remove) => members::remove(catalog, remove),
        InternalCommand::SetLabels(asked) => labels::set(catalog, asked)?,
        InternalCommand::BeginRestore(begin) => restore_parts::begin(catalog, begin)?,
        InternalCommand::AddRestorePart(part) => restore_parts::add(catalog, part)?,
        InternalCommand::CommitRestore(of) => restore_parts::commit(catalog, *of)?,
        InternalCommand::AbandonRestore { id } => restore_parts::abandon(catalog, *id),
        InternalCommand::AssignOwners => shard_lifecycle::assign_owners(catalog),
        InternalCommand::AddUser(asked) => user::add(catalog, asked)?,
        InternalCommand::ChangePermissions(asked) => permissions::change(catalog, asked)?,
        InternalCommand::CreateRole(asked) => role::create(catalog, asked)?,
        InternalCommand::DropRole { name } => role::drop(catalog, name)?,
        InternalCommand::ChangeMembers(asked) => role::change_members(catalog, asked)?,
        InternalCommand::RaiseFeatureLevel { level } => {
            cluster::raise_feature_level(catalog, *level)?
        }
        InternalCommand::RequireSecret => cluster::require_secret(catalog)?,
        InternalCommand::RepairTime => time::repair(catalog, stamp)?,
    }
    Ok(())
}

/// The part of the wire's `Data`, besides databases, that internal commands can change. Raft
/// ids and incarnations are not in `Data`.
#[derive(PartialEq)]
struct Shown {
    cluster: Option<ClusterId>,
    max_node_id: u64,
    max_shard_group_id: u64,
    max_shard_id: u64,
    meta_nodes: Vec<(NodeId, Address, Address)>,
    /// Number of data nodes. Internal commands remove data nodes, and change no address of one, so
    /// the number is enough.
    data_nodes: usize,
}

impl Shown {
    fn of(catalog: &Catalog) -> Self {
        let nodes = catalog.meta_nodes.values();
        Self {
            cluster: catalog.cluster.as_ref().map(|cluster| cluster.id),
            max_node_id: catalog.max_node_id,
            max_shard_group_id: catalog.max_shard_group_id,
            max_shard_id: catalog.max_shard_id,
            meta_nodes: nodes
                .map(|node| (node.id, node.http.clone(), node.raft.clone()))
                .collect(),
            data_nodes: catalog.data_nodes.len(),
        }
    }
}
