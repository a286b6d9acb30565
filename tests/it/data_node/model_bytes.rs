//! The model writes and reads the same bytes as real data nodes.

use std::collections::BTreeMap;

use super::model::command::{self, Policy, Response};
use super::model::data::Data;
use super::model::proto::{Message, Writer};
use super::model::shards::rfc3339;
use super::model::{calls, jwt};
use crate::vectors::{files, read};

const HOUR: i64 = 3_600_000_000_000;
const DAY: i64 = 24 * HOUR;

/// Every recorded command, by the file in which it was recorded, made again.
fn ours() -> BTreeMap<&'static str, Vec<u8>> {
    let monitor = Policy {
        name: "monitor",
        duration: 7 * DAY,
        shard_group_duration: DAY,
        replica_n: 1,
    };
    let rp1 = Policy {
        name: "rp1",
        duration: 3 * DAY,
        shard_group_duration: DAY,
        replica_n: 2,
    };
    let other_rp1 = Policy {
        replica_n: 1,
        ..rp1.clone()
    };
    let rptmp = Policy {
        name: "rptmp",
        duration: 0,
        shard_group_duration: 7 * DAY,
        replica_n: 1,
    };
    let rp2 = Policy {
        name: "rp2",
        duration: DAY,
        shard_group_duration: HOUR,
        replica_n: 2,
    };
    let internal = command::create_database("_internal", Some(&monitor));
    let joins = |ip: &str| command::create_data_node(&format!("{ip}:8086"), &format!("{ip}:8088"));
    let query = "CREATE CONTINUOUS QUERY cq1 ON db1 BEGIN SELECT mean(v) INTO db1.rp1.m1h FROM \
                 db1.rp1.m GROUP BY time(1h) END";
    let admin = "$2a$10$W/yLd8lXtMqCUYeguvPD/Oc0D2JNwmGAahgZn5.6TaEPv4zG.xqki";
    let joe = "$2a$10$agN8hs8rY499ZnONPlEfauFfEjLhV7p2IyqwtBneCKt8j.xjf2H/S";
    let alice = "$2a$10$MnYMhdW0v9aw2xwnsz6yDehj47I5gsjuhirbMk0FKik0Q/IHVlZKK";
    let bob = "$2a$10$w8X3r6XD.TPtprbooG72Xu8Qhfxzk/VpQszb/EcbeUW1JjQ4XLGLu";
    let new_bob = "$2a$10$PK0WrtdhFEH5zhPrytgI2uwQgqVDjIuVS5zL9rntKUFgnv5q8s2VK";
    let destinations = ["udp://127.0.0.1:9999", "udp://127.0.0.1:9998"];
    let update = |db: &str, rp: &str, duration, replica_n, default| {
        command::update_retention_policy(db, rp, Some(duration), replica_n, None, default)
    };
    BTreeMap::from([
        ("auth-execute-CreateDataNode-200-1", joins("127.0.0.11")),
        ("auth-execute-CreateDatabase-200-1", internal.clone()),
        (
            "auth-execute-CreateShardGroup-200-1",
            command::create_shard_group("_internal", "monitor", time_in("auth", 1)),
        ),
        (
            "auth-execute-CreateUser-200-1",
            command::create_user("admin", admin, true),
        ),
        (
            "auth-execute-DeleteShardGroup-200-1",
            command::delete_shard_group("adb", "rp", 2),
        ),
        ("auth-execute-DropUser-200-1", command::drop_user("joe")),
        (
            "auth-execute-PruneShardGroups-200-1",
            command::prune_shard_groups(),
        ),
        (
            "auth-execute-SetPrivilege-200-1",
            command::set_privilege("joe", "adb", 1),
        ),
        (
            "auth-execute-UpdateRetentionPolicy-200-1",
            update("adb", "rp", HOUR, None, false),
        ),
        (
            "auth-execute-UpdateUser-200-1",
            command::update_user("joe", joe),
        ),
        (
            "plain-execute-CreateContinuousQuery-200-1",
            command::create_continuous_query("db1", "cq1", query),
        ),
        ("plain-execute-CreateDataNode-200-1", joins("127.0.0.11")),
        ("plain-execute-CreateDataNode-200-2", joins("127.0.0.12")),
        ("plain-execute-CreateDataNode-200-3", joins("127.0.0.14")),
        ("plain-execute-CreateDataNode-200-4", joins("127.0.0.14")),
        ("plain-execute-CreateDatabase-200-1", internal.clone()),
        ("plain-execute-CreateDatabase-200-2", internal),
        (
            "plain-execute-CreateDatabase-200-3",
            command::create_database("db1", None),
        ),
        (
            "plain-execute-CreateDatabase-200-4",
            command::create_database("db2", Some(&rp2)),
        ),
        (
            "plain-execute-CreateRetentionPolicy-200-1",
            command::create_retention_policy("db1", &rp1, true),
        ),
        (
            "plain-execute-CreateRetentionPolicy-200-2",
            command::create_retention_policy("db1", &other_rp1, false),
        ),
        (
            "plain-execute-CreateRetentionPolicy-200-3",
            command::create_retention_policy("db1", &rptmp, false),
        ),
        (
            "plain-execute-CreateShardGroup-200-1",
            command::create_shard_group("_internal", "monitor", time_in("plain", 1)),
        ),
        (
            "plain-execute-CreateShardGroup-200-2",
            command::create_shard_group("_internal", "monitor", time_in("plain", 2)),
        ),
        (
            "plain-execute-CreateShardGroup-200-3",
            command::create_shard_group("db1", "rp1", time_in("plain", 3)),
        ),
        (
            "plain-execute-CreateShardGroup-200-4",
            command::create_shard_group("db2", "rp2", time_in("plain", 4)),
        ),
        (
            "plain-execute-CreateSubscription-200-1",
            command::create_subscription("sub1", "db1", "rp1", "ALL", &destinations),
        ),
        (
            "plain-execute-CreateUser-200-1",
            command::create_user("alice", alice, true),
        ),
        (
            "plain-execute-CreateUser-200-2",
            command::create_user("bob", bob, false),
        ),
        (
            "plain-execute-DropContinuousQuery-200-1",
            command::drop_continuous_query("db1", "cq1"),
        ),
        (
            "plain-execute-DropDatabase-200-1",
            command::drop_database("tmpdb"),
        ),
        (
            "plain-execute-DropRetentionPolicy-200-1",
            command::drop_retention_policy("db1", "rptmp"),
        ),
        (
            "plain-execute-DropSubscription-200-1",
            command::drop_subscription("sub1", "db1", "rp1"),
        ),
        ("plain-execute-DropUser-200-1", command::drop_user("bob")),
        (
            "plain-execute-SetAdminPrivilege-200-1",
            command::set_admin_privilege("bob", true),
        ),
        (
            "plain-execute-SetAdminPrivilege-200-2",
            command::set_admin_privilege("bob", false),
        ),
        (
            "plain-execute-SetPrivilege-200-1",
            command::set_privilege("bob", "db1", 1),
        ),
        (
            "plain-execute-SetPrivilege-200-2",
            command::set_privilege("bob", "db1", 0),
        ),
        ("plain-execute-UpdateRetentionPolicy-200-1", {
            let (duration, group) = (4 * DAY, Some(2 * DAY));
            command::update_retention_policy("db1", "rp1", Some(duration), Some(1), group, true)
        }),
        (
            "plain-execute-UpdateUser-200-1",
            command::update_user("bob", new_bob),
        ),
    ])
}

