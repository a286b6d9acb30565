//! Recorded `Data` messages: each is encoded to the same bytes from a catalog that the tests' own
//! reader made of it, and read as the payload of a restore.

use influxdb_meta::base::{
    Address, ClusterId, DurationNanos, Incarnation, Name, NodeId, RaftId, ShardGroupId, ShardId,
    Text, UnixNanos,
};
use influxdb_meta::catalog::{
    Catalog, Cluster, ContinuousQuery, DATA_LEVEL, DataNode, Database, MetaNode, RetentionPolicy,
    Shard, ShardGroup, Subscription, User,
};
use influxdb_meta::machine::{SetData, WireCommand};
use influxdb_meta::wire::data;
use influxdb_meta::wire::execute::{self, Decoded};

use super::files;
use super::protobuf::{Tree, Value};

/// The full example of wire.md appendix A.
const EXAMPLE: &str = "0802100918072a650a02646212076175746f67656e1a4d0a076175746f67656e1000188080a4\
                       c9ffc1890120012a200801108080948bf08284d317188080b8d4efc48dd41720002a0608011a\
                       02080232130a01731203414c4c1a097564703a2f2f683a3922070a02637112017132100a0175\
                       120168180122060a026462100338024001480152140802120764313a383038361a0764313a38\
                       3038385a14080112076d313a383039311a076d313a38303839";

#[test]
fn a_recorded_catalog_is_written_as_go_wrote_it() {
    let recorded = recorded();
    assert!(recorded.len() >= 20, "{} snapshots", recorded.len());
    for (path, bytes) in recorded {
        let catalog = catalog(&Tree::read(&bytes));
        assert_eq!(catalog.check(), Ok(()), "{path}");
        assert_eq!(
            hex::encode(data::encode(&catalog)),
            hex::encode(bytes),
            "{path}"
        );
    }
}

/// All content of a restore is read unchanged from the message.
#[test]
fn a_recorded_catalog_is_read_as_a_restore() {
    for (path, bytes) in recorded() {
        let catalog = catalog(&Tree::read(&bytes));
        let want = SetData {
            index: catalog.index,
            databases: catalog.databases,
            users: catalog.users,
            max_shard_group_id: catalog.max_shard_group_id,
            max_shard_id: catalog.max_shard_id,
        };
        assert_eq!(restore(&bytes), want, "{path}");
    }
}

/// Owner ids as version 0.9 wrote them (wire.md 2.6), packed or not.
#[test]
fn owner_ids_stand_for_owners() {
    let (example, example_bytes) = recorded().pop().expect("the example");
    let owned = |owner_ids: &[(u64, Value)]| {
        let shard = |mut shard: Tree| {
            shard.0.retain(|(number, _)| *number != 3);
            shard.0.extend(owner_ids.iter().cloned());
            // The newer field for owners is ignored.
            shard.0.push((3, Value::Bytes(vec![0x08, 9])));
            shard
        };
        let group = move |group: Tree| group.with_each(5, shard);
        let policy = move |policy: Tree| policy.with_each(5, group);
        let database = move |database: Tree| database.with_each(3, policy);
        let bytes = Tree::read(&example_bytes).with_each(5, database).write();
        let databases = restore(&bytes).databases;
        let group = databases
            .get(&Name::from("db"))
            .expect("db")
            .retention_policies[0]
            .shard_groups
            .iter()
            .next();
        group.expect("a group").shards[0].owners.clone()
    };
    let (unpacked, packed) = (
        [2, 300].map(|id| (2, Value::Number(id))),
        [(2, Value::Bytes(vec![2, 0xac, 0x02]))],
    );
    assert_eq!(owned(&unpacked), [NodeId(2), NodeId(300)], "{example}");
    assert_eq!(owned(&packed), [NodeId(2), NodeId(300)], "{example}");
}

/// Go's decoder refuses such a message; what it refuses must not enter the log (wire.md 2).
#[test]
fn a_restore_without_a_required_field_is_refused() {
    for required in [1, 2, 3, 7, 8, 9] {
        let (_, bytes) = recorded().pop().expect("the example");
        let without = Tree::read(&bytes).without(&[required]).write();
        assert!(
            execute::decode(&set_data(&without)).is_err(),
            "without field {required}"
        );
    }
    let (_, bytes) = recorded().pop().expect("the example");
    for (field, inner) in [(5, 1), (5, 2), (6, 1), (6, 2), (6, 3), (10, 1), (11, 1)] {
        let without = Tree::read(&bytes)
            .with_each(field, |tree| tree.without(&[inner]))
            .write();
        assert!(
            execute::decode(&set_data(&without)).is_err(),
            "without field {inner} of {field}"
        );
    }
}

/// Recorded messages by name, with the example of wire.md appendix A at the end.
fn recorded() -> Vec<(String, Vec<u8>)> {
    let mut recorded = files("vectors/snapshot", ".resp.bin");
    recorded.push((
        "wire.md appendix A".to_owned(),
        hex::decode(EXAMPLE).expect("hex"),
    ));
    recorded
}

