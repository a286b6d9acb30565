//! What this node wants of its cluster: a place, word of what became of its place, new addresses
//! (founding.md 6, 7).
//!
//! Owns: when to ask whom, and what. Never: what an answer changes (`answers`).

use std::time::Duration;

use crate::base::{Address, Incarnation};
use crate::cluster::founding::Verdict;
use crate::cluster::identity::record::{Seat, Standing, Why};
use crate::cluster::node::Driver;
use crate::cluster::node::retry::Door;
use crate::cluster::{Ask, PollError, Told};
use crate::wire::joining::{Caller, Invite, JOIN, JoinRequest, MOVED, Wish};

/// What is asked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Errand {
    /// A place in the cluster, or word of it.
    Join,
    /// This member has other addresses than its cluster believes.
    Moved,
}

/// An answer, or none.
pub(super) struct Asked {
    pub(super) errand: Errand,
    pub(super) door: Address,
    /// Who asked: an answer to an earlier life changes nothing.
    pub(super) me: Incarnation,
    pub(super) result: Result<Told, PollError>,
}

/// People and charts repeat what is not done after seconds.
const INVITED_FOR: Duration = Duration::from_secs(60);
/// Longer than any election.
const LEFT_OUT: Duration = Duration::from_secs(5);

impl Driver {
    /// Asks, if there is something to ask and it is time.
    pub(super) fn run_errand(&mut self) {
        let errand = self.errand();
        if errand != self.errand {
            self.errand = errand;
            self.petition.forget();
        }
        let Some(errand) = errand else { return };
        let doors = self.doors();
        let Some((door, meant_for)) = self.petition.next(self.now(), &doors) else {
            return;
        };
        let ask = self.ask(errand).meant_for(meant_for);
        let (exchange, me) = (self.exchange.clone(), self.founding.record().incarnation);
        self.asks.push(Box::pin(async move {
            let result = exchange.ask(&door, ask).await;
            Asked {
                errand,
                door,
                me,
                result,
            }
        }));
    }

    fn errand(&self) -> Option<Errand> {
        let invited = self.invitation().is_some();
        let wanted = match &self.founding.record().standing {
            Standing::Fresh => invited || matches!(self.founding.verdict(), Verdict::Join { .. }),
            Standing::Joining { .. } => true,
            Standing::Started { .. } | Standing::Member { .. } => {
                self.suspicious || self.is_left_out()
            }
            Standing::Removed { why, .. } => {
                invited || (*why != Why::Removed && !self.founding.by_hand())
            }
        };
        if wanted {
            return Some(Errand::Join);
        }
        self.has_moved().then_some(Errand::Moved)
    }

    /// No leader talks to this member, and a fellow has one: it may have been taken out while it
    /// was away, and nobody dials it any more to say so.
    fn is_left_out(&self) -> bool {
        let waits = self
            .leaderless_since
            .is_some_and(|since| self.now().saturating_sub(since) >= LEFT_OUT);
        let ours = self.founding.record().seat().map(|seat| seat.cluster_id);
        waits
            && self
                .founding
                .seen()
                .any(|(_, theirs)| theirs.cluster_id == ours && theirs.leader_known)
    }

    /// Looked at with every event.
    pub(super) fn note_leader(&mut self) {
        let has_none = self
            .opening
            .raft()
            .is_some_and(|raft| raft.status().leader.is_none());
        self.leaderless_since = has_none.then(|| self.leaderless_since.unwrap_or(self.now()));
    }

    /// It lapses: whoever still wants this node asks again.
    fn invitation(&self) -> Option<&Invite> {
        let (invite, since) = self.invited.as_ref()?;
        (self.now().saturating_sub(*since) < INVITED_FOR).then_some(invite)
    }

    /// The catalog has this member at other addresses than it advertises.
    fn has_moved(&self) -> bool {
        let (Some(raft), Some(http), Some(own_raft)) = (
            self.opening.raft(),
            self.founding.own(),
            self.founding.own_raft(),
        ) else {
            return false;
        };
        let applied = raft.applied();
        let applied = applied.borrow();
        let me = self.founding.record().seat().map(|seat| seat.raft_id);
        let node = me.and_then(|raft_id| applied.catalog.meta_node_by_raft_id(raft_id));
        node.is_some_and(|node| node.http != http || node.raft != own_raft)
    }

    fn doors(&self) -> Vec<Door> {
        let plain = |at: &Address| (at.clone(), None);
        let mut doors = match &self.founding.record().standing {
            Standing::Fresh | Standing::Removed { .. } => match self.invitation() {
                Some(invite) => invite.members.iter().map(plain).collect(),
                None => self.founding.doors(self.now()),
            },
            Standing::Joining { members, seat } => {
                let mut doors = self.fellows(seat);
                doors.extend(members.iter().map(plain));
                doors
            }
            Standing::Started { seat, .. } | Standing::Member { seat, .. } => self.fellows(seat),
        };
        let own = self.founding.own();
        doors.retain(|(at, _)| Some(at) != own.as_ref());
        let mut unique: Vec<Door> = Vec::with_capacity(doors.len());
        for door in doors {
            if unique.iter().all(|(at, _)| *at != door.0) {
                unique.push(door);
            }
        }
        unique
    }

    /// Nodes of this cluster that answer, and members as the catalog has them.
    fn fellows(&self, seat: &Seat) -> Vec<Door> {
        let of_us = self
            .founding
            .seen()
            .filter(|(_, t)| t.cluster_id == Some(seat.cluster_id));
        let mut doors: Vec<Door> = of_us
            .map(|(at, theirs)| (at.clone(), Some(theirs.incarnation)))
            .collect();
        if let Some(raft) = self.opening.raft() {
            let applied = raft.applied().borrow().clone();
            let nodes = applied.catalog.meta_nodes.values();
            doors.extend(nodes.map(|node| (node.http.clone(), Some(node.incarnation))));
        }
        doors
    }

    fn ask(&self, errand: Errand) -> Ask {
        let identity = self.shared.identity();
        let from = identity.incarnation;
        match errand {
            Errand::Join => Ask::new(
                JOIN,
                from,
                &JoinRequest {
                    from,
                    identity,
                    wish: self.wish(),
                },
            ),
            Errand::Moved => Ask::new(MOVED, from, &Caller { from, identity }),
        }
    }

    /// A join-only node is a learner, unless somebody asked for it by name.
    fn wish(&self) -> Wish {
        let config = &self.shared.config;
        let join_only = config.bootstrap_expect == Some(0) && !config.peers.is_empty();
        if join_only && self.invitation().is_none() {
            Wish::Learner
        } else {
            Wish::Voter
        }
    }
}
