//! Labels of nodes.

use super::*;

fn labels(members: &Members, id: u64) -> Vec<(&str, &str)> {
    members
        .node(id)
        .labels
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect()
}

#[test]
fn labels_are_set_and_deleted_and_others_stay() {
    let mut members = Members::founded(3);
    members.unseen(label(2, &[("rack", "r1"), ("az", "")], &[]));
    assert_eq!(labels(&members, 2), [("az", ""), ("rack", "r1")]);
    members.unseen(label(2, &[("rack", "r2"), ("host", "h")], &["az", "none"]));
    assert_eq!(labels(&members, 2), [("host", "h"), ("rack", "r2")]);
    members.unseen(label(2, &[("host", "new")], &["host"]));
    assert_eq!(
        labels(&members, 2),
        [("host", "new"), ("rack", "r2")],
        "deleted first, then set"
    );
    members
        .nothing(label(2, &[], &[]))
        .nothing(label(2, &[("rack", "r2")], &["none"]));
    assert_eq!(labels(&members, 1), []);
}

#[test]
fn a_node_that_is_not_there_has_none() {
    let mut members = Members::founded(3);
    members.refused(label(4, &[("rack", "r1")], &[]), "node not found: 4");
    members
        .unseen(allocate(4, 4, true))
        .refused(label(4, &[], &[]), "node not found: 4");
    members
        .shown(remove(3, None))
        .refused(label(3, &[], &[]), "node not found: 3");
}

#[test]
fn what_is_too_much_is_refused_whole() {
    let mut members = Members::founded(1);
    let (key, value) = ("k".repeat(128), "v".repeat(1024));
    members.unseen(label(1, &[(&key, &value)], &[]));
    let sizes = "a label key must have 1 to 128 bytes";
    members.refused(label(1, &[("a", ""), ("", "")], &[]), sizes);
    members.refused(label(1, &[("a", ""), (&format!("{key}k"), "")], &[]), sizes);
    let long = format!("{value}v");
    members.refused(
        label(1, &[("a", ""), ("b", &long)], &[]),
        "the value of label \"b\" has more than 1024 bytes",
    );

    let many: Vec<String> = (0..63).map(|n| n.to_string()).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|key| (key.as_str(), "")).collect();
    members.unseen(label(1, &many, &[]));
    members.refused(
        label(1, &[("one more", "")], &[]),
        "node 1 would have more than 64 labels",
    );
    members
        .unseen(label(1, &[("one more", "")], &["0"]))
        .unseen(label(1, &[("1", "changed")], &[]));
    assert_eq!(members.node(1).labels.len(), 64);
    // A key that could not be set can still be named for deletion.
    members.nothing(label(1, &[], &[""]));
}
