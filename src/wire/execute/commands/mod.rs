//! The commands of the wire: the table of all (wire.md 3.3), and each to and from its message.

mod databases;
mod nodes;
mod restore;
mod shards;
mod users;

use crate::machine::WireCommand;
use crate::wire::command_table::command_table;

/// Types of commands that change meta nodes. They are never executed: only `/join` and `/remove`
/// change meta nodes (founding.md 7). All other numbers that the table does not have are in no
/// version of the protocol; 20 was never used.
pub(super) const META_NODE_TYPES: [i32; 7] = [1, 2, 19, 23, 24, 27, 29];

command_table! {
    WireCommand, payload in field 100 + number:
    // type, first log entry format: command => its message, command of a message
    3, 1: CreateDatabase { name, retention_policy }
        => databases::create_message(name, retention_policy.as_ref()), databases::create;
    4, 1: DropDatabase { name }
        => databases::by_name(name), databases::drop;
    5, 1: CreateRetentionPolicy { database, policy, default }
        => databases::create_policy_message(database, policy, *default), databases::create_policy;
    6, 1: DropRetentionPolicy { database, name }
        => databases::in_database(database, name), databases::drop_policy;
    7, 1: SetDefaultRetentionPolicy { database, name }
        => databases::in_database(database, name), databases::set_default_policy;
    8, 1: UpdateRetentionPolicy(update)
        => databases::update_policy_message(update), databases::update_policy;
    9, 3: CreateShardGroup { database, policy, at }
        => shards::create_group_message(database, policy, *at), shards::create_group;
    10, 3: DeleteShardGroup { database, policy, id }
        => shards::delete_group_message(database, policy, *id), shards::delete_group;
    11, 3: CreateContinuousQuery { database, query }
        => databases::create_query_message(database, query), databases::create_query;
    12, 3: DropContinuousQuery { database, name }
        => databases::in_database(database, name), databases::drop_query;
    13, 3: CreateUser(user)
        => users::create_message(user), users::create;
    14, 3: DropUser { name }
        => databases::by_name(name), users::drop;
    15, 3: UpdateUser { name, hash }
        => users::update_message(name, hash), users::update;
    16, 3: SetPrivilege { user, database, privilege }
        => users::set_privilege_message(user, database, *privilege), users::set_privilege;
    17, 3: SetData(restore)
        => restore::set_data_message(restore), restore::set_data;
    18, 3: SetAdminPrivilege { user, admin }
        => users::set_admin_message(user, *admin), users::set_admin;
    21, 3: CreateSubscription { database, policy, subscription }
        => databases::create_subscription_message(database, policy, subscription),
           databases::create_subscription;
    22, 3: DropSubscription { database, policy, name }
        => databases::drop_subscription_message(database, policy, name),
           databases::drop_subscription;
    25, 3: CreateDataNode { http, tcp }
        => nodes::create_message(http, tcp), nodes::create;
    26, 3: UpdateDataNode { id, http, tcp }
        => nodes::update_message(*id, http, tcp), nodes::update;
    28, 3: DeleteDataNode { id }
        => shards::by_id(id.0), nodes::delete;
    30, 3: DropShard { id }
        => shards::by_id(id.0), shards::drop;
    31, 3: TruncateShardGroups { at }
        => shards::truncate_message(*at), shards::truncate;
    32, 3: PruneShardGroups {}
        => shards::prune_message(), shards::prune;
    33, 3: CopyShardOwner(copy)
        => shards::copy_message(*copy), shards::copy_owner;
    34, 3: RemoveShardOwner(copy)
        => shards::copy_message(*copy), shards::remove_owner;
}
