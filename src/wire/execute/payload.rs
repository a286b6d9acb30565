//! Payloads of the commands that we carry out, both ways.

use bytes::Bytes;
use prost::Message;
use prost::encoding::{message, uint32};

use super::kind::Supported;
use super::{DecodeError, OutsideTheWire};
use crate::base::{DurationNanos, Name};
use crate::machine::{Command, NewRetentionPolicy, UpdateRetentionPolicy};
use crate::wire::convert::{BadField, bytes_of, required, required_name};
use crate::wire::fields::{Fields, Value};
use crate::wire::proto::command as proto;
use crate::wire::proto::data::RetentionPolicyInfo;

pub(super) fn decode(bytes: &[u8], supported: Supported) -> Result<Command, DecodeError> {
    let invalid =
        |why: &dyn std::fmt::Display| DecodeError::Payload(format!("invalid {supported:?} command: {why}"));
    let payload = Payload { bytes, field: supported.payload_field() };
    let command = match supported {
        Supported::CreateDatabase => payload.read().map(create_database),
        Supported::DropDatabase => payload.read().map(drop_database),
        Supported::CreateRetentionPolicy => payload.read().map(create_retention_policy),
        Supported::DropRetentionPolicy => payload.read().map(|policy| {
            named(policy).map(|(database, name)| Command::DropRetentionPolicy { database, name })
        }),
        Supported::SetDefaultRetentionPolicy => payload.read().map(|policy| {
            named(policy).map(|(database, name)| Command::SetDefaultRetentionPolicy { database, name })
        }),
        Supported::UpdateRetentionPolicy => payload.read().map(update_retention_policy),
    };
    command.map_err(|why| invalid(&why))?.map_err(|why| invalid(&why))
}

pub(super) fn encode(command: &Command) -> Result<Bytes, OutsideTheWire<'_>> {
    Ok(match command {
        Command::CreateDatabase { name, retention_policy } => {
            let retention_policy = retention_policy.as_ref().map(policy_info);
            wrap(
                Supported::CreateDatabase,
                &proto::CreateDatabase { name: Some(bytes_of(name)), retention_policy },
            )
        }
        Command::DropDatabase { name } => {
            wrap(Supported::DropDatabase, &proto::DropDatabase { name: Some(bytes_of(name)) })
        }
        Command::CreateRetentionPolicy { database, policy, default } => wrap(
            Supported::CreateRetentionPolicy,
            &proto::CreateRetentionPolicy {
                database: Some(bytes_of(database)),
                retention_policy: Some(policy_info(policy)),
                default: Some(*default),
            },
        ),
        Command::DropRetentionPolicy { database, name } => {
            wrap(Supported::DropRetentionPolicy, &named_policy(database, name))
        }
        Command::SetDefaultRetentionPolicy { database, name } => {
            wrap(Supported::SetDefaultRetentionPolicy, &named_policy(database, name))
        }
        Command::UpdateRetentionPolicy(update) => {
            wrap(Supported::UpdateRetentionPolicy, &update_message(update))
        }
        ours => return Err(OutsideTheWire::Ours(ours)),
    })
}

/// The payload field of a command; a repeated one merges, as protobuf has it.
struct Payload<'a> {
    bytes: &'a [u8],
    field: u32,
}

impl Payload<'_> {
    fn read<M: Message + Default>(&self) -> Result<M, String> {
        let mut message = None;
        for field in Fields::of(self.bytes) {
            match field.map_err(|error| error.to_string())? {
                (number, Value::Bytes(bytes)) if number == self.field => {
                    let merged = message.get_or_insert_with(M::default).merge(bytes);
                    merged.map_err(|error| error.to_string())?;
                }
                (number, _) if number == self.field => return Err("the payload is no message".to_owned()),
                _ => {}
            }
        }
        message.ok_or_else(|| "the payload is missing".to_owned())
    }
}

fn create_database(message: proto::CreateDatabase) -> Result<Command, BadField> {
    Ok(Command::CreateDatabase {
        name: required_name(message.name, "Name")?,
        retention_policy: message.retention_policy.map(new_policy).transpose()?,
    })
}

fn drop_database(message: proto::DropDatabase) -> Result<Command, BadField> {
    Ok(Command::DropDatabase { name: required_name(message.name, "Name")? })
}

fn create_retention_policy(message: proto::CreateRetentionPolicy) -> Result<Command, BadField> {
    Ok(Command::CreateRetentionPolicy {
        database: required_name(message.database, "Database")?,
        policy: new_policy(required(message.retention_policy, "RetentionPolicy")?)?,
        default: message.default.unwrap_or_default(),
    })
}

fn named(message: proto::NamedRetentionPolicy) -> Result<(Name, Name), BadField> {
    Ok((required_name(message.database, "Database")?, required_name(message.name, "Name")?))
}

fn update_retention_policy(message: proto::UpdateRetentionPolicy) -> Result<Command, BadField> {
    Ok(Command::UpdateRetentionPolicy(UpdateRetentionPolicy {
        database: required_name(message.database, "Database")?,
        name: required_name(message.name, "Name")?,
        new_name: message.new_name.map(|name| Name::from(&name)),
        duration: message.duration.map(DurationNanos),
        replica_n: message.replica_n,
        shard_group_duration: message.shard_group_duration.map(DurationNanos),
        default: message.default.unwrap_or_default(),
    }))
}

fn new_policy(info: RetentionPolicyInfo) -> Result<NewRetentionPolicy, BadField> {
    Ok(NewRetentionPolicy {
        name: required_name(info.name, "RetentionPolicy.Name")?,
        duration: DurationNanos(required(info.duration, "RetentionPolicy.Duration")?),
        shard_group_duration: DurationNanos(required(
            info.shard_group_duration,
            "RetentionPolicy.ShardGroupDuration",
        )?),
        replica_n: required(info.replica_n, "RetentionPolicy.ReplicaN")?,
    })
}

fn policy_info(policy: &NewRetentionPolicy) -> RetentionPolicyInfo {
    RetentionPolicyInfo {
        name: Some(bytes_of(&policy.name)),
        duration: Some(policy.duration.0),
        shard_group_duration: Some(policy.shard_group_duration.0),
        replica_n: Some(policy.replica_n),
    }
}

fn named_policy(database: &Name, name: &Name) -> proto::NamedRetentionPolicy {
    proto::NamedRetentionPolicy { database: Some(bytes_of(database)), name: Some(bytes_of(name)) }
}

fn update_message(update: &UpdateRetentionPolicy) -> proto::UpdateRetentionPolicy {
    proto::UpdateRetentionPolicy {
        database: Some(bytes_of(&update.database)),
        name: Some(bytes_of(&update.name)),
        new_name: update.new_name.as_ref().map(bytes_of),
        duration: update.duration.map(|duration| duration.0),
        replica_n: update.replica_n,
        shard_group_duration: update.shard_group_duration.map(|duration| duration.0),
        default: Some(update.default),
    }
}

/// The envelope around a payload, in Go's order.
fn wrap(supported: Supported, payload: &impl Message) -> Bytes {
    let mut bytes = Vec::new();
    message::encode(supported.payload_field(), payload, &mut bytes);
    uint32::encode(1, &supported.number(), &mut bytes);
    bytes.into()
}
