//! Two stacks on one network with equal host names: each name leads sometimes to one stack,
//! sometimes to the other.

use crate::harness::docker::{Image, Network, SOON};
use crate::harness::{http, wait_for, wire};
use crate::nodes::{Node, stack, turn};

/// Both form if each has its own cluster name: Docker's DNS gives two addresses for each name, and
/// each stack finds its own. A command that a follower forwards to its leader by name must not end
/// in the other stack.
#[test]
fn with_cluster_names_of_their_own_both_form() {
    let Some(image) = Image::here() else { return };
    let _turn = turn();
    let network = Network::new();
    let one = stack(&image, &network, "one");
    let other = stack(&image, &network, "other");
    one.iter()
        .chain(&other)
        .for_each(|node| node.container.wait_ready());
    for round in 0..5 {
        for (nodes, mine) in [(&one, "one"), (&other, "other")] {
            for node in nodes {
                create_database(node, &format!("{mine}-{}-{round}", node.alias));
            }
        }
    }
    let (a, b) = (catalog(&one[0]), catalog(&other[0]));
    assert!(
        a.cluster_id != 0 && b.cluster_id != 0 && a.cluster_id != b.cluster_id,
        "{a:?} {b:?}"
    );
    for (catalog, mine) in [(&a, "one-"), (&b, "other-")] {
        assert_eq!(catalog.databases.len(), 15, "{catalog:?}");
        assert!(
            catalog.databases.iter().all(|name| name.starts_with(mine)),
            "{catalog:?}"
        );
    }
}

/// Without cluster names the first stack is a cluster and goes on; the second neither joins it nor
/// founds, and says what to do.
#[test]
fn without_names_the_second_is_blocked_and_says_so() {
    let Some(image) = Image::here() else { return };
    let _turn = turn();
    let network = Network::new();
    let first = stack(&image, &network, "");
    first.iter().for_each(|node| node.container.wait_ready());
    let second = stack(&image, &network, "");
    for node in &second {
        wait_for("the sentence about two stacks", SOON, || {
            let text = http::get(node.http(), "/healthz")?.text();
            let said =
                text.contains("two nodes answer to") && text.contains("INFLUXDB_META_CLUSTER_NAME");
            if said { Ok(()) } else { Err(text) }
        });
        assert_eq!(
            node.container
                .exec(&["influxd-meta", "healthcheck", "--ready"])
                .code,
            1
        );
    }
    first.iter().for_each(|node| node.container.wait_ready());
    for node in &first {
        create_database(node, &format!("by-{}", node.alias));
    }
}

/// Creates a database from outside; a follower forwards it to the leader. It must be quick, and not
/// succeed only at the last of all attempts.
#[track_caller]
fn create_database(on: &Node, name: &str) {
    let (at, body) = (on.http(), wire::create_database(name));
    let answer = http::post(at, "/execute", &body).expect("an answer");
    assert_eq!(answer.status, 200, "{}: {}", on.alias, answer.text());
    wire::response(&answer.body).expect("acknowledged");
}

#[track_caller]
fn catalog(of: &Node) -> wire::Data {
    let answer = http::get(of.http(), "/?index=0").expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    wire::data(&answer.body)
}
