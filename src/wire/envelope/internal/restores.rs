//! Commands of a restore in parts, to and from their messages.
//!
//! The content of a part is a stream of fields in the order of the restore: field 1 holds fields of
//! the wire's `Data` (databases and users), field 2 those of the last `DatabaseInfo` before (its
//! policies and queries), field 3 those of the last `RetentionPolicyInfo` (its groups and
//! subscriptions). So a part consists of slices of the restore as it came.

use prost::Message;

use crate::machine::{self, InternalCommand, RestoreItem};
use crate::wire::command_table::PayloadError;
use crate::wire::convert::{
    BadField, DatabaseReader, PolicyReader, database_info, policy_info, query, query_info,
    required, shard_group, shard_group_info, subscription, subscription_info, user, user_info,
};
use crate::wire::fields::{Fields, Value};

/// Levels of the content of a part.
pub(in crate::wire) const IN_DATA: u32 = 1;
pub(in crate::wire) const IN_DATABASE: u32 = 2;
pub(in crate::wire) const IN_POLICY: u32 = 3;

pub(super) fn begin_message(begin: &machine::BeginRestore) -> BeginRestore {
    BeginRestore {
        id: Some(begin.id),
        index: Some(begin.index),
        max_shard_group_id: Some(begin.max_shard_group_id),
        max_shard_id: Some(begin.max_shard_id),
    }
}

pub(super) fn begin(message: BeginRestore) -> Result<InternalCommand, BadField> {
    Ok(InternalCommand::BeginRestore(machine::BeginRestore {
        id: required(message.id, "id")?,
        index: required(message.index, "index")?,
        max_shard_group_id: required(message.max_shard_group_id, "max_shard_group_id")?,
        max_shard_id: required(message.max_shard_id, "max_shard_id")?,
    }))
}

pub(super) fn part_message(part: &machine::AddRestorePart) -> AddRestorePart {
    let mut content = Vec::new();
    for item in &part.items {
        let (level, field) = item_field(item);
        prost::encoding::bytes::encode(level, &field, &mut content);
    }
    AddRestorePart {
        id: Some(part.of.id),
        parts: Some(part.of.parts),
        content: Some(content),
    }
}

pub(super) fn part(message: AddRestorePart) -> Result<InternalCommand, BadField> {
    let of = machine::RestoreRef {
        id: required(message.id, "id")?,
        parts: required(message.parts, "parts")?,
    };
    let content = required(message.content, "content")?;
    let items = items(&content).map_err(|error| match error {
        PayloadError::Field(field) => field,
        _ => BadField::Value("content"),
    })?;
    Ok(InternalCommand::AddRestorePart(machine::AddRestorePart {
        of,
        items,
    }))
}

/// Decodes the content of a part.
///
/// # Errors
/// The content has fields that `Data` and its messages do not have.
pub(in crate::wire) fn items(content: &[u8]) -> Result<Vec<RestoreItem>, PayloadError> {
    let mut items = Vec::new();
    for piece in Fields::of(content) {
        let (level, Value::Bytes(fields)) = piece? else {
            return Err(BadField::Value("content").into());
        };
        for field in Fields::of(fields) {
            let (number, Value::Bytes(bytes)) = field? else {
                return Err(BadField::Value("content").into());
            };
            items.push(item(level, number, bytes)?);
        }
    }
    Ok(items)
}

fn item(level: u32, number: u32, bytes: &[u8]) -> Result<RestoreItem, PayloadError> {
    Ok(match (level, number) {
        (IN_DATA, 5) => RestoreItem::Database(DatabaseReader::decode(bytes)?.database()?),
        (IN_DATA, 6) => RestoreItem::User(user(Message::decode(bytes)?)?),
        (IN_DATABASE, 3) => RestoreItem::Policy(PolicyReader::decode(bytes)?.policy()?),
        (IN_DATABASE, 4) => RestoreItem::Query(query(Message::decode(bytes)?)?),
        (IN_POLICY, 5) => RestoreItem::Group(shard_group(Message::decode(bytes)?)?),
        (IN_POLICY, 6) => RestoreItem::Subscription(subscription(Message::decode(bytes)?)?),
        _ => return Err(BadField::Value("content").into()),
    })
}

/// Returns the level of an item, and its field there.
fn item_field(item: &RestoreItem) -> (u32, Vec<u8>) {
    match item {
        RestoreItem::Database(database) => (IN_DATA, field(5, &database_info(database))),
        RestoreItem::User(user) => (IN_DATA, field(6, &user_info(user))),
        RestoreItem::Policy(policy) => (IN_DATABASE, field(3, &policy_info(policy))),
        RestoreItem::Query(query) => (IN_DATABASE, field(4, &query_info(query))),
        RestoreItem::Group(group) => (IN_POLICY, field(5, &shard_group_info(group))),
        RestoreItem::Subscription(subscription) => {
            (IN_POLICY, field(6, &subscription_info(subscription)))
        }
    }
}

fn field(number: u32, message: &impl Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    prost::encoding::message::encode(number, message, &mut bytes);
    bytes
}

pub(super) fn ref_message(of: machine::RestoreRef) -> CommitRestore {
    CommitRestore {
        id: Some(of.id),
        parts: Some(of.parts),
    }
}

pub(super) fn commit(message: CommitRestore) -> Result<InternalCommand, BadField> {
    Ok(InternalCommand::CommitRestore(machine::RestoreRef {
        id: required(message.id, "id")?,
        parts: required(message.parts, "parts")?,
    }))
}

pub(super) fn abandon_message(id: u64) -> AbandonRestore {
    AbandonRestore { id: Some(id) }
}

pub(super) fn abandon(message: AbandonRestore) -> Result<InternalCommand, BadField> {
    Ok(InternalCommand::AbandonRestore {
        id: required(message.id, "id")?,
    })
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct BeginRestore {
    #[prost(fixed64, optional, tag = "1")]
    id: Option<u64>,
    #[prost(uint64, optional, tag = "2")]
    index: Option<u64>,
    #[prost(uint64, optional, tag = "3")]
    max_shard_group_id: Option<u64>,
    #[prost(uint64, optional, tag = "4")]
    max_shard_id: Option<u64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct AddRestorePart {
    #[prost(fixed64, optional, tag = "1")]
    id: Option<u64>,
    #[prost(uint32, optional, tag = "2")]
    parts: Option<u32>,
    #[prost(bytes = "vec", optional, tag = "3")]
    content: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct CommitRestore {
    #[prost(fixed64, optional, tag = "1")]
    id: Option<u64>,
    #[prost(uint32, optional, tag = "2")]
    parts: Option<u32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct AbandonRestore {
    #[prost(fixed64, optional, tag = "1")]
    id: Option<u64>,
}
