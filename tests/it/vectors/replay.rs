//! The recorded session again: the commands that we carry out, in their order, at their log indexes.

use influxdb_meta::base::{Address, ClusterId, Incarnation, LogId, Name, UnixNanos};
use influxdb_meta::catalog::Catalog;
use influxdb_meta::machine::{self, Command, Found, Founder, Outcome, Stamped};
use influxdb_meta::wire::data;
use influxdb_meta::wire::execute::{self, Decoded};

use super::protobuf::Tree;
use super::snapshot::without_what_is_not_ours;
use super::{files, read};

const TERM: u64 = 2;

/// A line of `trace.tsv`: a request, and what the original answered.
struct Recorded {
    path: String,
    request: Vec<u8>,
    /// `Err` carries the text of the refusal.
    response: Result<u64, String>,
}

#[test]
fn answers_and_snapshots_are_those_of_the_original() {
    let mut catalog = founded();
    let mut last = LogId { term: TERM, index: 9 };
    let mut compared = 0;
    for recorded in session() {
        // A refusal does not say its index: it took the one after the command before it.
        let index = *recorded.response.as_ref().unwrap_or(&(last.index + 1));
        compared += compare_snapshots(&catalog, last.index..index);
        last.index = index;
        if let Decoded::Command { command, format: 1 } =
            execute::decode(&recorded.request).expect("a recorded command")
        {
            assert_eq!(answer(&mut catalog, last, command), recorded.response, "{}", recorded.path);
            two_data_nodes_were_there(&mut catalog);
        }
    }
    // As far as the session's own commands are all recorded.
    compared += compare_snapshots(&catalog, last.index..last.index + 1);
    assert!(compared >= 5, "only {compared} snapshots were compared");
}

fn answer(catalog: &mut Catalog, log_id: LogId, command: Command) -> Result<u64, String> {
    let stamped = Stamped { at: UnixNanos(1), retention_autocreate: true, command };
    let outcome = machine::apply(catalog, log_id, &stamped);
    catalog.check().expect("a sound catalog");
    match outcome {
        Outcome::Applied { index } => Ok(index),
        Outcome::Refused(refused) => Err(refused.to_string()),
    }
}

/// The meta nodes of the recording.
fn founded() -> Catalog {
    let founder = |k: u8| Founder {
        incarnation: Incarnation([k; 16]),
        http: Address::new(&format!("127.0.0.{}", k + 1), 8091),
        raft: Address::new(&format!("127.0.0.{}", k + 1), 8089),
    };
    let mut cluster_id = [0; 16];
    cluster_id[8..].copy_from_slice(&5_312_198_559_311_367_671_u64.to_be_bytes());
    let found = Found {
        cluster_id: ClusterId(cluster_id),
        name: String::new(),
        founders: (1..=3).map(founder).collect(),
        with_secret: false,
        feature_level: 1,
    };
    let mut catalog = Catalog::default();
    answer(&mut catalog, LogId { term: TERM, index: 2 }, Command::Found(found)).expect("founded");
    catalog
}

/// The catalog has no data nodes yet, by whose number `autogen` has its copies.
fn two_data_nodes_were_there(catalog: &mut Catalog) {
    catalog.databases.update(&Name::from("db1"), |database| {
        for policy in &mut database.retention_policies {
            if policy.name == Name::from("autogen") {
                policy.replica_n = 2;
            }
        }
    });
}

/// Compares, to the byte, with what was served while the index stood in this range.
fn compare_snapshots(catalog: &Catalog, indexes: std::ops::Range<u64>) -> usize {
    let mut compared = 0;
    for (path, bytes) in files("vectors/snapshot", ".resp.bin") {
        let recorded = Tree::read(&bytes);
        if !path.contains("/plain-")
            || recorded.number(3) != 5_312_198_559_311_367_671
            || !indexes.contains(&recorded.number(2))
        {
            continue;
        }
        // What commands that we do not carry out yet have moved meanwhile.
        let mut catalog = catalog.clone();
        catalog.index = recorded.number(2);
        catalog.max_node_id = recorded.number(7);
        catalog.max_shard_group_id = recorded.number(8);
        catalog.max_shard_id = recorded.number(9);
        let want = without_what_is_not_ours(recorded).write();
        assert_eq!(hex::encode(data::encode(&catalog)), hex::encode(want), "{path}");
        compared += 1;
    }
    compared
}

/// The lines of the trace whose bytes were kept, up to the first restart of the recording.
fn session() -> Vec<Recorded> {
    let trace = String::from_utf8(read("vectors/execute/trace.tsv")).expect("text");
    let lines = trace.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
    let kept = lines.filter(|columns| columns.len() > 5 && !columns[4].is_empty());
    let recorded = kept.map(|columns| Recorded {
        path: columns[4].to_owned(),
        request: read(&format!("vectors/{}", columns[4])),
        response: response(&Tree::read(&read(&format!("vectors/{}", columns[5])))),
    });
    let recorded: Vec<_> = recorded
        .take_while(|recorded| {
            recorded.response.as_ref().is_ok_and(|index| *index < 40) || recorded.response.is_err()
        })
        .collect();
    assert!(recorded.len() > 20, "only {} requests", recorded.len());
    recorded
}

/// The original says OK = false also on success (Q1); an error tells.
fn response(tree: &Tree) -> Result<u64, String> {
    match tree.all(2).next() {
        Some(error) => Err(String::from_utf8(error.to_vec()).expect("text")),
        None => Ok(tree.number(3)),
    }
}
