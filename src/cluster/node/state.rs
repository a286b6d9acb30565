//! State that the node's task writes and other tasks read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use tokio::time::Instant;

use crate::base::{Address, Incarnation, RaftId};
use crate::catalog::Cluster;
use crate::cluster::error::ClusterError;
use crate::cluster::identity::record::IdentityRecord;
use crate::cluster::node::context::NodeContext;
use crate::cluster::node::identity_file;
use crate::cluster::view::{NotMember, View};
use crate::raft::Raft;
use crate::runtime::lock;
use crate::wire::identity::{FEATURE_LEVEL, Identity};

/// State of this node, to read. [`NodeStateWriter`] is the only writer.
pub(in crate::cluster) struct NodeState {
    view: watch::Sender<Arc<View>>,
    /// Locked for a few instructions, never across an await.
    values: Mutex<Values>,
}

struct Values {
    /// The content of the file `identity`.
    record: IdentityRecord,
    /// The identity after the last event, without the fields that change between events.
    identity: Identity,
    raft: Option<Raft>,
    /// Time at which `raft` was opened.
    raft_opened: Option<Instant>,
    /// Raft addresses at which a member answered lately, best first.
    raft_addresses: BTreeMap<RaftId, Vec<Address>>,
    /// Feature levels that members named in their identities.
    levels: BTreeMap<RaftId, u32>,
    /// Whether members have shown the secret; `None` where this node has none.
    proofs: Option<BTreeMap<RaftId, bool>>,
    /// The lowest feature level of the founders.
    founders_level: u32,
}

impl NodeState {
    pub(in crate::cluster) fn record(&self) -> IdentityRecord {
        lock(&self.values).record.clone()
    }

    pub(in crate::cluster) fn incarnation(&self) -> Incarnation {
        lock(&self.values).record.incarnation
    }

    /// This node's Raft id; `None` outside of a cluster.
    pub(in crate::cluster) fn raft_id(&self) -> Option<RaftId> {
        lock(&self.values).record.seat().map(|seat| seat.raft_id)
    }

    /// The identity, with the durable WAL position as it is now and an empty `heard`; see
    /// [`NodeHandle::identity`](super::handle::NodeHandle::identity).
    pub(super) fn identity(&self) -> Identity {
        let (mut identity, opened) = {
            let values = lock(&self.values);
            (values.identity.clone(), values.raft_opened)
        };
        if let Some(process) = &mut identity.process {
            process.raft_open_ms = opened.map(milliseconds_since);
        }
        if let Some(raft) = self.raft() {
            identity.starts.durable_seq = raft.durable_seq();
        }
        identity
    }

    /// The open Raft node.
    pub(in crate::cluster) fn raft(&self) -> Option<Raft> {
        lock(&self.values).raft.clone()
    }

    pub(in crate::cluster) fn raft_addresses(&self, raft_id: RaftId) -> Vec<Address> {
        let values = lock(&self.values);
        values
            .raft_addresses
            .get(&raft_id)
            .cloned()
            .unwrap_or_default()
    }

    pub(in crate::cluster) fn levels(&self) -> BTreeMap<RaftId, u32> {
        lock(&self.values).levels.clone()
    }

    /// Whether each member that answered lately has shown the secret; `None` where this node has
    /// none.
    pub(in crate::cluster) fn proofs(&self) -> Option<BTreeMap<RaftId, bool>> {
        lock(&self.values).proofs.clone()
    }

    pub(in crate::cluster) fn founders_level(&self) -> u32 {
        lock(&self.values).founders_level
    }

    pub(in crate::cluster) fn view(&self) -> Arc<View> {
        self.view.borrow().clone()
    }

    /// Changes with each new view.
    pub(in crate::cluster) fn watch_view(&self) -> watch::Receiver<Arc<View>> {
        self.view.subscribe()
    }

    pub(in crate::cluster) fn not_member(&self) -> NotMember {
        let view = self.view.borrow();
        NotMember {
            phase: view.phase,
            reason: view.reason.clone(),
        }
    }

    /// Whether the catalog says that proofs are required (`Cluster::with_secret`); `None` before
    /// `Found` is applied here.
    pub(super) fn secret_required(&self) -> Option<bool> {
        self.of_cluster(|cluster| cluster.with_secret)
    }

    /// Feature level of the cluster; `None` before `Found` is applied here.
    pub(super) fn feature_level(&self) -> Option<u32> {
        self.of_cluster(|cluster| cluster.feature_level)
    }

    fn of_cluster<T>(&self, read: impl FnOnce(&Cluster) -> T) -> Option<T> {
        let applied = self.raft()?.applied();
        let applied = applied.borrow();
        applied.catalog.cluster.as_ref().map(read)
    }
}

/// The writing half of [`NodeState`]. One exists; the node's task owns it.
pub(super) struct NodeStateWriter {
    context: Arc<NodeContext>,
    state: Arc<NodeState>,
}

impl NodeStateWriter {
    /// Begins with the record that is on disk.
    pub(super) fn new(
        context: Arc<NodeContext>,
        record: IdentityRecord,
        identity: Identity,
        view: View,
    ) -> Self {
        let values = Values {
            record,
            identity,
            raft: None,
            raft_opened: None,
            raft_addresses: BTreeMap::new(),
            levels: BTreeMap::new(),
            proofs: None,
            founders_level: FEATURE_LEVEL,
        };
        let state = NodeState {
            view: watch::Sender::new(Arc::new(view)),
            values: Mutex::new(values),
        };
        Self {
            context,
            state: Arc::new(state),
        }
    }

    pub(super) fn reader(&self) -> Arc<NodeState> {
        self.state.clone()
    }

    /// Writes the record to disk, then shows it. Nothing of a record is shown or acted on before it
    /// is durable (founding.md P2).
    ///
    /// # Errors
    /// The file could not be written.
    pub(super) async fn store_record(&self, record: &IdentityRecord) -> Result<(), ClusterError> {
        identity_file::store(&self.context.env, &self.context.dir, record).await?;
        lock(&self.state.values).record = record.clone();
        Ok(())
    }

    pub(super) fn set_identity(&self, identity: Identity) {
        lock(&self.state.values).identity = identity;
    }

    pub(super) fn set_raft(&self, raft: Option<Raft>) {
        let mut values = lock(&self.state.values);
        values.raft_opened = raft.is_some().then(Instant::now);
        let before = std::mem::replace(&mut values.raft, raft);
        drop(values);
        // Dropped without the lock.
        drop(before);
    }

    pub(super) fn set_raft_addresses(&self, addresses: BTreeMap<RaftId, Vec<Address>>) {
        lock(&self.state.values).raft_addresses = addresses;
    }

    pub(super) fn set_levels(&self, levels: BTreeMap<RaftId, u32>) {
        lock(&self.state.values).levels = levels;
    }

    pub(super) fn set_proofs(&self, proofs: BTreeMap<RaftId, bool>) {
        lock(&self.state.values).proofs = Some(proofs);
    }

    pub(super) fn set_founders_level(&self, level: u32) {
        lock(&self.state.values).founders_level = level;
    }

    /// Replaces the view. Wakes those who watch it, if the new view differs.
    pub(super) fn set_view(&self, view: View) {
        self.state.view.send_if_modified(|old| {
            let differs = **old != view;
            *old = Arc::new(view);
            differs
        });
    }
}

fn milliseconds_since(at: Instant) -> u64 {
    u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX)
}
