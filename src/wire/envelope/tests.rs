use super::*;
use crate::base::{Address, ClusterId, Incarnation, Name, NodeId, RaftId, ShardId, Text};
use crate::catalog::RemovedWhy;
use crate::machine::{
    AddMetaNode, AllocateRaftId, Found, Founder, MoveMetaNode, Removal, RemoveMetaNode, SetLabels,
    ShardCopy,
};

fn found() -> Command {
    let founder = |k: u8| Founder {
        incarnation: Incarnation([k; 16]),
        http: Address::new(&format!("meta-{k}"), 8091),
        raft: Address::new("fd00::1", 8088 + u16::from(k)),
    };
    Command::Internal(InternalCommand::Found(Found {
        cluster_id: ClusterId([9; 16]),
        name: "prod \u{e9}".to_owned(),
        founders: (1..=3).map(founder).collect(),
        with_secret: true,
        feature_level: 1,
    }))
}

/// Every command of joining, moving and removing, with and without its optional fields.
fn members() -> Vec<Command> {
    let http = || Address::new("meta-4", 8091);
    let raft = || Address::new("fd00::4", 8089);
    let remove = |tombstone| {
        Command::Internal(InternalCommand::RemoveMetaNode(RemoveMetaNode {
            raft_id: RaftId(4),
            tombstone,
        }))
    };
    let whys = [
        RemovedWhy::Removed,
        RemovedWhy::Replaced,
        RemovedWhy::Unseen,
        RemovedWhy::Restored,
    ];
    let removals = whys.map(|why| {
        remove(Some(Removal {
            why,
            by: "influxd-ctl \u{e9}".to_owned(),
        }))
    });
    let labels = |set: &[(&str, &str)], delete: &[&str]| {
        Command::Internal(InternalCommand::SetLabels(SetLabels {
            node_id: NodeId(3),
            set: set
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            delete: delete.iter().map(|key| (*key).to_owned()).collect(),
        }))
    };
    let allocate = |voter| {
        let incarnation = Incarnation([4; 16]);
        Command::Internal(InternalCommand::AllocateRaftId(AllocateRaftId {
            incarnation,
            http: http(),
            raft: raft(),
            voter,
        }))
    };
    let add = |replaces| {
        Command::Internal(InternalCommand::AddMetaNode(AddMetaNode {
            raft_id: RaftId(4),
            replaces,
        }))
    };
    let mut all = vec![
        allocate(true),
        allocate(false),
        add(None),
        add(Some(RaftId(0))),
        Command::Internal(InternalCommand::MoveMetaNode(MoveMetaNode {
            raft_id: RaftId(u64::MAX),
            http: http(),
            raft: raft(),
        })),
        remove(None),
        labels(&[], &[]),
        labels(&[("rack", "\u{e9}"), ("az", "")], &["old", ""]),
        Command::Internal(InternalCommand::RaiseFeatureLevel { level: 0 }),
        Command::Internal(InternalCommand::RaiseFeatureLevel { level: u32::MAX }),
    ];
    all.extend(removals);
    all
}

/// Every internal command about data nodes, and one of the wire: all of format 3.
fn data_nodes() -> Vec<Command> {
    let tcp = || Text::from(b"data-1\xff:8088");
    let copy = ShardCopy {
        shard: ShardId(u64::MAX),
        node: NodeId(0),
    };
    vec![
        Command::Internal(InternalCommand::SetPassive {
            tcp: tcp(),
            passive: true,
        }),
        Command::Internal(InternalCommand::SetPassive {
            tcp: Text::default(),
            passive: false,
        }),
        Command::Internal(InternalCommand::RemoveDataNode {
            id: NodeId(7),
            force: false,
        }),
        Command::Internal(InternalCommand::RemoveDataNode {
            id: NodeId(u64::MAX),
            force: true,
        }),
        Command::Internal(InternalCommand::RemoveShardCopy { copy, force: false }),
        Command::Internal(InternalCommand::RemoveShardCopy { copy, force: true }),
        Command::Internal(InternalCommand::SetLeaseHolder {
            lease: Name::from(b"l\xff"),
            holder: NodeId(0),
            term: u64::MAX,
        }),
        Command::Wire(WireCommand::CreateDataNode {
            http: tcp(),
            tcp: tcp(),
        }),
    ]
}

