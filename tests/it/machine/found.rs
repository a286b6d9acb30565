//! Found: the first command of every cluster (founding.md 5.5).

use influxdb_meta::base::{NodeId, RaftId};

use super::*;

fn fed(n: u8) -> Fed {
    let mut fed = Fed::default();
    fed.ok(Command::Internal(InternalCommand::Found(found(n))));
    fed
}

#[test]
fn founders_become_meta_nodes_in_the_order_of_the_list() {
    for n in [1, 3, 5] {
        let Fed { catalog, .. } = fed(n);
        assert_eq!(catalog.meta_nodes.len(), usize::from(n));
        assert_eq!(
            (catalog.max_node_id, catalog.max_raft_id),
            (n.into(), n.into())
        );
        for (k, node) in (1u8..).zip(catalog.meta_nodes.values()) {
            assert_eq!(
                (node.id, node.raft_id),
                (NodeId(k.into()), RaftId(k.into()))
            );
            assert_eq!(node.incarnation, Incarnation([k; 16]));
            assert_eq!(node.http, Address::new(&format!("meta-{k}"), 8091));
            assert_eq!(node.raft, Address::new(&format!("meta-{k}"), 8089));
        }
    }
}

#[test]
fn what_founding_fixes_is_kept() {
    let mut command = found(3);
    (command.with_secret, command.feature_level) = (true, 7);
    let mut fed = Fed::default();
    fed.ok(Command::Internal(InternalCommand::Found(command)));
    let cluster = fed.catalog.cluster.expect("founded");
    assert_eq!(
        (cluster.id, cluster.name.as_str()),
        (ClusterId([0xc1; 16]), "prod")
    );
    assert_eq!((cluster.with_secret, cluster.feature_level), (true, 7));
}

/// Every new first leader proposes Found. The second one must not assign ids again, nor move the
/// index.
#[test]
fn a_second_one_changes_nothing() {
    let mut fed = fed(3);
    let before = fed.catalog.clone();
    for again in [
        found(3),
        found(5),
        Found {
            founders: Vec::new(),
            ..found(1)
        },
    ] {
        assert_eq!(
            fed.apply(Command::Internal(InternalCommand::Found(again))),
            Outcome::Applied {
                index: before.index
            }
        );
        assert_eq!(fed.catalog, before);
    }
}

#[test]
fn founders_that_are_not_distinct_are_refused() {
    let twice = |change: fn(&mut Found)| {
        let mut found = found(3);
        change(&mut found);
        found
    };
    for bad in [
        Found {
            founders: Vec::new(),
            ..found(1)
        },
        twice(|found| found.founders[2].incarnation = found.founders[0].incarnation),
        twice(|found| found.founders[2].http = found.founders[0].http.clone()),
        twice(|found| found.founders[2].raft = found.founders[0].raft.clone()),
    ] {
        let mut fed = Fed::default();
        assert!(matches!(
            fed.apply(Command::Internal(InternalCommand::Found(bad))),
            Outcome::Refused(_)
        ));
        let last_at = fed.catalog.last_at;
        assert_eq!(
            fed.catalog,
            Catalog {
                last_at,
                ..Catalog::default()
            }
        );
    }
}
