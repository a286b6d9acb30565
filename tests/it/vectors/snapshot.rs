//! Recorded `Data`: the part of it that the catalog has is written again to the byte.

use influxdb_meta::base::{Address, ClusterId, DurationNanos, Incarnation, Name, NodeId, RaftId};
use influxdb_meta::catalog::{Catalog, Cluster, Database, MetaNode, RetentionPolicy};
use influxdb_meta::wire::data;

use super::files;
use super::protobuf::Tree;

#[test]
fn what_we_have_is_written_as_go_wrote_it() {
    for (path, bytes) in files("vectors/snapshot", ".resp.bin") {
        let ours = without_what_is_not_ours(Tree::read(&bytes));
        let catalog = catalog(&ours);
        assert_eq!(hex::encode(data::encode(&catalog)), hex::encode(ours.write()), "{path}");
    }
}

/// The full example of wire.md appendix A, as far as the catalog goes.
#[test]
fn the_example_of_the_reference_is_written_so() {
    let example = "0802100918072a650a02646212076175746f67656e1a4d0a076175746f67656e1000188080a4c9ffc1890120012a200801\
        108080948bf08284d317188080b8d4efc48dd41720002a0608011a02080232130a01731203414c4c1a097564703a2f2f683a3922070a\
        02637112017132100a0175120168180122060a026462100338024001480152140802120764313a383038361a0764313a383038385a14\
        080112076d313a383039311a076d313a38303839";
    let recorded = Tree::read(&hex::decode(example).expect("hex"));
    let ours = without_what_is_not_ours(recorded);
    assert_eq!(hex::encode(data::encode(&catalog(&ours))), hex::encode(ours.write()));
}

/// Without users and data nodes; continuous queries; shard groups and subscriptions.
pub(super) fn without_what_is_not_ours(data: Tree) -> Tree {
    let policy = |policy: Tree| policy.without(&[5, 6]);
    let database = |database: Tree| database.without(&[4]).with_each(3, policy);
    data.without(&[6, 10]).with_each(5, database)
}

fn catalog(data: &Tree) -> Catalog {
    let mut cluster_id = [0; 16];
    cluster_id[8..].copy_from_slice(&data.number(3).to_be_bytes());
    let id = ClusterId(cluster_id);
    let mut catalog = Catalog {
        term: data.number(1),
        index: data.number(2),
        cluster: Some(Cluster { id, name: String::new(), with_secret: false, feature_level: 1 }),
        max_node_id: data.number(7),
        max_shard_group_id: data.number(8),
        max_shard_id: data.number(9),
        ..Catalog::default()
    };
    for tree in data.trees(5) {
        assert!(catalog.databases.insert(database(&tree)));
    }
    for tree in data.trees(11) {
        let node = meta_node(&tree);
        catalog.meta_nodes.insert(node.id, node);
    }
    catalog
}

fn database(tree: &Tree) -> Database {
    Database {
        name: Name::from(tree.bytes(1)),
        default_retention_policy: Name::from(tree.bytes(2)),
        retention_policies: tree.trees(3).map(|tree| policy(&tree)).collect(),
        continuous_queries: Vec::new(),
    }
}

fn policy(tree: &Tree) -> RetentionPolicy {
    RetentionPolicy {
        name: Name::from(tree.bytes(1)),
        duration: DurationNanos(tree.number(2).cast_signed()),
        shard_group_duration: DurationNanos(tree.number(3).cast_signed()),
        replica_n: u32::try_from(tree.number(4)).expect("a number of copies"),
        shard_groups: Default::default(),
        subscriptions: Vec::new(),
    }
}

fn meta_node(tree: &Tree) -> MetaNode {
    let address = |field| -> Address {
        std::str::from_utf8(tree.bytes(field)).expect("text").parse().expect("an address")
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
