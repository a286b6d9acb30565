use std::io::Read;

use super::*;
use crate::base::{
    Address, ClusterId, DurationNanos, Incarnation, LogId, Name, NodeId, Text, UnixNanos,
};
use crate::catalog::DATA_LEVEL;
use crate::machine::{self, Command, InternalCommand, Stamped, WireCommand};

/// The example of wire.md appendix A.
#[test]
fn a_fresh_node_shows_every_required_field() {
    assert_eq!(
        hex::encode(encode(&Catalog::default())),
        "080010011800380040004800"
    );
}

/// Enough databases and groups to fill several rows and runs.
fn grown() -> Catalog {
    let mut catalog = Catalog::default();
    apply(
        &mut catalog,
        Command::Internal(InternalCommand::Found(found())),
    );
    apply(
        &mut catalog,
        Command::Wire(WireCommand::CreateDataNode {
            http: Text::from("d1:8086"),
            tcp: Text::from("d1:8088"),
        }),
    );
    for k in 0..400 {
        apply(&mut catalog, create_database(&format!("db{k}")));
    }
    for hour in 0..700 {
        apply(&mut catalog, create_group("db3", hour));
    }
    catalog
}

fn found() -> machine::Found {
    let founder = machine::Founder {
        incarnation: Incarnation([1; 16]),
        http: Address::new("meta-1", 8091),
        raft: Address::new("meta-1", 8089),
    };
    machine::Found {
        cluster_id: ClusterId([1; 16]),
        name: String::new(),
        founders: vec![founder],
        with_secret: false,
        feature_level: DATA_LEVEL,
    }
}

fn create_database(name: &str) -> Command {
    let policy = machine::NewRetentionPolicy {
        name: Name::from("rp"),
        duration: DurationNanos(0),
        shard_group_duration: DurationNanos::HOUR,
        replica_n: 1,
    };
    Command::Wire(WireCommand::CreateDatabase {
        name: Name::from(name),
        retention_policy: Some(policy),
    })
}

fn create_group(database: &str, hour: i64) -> Command {
    let at = UnixNanos(hour * DurationNanos::HOUR.0);
    Command::Wire(WireCommand::CreateShardGroup {
        database: Name::from(database),
        policy: Name::from("rp"),
        at,
    })
}

fn apply(catalog: &mut Catalog, command: Command) {
    let log_id = LogId {
        term: 1,
        index: catalog.index + 1,
    };
    let stamped = Stamped {
        at: UnixNanos(1),
        retention_autocreate: true,
        command,
    };
    let outcome = machine::apply(catalog, log_id, &stamped);
    assert!(
        matches!(outcome, machine::Outcome::Applied { .. }),
        "{stamped:?}: {outcome:?}"
    );
}

#[test]
fn what_is_encoded_anew_is_what_would_be_encoded_from_nothing() {
    let mut catalog = grown();
    let mut encoder = Encoder::default();
    encoder.encode(&catalog);
    for command in [
        create_group("db3", 1_000),
        create_group("db17", 0),
        create_database("new"),
        Command::Wire(WireCommand::TruncateShardGroups {
            at: UnixNanos(500 * DurationNanos::HOUR.0 + 1),
        }),
        create_group("db3", 650),
        Command::Wire(WireCommand::DropDatabase {
            name: Name::from("db16"),
        }),
        Command::Wire(WireCommand::DropDatabase {
            name: Name::from("db0"),
        }),
        create_database("db0"),
        Command::Wire(WireCommand::DropDatabase {
            name: Name::from("new"),
        }),
        create_group("db39", 0),
        Command::Wire(WireCommand::DeleteDataNode { id: NodeId(2) }),
    ] {
        apply(&mut catalog, command.clone());
        assert_eq!(
            encoder.encode(&catalog).to_bytes(),
            encode(&catalog),
            "{command:?}"
        );
    }
}

#[test]
fn parts_that_did_not_change_are_shared() {
    let mut catalog = grown();
    let mut encoder = Encoder::default();
    let before: Vec<_> = encoder.encode(&catalog).plain();
    apply(&mut catalog, create_group("db3", 1_000));
    let after: Vec<_> = encoder.encode(&catalog).plain();
    let at = |parts: &[Bytes]| parts.iter().map(|part| part.as_ptr()).collect::<Vec<_>>();
    let shared = at(&after)
        .iter()
        .filter(|part| at(&before).contains(part))
        .count();
    assert!(shared >= 2, "{shared} of {} parts are shared", after.len());
}

#[test]
fn compressed_parts_are_one_member() {
    let rope = Encoder::default().encode(&grown());
    let gzip: Vec<u8> = rope.gzip().concat();
    let mut plain = Vec::new();
    let mut decoder = flate2::bufread::GzDecoder::new(gzip.as_slice());
    decoder.read_to_end(&mut plain).expect("gzip");
    assert!(
        decoder.into_inner().is_empty(),
        "one member, and nothing behind it"
    );
    assert_eq!(plain, rope.to_bytes());
    assert_eq!(plain.len(), rope.len());
}