fn create_database() -> Command {
    Command::Wire(WireCommand::CreateDatabase {
        name: Name::from(b"db\xff"),
        retention_policy: None,
    })
}

fn wire(command: &Command) -> Body {
    command.clone().into()
}

fn error(bytes: &[u8]) -> EnvelopeError {
    decode(bytes).expect_err("unreadable")
}

#[test]
fn what_goes_in_comes_out() {
    for at in [0, 1, -1, i64::MIN, i64::MAX] {
        for retention_autocreate in [false, true] {
            let mut all = vec![
                (wire(&create_database()), create_database()),
                (Body::from(create_database()), create_database()),
                (Body::from(found()), found()),
            ];
            let internal = members().into_iter().chain(data_nodes());
            let internal = internal.chain([
                Command::Internal(InternalCommand::RequireSecret),
                Command::Internal(InternalCommand::RepairTime),
            ]);
            all.extend(internal.map(|command| (Body::from(command.clone()), command)));
            for (body, command) in all {
                let at = UnixNanos(at);
                let bytes = encode(at, retention_autocreate, &body);
                assert_eq!(
                    decode(&bytes),
                    Ok(Stamped {
                        at,
                        retention_autocreate,
                        command
                    })
                );
            }
        }
    }
}

#[test]
fn a_wire_command_keeps_its_bytes() {
    let bytes = encode(UnixNanos(1), true, &wire(&create_database()));
    assert_eq!(
        hex::encode(bytes),
        "0801110100000000000000180122 0aba06050a036462ff0803".replace(' ', "")
    );
}

/// A member of an older version reads every entry that it can execute, and gets the error "newer"
/// for all others.
#[test]
fn the_format_written_is_the_lowest_that_reads_it() {
    for command in [create_database(), found()] {
        assert!(
            encode(UnixNanos(1), true, &Body::from(command.clone())).starts_with(b"\x08\x01"),
            "{command:?}"
        );
    }
    let of_2 = members().into_iter().map(|command| (2, command));
    let of_3 = data_nodes().into_iter().map(|command| (3, command));
    let of_4 = [
        (4, Command::Internal(InternalCommand::RequireSecret)),
        (4, Command::Internal(InternalCommand::RepairTime)),
    ];
    for (format, command) in of_2.chain(of_3).chain(of_4) {
        let mut bytes = encode(UnixNanos(1), true, &Body::from(command.clone())).to_vec();
        assert!(bytes.starts_with(&[0x08, format]), "{command:?}");
        bytes[1] = format - 1;
        let want = format!(
            "undecodable entry: format {} does not have this command",
            format - 1
        );
        assert_eq!(error(&bytes).to_string(), want, "{command:?}");
    }
}

/// The reserved length is the used length: a second allocation would slow down every write.
#[test]
fn one_allocation_is_enough() {
    let mut all = vec![
        (wire(&create_database()), WIRE),
        (Body::from(found()), INTERNAL),
    ];
    all.extend(
        members()
            .into_iter()
            .map(|command| (Body::from(command), INTERNAL)),
    );
    all.extend(
        data_nodes()
            .into_iter()
            .rev()
            .skip(1)
            .map(|command| (Body::from(command), INTERNAL)),
    );
    for (body, number) in all {
        let bytes = encode(UnixNanos(i64::MAX), true, &body);
        let fields: Vec<_> = Fields::of(&bytes)
            .map(|field| field.expect("field"))
            .collect();
        let Some((last, Value::Bytes(content))) = fields.last().copied() else {
            panic!("{fields:?}")
        };
        assert_eq!(last, number);
        let length = encoding::encoded_len_varint(content.len() as u64);
        assert_eq!(bytes.len(), HEAD_LEN + 1 + length + content.len());
    }
}

#[test]
fn a_newer_format_is_told_apart_from_damage() {
    assert_eq!(
        error(b"\x08\x07 whatever"),
        EnvelopeError::Newer {
            found: 7,
            newest: 6
        }
    );
    assert_eq!(
        error(b"\x08\x07").to_string(),
        "entry format 7, this version reads up to 6"
    );
    let far = b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    assert_eq!(
        error(far),
        EnvelopeError::Newer {
            found: u32::MAX,
            newest: 6
        }
    );
}

