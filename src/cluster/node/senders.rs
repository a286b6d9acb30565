//! Channels into the node's task, which holds the receiving ends.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;

use crate::base::Address;
use crate::cluster::founding::Event;
use crate::wire::identity::Identity;
use crate::wire::joining::Invite;

/// Maximum number of hints in the queue. More than a few a second add nothing, and a hint that does
/// not fit is sent again.
const MAX_QUEUED_HINTS: usize = 64;
/// Maximum number of orders in the queue. The sender of an order that does not fit asks again.
const MAX_QUEUED_ORDERS: usize = 16;

/// Orders to the node's task, from operators and from other members.
pub(in crate::cluster) enum NodeOrder {
    /// Found a cluster of this node alone (founding.md 8).
    FoundAlone,
    /// Join the cluster of the sender.
    Invited(Invite),
    /// This member may have been removed: ask the cluster.
    Suspect,
}

/// The sending ends. Cheap to clone.
#[derive(Clone)]
pub(in crate::cluster) struct NodeSenders {
    hints: mpsc::Sender<Event>,
    orders: mpsc::Sender<NodeOrder>,
    stopping: Arc<AtomicBool>,
}

/// The receiving ends.
pub(super) struct NodeReceivers {
    pub(super) hints: mpsc::Receiver<Event>,
    pub(super) orders: mpsc::Receiver<NodeOrder>,
    stopping: Arc<AtomicBool>,
}

pub(super) fn channels() -> (NodeSenders, NodeReceivers) {
    let (hints, received_hints) = mpsc::channel(MAX_QUEUED_HINTS);
    let (orders, received_orders) = mpsc::channel(MAX_QUEUED_ORDERS);
    let stopping = Arc::new(AtomicBool::new(false));
    let senders = NodeSenders {
        hints,
        orders,
        stopping: stopping.clone(),
    };
    let receivers = NodeReceivers {
        hints: received_hints,
        orders: received_orders,
        stopping,
    };
    (senders, receivers)
}

impl NodeSenders {
    /// Sends an order. Dropped when the queue is full: the sender asks again.
    pub(in crate::cluster) fn order(&self, order: NodeOrder) {
        drop(self.orders.try_send(order));
    }

    /// Suggests polling the node at `http` soon (founding.md 3.3). The queue is bounded, because
    /// anyone may send hints. A hint that does not fit is dropped: its sender sends it again, and
    /// polls find every node without hints.
    pub(in crate::cluster) fn hint(&self, http: &Address, theirs: Option<Identity>, from: IpAddr) {
        let hint = Event::Hint {
            http: http.clone(),
            theirs: theirs.map(Box::new),
            from: Some(from),
        };
        drop(self.hints.try_send(hint));
    }

    /// Ends the node's task after the event that it handles now: the task must not open Raft again
    /// while the process ends.
    pub(in crate::cluster) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }
}

impl NodeReceivers {
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }
}
