//! Answers of the stand-ins for `cluster` to joins, leaves and requests of meta nodes, and a record
//! of what they were asked.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard};

use bytes::Bytes;
use influxdb_meta::auth::PeerPolicy;
use influxdb_meta::base::{Address, NodeId};
use influxdb_meta::cluster::{NodeRef, Refusal};

#[derive(Default)]
pub(crate) struct Scripted {
    says: Mutex<Says>,
    asked: Mutex<Vec<String>>,
}

pub(crate) struct Says {
    pub(crate) join: Result<NodeRef, Refusal>,
    pub(crate) leave: Result<(), Refusal>,
    pub(crate) remove: Result<(), Refusal>,
    pub(crate) answer: Option<(u16, Bytes)>,
    pub(crate) policy: PeerPolicy,
    pub(crate) recorded_is_enough: bool,
}

impl Default for Says {
    fn default() -> Self {
        Self {
            join: Ok(meta_7()),
            leave: Ok(()),
            remove: Ok(()),
            answer: None,
            policy: PeerPolicy::Open,
            recorded_is_enough: true,
        }
    }
}

pub(crate) fn meta_7() -> NodeRef {
    NodeRef {
        note: None,
        id: NodeId(7),
        http: Address::new("meta-7", 8091),
        raft: Address::new("meta-7", 8089),
    }
}

impl Scripted {
    pub(crate) fn says(&self) -> MutexGuard<'_, Says> {
        self.says.lock().expect("says")
    }

    /// Requests since the last call, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().expect("asked"))
    }

    fn note(&self, what: String) {
        self.asked.lock().expect("asked").push(what);
    }

    pub(super) fn answer(&self, path: &str, body: &[u8], from: IpAddr) -> Option<(u16, Bytes)> {
        self.note(format!(
            "{path} {} from {from}",
            String::from_utf8_lossy(body)
        ));
        self.says().answer.clone()
    }

    pub(super) fn join(&self, addr: &Address) -> Result<NodeRef, Refusal> {
        self.note(format!("join {addr}"));
        self.says().join.clone()
    }

    pub(super) fn leave(&self, by: &str) -> Result<(), Refusal> {
        self.note(format!("leave by {by}"));
        self.says().leave.clone()
    }

    pub(super) fn remove(&self, http: &Address, force: bool, by: &str) -> Result<(), Refusal> {
        self.note(format!("remove {http} force={force} by {by}"));
        self.says().remove.clone()
    }
}