const LABEL_TWICE: &[u8] =
    b"\x2a\x12\x32\x10\x08\x01\x12\x05\x0a\x01a\x12\x00\x12\x05\x0a\x01a\x12\x00";

#[test]
fn what_cannot_be_carried_out_is_malformed() {
    let good = encode(UnixNanos(7), true, &wire(&create_database()));
    let (head, body) = good.split_at(HEAD_LEN);
    let stamp = &head[2..];
    // Without the fault the entry is read: nothing but the fault is refused.
    let mended = [
        b"\x08\x02",
        stamp,
        b"\x2a\x0a\x2a\x08\x08\x01\x12\x04\x08\x04\x12\x00",
    ]
    .concat();
    assert!(matches!(
        decode(&mended),
        Ok(Stamped {
            command: Command::Internal(InternalCommand::RemoveMetaNode(_)),
            ..
        })
    ));
    let with = |parts: &[&[u8]]| parts.concat();
    for (why, bytes) in [
        ("empty", Vec::new()),
        ("format 0", with(&[b"\x08\x00", &good[2..]])),
        ("no format", good[2..].to_vec()),
        ("no stamp", with(&[&good[..2], &good[11..]])),
        ("no flags", with(&[&good[..11], body])),
        ("unknown flag", with(&[&good[..11], b"\x18\x03", body])),
        ("no command", head.to_vec()),
        ("two commands", with(&[&good, b"\x2a\x00"])),
        ("command twice", with(&[&good, body])),
        ("unknown field", with(&[&good, b"\x30\x01"])),
        ("cut short", good[..good.len() - 1].to_vec()),
        ("no payload", with(&[head, b"\x22\x02\x08\x03"])),
        (
            "never logged: other command",
            with(&[head, b"\x22\x02\x08\x09"]),
        ),
        (
            "never logged: meta nodes",
            with(&[head, b"\x22\x02\x08\x18"]),
        ),
        ("no internal command", with(&[head, b"\x2a\x00"])),
        ("empty Found", with(&[head, b"\x2a\x02\x0a\x00"])),
        (
            "unknown internal command",
            with(&[head, b"\x2a\x02\x7a\x00"]),
        ),
        (
            "two internal commands",
            with(&[
                b"\x08\x02",
                stamp,
                b"\x2a\x08\x3a\x02\x08\x02\x3a\x02\x08\x03",
            ]),
        ),
        (
            "one unknown beside it",
            with(&[b"\x08\x02", stamp, b"\x2a\x06\x3a\x02\x08\x02\x42\x00"]),
        ),
        ("no level", with(&[b"\x08\x02", stamp, b"\x2a\x02\x3a\x00"])),
        ("a label twice", with(&[b"\x08\x02", stamp, LABEL_TWICE])),
        (
            "a key deleted twice",
            with(&[
                b"\x08\x02",
                stamp,
                b"\x2a\x0a\x32\x08\x08\x01\x1a\x01a\x1a\x01a",
            ]),
        ),
        (
            "no reason for a tombstone",
            with(&[
                b"\x08\x02",
                stamp,
                b"\x2a\x08\x2a\x06\x08\x01\x12\x02\x12\x00",
            ]),
        ),
        (
            "no address",
            with(&[b"\x08\x03", stamp, b"\x2a\x04\x42\x02\x10\x01"]),
        ),
        (
            "neither passive nor not",
            with(&[b"\x08\x03", stamp, b"\x2a\x04\x42\x02\x0a\x00"]),
        ),
        (
            "no force",
            with(&[b"\x08\x03", stamp, b"\x2a\x04\x4a\x02\x08\x01"]),
        ),
        (
            "no copy",
            with(&[b"\x08\x03", stamp, b"\x2a\x04\x52\x02\x10\x01"]),
        ),
        (
            "no holder",
            with(&[b"\x08\x03", stamp, b"\x2a\x04\x5a\x02\x0a\x00"]),
        ),
        (
            "no such reason",
            with(&[
                b"\x08\x02",
                stamp,
                b"\x2a\x0a\x2a\x08\x08\x01\x12\x04\x08\x05\x12\x00",
            ]),
        ),
    ] {
        assert!(
            matches!(error(&bytes), EnvelopeError::Malformed(_)),
            "{why}"
        );
    }
}
