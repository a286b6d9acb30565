//! A replay of the recorded session: its commands in their order, at their log indexes, on a
//! catalog that lived through all of it and on one that is loaded anew from each recorded snapshot.
//!
//! Owners are compared by number. The original places shards from a position that the log index
//! gives (wire.md Q46); here the nodes that own the fewest shards get them. Each other difference
//! has a test of its own.

use std::collections::{BTreeMap, BTreeSet};

use influxdb_meta::base::{
    Address, ClusterId, DurationNanos, Incarnation, LogId, Name, NodeId, ShardId, Text, UnixNanos,
};
use influxdb_meta::catalog::{Catalog, DATA_LEVEL, Shard, ShardGroup};
use influxdb_meta::machine::{
    self, Command, Found, Founder, InternalCommand, NewRetentionPolicy, Outcome, ShardCopy,
    Stamped, WireCommand,
};
use influxdb_meta::wire::data;
use influxdb_meta::wire::execute::{self, Decoded};

use super::protobuf::{Tree, Value};
use super::snapshot::catalog as loaded;
use super::{files, read};

const TERM: u64 = 2;
const CLUSTER: u64 = 5_312_198_559_311_367_671;
/// Approximate time of the recording.
const NOW: UnixNanos = UnixNanos(1_795_401_200_000_000_000);
/// The two instants at which the recorded cluster was truncated.
const TRUNCATED: UnixNanos = UnixNanos(1_795_401_265_636_276_486);
const TRUNCATED_AGAIN: UnixNanos = UnixNanos(1_795_491_322_875_481_876);

/// Compares answers with those of the original, and whole catalogs where the session's were
/// recorded.
#[test]
fn answers_and_catalogs_are_those_of_the_original() {
    let mut lived = founded(3);
    let mut reloaded = lived.clone();
    let recorded = catalogs();
    let mut compared = 0;
    for (index, step) in session() {
        for catalog in [&mut lived, &mut reloaded] {
            step.take(catalog, index);
        }
        if let Some((path, bytes)) = recorded.get(&index) {
            assert_shows(&lived, bytes, path);
            assert_shows(&reloaded, bytes, path);
            reloaded = loaded(&Tree::read(bytes));
            compared += 1;
        }
    }
    assert_eq!(compared, 12, "snapshots from 8 to 61");
}

/// The original gives the shards of a removed node to other nodes, which have no data of them. Here
/// no shard moves (commands.md, "Shard groups").
#[test]
fn a_data_node_that_goes_hands_nothing_over() {
    let recorded = catalogs();
    let [(_, before), (_, after)] = [83, 89].map(|index| &recorded[&index]);
    let mut catalog = loaded(&Tree::read(before));
    let was = catalog.clone();
    assert_eq!(
        answer(
            &mut catalog,
            84,
            Command::Wire(WireCommand::DeleteDataNode { id: NodeId(5) })
        ),
        Ok(84)
    );
    let theirs = loaded(&Tree::read(after));
    let mut departed = 0;
    for (mine, before) in shards(&catalog).zip(shards(&was)) {
        let left: Vec<_> = before
            .owners
            .iter()
            .copied()
            .filter(|owner| *owner != NodeId(5))
            .collect();
        assert_eq!(mine.owners, left, "shard {}", mine.id);
        if let Some(theirs) = theirs.shard(mine.id) {
            assert_eq!(theirs.shard.owners, [NodeId(4)], "shard {}", mine.id);
            departed += usize::from(mine.owners.is_empty());
        }
    }
    assert_eq!(
        departed, 3,
        "{departed} shards that the original handed over"
    );
    // Group 5 had a shard on each of the two nodes, and accepted points of the future.
    let half = catalog.shard(ShardId(7)).expect("shard 7").group.clone();
    assert_eq!(
        (half.deleted_at, half.truncated_at),
        (None, Some(half.start.max(NOW)))
    );
}

