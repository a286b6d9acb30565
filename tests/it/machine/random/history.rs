//! Events of a random sequence, and a check that no id is given out twice.

use std::collections::BTreeMap;

use influxdb_meta::base::RaftId;

use super::*;

/// Events that must have happened over all seeds; otherwise the sequences would show too little.
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
    "RequireSecret changed",
    "RequireSecret left all as it was",
    "CreateDataNode changed",
    "CreateDataNode left all as it was",
    "CreateDataNode refused: there is no cluster yet",
    "CreateDataNode refused: node already exists",
    "UpdateDataNode changed",
    "UpdateDataNode refused: node not found",
    "UpdateDataNode refused: node already exists",
    "DeleteDataNode changed",
    "DeleteDataNode refused: node not found",
    "RemoveDataNode changed",
    "RemoveDataNode refused: node not found",
    "RemoveDataNode refused: shard",
    "SetPassive changed",
    "SetPassive left all as it was",
    "CreateShardGroup changed",
    "CreateShardGroup left all as it was",
    "CreateShardGroup refused: database not found",
    "CreateShardGroup refused: retention policy not found",
    "DeleteShardGroup changed",
    "DeleteShardGroup left all as it was",
    "DeleteShardGroup refused: shard group not found",
    "TruncateShardGroups changed",
    "TruncateShardGroups left all as it was",
    "PruneShardGroups changed",
    "PruneShardGroups left all as it was",
    "DropShard changed",
    "DropShard left all as it was",
    "CopyShardOwner changed",
    "CopyShardOwner left all as it was",
    "CopyShardOwner refused: shard not found",
    "CopyShardOwner refused: node not found",
    "CopyShardOwner refused: data node",
    "RemoveShardOwner changed",
    "RemoveShardOwner left all as it was",
    "RemoveShardCopy changed",
    "RemoveShardCopy refused: shard not found",
    "RemoveShardCopy refused: shard",
    "CreateContinuousQuery changed",
    "CreateContinuousQuery left all as it was",
    "CreateContinuousQuery refused: database not found",
    "CreateContinuousQuery refused: continuous query already exists",
    "DropContinuousQuery changed",
    "DropContinuousQuery left all as it was",
    "CreateSubscription changed",
    "CreateSubscription refused: invalid subscription URL",
    "CreateSubscription refused: subscription already exists",
    "DropSubscription changed",
    "DropSubscription refused: subscription not found",
    "CreateUser changed",
    "CreateUser left all as it was",
    "CreateUser refused: username required",
    "CreateUser refused: user already exists",
    "DropUser changed",
    "DropUser refused: user not found",
    "UpdateUser changed",
    "UpdateUser refused: user not found",
    "SetPrivilege changed",
    "SetPrivilege refused: user not found",
    "SetPrivilege refused: database not found",
    "SetAdminPrivilege changed",
    "SetAdminPrivilege refused: user not found",
    "SetLeaseHolder changed",
    "SetLeaseHolder left all as it was",
    "SetLeaseHolder refused: lease name required",
    "SetLeaseHolder refused: name too long",
    "SetLeaseHolder refused: another leader",
    "SetData changed",
    "SetData refused: databases were changed since",
    "SetData refused: the restore contradicts itself: shard",
    "SetData refused: the restore contradicts itself: invariant",
    "BeginRestore changed",
    "BeginRestore refused: databases were changed since",
    "AddRestorePart changed",
    "AddRestorePart refused: another restore began",
    "AddRestorePart refused: the restore contradicts itself",
    "CommitRestore changed",
    "CommitRestore refused: another restore began",
    "CommitRestore refused: the restore contradicts itself",
    "AbandonRestore changed",
    "AddUser changed",
    "AddUser left all as it was",
    "AddUser refused: username required",
    "AddUser refused: user already exists",
    "AddUser refused: database not found",
    "ChangePermissions changed",
    "ChangePermissions left all as it was",
    "ChangePermissions refused: user not found",
    "ChangePermissions refused: role not found",
    "ChangePermissions refused: database not found",
    "CreateRole changed",
    "CreateRole refused: role name required",
    "CreateRole refused: name too long",
    "CreateRole refused: role already exists",
    "CreateRole refused: user not found",
    "CreateRole refused: database not found",
    "DropRole changed",
    "DropRole refused: role not found",
    "ChangeMembers changed",
    "ChangeMembers left all as it was",
    "ChangeMembers refused: role not found",
    "ChangeMembers refused: user not found",
    "AssignOwners changed",
    "AssignOwners left all as it was",
    "DropDatabase changed",
    "UpdateRetentionPolicy changed",
];