/// Time of the point for which this group was requested in the recording.
fn time_in(run: &str, number: u32) -> i64 {
    let bytes = read(&format!(
        "vectors/execute/{run}-execute-CreateShardGroup-200-{number}.req.bin"
    ));
    let times = Message::read(&bytes)
        .and_then(|c| c.all(109, "command", |p| p.need_number(3, "Timestamp")));
    times.expect("a command")[0] as i64
}

#[test]
fn it_sends_the_recorded_commands() {
    let ours = ours();
    let recorded = files("vectors/execute", ".req.bin");
    assert_eq!(recorded.len(), ours.len());
    for (path, bytes) in recorded {
        let name = path
            .trim_start_matches("vectors/execute/")
            .trim_end_matches(".req.bin");
        let ours = ours
            .get(name)
            .unwrap_or_else(|| panic!("{name} is not made here"));
        assert_eq!(hex::encode(ours), hex::encode(bytes), "{name}");
    }
}

/// The vectors of wire.md appendix A.
#[test]
fn it_sends_the_commands_of_the_reference() {
    for (ours, want) in [
        (
            command::create_shard_group("db", "autogen", -1),
            "ea06180a02646212076175746f67656e18ffffffffffffffffff010809",
        ),
        (command::drop_shard(5), "9208020805081e"),
    ] {
        assert_eq!(hex::encode(ours), want);
    }
}

