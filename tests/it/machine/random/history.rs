//! What became of a random sequence: what happened, and that no id was given to a second one.

use std::collections::BTreeMap;

use influxdb_meta::base::RaftId;

use super::*;

/// What must have happened over all seeds, or the sequences are too tame to show anything.
pub(super) const SEEN: &[&str] = &[
    "AllocateRaftId changed",
    "AllocateRaftId left all as it was",
    "AllocateRaftId refused: there is no cluster yet",
    "AllocateRaftId refused: incarnation",
    "AddMetaNode changed",
    "AddMetaNode left all as it was",
    "AddMetaNode refused: no meta node",
    "AddMetaNode refused: another meta node",
    "MoveMetaNode changed",
    "MoveMetaNode left all as it was",
    "MoveMetaNode refused: no meta node",
    "MoveMetaNode refused: another meta node",
    "RemoveMetaNode changed",
    "RemoveMetaNode left all as it was",
    "SetLabels changed",
    "SetLabels left all as it was",
    "SetLabels refused: node not found",
    "SetLabels refused: a label key",
    "SetLabels refused: the value of label",
    "RaiseFeatureLevel changed",
    "RaiseFeatureLevel left all as it was",
];

/// What was ever given out: no id is given to a second one.
#[derive(Default)]
pub(super) struct History {
    raft_ids: BTreeMap<RaftId, Incarnation>,
}

impl History {
    pub(super) fn add(&mut self, before: &Catalog, after: &Catalog, what: &str) {
        let members = after.meta_nodes.values().map(|node| (node.raft_id, node.incarnation));
        let pendings = after.pendings.values().map(|pending| (pending.raft_id, pending.incarnation));
        for (raft_id, incarnation) in members.chain(pendings) {
            let first = *self.raft_ids.entry(raft_id).or_insert(incarnation);
            assert_eq!(first, incarnation, "Raft id {raft_id} was given out twice: {what}");
        }
        for id in after.meta_nodes.keys().filter(|id| !before.meta_nodes.contains_key(*id)) {
            assert!(id.0 > before.max_node_id, "node id {id} came back: {what}");
        }
        for incarnation in before.tombstones.keys() {
            assert!(after.tombstones.contains_key(incarnation), "{incarnation} was forgotten: {what}");
        }
    }
}

pub(super) fn in_words(entry: &[u8], before: &Catalog, after: &Catalog, outcome: &Outcome) -> String {
    let command = format!("{:?}", envelope::decode(entry).expect("an entry of ours").command);
    let kind = command.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let Catalog { term, index, last_at, .. } = *after;
    let result = match outcome {
        Outcome::Refused(why) => format!("refused: {why}"),
        Outcome::Applied { .. } if Catalog { term, index, last_at, ..before.clone() } == *after => {
            "left all as it was".to_owned()
        }
        Outcome::Applied { .. } => "changed".to_owned(),
    };
    format!("{kind} {result}")
}
