//! Between catalog values and the protobuf messages that several formats share.

use std::collections::BTreeMap;

use super::proto::data::{DatabaseInfo, RetentionPolicyInfo};
use super::proto::entry::{HostPort, Label};
use crate::base::{Address, DurationNanos, Name};
use crate::catalog::{Database, DuplicateDatabase, RemovedWhy, RetentionPolicy};

/// A message that is well-formed and says too little or nonsense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadField {
    #[error("required field \"{0}\" not set")]
    Missing(&'static str),
    #[error("field \"{0}\" has no value that it may have")]
    Value(&'static str),
    #[error("two entries have the same key")]
    Twice,
    #[error(transparent)]
    Databases(#[from] DuplicateDatabase),
}

pub(super) fn required<T>(field: Option<T>, name: &'static str) -> Result<T, BadField> {
    field.ok_or(BadField::Missing(name))
}

pub(super) fn required_name(field: Option<Vec<u8>>, name: &'static str) -> Result<Name, BadField> {
    required(field, name).map(|bytes| Name::from(&bytes))
}

/// A fixed number of bytes: an id.
pub(super) fn required_id<const N: usize>(
    field: Option<Vec<u8>>,
    name: &'static str,
) -> Result<[u8; N], BadField> {
    required(field, name)?.try_into().map_err(|_| BadField::Value(name))
}

pub(super) fn required_address(field: Option<HostPort>, name: &'static str) -> Result<Address, BadField> {
    let HostPort { host, port } = required(field, name)?;
    let port = u16::try_from(required(port, name)?).map_err(|_| BadField::Value(name))?;
    Ok(Address::new(&required(host, name)?, port))
}

pub(super) fn host_port(address: &Address) -> HostPort {
    HostPort { host: Some(address.host().to_owned()), port: Some(address.port().into()) }
}

pub(super) fn label_messages(labels: &BTreeMap<String, String>) -> Vec<Label> {
    let message =
        |(key, value): (&String, &String)| Label { key: Some(key.clone()), value: Some(value.clone()) };
    labels.iter().map(message).collect()
}

pub(super) fn labels(messages: Vec<Label>) -> Result<BTreeMap<String, String>, BadField> {
    let mut labels = BTreeMap::new();
    for Label { key, value } in messages {
        let (key, value) = (required(key, "labels.key")?, required(value, "labels.value")?);
        if labels.insert(key, value).is_some() {
            return Err(BadField::Twice);
        }
    }
    Ok(labels)
}

pub(super) fn removed_why_number(why: RemovedWhy) -> u32 {
    match why {
        RemovedWhy::Removed => 1,
        RemovedWhy::Replaced => 2,
        RemovedWhy::Unseen => 3,
        RemovedWhy::Restored => 4,
    }
}

pub(super) fn required_why(field: Option<u32>, name: &'static str) -> Result<RemovedWhy, BadField> {
    match required(field, name)? {
        1 => Ok(RemovedWhy::Removed),
        2 => Ok(RemovedWhy::Replaced),
        3 => Ok(RemovedWhy::Unseen),
        4 => Ok(RemovedWhy::Restored),
        _ => Err(BadField::Value(name)),
    }
}

pub(super) fn bytes_of(name: &Name) -> Vec<u8> {
    name.as_bytes().to_vec()
}

pub(super) fn database_info(database: &Database) -> DatabaseInfo {
    DatabaseInfo {
        name: Some(bytes_of(&database.name)),
        default_retention_policy: Some(bytes_of(&database.default_retention_policy)),
        retention_policies: database.retention_policies.iter().map(policy_info).collect(),
    }
}

fn policy_info(policy: &RetentionPolicy) -> RetentionPolicyInfo {
    RetentionPolicyInfo {
        name: Some(bytes_of(&policy.name)),
        duration: Some(policy.duration.0),
        shard_group_duration: Some(policy.shard_group_duration.0),
        replica_n: Some(policy.replica_n),
    }
}

pub(super) fn database(info: DatabaseInfo) -> Result<Database, BadField> {
    Ok(Database {
        name: required_name(info.name, "Databases.Name")?,
        default_retention_policy: required_name(
            info.default_retention_policy,
            "Databases.DefaultRetentionPolicy",
        )?,
        retention_policies: info.retention_policies.into_iter().map(policy).collect::<Result<_, _>>()?,
    })
}

fn policy(info: RetentionPolicyInfo) -> Result<RetentionPolicy, BadField> {
    Ok(RetentionPolicy {
        name: required_name(info.name, "RetentionPolicies.Name")?,
        duration: DurationNanos(required(info.duration, "RetentionPolicies.Duration")?),
        shard_group_duration: DurationNanos(required(
            info.shard_group_duration,
            "RetentionPolicies.ShardGroupDuration",
        )?),
        replica_n: required(info.replica_n, "RetentionPolicies.ReplicaN")?,
    })
}
