//! Evidence about a member that a new node would replace (founding.md 7), from all nodes that can
//! have heard from that member.

use std::time::Duration;

use futures_util::future::join_all;

use crate::base::{Address, Incarnation};
use crate::catalog::{Catalog, MetaNode};
use crate::cluster::leader::facts::acked;
use crate::cluster::membership::Evidence;
use crate::cluster::node::handle::NodeHandle;
use crate::cluster::peers::poll::who_is_at;
use crate::raft::Raft;
use crate::wire::identity::Identity;

/// Asks every other member when it last heard from the old member, and polls the newcomer's name.
/// All polls run at once, so this takes as long as one poll.
pub(super) async fn gather(
    node: &NodeHandle,
    raft: &Raft,
    led_for: Duration,
    newcomer: (&Address, Incarnation),
    old: &MetaNode,
) -> Evidence {
    let catalog = raft.applied().borrow().catalog.clone();
    let witnesses = witnesses(node, &catalog, old);
    let asked = join_all(
        witnesses
            .iter()
            .map(|(at, who)| ask(node, at, *who, old.incarnation)),
    );
    let name = who_is_at(node, newcomer.0);
    let (heard, name) = tokio::join!(asked, name);
    let heard = heard
        .into_iter()
        .flatten()
        .chain(node.heard.ago(old.incarnation))
        .min();
    Evidence {
        newcomer: newcomer.1,
        old: old.raft_id,
        led_for,
        acked: acked(raft, old.raft_id),
        heard,
        name,
    }
}

fn witnesses(node: &NodeHandle, catalog: &Catalog, old: &MetaNode) -> Vec<(Address, Incarnation)> {
    let me = node.state.incarnation();
    let others = catalog
        .meta_nodes
        .values()
        .filter(|n| n.incarnation != me && n.raft_id != old.raft_id);
    others
        .map(|node| (node.http.clone(), node.incarnation))
        .collect()
}

/// Returns the time since this witness last heard from the old member. `None`: the witness does not
/// answer, or has not heard from the old member within the last minute.
async fn ask(
    node: &NodeHandle,
    at: &Address,
    witness: Incarnation,
    old: Incarnation,
) -> Option<Duration> {
    let answers = who_is_at(node, at).await;
    let is_witness = |theirs: &Identity| theirs.incarnation == witness;
    let answer = answers.into_iter().flatten().find(is_witness)?;
    node.heard.note(witness);
    let (_, ms) = answer
        .heard
        .into_iter()
        .find(|(incarnation, _)| *incarnation == old)?;
    Some(Duration::from_millis(ms))
}