/// All ids that were ever given out: none is given out twice.
#[derive(Default)]
pub(super) struct History {
    raft_ids: BTreeMap<RaftId, Incarnation>,
}

impl History {
    pub(super) fn add(&mut self, before: &Catalog, after: &Catalog, what: &str) {
        let members = after
            .meta_nodes
            .values()
            .map(|node| (node.raft_id, node.incarnation));
        let pendings = after
            .pendings
            .values()
            .map(|pending| (pending.raft_id, pending.incarnation));
        for (raft_id, incarnation) in members.chain(pendings) {
            let first = *self.raft_ids.entry(raft_id).or_insert(incarnation);
            assert_eq!(
                first, incarnation,
                "Raft id {raft_id} was given out twice: {what}"
            );
        }
        for id in node_ids(after).difference(&node_ids(before)) {
            assert!(id.0 > before.max_node_id, "node id {id} came back: {what}");
        }
        for id in groups(after).difference(&groups(before)) {
            assert!(
                id.0 > before.max_shard_group_id,
                "shard group id {id} came back: {what}"
            );
        }
        for id in shards(after).difference(&shards(before)) {
            assert!(
                id.0 > before.max_shard_id,
                "shard id {id} came back: {what}"
            );
        }
        assert!(
            highest(before)
                .into_iter()
                .zip(highest(after))
                .all(|(before, after)| before <= after),
            "{what}"
        );
        for incarnation in before.tombstones.keys() {
            assert!(
                after.tombstones.contains_key(incarnation),
                "{incarnation} was forgotten: {what}"
            );
        }
    }
}

fn node_ids(catalog: &Catalog) -> BTreeSet<NodeId> {
    catalog
        .meta_nodes
        .keys()
        .chain(catalog.data_nodes.keys())
        .copied()
        .collect()
}

fn groups(catalog: &Catalog) -> BTreeSet<ShardGroupId> {
    all_groups(catalog).map(|group| group.id).collect()
}

fn shards(catalog: &Catalog) -> BTreeSet<ShardId> {
    all_groups(catalog)
        .flat_map(|group| &group.shards)
        .map(|shard| shard.id)
        .collect()
}

fn all_groups(catalog: &Catalog) -> impl Iterator<Item = &ShardGroup> {
    let policies = catalog
        .databases
        .iter()
        .flat_map(|database| &database.retention_policies);
    policies.flat_map(|policy| policy.shard_groups.iter())
}

fn highest(catalog: &Catalog) -> [u64; 4] {
    let Catalog {
        max_node_id,
        max_raft_id,
        max_shard_group_id,
        max_shard_id,
        ..
    } = *catalog;
    [max_node_id, max_raft_id, max_shard_group_id, max_shard_id]
}

pub(super) fn in_words(
    entry: &[u8],
    before: &Catalog,
    after: &Catalog,
    outcome: &Outcome,
) -> String {
    let command = match envelope::decode(entry).expect("an entry of ours").command {
        Command::Wire(command) => format!("{command:?}"),
        Command::Internal(command) => format!("{command:?}"),
    };
    let kind = command
        .split(|c: char| !c.is_alphanumeric())
        .next()
        .unwrap_or_default();
    let Catalog {
        term,
        index,
        last_at,
        ..
    } = *after;
    let result = match outcome {
        Outcome::Refused(why) => format!("refused: {why}"),
        Outcome::Applied { .. }
            if Catalog {
                term,
                index,
                last_at,
                ..before.clone()
            } == *after =>
        {
            "left all as it was".to_owned()
        }
        Outcome::Applied { .. } => "changed".to_owned(),
    };
    format!("{kind} {result}")
}
