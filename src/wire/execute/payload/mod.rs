//! Payloads of the commands, both ways: which is which here, their fields in the other files.

mod databases;
mod nodes;
mod restore;
mod shards;
mod users;

use bytes::Bytes;
use prost::Message;
use prost::encoding::{message, uint32};

use super::kind::CommandType;
use super::{DecodeError, OutsideTheWire};
use crate::machine::Command;
use crate::wire::convert::BadField;
use crate::wire::fields::{Fields, Value};

pub(super) fn decode(bytes: &[u8], supported: CommandType) -> Result<Command, DecodeError> {
    let payload = Payload {
        bytes,
        field: supported.payload_field(),
    };
    command(&payload, supported)
        .map_err(|why| DecodeError::Payload(format!("invalid {supported:?} command: {why}")))
}

fn command(payload: &Payload<'_>, supported: CommandType) -> Result<Command, String> {
    match supported {
        CommandType::CreateDatabase => payload.read(databases::create),
        CommandType::DropDatabase => payload.read(databases::drop),
        CommandType::CreateRetentionPolicy => payload.read(databases::create_policy),
        CommandType::DropRetentionPolicy => payload.read(databases::drop_policy),
        CommandType::SetDefaultRetentionPolicy => payload.read(databases::set_default_policy),
        CommandType::UpdateRetentionPolicy => payload.read(databases::update_policy),
        CommandType::CreateContinuousQuery => payload.read(databases::create_query),
        CommandType::DropContinuousQuery => payload.read(databases::drop_query),
        CommandType::CreateSubscription => payload.read(databases::create_subscription),
        CommandType::DropSubscription => payload.read(databases::drop_subscription),
        CommandType::CreateShardGroup => payload.read(shards::create_group),
        CommandType::DeleteShardGroup => payload.read(shards::delete_group),
        CommandType::TruncateShardGroups => payload.read(shards::truncate),
        CommandType::PruneShardGroups => payload.read(shards::prune),
        CommandType::DropShard => payload.read(shards::drop),
        CommandType::CopyShardOwner => {
            payload.read(|message| shards::copy(message).map(Command::CopyShardOwner))
        }
        CommandType::RemoveShardOwner => {
            payload.read(|message| shards::copy(message).map(Command::RemoveShardOwner))
        }
        CommandType::CreateUser => payload.read(users::create),
        CommandType::DropUser => payload.read(users::drop),
        CommandType::UpdateUser => payload.read(users::update),
        CommandType::SetPrivilege => payload.read(users::set_privilege),
        CommandType::SetAdminPrivilege => payload.read(users::set_admin),
        CommandType::CreateDataNode => payload.read(nodes::create),
        CommandType::UpdateDataNode => payload.read(nodes::update),
        CommandType::DeleteDataNode => payload.read(nodes::delete),
        CommandType::SetData => payload.read(restore::set_data),
    }
}