#[test]
fn it_reads_the_recorded_answers() {
    let mut seen = [0; 2];
    for (path, bytes) in files("vectors/execute", ".resp.bin") {
        let response = Response::read(&bytes).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(
            response.error.is_empty(),
            response.index > 0,
            "{path}: {response:?}"
        );
        seen[usize::from(response.error.is_empty())] += 1;
    }
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
    // Without OK a Go client treats the exchange as failed.
    assert_eq!(
        Response::read(b"\x18\x05"),
        Err("proto: required field \"OK\" not set".to_owned())
    );
}

#[test]
fn it_reads_the_recorded_catalogs_whole() {
    for (path, bytes) in files("vectors/snapshot", ".resp.bin") {
        let data = Data::read(&bytes).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(hex::encode(data.write()), hex::encode(&bytes), "{path}");
    }
    let data = read("vectors/snapshot/plain-snapshot-n060-reqindex-37-200.resp.bin");
    let data = Data::read(&data).expect("Data");
    assert_eq!(
        (data.term, data.index, data.cluster_id),
        (2, 38, 5_312_198_559_311_367_671)
    );
    assert_eq!(
        data.node_by_tcp("127.0.0.12:8088").map(|node| node.id),
        Some(5)
    );
    let servers: Vec<_> = data
        .meta_nodes
        .iter()
        .map(|node| node.addr.as_str())
        .collect();
    assert_eq!(
        servers,
        ["127.0.0.2:8091", "127.0.0.3:8091", "127.0.0.4:8091"]
    );
    let group = |time| {
        data.policy("db1", "")
            .ok()
            .and_then(|policy| policy.group_for(time))
            .map(|g| g.id)
    };
    let start = 1_795_392_000_000_000_000;
    let groups = [start - 1, start, start + 2 * DAY - 1, start + 2 * DAY].map(group);
    assert_eq!(groups, [None, Some(2), Some(2), None]);
}

/// A truncated group takes no points from its truncation on; a deleted one takes none.
#[test]
fn it_finds_the_group_that_takes_a_point() {
    let data = read("vectors/snapshot/plain-snapshot-n150-reqindex-82-200.resp.bin");
    let data = Data::read(&data).expect("Data");
    let policy = data.policy("_internal", "monitor").expect("the policy");
    let truncated = &policy.shard_groups[0];
    assert!(truncated.truncated_at > 0);
    let group = |time| policy.group_for(time).map(|group| group.id);
    assert_eq!(group(truncated.truncated_at - 1), Some(1));
    assert_eq!(group(truncated.truncated_at), Some(5));
    assert_eq!(group(truncated.end), None);
}

