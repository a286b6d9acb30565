//! Conversions between catalog values and the protobuf messages that several formats share.

mod databases;
mod permissions;
mod readers;
mod shard_groups;
mod users;
mod writer;

use std::collections::BTreeMap;

pub(super) use databases::{
    bare_policy_info, database_info, policy_info, query, query_info, subscription,
    subscription_info,
};
pub(super) use permissions::{members, members_message, scope_messages, scopes};
pub(super) use readers::{DatabaseReader, Fault, PolicyReader, only_read, read_one, read_user};
pub(super) use shard_groups::{shard_group, shard_group_info};
pub(super) use users::{shown_user_info, user, user_info};
pub(super) use writer::{database_len, field_len, write_database, write_head};

use super::proto::shared::{HostPort, Label};
use crate::base::{Address, Name, Text};
use crate::catalog::{Clash, RemovedWhy};

/// Faults of a well-formed message: a missing field, or an impossible value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadField {
    #[error("required field \"{0}\" not set")]
    Missing(&'static str),
    #[error("field \"{0}\" has no value that it may have")]
    Value(&'static str),
    #[error("two entries have the same key")]
    Twice,
    #[error(transparent)]
    Clash(#[from] Clash),
}

pub(super) fn required<T>(field: Option<T>, name: &'static str) -> Result<T, BadField> {
    field.ok_or(BadField::Missing(name))
}

pub(super) fn required_name(field: Option<Vec<u8>>, name: &'static str) -> Result<Name, BadField> {
    required(field, name).map(|bytes| Name::from(&bytes))
}

pub(super) fn required_text(field: Option<Vec<u8>>, name: &'static str) -> Result<Text, BadField> {
    required(field, name).map(|bytes| Text::from(&bytes))
}

/// Reads an id: a fixed number of bytes.
pub(super) fn required_id<const N: usize>(
    field: Option<Vec<u8>>,
    name: &'static str,
) -> Result<[u8; N], BadField> {
    required(field, name)?
        .try_into()
        .map_err(|_| BadField::Value(name))
}

pub(super) fn required_address(
    field: Option<HostPort>,
    name: &'static str,
) -> Result<Address, BadField> {
    let HostPort { host, port } = required(field, name)?;
    let port = u16::try_from(required(port, name)?).map_err(|_| BadField::Value(name))?;
    Ok(Address::new(&required(host, name)?, port))
}

pub(super) fn host_port(address: &Address) -> HostPort {
    HostPort {
        host: Some(address.host().to_owned()),
        port: Some(address.port().into()),
    }
}

pub(super) fn label_messages(labels: &BTreeMap<String, String>) -> Vec<Label> {
    let message = |(key, value): (&String, &String)| Label {
        key: Some(key.clone()),
        value: Some(value.clone()),
    };
    labels.iter().map(message).collect()
}

pub(super) fn labels(messages: Vec<Label>) -> Result<BTreeMap<String, String>, BadField> {
    let mut labels = BTreeMap::new();
    for Label { key, value } in messages {
        let (key, value) = (
            required(key, "labels.key")?,
            required(value, "labels.value")?,
        );
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

pub(super) fn bytes_of_text(text: &Text) -> Vec<u8> {
    text.as_bytes().to_vec()
}