pub(super) fn encode(command: &Command) -> Result<Bytes, OutsideTheWire<'_>> {
    use CommandType as Kind;
    Ok(match command {
        Command::CreateDatabase {
            name,
            retention_policy,
        } => wrap(
            Kind::CreateDatabase,
            &databases::create_message(name, retention_policy.as_ref()),
        ),
        Command::DropDatabase { name } => wrap(Kind::DropDatabase, &databases::by_name(name)),
        Command::CreateRetentionPolicy {
            database,
            policy,
            default,
        } => wrap(
            Kind::CreateRetentionPolicy,
            &databases::create_policy_message(database, policy, *default),
        ),
        Command::DropRetentionPolicy { database, name } => wrap(
            Kind::DropRetentionPolicy,
            &databases::in_database(database, name),
        ),
        Command::SetDefaultRetentionPolicy { database, name } => wrap(
            Kind::SetDefaultRetentionPolicy,
            &databases::in_database(database, name),
        ),
        Command::UpdateRetentionPolicy(update) => wrap(
            Kind::UpdateRetentionPolicy,
            &databases::update_policy_message(update),
        ),
        Command::CreateContinuousQuery { database, query } => wrap(
            Kind::CreateContinuousQuery,
            &databases::create_query_message(database, query),
        ),
        Command::DropContinuousQuery { database, name } => wrap(
            Kind::DropContinuousQuery,
            &databases::in_database(database, name),
        ),
        Command::CreateSubscription {
            database,
            policy,
            subscription,
        } => wrap(
            Kind::CreateSubscription,
            &databases::create_subscription_message(database, policy, subscription),
        ),
        Command::DropSubscription {
            database,
            policy,
            name,
        } => wrap(
            Kind::DropSubscription,
            &databases::drop_subscription_message(database, policy, name),
        ),
        Command::CreateShardGroup {
            database,
            policy,
            at,
        } => wrap(
            Kind::CreateShardGroup,
            &shards::create_group_message(database, policy, *at),
        ),
        Command::DeleteShardGroup {
            database,
            policy,
            id,
        } => wrap(
            Kind::DeleteShardGroup,
            &shards::delete_group_message(database, policy, *id),
        ),
        Command::TruncateShardGroups { at } => {
            wrap(Kind::TruncateShardGroups, &shards::truncate_message(*at))
        }
        Command::PruneShardGroups => wrap(Kind::PruneShardGroups, &shards::prune_message()),
        Command::DropShard { id } => wrap(Kind::DropShard, &shards::by_id(id.0)),
        Command::CopyShardOwner(copy) => wrap(Kind::CopyShardOwner, &shards::copy_message(*copy)),
        Command::RemoveShardOwner(copy) => {
            wrap(Kind::RemoveShardOwner, &shards::copy_message(*copy))
        }
        Command::CreateUser(user) => wrap(Kind::CreateUser, &users::create_message(user)),
        Command::DropUser { name } => wrap(Kind::DropUser, &databases::by_name(name)),
        Command::UpdateUser { name, hash } => {
            wrap(Kind::UpdateUser, &users::update_message(name, hash))
        }
        Command::SetPrivilege {
            user,
            database,
            privilege,
        } => wrap(
            Kind::SetPrivilege,
            &users::set_privilege_message(user, database, *privilege),
        ),
        Command::SetAdminPrivilege { user, admin } => wrap(
            Kind::SetAdminPrivilege,
            &users::set_admin_message(user, *admin),
        ),
        Command::CreateDataNode { http, tcp } => {
            wrap(Kind::CreateDataNode, &nodes::create_message(http, tcp))
        }
        Command::UpdateDataNode { id, http, tcp } => {
            wrap(Kind::UpdateDataNode, &nodes::update_message(*id, http, tcp))
        }
        Command::DeleteDataNode { id } => wrap(Kind::DeleteDataNode, &shards::by_id(id.0)),
        Command::SetData(restore) => wrap(Kind::SetData, &restore::set_data_message(restore)),
        ours => return Err(OutsideTheWire::Ours(ours)),
    })
}

/// The payload field of a command; a repeated one merges, as protobuf has it.
struct Payload<'a> {
    bytes: &'a [u8],
    field: u32,
}

impl Payload<'_> {
    fn read<M: Message + Default>(
        &self,
        convert: impl FnOnce(M) -> Result<Command, BadField>,
    ) -> Result<Command, String> {
        convert(self.message()?).map_err(|why| why.to_string())
    }

    fn message<M: Message + Default>(&self) -> Result<M, String> {
        let mut message = None;
        for field in Fields::of(self.bytes) {
            match field.map_err(|error| error.to_string())? {
                (number, Value::Bytes(bytes)) if number == self.field => {
                    let merged = message.get_or_insert_with(M::default).merge(bytes);
                    merged.map_err(|error| error.to_string())?;
                }
                (number, _) if number == self.field => {
                    return Err("the payload is no message".to_owned());
                }
                _ => {}
            }
        }
        message.ok_or_else(|| "the payload is missing".to_owned())
    }
}

/// The envelope around a payload, in Go's order.
fn wrap(supported: CommandType, payload: &impl Message) -> Bytes {
    let mut bytes = Vec::new();
    message::encode(supported.payload_field(), payload, &mut bytes);
    uint32::encode(1, &supported.number(), &mut bytes);
    bytes.into()
}
