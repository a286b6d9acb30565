//! SetLeaseHolder: the data node that may do what only one at a time may do. The duration of a
//! lease is known to the leader alone.

use influxdb_meta::catalog::MAX_LEASES;

use super::*;

fn hold(lease: &str, holder: u64) -> Command {
    Command::Internal(InternalCommand::SetLeaseHolder {
        lease: Name::from(lease),
        holder: NodeId(holder),
        term: 2,
    })
}

#[test]
fn the_last_holder_is_remembered_and_data_nodes_see_nothing_of_it() {
    let mut fed = Fed::with_data_nodes(2);
    let before = seen(&fed.catalog);
    fed.unseen(hold("continuous_querier", 2))
        .unseen(hold("continuous_querier", 3))
        .unseen(hold("other", 0));
    let holders: Vec<_> = fed
        .catalog
        .leases
        .iter()
        .map(|(name, id)| (name.to_string(), id.0))
        .collect();
    assert_eq!(
        holders,
        [
            ("continuous_querier".to_owned(), 3),
            ("other".to_owned(), 0)
        ]
    );
    assert_eq!(seen(&fed.catalog), before);
}

#[test]
fn leases_are_few_and_named() {
    let mut fed = Fed::default();
    fed.denied(hold("", 1), "lease name required")
        .denied(hold(&"x".repeat(256), 1), "name too long");
    (0..MAX_LEASES).for_each(|k| _ = fed.unseen(hold(&k.to_string(), 1)));
    fed.denied(
        hold("one more", 1),
        "1000 leases are known: no other name is taken",
    );
    fed.unseen(hold("7", 2));
}

/// A leader that was deposed may have decided without knowing of later renewals.
#[test]
fn what_was_decided_in_another_term_is_refused() {
    let mut fed = Fed::with_data_nodes(2);
    for term in [1, 3] {
        let late = Command::Internal(InternalCommand::SetLeaseHolder {
            lease: Name::from("l"),
            holder: NodeId(2),
            term,
        });
        fed.denied(late, "another leader decides on leases since");
    }
}
