//! Effect of each command on the size of the catalog, for the quota of the catalog. Only a
//! proposer judges by it: apply never depends on a quota, which is local configuration.

use super::{Change, ChangeMembers, ChangePermissions, Command, InternalCommand, WireCommand};

/// Effect of a command on the size of the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeEffect {
    /// Can add content without a bound. Refused while the quota is used up.
    Grows,
    /// Takes content away, or prepares that. Always possible.
    Shrinks,
    /// Changes content in place, or adds what has a bound of its own and what a cluster needs to
    /// live: leases, members, owners of shards that are there. Always possible.
    Neutral,
}

impl Command {
    pub fn size_effect(&self) -> SizeEffect {
        match self {
            Self::Wire(command) => wire(command),
            Self::Internal(command) => internal(command),
        }
    }
}

/// Has no wildcard arm: a new command must be classified.
fn wire(command: &WireCommand) -> SizeEffect {
    match command {
        // A new data node has addresses of any length, and there may be any number of them. Its
        // new addresses, and the hash of a password, have any length as well.
        WireCommand::CreateDatabase { .. }
        | WireCommand::CreateRetentionPolicy { .. }
        | WireCommand::CreateShardGroup { .. }
        | WireCommand::CreateContinuousQuery { .. }
        | WireCommand::CreateSubscription { .. }
        | WireCommand::CreateUser(_)
        | WireCommand::UpdateUser { .. }
        | WireCommand::SetPrivilege { .. }
        | WireCommand::CreateDataNode { .. }
        | WireCommand::UpdateDataNode { .. }
        | WireCommand::SetData(_) => SizeEffect::Grows,
        // A deleted group keeps its size until it is pruned.
        WireCommand::DropDatabase { .. }
        | WireCommand::DropRetentionPolicy { .. }
        | WireCommand::DeleteShardGroup { .. }
        | WireCommand::PruneShardGroups
        | WireCommand::DropShard { .. }
        | WireCommand::RemoveShardOwner(_)
        | WireCommand::DropContinuousQuery { .. }
        | WireCommand::DropSubscription { .. }
        | WireCommand::DropUser { .. }
        | WireCommand::DeleteDataNode { .. } => SizeEffect::Shrinks,
        // A new name of a policy has at most 255 bytes. Without owners nobody finds the points of
        // a restored shard.
        WireCommand::SetDefaultRetentionPolicy { .. }
        | WireCommand::UpdateRetentionPolicy(_)
        | WireCommand::TruncateShardGroups { .. }
        | WireCommand::CopyShardOwner(_)
        | WireCommand::SetAdminPrivilege { .. } => SizeEffect::Neutral,
    }
}

/// Has no wildcard arm, like [`wire`].
fn internal(command: &InternalCommand) -> SizeEffect {
    match command {
        InternalCommand::SetLabels(labels) if labels.set.is_empty() => SizeEffect::Shrinks,
        InternalCommand::SetPassive { passive: false, .. } => SizeEffect::Shrinks,
        InternalCommand::SetLabels(_)
        | InternalCommand::SetPassive { .. }
        | InternalCommand::AddUser(_)
        | InternalCommand::CreateRole(_)
        | InternalCommand::ChangePermissions(ChangePermissions {
            change: Change::Add,
            ..
        })
        | InternalCommand::ChangeMembers(ChangeMembers {
            change: Change::Add,
            ..
        })
        | InternalCommand::AddRestorePart(_) => SizeEffect::Grows,
        // The parts that a commit moves were counted when they came.
        InternalCommand::RemoveDataNode { .. }
        | InternalCommand::RemoveShardCopy { .. }
        | InternalCommand::ChangePermissions(_)
        | InternalCommand::ChangeMembers(_)
        | InternalCommand::DropRole { .. }
        | InternalCommand::CommitRestore(_)
        | InternalCommand::AbandonRestore { .. } => SizeEffect::Shrinks,
        InternalCommand::Found(_)
        | InternalCommand::AllocateRaftId(_)
        | InternalCommand::AddMetaNode(_)
        | InternalCommand::MoveMetaNode(_)
        | InternalCommand::RemoveMetaNode(_)
        | InternalCommand::RaiseFeatureLevel { .. }
        | InternalCommand::RequireSecret
        | InternalCommand::RepairTime
        | InternalCommand::SetLeaseHolder { .. }
        | InternalCommand::AssignOwners
        | InternalCommand::BeginRestore(_) => SizeEffect::Neutral,
    }
}
