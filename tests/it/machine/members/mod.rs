//! Joining, replacing, moving, removing, labelling (founding.md 6 and 7).

mod join;
mod labels;
mod relocate;
mod remove;

use influxdb_meta::base::{NodeId, RaftId};
use influxdb_meta::catalog::{MetaNode, Pending, RemovedWhy};
use influxdb_meta::machine::{
    AddMetaNode, AllocateRaftId, MoveMetaNode, Removal, RemoveMetaNode, SetLabels,
};

use super::*;

/// A founded cluster. After each command its effect on the wire is checked.
struct Members(Fed);

impl Members {
    fn founded(n: u8) -> Self {
        let mut fed = Fed::default();
        fed.ok(Command::Internal(InternalCommand::Found(found(n))));
        Self(fed)
    }

    fn catalog(&self) -> &Catalog {
        &self.0.catalog
    }

    /// Applies a command that data nodes get to see: its index is the new one.
    fn shown(&mut self, command: Command) -> &mut Self {
        let before = seen(self.catalog());
        self.0.ok(command);
        assert_ne!(
            seen(self.catalog()),
            before,
            "nothing to see, and watchers were woken"
        );
        self
    }

    /// Applies a command that data nodes do not see: the index stays, and is what the caller gets.
    fn unseen(&mut self, command: Command) -> &mut Self {
        let (text, before) = (format!("{command:?}"), data::encode(self.catalog()));
        let index = self.catalog().index;
        assert_eq!(self.0.apply(command), Outcome::Applied { index }, "{text}");
        assert_eq!(data::encode(self.catalog()), before, "{text}");
        self
    }

    /// Applies a command that changes nothing at all.
    fn nothing(&mut self, command: Command) -> &mut Self {
        let before = self.catalog().clone();
        self.unseen(command);
        let last_at = self.catalog().last_at;
        assert_eq!(*self.catalog(), Catalog { last_at, ..before });
        self
    }

    /// Applies a command that must be refused and leaves everything as it was, the index included.
    fn refused(&mut self, command: Command, want: &str) -> &mut Self {
        let (text, before) = (format!("{command:?}"), self.catalog().clone());
        match self.0.apply(command) {
            Outcome::Refused(refused) => assert_eq!(refused.to_string(), want, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
        let last_at = self.catalog().last_at;
        assert_eq!(*self.catalog(), Catalog { last_at, ..before }, "{text}");
        self
    }

    /// Makes node `k` join, as a voter at its own addresses.
    fn joins(&mut self, k: u8) -> &mut Self {
        self.unseen(allocate(k, k, true));
        let raft_id = self.pending(k).raft_id.0;
        self.shown(add(raft_id, None))
    }

    fn pending(&self, k: u8) -> &Pending {
        self.catalog()
            .pendings
            .get(&incarnation(k))
            .expect("pending")
    }

    fn node(&self, id: u64) -> &MetaNode {
        self.catalog()
            .meta_nodes
            .get(&NodeId(id))
            .expect("meta node")
    }

    fn ids(&self) -> Vec<u64> {
        self.catalog().meta_nodes.keys().map(|id| id.0).collect()
    }

    /// Raft id and reason of a tombstone, and who set it.
    fn tombstone(&self, k: u8) -> Option<(u64, RemovedWhy, &str)> {
        let tombstone = self.catalog().tombstones.get(&incarnation(k))?;
        Some((tombstone.raft_id.0, tombstone.why, &tombstone.by))
    }

    /// HTTP and Raft hosts of all meta nodes, ordered by node id.
    fn hosts(&self) -> Vec<(&str, &str)> {
        self.catalog()
            .meta_nodes
            .values()
            .map(|node| (node.http.host(), node.raft.host()))
            .collect()
    }
}

fn incarnation(k: u8) -> Incarnation {
    Incarnation([k; 16])
}

fn http(k: u8) -> Address {
    Address::new(&format!("meta-{k}"), 8091)
}

fn raft(k: u8) -> Address {
    Address::new(&format!("meta-{k}"), 8089)
}

/// Incarnation `k` asks to join at the addresses of node `at`.
fn allocate(k: u8, at: u8, voter: bool) -> Command {
    let (http, raft) = (http(at), raft(at));
    Command::Internal(InternalCommand::AllocateRaftId(AllocateRaftId {
        incarnation: incarnation(k),
        http,
        raft,
        voter,
    }))
}

fn add(raft_id: u64, replaces: Option<u64>) -> Command {
    Command::Internal(InternalCommand::AddMetaNode(AddMetaNode {
        raft_id: RaftId(raft_id),
        replaces: replaces.map(RaftId),
    }))
}

/// A move to the HTTP address of one node and the Raft address of another node, or of the same one.
fn moved(raft_id: u64, to_http: u8, to_raft: u8) -> Command {
    let (http, raft) = (http(to_http), raft(to_raft));
    Command::Internal(InternalCommand::MoveMetaNode(MoveMetaNode {
        raft_id: RaftId(raft_id),
        http,
        raft,
    }))
}

fn remove(raft_id: u64, why: Option<RemovedWhy>) -> Command {
    let tombstone = why.map(|why| Removal {
        why,
        by: "a person".to_owned(),
    });
    Command::Internal(InternalCommand::RemoveMetaNode(RemoveMetaNode {
        raft_id: RaftId(raft_id),
        tombstone,
    }))
}

fn label(node_id: u64, set: &[(&str, &str)], delete: &[&str]) -> Command {
    Command::Internal(InternalCommand::SetLabels(SetLabels {
        node_id: NodeId(node_id),
        set: set
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        delete: delete.iter().map(|key| (*key).to_owned()).collect(),
    }))
}