fn restore(data: &[u8]) -> SetData {
    match execute::decode(&set_data(data)) {
        Ok(Decoded::Command {
            command: WireCommand::SetData(restore),
            format: 3,
        }) => *restore,
        other => panic!("{other:?}"),
    }
}

/// Bytes of a `SetData` command with this `Data`.
fn set_data(data: &[u8]) -> Vec<u8> {
    let payload = Tree(vec![(1, Value::Bytes(data.to_vec()))]).write();
    Tree(vec![(117, Value::Bytes(payload)), (1, Value::Number(17))]).write()
}

/// Makes the catalog that this message shows: a cluster of level 3, where each meta node's id is
/// also its Raft id.
pub(super) fn catalog(data: &Tree) -> Catalog {
    let mut cluster_id = [0; 16];
    cluster_id[8..].copy_from_slice(&data.number(3).to_be_bytes());
    let id = ClusterId(cluster_id);
    let mut catalog = Catalog {
        term: data.number(1),
        index: data.number(2),
        cluster: Some(Cluster {
            id,
            name: String::new(),
            with_secret: false,
            feature_level: DATA_LEVEL,
        }),
        max_node_id: data.number(7),
        max_shard_group_id: data.number(8),
        max_shard_id: data.number(9),
        ..Catalog::default()
    };
    for tree in data.trees(5) {
        assert!(catalog.databases.insert(database(&tree)));
    }
    for tree in data.trees(6) {
        assert!(catalog.users.insert(user(&tree)));
    }
    for tree in data.trees(10) {
        let node = data_node(&tree);
        catalog.data_nodes.insert(node.id, node);
    }
    for tree in data.trees(11) {
        let node = meta_node(&tree);
        catalog.max_raft_id = catalog.max_raft_id.max(node.raft_id.0);
        catalog.meta_nodes.insert(node.id, node);
    }
    catalog.index_shards();
    catalog
}

fn database(tree: &Tree) -> Database {
    let query = |tree: Tree| ContinuousQuery {
        name: name(&tree, 1),
        query: text(&tree, 2),
    };
    Database {
        name: name(tree, 1),
        default_retention_policy: name(tree, 2),
        retention_policies: tree.trees(3).map(|tree| policy(&tree)).collect(),
        continuous_queries: tree.trees(4).map(query).collect(),
    }
}

fn policy(tree: &Tree) -> RetentionPolicy {
    let subscription = |tree: Tree| Subscription {
        name: name(&tree, 1),
        mode: text(&tree, 2),
        destinations: tree.all(3).map(Text::from).collect(),
    };
    RetentionPolicy {
        name: name(tree, 1),
        duration: DurationNanos(tree.number(2).cast_signed()),
        shard_group_duration: DurationNanos(tree.number(3).cast_signed()),
        replica_n: u32::try_from(tree.number(4)).expect("a number of copies"),
        shard_groups: tree.trees(5).map(|tree| group(&tree)).collect(),
        subscriptions: tree.trees(6).map(subscription).collect(),
    }
}

fn group(tree: &Tree) -> ShardGroup {
    let instant = |field| UnixNanos(tree.number(field).cast_signed());
    let set = |at: UnixNanos| (at.0 != 0).then_some(at);
    ShardGroup {
        id: ShardGroupId(tree.number(1)),
        start: instant(2),
        end: instant(3),
        deleted_at: set(instant(4)),
        truncated_at: tree
            .0
            .iter()
            .any(|(number, _)| *number == 6)
            .then(|| instant(6))
            .and_then(set),
        shards: tree.trees(5).map(|tree| shard(&tree)).collect(),
    }
}

fn shard(tree: &Tree) -> Shard {
    let owners = tree.trees(3).map(|owner| NodeId(owner.number(1)));
    Shard {
        id: ShardId(tree.number(1)),
        owners: owners.collect(),
    }
}

fn user(tree: &Tree) -> User {
    let privilege = |tree: Tree| {
        (
            name(&tree, 1),
            i32::try_from(tree.number(2)).expect("a privilege"),
        )
    };
    User {
        name: name(tree, 1),
        hash: text(tree, 2),
        admin: tree.number(3) == 1,
        privileges: tree.trees(4).map(privilege).collect(),
        beyond: Default::default(),
    }
}

fn data_node(tree: &Tree) -> DataNode {
    DataNode {
        id: NodeId(tree.number(1)),
        http: text(tree, 2),
        tcp: text(tree, 3),
        labels: Default::default(),
    }
}

fn meta_node(tree: &Tree) -> MetaNode {
    let address = |field| -> Address {
        std::str::from_utf8(tree.bytes(field))
            .expect("text")
            .parse()
            .expect("an address")
    };
    let id = tree.number(1);
    MetaNode {
        id: NodeId(id),
        http: address(2),
        raft: address(3),
        raft_id: RaftId(id),
        incarnation: Incarnation([id as u8; 16]),
        voter: true,
        labels: Default::default(),
    }
}

fn name(tree: &Tree, field: u64) -> Name {
    Name::from(tree.bytes(field))
}

fn text(tree: &Tree, field: u64) -> Text {
    Text::from(tree.bytes(field))
}
