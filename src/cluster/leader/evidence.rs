//! What speaks for and against a member that somebody else would replace (founding.md 7): asks all
//! who can tell.

use std::time::Duration;

use futures_util::future::join_all;

use crate::base::{Address, Incarnation, RaftId};
use crate::catalog::{Catalog, MetaNode};
use crate::cluster::membership::Evidence;
use crate::cluster::peers::poll::who_is_at;
use crate::cluster::shared::Shared;
use crate::raft::Raft;
use crate::wire::identity::Identity;

/// Asks every other member what it has heard of the old one, and the newcomer's name who answers
/// there. All at once: it takes as long as one poll.
pub(in crate::cluster) async fn gather(
    shared: &Shared,
    raft: &Raft,
    led_for: Duration,
    newcomer: (&Address, Incarnation),
    old: &MetaNode,
) -> Evidence {
    let catalog = raft.applied().borrow().catalog.clone();
    let witnesses = witnesses(shared, &catalog, old);
    let asked = join_all(
        witnesses
            .iter()
            .map(|(at, who)| ask(shared, at, *who, old.incarnation)),
    );
    let name = who_is_at(shared, newcomer.0);
    let (heard, name) = tokio::join!(asked, name);
    let heard = heard
        .into_iter()
        .flatten()
        .chain(shared.heard_ago(old.incarnation))
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

/// How long ago a member last acknowledged something to this leader.
fn acked(raft: &Raft, raft_id: RaftId) -> Option<Duration> {
    let progress = raft.status().progress;
    progress
        .into_iter()
        .find(|(id, ..)| *id == raft_id)
        .and_then(|(.., acked)| acked)
}

fn witnesses(shared: &Shared, catalog: &Catalog, old: &MetaNode) -> Vec<(Address, Incarnation)> {
    let me = shared.record().incarnation;
    let others = catalog
        .meta_nodes
        .values()
        .filter(|n| n.incarnation != me && n.raft_id != old.raft_id);
    others
        .map(|node| (node.http.clone(), node.incarnation))
        .collect()
}

/// `None`: it does not answer, or has not heard of the old one lately.
async fn ask(
    shared: &Shared,
    at: &Address,
    who: Incarnation,
    old: Incarnation,
) -> Option<Duration> {
    let answers = who_is_at(shared, at).await;
    let is_witness = |theirs: &Identity| theirs.incarnation == who;
    let witness = answers.into_iter().flatten().find(is_witness)?;
    shared.heard(who);
    let (_, ms) = witness
        .heard
        .into_iter()
        .find(|(incarnation, _)| *incarnation == old)?;
    Some(Duration::from_millis(ms))
}
