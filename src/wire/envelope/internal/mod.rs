//! Internal commands: the table of all, and each to and from its message.
//!
//! Field 5 of a log entry is a message with exactly one field: its number is the command's, its
//! value the payload.

mod data_nodes;
mod founding;
mod members;
mod restores;
mod users;

pub(in crate::wire) use restores::{IN_DATA, IN_DATABASE, IN_POLICY, items as restore_items};

use super::EntryFault;
use crate::machine::InternalCommand;
use crate::wire::command_table::{Payload, command_table, find};
use crate::wire::convert::BadField;
use crate::wire::fields::Fields;

command_table! {
    InternalCommand, payload in field 0 + number:
    // number, first log entry format: command => its message, command of a message
    1, 1: Found(found)
        => founding::found_message(found), founding::found;
    2, 2: AllocateRaftId(allocate)
        => members::allocate_message(allocate), members::allocate;
    3, 2: AddMetaNode(add)
        => members::add_message(add), members::add;
    4, 2: MoveMetaNode(to)
        => members::move_node_message(to), members::move_node;
    5, 2: RemoveMetaNode(remove)
        => members::remove_message(remove), members::remove;
    6, 2: SetLabels(labels)
        => members::set_labels_message(labels), members::set_labels;
    7, 2: RaiseFeatureLevel { level }
        => members::raise_feature_level_message(*level), members::raise_feature_level;
    8, 3: SetPassive { tcp, passive }
        => data_nodes::set_passive_message(tcp, *passive), data_nodes::set_passive;
    9, 3: RemoveDataNode { id, force }
        => data_nodes::remove_message(*id, *force), data_nodes::remove;
    10, 3: RemoveShardCopy { copy, force }
        => data_nodes::remove_copy_message(*copy, *force), data_nodes::remove_copy;
    11, 3: SetLeaseHolder { lease, holder, term }
        => data_nodes::set_lease_holder_message(lease, *holder, *term),
           data_nodes::set_lease_holder;
    12, 4: RequireSecret {}
        => founding::require_secret_message(), founding::require_secret;
    13, 4: RepairTime {}
        => founding::repair_time_message(), founding::repair_time;
    14, 4: BeginRestore(begin)
        => restores::begin_message(begin), restores::begin;
    15, 4: AddRestorePart(part)
        => restores::part_message(part), restores::part;
    16, 4: CommitRestore(of)
        => restores::ref_message(*of), restores::commit;
    17, 4: AbandonRestore { id }
        => restores::abandon_message(*id), restores::abandon;
    18, 5: AssignOwners {}
        => data_nodes::assign_owners_message(), data_nodes::assign_owners;
    19, 6: AddUser(add)
        => users::add_message(add), users::add;
    20, 6: ChangePermissions(change)
        => users::change_permissions_message(change), users::change_permissions;
    21, 6: CreateRole(create)
        => users::create_role_message(create), users::create_role;
    22, 6: DropRole { name }
        => users::drop_role_message(name), users::drop_role;
    23, 6: ChangeMembers(change)
        => users::change_members_message(change), users::change_members;
}

/// Returns the name of the command in field 5 of a log entry. Does not decode its payload.
pub(super) fn name_of(bytes: &[u8]) -> Option<&'static str> {
    let (number, _) = Fields::of(bytes).next()?.ok()?;
    Some(find(COMMAND_TYPES, number)?.name)
}

/// Decodes field 5 of a log entry of this format.
pub(super) fn decode(format: u64, bytes: &[u8]) -> Result<InternalCommand, EntryFault> {
    let mut fields = Fields::of(bytes);
    // Exactly one field: protobuf would take the last of two commands, and skip an unknown one.
    let (Some(first), None) = (fields.next(), fields.next()) else {
        return Err(EntryFault::NotOneCommand);
    };
    let (number, _) = first?;
    let command_type = find(COMMAND_TYPES, number).ok_or(BadField::Missing("command"))?;
    let payload = Payload {
        bytes,
        field: command_type.field,
    };
    let command = (command_type.decode)(payload).map_err(EntryFault::Internal)?;
    // An older version could not read the entry: no version wrote it.
    if u64::from(command_type.format) > format {
        return Err(EntryFault::NewerCommand { format });
    }
    Ok(command)
}
