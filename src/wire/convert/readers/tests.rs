//! Readers against prost's own messages, which older versions of this program decoded.

use super::*;
use crate::base::{ShardGroupId, UnixNanos};
use crate::catalog::ShardGroup;
use crate::wire::convert::shard_groups::shard_group_info;
use crate::wire::convert::{database_info, write_database};
use crate::wire::proto::data::{DatabaseInfo, RetentionPolicyInfo, ShardInfo, ShardOwner};

fn database(info: DatabaseInfo) -> Result<Database, BadField> {
    Ok(Database {
        name: required_name(info.name, "Databases.Name")?,
        default_retention_policy: required_name(
            info.default_retention_policy,
            "Databases.DefaultRetentionPolicy",
        )?,
        retention_policies: info
            .retention_policies
            .into_iter()
            .map(policy)
            .collect::<Result<_, _>>()?,
        continuous_queries: info
            .continuous_queries
            .into_iter()
            .map(query)
            .collect::<Result<_, _>>()?,
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
        shard_groups: distinct(
            info.shard_groups
                .into_iter()
                .map(shard_group)
                .collect::<Result<_, _>>()?,
        )?,
        subscriptions: info
            .subscriptions
            .into_iter()
            .map(subscription)
            .collect::<Result<_, _>>()?,
    })
}

/// Refuses two groups with the same id.
fn distinct(groups: Vec<ShardGroup>) -> Result<ShardGroups, BadField> {
    let count = groups.len();
    let groups: ShardGroups = groups.into_iter().collect();
    if groups.len() == count {
        Ok(groups)
    } else {
        Err(BadField::Twice)
    }
}

/// Messages with every field, fields that come twice, and bytes that are no message.
fn samples() -> Vec<Vec<u8>> {
    let group = |id, shards| {
        let mut info = shard_group_info(&ShardGroup {
            id: ShardGroupId(id),
            start: UnixNanos(1),
            end: UnixNanos(9),
            deleted_at: None,
            truncated_at: None,
            shards: Vec::new(),
        });
        info.shards = shards;
        info
    };
    let owner = |id| ShardOwner { node_id: id };
    let shard = |id, owner_ids, owners| ShardInfo {
        id,
        owner_ids,
        owners,
    };
    let policy = RetentionPolicyInfo {
        name: Some(b"rp".to_vec()),
        duration: Some(-1),
        shard_group_duration: Some(2),
        replica_n: Some(3),
        shard_groups: vec![
            group(2, vec![shard(Some(1), vec![], vec![owner(Some(4))])]),
            group(1, vec![shard(Some(2), vec![7, 8], vec![owner(None)])]),
        ],
        subscriptions: vec![SubscriptionInfo {
            name: Some(b"s".to_vec()),
            mode: Some(b"ALL".to_vec()),
            destinations: vec![b"udp://x:1".to_vec(), Vec::new()],
        }],
    };
    let whole = DatabaseInfo {
        name: Some(b"db".to_vec()),
        default_retention_policy: Some(Vec::new()),
        retention_policies: vec![policy.clone(), policy.clone()],
        continuous_queries: vec![ContinuousQueryInfo {
            name: Some(b"cq".to_vec()),
            query: Some(b"select".to_vec()),
        }],
    };
    let with_policy = |change: fn(&mut RetentionPolicyInfo)| {
        let mut info = whole.clone();
        change(&mut info.retention_policies[1]);
        info
    };
    let mut samples: Vec<Vec<u8>> = [
        whole.clone(),
        DatabaseInfo::default(),
        with_policy(|policy| policy.name = None),
        with_policy(|policy| policy.duration = None),
        with_policy(|policy| policy.shard_group_duration = None),
        with_policy(|policy| policy.replica_n = None),
        with_policy(|policy| policy.shard_groups[1].id = Some(2)),
        with_policy(|policy| policy.shard_groups[1].deleted_at = None),
        with_policy(|policy| policy.shard_groups[0].shards[0].owners[0].node_id = None),
        with_policy(|policy| policy.shard_groups[0].shards[0].id = None),
        with_policy(|policy| policy.subscriptions[0].mode = None),
    ]
    .iter()
    .map(DatabaseInfo::encode_to_vec)
    .collect();
    let bytes = samples[0].clone();
    // A later value of a field that stands once wins; an unknown field; a packed list.
    samples.push([&bytes[..], b"\x0a\x01x", b"\x7a\x02zz", &bytes].concat());
    samples.push([&bytes[..], b"\x1a\x08\x2a\x06\x2a\x04\x12\x02\x07\x08"].concat());
    samples
}

fn by_messages(bytes: &[u8]) -> Option<Database> {
    database(DatabaseInfo::decode(bytes).ok()?).ok()
}

fn by_readers(bytes: &[u8]) -> Option<Database> {
    DatabaseReader::decode(bytes).ok()?.database().ok()
}

/// An older version would otherwise halt at an entry that this one let into the log, or differ.
#[test]
fn a_reader_gives_what_the_messages_give() {
    let samples = samples();
    assert!(by_readers(&samples[0]).is_some());
    assert!(samples.iter().any(|bytes| by_readers(bytes).is_none()));
    for bytes in &samples {
        assert_eq!(by_readers(bytes), by_messages(bytes), "{bytes:x?}");
    }
    // Every byte of it changed in some ways, and every length.
    let whole = &samples[0];
    for at in 0..whole.len() {
        assert_eq!(by_readers(&whole[..at]), by_messages(&whole[..at]));
        for byte in [
            0,
            1,
            2,
            0x0a,
            0x12,
            0x80,
            0xff,
            whole[at] ^ 1,
            whole[at] ^ 8,
        ] {
            let mut changed = whole.clone();
            changed[at] = byte;
            assert_eq!(
                by_readers(&changed),
                by_messages(&changed),
                "byte {at} is {byte}"
            );
        }
    }
}

/// The bytes of a snapshot are the same as those of older versions.
#[test]
fn a_database_is_written_as_its_message() {
    let written = by_readers(&samples()[0]).expect("a database");
    let mut bytes = Vec::new();
    write_database(9, &written, &mut bytes);
    let mut whole = Vec::new();
    encoding::message::encode(9, &database_info(&written), &mut whole);
    assert_eq!(bytes, whole);
}