/// `CreateDataNode` of index 89, on the catalog before it.
#[test]
fn a_data_node_that_comes_is_given_the_next_id() {
    let recorded = catalogs();
    let mut catalog = loaded(&Tree::read(&recorded[&89].1));
    catalog.data_nodes.remove(&NodeId(6)).expect("the newcomer");
    (catalog.max_node_id, catalog.index) = (5, 88);
    let command = decoded(&read(
        "vectors/execute/plain-execute-CreateDataNode-200-3.req.bin",
    ));
    assert_eq!(answer(&mut catalog, 89, command.clone()), Ok(89));
    assert_shows(&catalog, &recorded[&89].1, "index 89");
    // Removed and added again it is another node: id 6 is not given out twice (index 91).
    answer(
        &mut catalog,
        90,
        Command::Wire(WireCommand::DeleteDataNode { id: NodeId(6) }),
    )
    .expect("removed");
    answer(&mut catalog, 91, command).expect("added");
    assert_eq!(
        catalog.data_nodes.keys().collect::<Vec<_>>(),
        [&NodeId(4), &NodeId(7)]
    );
}

/// Commands that meta nodes gave themselves, in another session, of two meta and two data nodes.
#[test]
fn commands_of_the_raft_log_do_what_they_did() {
    let mut catalog = founded(2);
    let mut index = 10;
    let mut done = |catalog: &mut Catalog, file: &str| {
        index += 1;
        let command = decoded(&read(&format!("vectors/raftlog/plain-raftlog-{file}.bin")));
        assert_eq!(answer(catalog, index, command), Ok(index), "{file}");
    };
    let files = [
        "CreateDataNode-1",
        "CreateDataNode-2",
        "CreateDatabase-1",
        "CreateDatabase-2",
    ];
    files.into_iter().for_each(|file| done(&mut catalog, file));
    done(&mut catalog, "CreateShardGroup-1");
    let first = group_of(&catalog, 1);
    done(&mut catalog, "CreateShardGroup-2");
    assert_eq!(first.shards.len(), 2);
    assert_eq!(
        catalog.shard_count(),
        2,
        "the second data node asked for the same"
    );

    // In the recording the first shard went to node 4.
    let mut theirs = first.clone();
    for (shard, owner) in theirs.shards.iter_mut().zip([4, 3]) {
        shard.owners = vec![NodeId(owner)];
    }
    catalog.put_shard_group(&Name::from("_internal"), &Name::from("monitor"), theirs);
    done(&mut catalog, "CopyShardOwner-1");
    assert_eq!(
        catalog.shard(ShardId(1)).expect("shard 1").shard.owners,
        [NodeId(3), NodeId(4)]
    );
    done(&mut catalog, "RemoveShardOwner-1");
    assert_eq!(
        catalog.shard(ShardId(1)).expect("shard 1").shard.owners,
        [NodeId(3)]
    );

    done(&mut catalog, "TruncateShardGroups-1");
    let truncated = UnixNanos(1_795_405_642_444_665_449);
    assert_eq!(
        group_of(&catalog, 1),
        ShardGroup {
            truncated_at: Some(truncated),
            ..group_of(&catalog, 1)
        }
    );

    done(&mut catalog, "UpdateDataNode-1");
    assert_eq!(
        catalog.data_nodes[&NodeId(4)].tcp,
        Text::from("127.0.0.13:8088")
    );
    done(&mut catalog, "DeleteDataNode-1");
    assert_eq!(catalog.data_nodes.keys().collect::<Vec<_>>(), [&NodeId(3)]);

    let user = |catalog: &Catalog| {
        catalog
            .users
            .iter()
            .next()
            .map(|user| (user.admin, user.hash.len()))
    };
    done(&mut catalog, "CreateUser-1");
    assert_eq!(user(&catalog), Some((true, 60)));
    done(&mut catalog, "UpdateUser-1");
    assert_eq!(user(&catalog), Some((true, 60)));
    done(&mut catalog, "DropUser-1");
    assert_eq!(user(&catalog), None);
}

/// A restore into the cluster that it was taken from: all its content is there, under the log's own
/// position.
#[test]
fn a_restore_shows_what_it_brought() {
    let bytes = files("vectors/snapshot", ".resp.bin").remove(0).1;
    let mut catalog = loaded(&Tree::read(&bytes));
    let was = catalog.clone();
    let request = read("vectors/raftlog/crafted-SetData.req.bin");
    assert_eq!(answer(&mut catalog, 80, decoded(&request)), Ok(80));
    let brought = Tree::read(Tree::read(&request).bytes(117))
        .trees(1)
        .next()
        .expect("a Data");
    let shown = Tree::read(&data::encode(&catalog));
    assert_eq!((shown.number(1), shown.number(2)), (TERM, 80));
    let rest = |tree: Tree| tree.without(&[1, 2]);
    assert_eq!(
        rest(shown),
        rest(brought),
        "the cluster's own nodes are those of the restore"
    );
    assert_ne!(catalog.databases, was.databases, "it brought something");
}

