//! All polled addresses: the founder list, members, senders of hints, and members named by a
//! joining node.

use std::collections::BTreeMap;
use std::time::Duration;

use super::pace::PollKind;
use super::peer::{Peer, PollReason};
use crate::base::Address;
use crate::cluster::PollError;
use crate::wire::identity::{Identity, Phase};

/// Time for which an address is polled after its last hint.
const HINT_LIFETIME: Duration = Duration::from_secs(60);
/// Maximum number of hinted addresses. Hints come from anybody; a new address replaces the one
/// whose last hint is oldest.
const MAX_HINTS: usize = 32;

pub(super) struct Peers {
    by_address: BTreeMap<Address, Peer>,
    /// Number of polls so far. Each poll has its own number.
    polls: u64,
    jitter: u64,
}

impl Peers {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            by_address: BTreeMap::new(),
            polls: 0,
            jitter: seed,
        }
    }

    pub(super) fn get(&self, at: &Address) -> Option<&Peer> {
        self.by_address.get(at)
    }

    pub(super) fn node(&self, at: &Address) -> Option<&Identity> {
        self.get(at).and_then(Peer::node)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Address, &Peer)> {
        self.by_address.iter()
    }

    /// Ends a poll. A poll that is not in flight any more counts for nothing, so what is seen of
    /// one address never goes back in time (founding.md 3.1).
    pub(super) fn on_polled(
        &mut self,
        now: Duration,
        at: &Address,
        number: u64,
        results: Vec<Result<Identity, PollError>>,
        cluster_name: &str,
        kind: impl Fn(&Peer) -> PollKind,
    ) {
        let jitter = self.next_jitter();
        let Some(peer) = self.by_address.get_mut(at) else {
            return;
        };
        if !peer.pace.is_in_flight(number) {
            return;
        }
        let changed = peer.see(now, cluster_name, results);
        let kind = kind(peer);
        peer.pace.finish(now, kind, jitter);
        if changed {
            peer.pace.poll_now(now);
        }
        for member in peer.vouches_for() {
            self.keep_polling(now, &member, PollReason::Vouched(now));
        }
    }

    /// Polls this address from now on. A known address keeps the stronger one of its two sources.
    pub(super) fn keep_polling(&mut self, now: Duration, at: &Address, source: PollReason) {
        if let Some(peer) = self.by_address.get_mut(at) {
            peer.source = peer.source.or_stronger(source);
            return;
        }
        if !matches!(source, PollReason::List | PollReason::Member) && !self.make_room() {
            return;
        }
        self.by_address.insert(at.clone(), Peer::new(source, now));
    }

    /// Polls members as long as they are members: the answers decide whether a member is gone. A
    /// former member is polled for [`HINT_LIFETIME`], like any other node that sent a hint.
    pub(super) fn set_members(&mut self, now: Duration, members: &[Address]) {
        for (at, peer) in &mut self.by_address {
            if peer.source == PollReason::Member && !members.contains(at) {
                peer.source = PollReason::Hint(now);
            }
        }
        members
            .iter()
            .for_each(|at| self.keep_polling(now, at, PollReason::Member));
    }

    pub(super) fn poll_now(&mut self, now: Duration, at: &Address) {
        if let Some(peer) = self.by_address.get_mut(at) {
            peer.pace.poll_now(now);
        }
    }

    pub(super) fn poll_all_now(&mut self, now: Duration) {
        self.by_address
            .values_mut()
            .for_each(|peer| peer.pace.poll_now(now));
    }

    pub(super) fn next_due(&self) -> Option<Duration> {
        self.by_address
            .values()
            .filter_map(|peer| peer.pace.due())
            .min()
    }

    /// Starts every poll that is due, and returns its address and number.
    pub(super) fn start_due(&mut self, now: Duration) -> Vec<(Address, u64)> {
        let mut started = Vec::new();
        for (at, peer) in &mut self.by_address {
            if peer.pace.due().is_some_and(|due| due <= now) {
                self.polls += 1;
                peer.pace.start(now, self.polls);
                started.push((at.clone(), self.polls));
            }
        }
        started
    }

    pub(super) fn forget_old_hints(&mut self, now: Duration) {
        self.by_address
            .retain(|_, peer| match peer.source.last_heard() {
                Some(at) => now.saturating_sub(at) < HINT_LIFETIME,
                None => true,
            });
    }

    /// Makes room for one more hinted address. Returns whether there is room. An address whose poll
    /// is in flight keeps its place: the poll ends within seconds, and otherwise a flood of hints
    /// would have as many look-ups and connections in flight as it has addresses.
    fn make_room(&mut self) -> bool {
        let hinted = || {
            self.by_address
                .iter()
                .filter_map(|(at, peer)| Some((peer.source.last_heard()?, at, peer)))
        };
        if hinted().count() < MAX_HINTS {
            return true;
        }
        let idle = hinted().filter(|(.., peer)| peer.pace.due().is_some());
        let oldest = idle
            .map(|(heard, at, _)| (heard, at))
            .min()
            .map(|(_, at)| at.clone());
        oldest.is_some_and(|at| self.by_address.remove(&at).is_some())
    }

    fn next_jitter(&mut self) -> u64 {
        // A linear congruential generator (Knuth): only spread is needed.
        let step = self.jitter.wrapping_mul(6_364_136_223_846_793_005);
        self.jitter = step.wrapping_add(1_442_695_040_888_963_407);
        self.jitter >> 33
    }
}

impl PollReason {
    fn or_stronger(self, new: Self) -> Self {
        match (self, new) {
            (Self::List, _) | (_, Self::List) => Self::List,
            (Self::Member, _) | (_, Self::Member) => Self::Member,
            (Self::Vouched(_), Self::Hint(at)) => Self::Vouched(at),
            (_, new) => new,
        }
    }

    fn last_heard(self) -> Option<Duration> {
        match self {
            Self::List | Self::Member => None,
            Self::Vouched(at) | Self::Hint(at) => Some(at),
        }
    }
}

impl Peer {
    /// Members that this node names while it is joining. `joining` alone is no evidence of a
    /// cluster, so these members are polled (founding.md 4.3).
    fn vouches_for(&self) -> Vec<Address> {
        match self.node() {
            Some(node) if node.phase == Phase::Joining && self.source == PollReason::List => {
                node.members.clone()
            }
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_hints_has_a_bounded_number_of_polls_in_flight() {
        let (mut peers, now) = (Peers::new(1), Duration::from_secs(1));
        let hinted = |n: usize| Address::new(&format!("stranger-{n}"), 8091);
        let mut polls = Vec::new();
        for n in 0..1000 {
            peers.keep_polling(now, &hinted(n), PollReason::Hint(now));
            polls.extend(peers.start_due(now));
        }
        assert_eq!(polls.len(), MAX_HINTS);
        // A listed address always has room, and a poll that has ended makes room.
        peers.keep_polling(now, &Address::new("meta-1", 8091), PollReason::List);
        assert_eq!(peers.start_due(now).len(), 1);
        let (at, number) = polls.swap_remove(0);
        peers.on_polled(now, &at, number, Vec::new(), "", |_| PollKind::Founding);
        peers.keep_polling(now, &hinted(1000), PollReason::Hint(now));
        assert!(peers.get(&hinted(1000)).is_some() && peers.get(&at).is_none());
    }
}
