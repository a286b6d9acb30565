//! Writes a database group by group: a database with a million shards as one message would need
//! several times its memory. The bytes are those of prost's `DatabaseInfo`.

use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len, message};

use super::bytes_of;
use super::databases::{bare_policy_info, query_info, subscription_info};
use super::shard_groups::shard_group_info;
use crate::catalog::{Database, RetentionPolicy};
use crate::wire::proto::data::DatabaseInfo;

const POLICIES: u32 = 3;
const QUERIES: u32 = 4;
const GROUPS: u32 = 5;
const SUBSCRIPTIONS: u32 = 6;

/// Returns the length of a database as a message.
pub(in crate::wire) fn database_len(database: &Database) -> usize {
    let policies = database.retention_policies.iter().map(policy_len);
    let queries = database.continuous_queries.iter().map(query_info);
    bare_database_info(database).encoded_len()
        + policies.map(|len| field_len(POLICIES, len)).sum::<usize>()
        + queries
            .map(|query| field_len(QUERIES, query.encoded_len()))
            .sum::<usize>()
}

/// Writes a database as a field.
pub(in crate::wire) fn write_database(number: u32, database: &Database, bytes: &mut Vec<u8>) {
    write_head(number, database_len(database), bytes);
    bare_database_info(database).encode_raw(bytes);
    for policy in &database.retention_policies {
        write_head(POLICIES, policy_len(policy), bytes);
        bare_policy_info(policy).encode_raw(bytes);
        for group in policy.shard_groups.iter() {
            message::encode(GROUPS, &shard_group_info(group), bytes);
        }
        for subscription in &policy.subscriptions {
            message::encode(SUBSCRIPTIONS, &subscription_info(subscription), bytes);
        }
    }
    for query in &database.continuous_queries {
        message::encode(QUERIES, &query_info(query), bytes);
    }
}

/// Makes the fields of a database that stand once.
fn bare_database_info(database: &Database) -> DatabaseInfo {
    DatabaseInfo {
        name: Some(bytes_of(&database.name)),
        default_retention_policy: Some(bytes_of(&database.default_retention_policy)),
        ..DatabaseInfo::default()
    }
}

fn policy_len(policy: &RetentionPolicy) -> usize {
    let groups = policy.shard_groups.iter();
    let subscriptions = policy.subscriptions.iter().map(subscription_info);
    bare_policy_info(policy).encoded_len()
        + groups
            .map(|group| field_len(GROUPS, shard_group_info(group).encoded_len()))
            .sum::<usize>()
        + subscriptions
            .map(|subscription| field_len(SUBSCRIPTIONS, subscription.encoded_len()))
            .sum::<usize>()
}

/// Returns the length of a field that holds a message of this length.
pub(in crate::wire) fn field_len(number: u32, len: usize) -> usize {
    key_len(number) + encoded_len_varint(len as u64) + len
}

/// Writes what stands before a message of this length.
pub(in crate::wire) fn write_head(number: u32, len: usize, bytes: &mut Vec<u8>) {
    encode_key(number, WireType::LengthDelimited, bytes);
    encode_varint(len as u64, bytes);
}