/// Event at an index of the log.
enum Step {
    /// A command that a data node sent, and the answer of the original; `Err` has the text of a
    /// refusal.
    Recorded {
        path: String,
        request: Vec<u8>,
        response: Result<u64, String>,
    },
    /// A command whose bytes were not kept; the snapshots around it show what was done.
    Seen(Command),
    /// Gives a shard to the one of the two data nodes that has no copy.
    Copied(ShardId),
}

impl Step {
    fn take(&self, catalog: &mut Catalog, index: u64) {
        match self {
            Self::Recorded {
                path,
                request,
                response,
            } => {
                assert_eq!(
                    answer(catalog, index, decoded(request)),
                    *response,
                    "{path}"
                );
            }
            Self::Seen(command) => {
                assert_eq!(
                    answer(catalog, index, command.clone()),
                    Ok(index),
                    "{command:?}"
                )
            }
            Self::Copied(shard) => {
                let owners = &catalog.shard(*shard).expect("a shard").shard.owners;
                let node = [NodeId(4), NodeId(5)]
                    .into_iter()
                    .find(|node| !owners.contains(node))
                    .expect("a node");
                let copy = Command::Wire(WireCommand::CopyShardOwner(ShardCopy {
                    shard: *shard,
                    node,
                }));
                assert_eq!(answer(catalog, index, copy), Ok(index));
            }
        }
    }
}

fn answer(catalog: &mut Catalog, index: u64, command: Command) -> Result<u64, String> {
    let stamped = Stamped {
        at: NOW,
        retention_autocreate: true,
        command,
    };
    let outcome = machine::apply(catalog, LogId { term: TERM, index }, &stamped);
    catalog.check().expect("a sound catalog");
    match outcome {
        Outcome::Applied { index } => Ok(index),
        Outcome::Refused(refused) => Err(refused.to_string()),
    }
}

fn decoded(request: &[u8]) -> Command {
    match execute::decode(request) {
        Ok(Decoded::Command { command, .. }) => command.into(),
        other => panic!("{other:?}"),
    }
}

/// Catalog with the meta nodes of a recording.
fn founded(n: u8) -> Catalog {
    let founder = |k: u8| Founder {
        incarnation: Incarnation([k; 16]),
        http: Address::new(&format!("127.0.0.{}", k + 1), 8091),
        raft: Address::new(&format!("127.0.0.{}", k + 1), 8089),
    };
    let mut cluster_id = [0; 16];
    cluster_id[8..].copy_from_slice(&CLUSTER.to_be_bytes());
    let found = Found {
        cluster_id: ClusterId(cluster_id),
        name: String::new(),
        founders: (1..=n).map(founder).collect(),
        with_secret: false,
        feature_level: DATA_LEVEL,
    };
    let mut catalog = Catalog::default();
    answer(
        &mut catalog,
        2,
        Command::Internal(InternalCommand::Found(found)),
    )
    .expect("founded");
    catalog
}

/// Lines of the trace up to the first restart of the recording, and the events between and behind
/// them.
fn session() -> BTreeMap<u64, Step> {
    let mut session = seen();
    let trace = String::from_utf8(read("vectors/execute/trace.tsv")).expect("text");
    let lines = trace
        .lines()
        .skip(1)
        .map(|line| line.split('\t').collect::<Vec<_>>());
    let mut index = 7;
    for columns in lines.filter(|columns| columns.len() > 5 && !columns[4].is_empty()) {
        let response = response(&Tree::read(&read(&format!("vectors/{}", columns[5]))));
        // A refusal does not say its index: it took the one after the command before it.
        index = *response.as_ref().unwrap_or(&(index + 1));
        if index < 40 {
            let request = read(&format!("vectors/{}", columns[4]));
            let recorded = Step::Recorded {
                path: columns[4].to_owned(),
                request,
                response,
            };
            assert!(
                session.insert(index, recorded).is_none(),
                "index {index} twice"
            );
        }
    }
    assert!(
        (8..=38).all(|index| session.contains_key(&index)),
        "a gap in the session"
    );
    session
}