/// The message without the fields at this path.
fn without(mut message: &[u8], path: &[u64]) -> Vec<u8> {
    let mut left = Vec::new();
    while !message.is_empty() {
        let whole = message;
        let key = varint(&mut message);
        let content = match key & 7 {
            0 => varint(&mut message).to_be_bytes().to_vec(),
            _ => {
                let length = usize::try_from(varint(&mut message)).expect("a length");
                let (content, rest) = message.split_at(length);
                message = rest;
                content.to_vec()
            }
        };
        match path {
            [field] if *field == key >> 3 => {}
            [field, rest @ ..] if *field == key >> 3 => {
                left.extend(
                    Writer::default()
                        .bytes(*field, &without(&content, rest))
                        .done(),
                );
            }
            _ => left.extend(&whole[..whole.len() - message.len()]),
        }
    }
    left
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let length = bytes
        .iter()
        .position(|byte| byte & 0x80 == 0)
        .expect("a whole varint")
        + 1;
    let (varint, rest) = bytes.split_at(length);
    *bytes = rest;
    varint
        .iter()
        .rev()
        .fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f))
}

#[test]
fn a_catalog_that_lacks_what_must_be_there_is_unreadable() {
    let bytes = read("vectors/snapshot/plain-snapshot-n060-reqindex-37-200.resp.bin");
    for (field, name) in [
        (1, "Term"),
        (2, "Index"),
        (3, "ClusterID"),
        (7, "MaxNodeID"),
        (8, "MaxShardGroupID"),
        (9, "MaxShardID"),
    ] {
        assert_eq!(
            Data::read(&without(&bytes, &[field])),
            Err(format!("proto: required field \"{name}\" not set"))
        );
    }
    assert_eq!(
        Data::read(&without(&bytes, &[5, 2])),
        Err("proto: required field \"Databases.DefaultRetentionPolicy\" not set".to_owned())
    );
    assert_eq!(
        Data::read(&without(&bytes, &[11, 1])),
        Err("proto: required field \"MetaNodes.ID\" not set".to_owned())
    );
    assert_eq!(
        Data::read(&without(&bytes, &[6, 3])),
        Err("proto: required field \"Users.Admin\" not set".to_owned())
    );
    assert!(Data::read(&bytes[..bytes.len() - 1]).is_err());
    // Optional fields may be absent, and unknown fields are skipped.
    assert!(Data::read(&without(&bytes, &[10, 2])).is_ok());
    assert!(Data::read(&[&bytes, &b"\xf8\x06\x01\xf9\x06\0\0\0\0\0\0\0\0"[..]].concat()).is_ok());
}

#[test]
fn a_destination_asks_its_source_as_recorded() {
    let recorded = read("vectors/rpc/plain-rpc-BackupShard-1.req.bin");
    let since = influxdb_meta::wire::data_node::SINCE_THE_BEGINNING;
    assert_eq!(
        hex::encode(calls::ask_backup(3, since)),
        hex::encode(recorded)
    );
}

#[test]
fn a_token_is_what_others_make_of_the_same_claims() {
    let claims = r#"{"sub":"1234567890","name":"John Doe","admin":true,"iat":1516239022}"#;
    assert_eq!(
        jwt::signed("your-512-bit-secret", claims),
        "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiY\
         WRtaW4iOnRydWUsImlhdCI6MTUxNjIzOTAyMn0.VFb0qJ1LRg_4ujbZoRMXnVkUgiuKq5KxWqNdbKq_G9Vvz-S1zZa\
         9LPxtHWKa64zDl2ofkT8F6jBt_K4riU-fPg"
    );
}

#[test]
fn instants_are_written_as_go_does() {
    for (nanos, want) in [
        (0, "1970-01-01T00:00:00.000000000Z"),
        (1_795_404_860_006_830_624, "2026-11-23T03:34:20.006830624Z"),
        (951_782_400_000_000_000, "2000-02-29T00:00:00.000000000Z"),
        (951_868_799_999_999_999, "2000-02-29T23:59:59.999999999Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
    ] {
        assert_eq!(rfc3339(nanos), want);
    }
}

#[test]
fn numbers_below_zero_take_ten_bytes() {
    assert_eq!(
        hex::encode(Writer::default().signed(3, -1).done()),
        "18ffffffffffffffffff01"
    );
}