fn seen() -> BTreeMap<u64, Step> {
    let group = |database: &str, policy: &str, at| {
        let (database, policy) = (Name::from(database), Name::from(policy));
        Step::Seen(Command::Wire(WireCommand::CreateShardGroup {
            database,
            policy,
            at,
        }))
    };
    let policy = |replica_n| NewRetentionPolicy {
        name: Name::from("autogen"),
        duration: DurationNanos(0),
        shard_group_duration: DurationNanos(0),
        replica_n,
    };
    let database = |name: &str, retention_policy| {
        Step::Seen(Command::Wire(WireCommand::CreateDatabase {
            name: Name::from(name),
            retention_policy,
        }))
    };
    let removed = |shard| {
        Step::Seen(Command::Wire(WireCommand::RemoveShardOwner(ShardCopy {
            shard: ShardId(shard),
            node: NodeId(5),
        })))
    };
    let truncated = |at| Step::Seen(Command::Wire(WireCommand::TruncateShardGroups { at }));
    BTreeMap::from([
        (
            32,
            group("db2", "rp2", UnixNanos(1_795_392_000_000_000_000)),
        ),
        (36, database("tmpdb", Some(policy(1)))),
        (38, Step::Copied(ShardId(3))),
        (39, removed(3)),
        (40, removed(5)),
        (41, truncated(TRUNCATED)),
        (45, group("_internal", "monitor", TRUNCATED)),
        (46, group("_internal", "monitor", TRUNCATED)),
        (47, group("db1", "rp1", TRUNCATED)),
        (53, truncated(TRUNCATED_AGAIN)),
        (60, database("execdb", None)),
        (61, group("execdb", "autogen", UnixNanos(0))),
    ])
}

/// Reads an answer. The original says OK = false also on success (wire.md Q1); only an error
/// text shows the result.
fn response(tree: &Tree) -> Result<u64, String> {
    match tree.all(2).next() {
        Some(error) => Err(String::from_utf8(error.to_vec()).expect("text")),
        None => Ok(tree.number(3)),
    }
}

/// Recorded snapshots of the session, by their index.
fn catalogs() -> BTreeMap<u64, (String, Vec<u8>)> {
    let of_the_session = |(path, bytes): &(String, Vec<u8>)| {
        path.contains("/plain-") && Tree::read(bytes).number(3) == CLUSTER
    };
    let all = files("vectors/snapshot", ".resp.bin")
        .into_iter()
        .filter(of_the_session);
    all.map(|(path, bytes)| (Tree::read(&bytes).number(2), (path, bytes)))
        .collect()
}

/// Compares a catalog with recorded bytes, except for the owners of shards.
fn assert_shows(catalog: &Catalog, recorded: &[u8], path: &str) {
    let [shown, recorded] =
        [&data::encode(catalog)[..], recorded].map(|bytes| counted(Tree::read(bytes)));
    assert_eq!(
        hex::encode(shown.write()),
        hex::encode(recorded.write()),
        "{path}: {shown:?}, recorded {recorded:?}"
    );
}

/// Replaces each shard's owners, who must be distinct data nodes, by their number.
fn counted(data: Tree) -> Tree {
    let nodes: BTreeSet<u64> = data.trees(10).map(|node| node.number(1)).collect();
    let shard = |shard: Tree| {
        let owners: Vec<u64> = shard.trees(3).map(|owner| owner.number(1)).collect();
        let distinct: BTreeSet<u64> = owners.iter().copied().collect();
        assert!(
            distinct.len() == owners.len() && distinct.is_subset(&nodes),
            "{owners:?} of {nodes:?}"
        );
        let mut counted = shard.without(&[3]);
        counted.0.push((3, Value::Number(owners.len() as u64)));
        counted
    };
    data.with_each(5, |database| {
        database.with_each(3, |policy| {
            policy.with_each(5, |group| group.with_each(5, shard))
        })
    })
}

fn shards(catalog: &Catalog) -> impl Iterator<Item = &Shard> {
    let policies = catalog
        .databases
        .iter()
        .flat_map(|database| &database.retention_policies);
    policies
        .flat_map(|policy| policy.shard_groups.iter())
        .flat_map(|group| &group.shards)
}

fn group_of(catalog: &Catalog, shard: u64) -> ShardGroup {
    catalog
        .shard(ShardId(shard))
        .expect("a shard")
        .group
        .clone()
}
