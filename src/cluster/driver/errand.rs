//! What this node wants of its cluster: a place, word of what became of its place, new addresses (founding.md 6, 7).
//!
//! Owns: when to ask, and what an answer changes. The order of the writes is here; each comes with its reason.

use std::time::Duration;

use tokio::time::timeout;

use super::Driver;
use super::open::Opening;
use super::petition::Door;
use crate::base::{Address, Incarnation};
use crate::cluster::founding::{Event, Verdict};
use crate::cluster::identity::{Record, Seat, Standing, Why};
use crate::cluster::{Ask, ClusterError, PollError, Told};
use crate::wire::joining::{Caller, JOIN, JoinAnswer, JoinRequest, MOVED, Refused, Removed, Wish};

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
    errand: Errand,
    door: Address,
    /// Who asked: an answer to an earlier life changes nothing.
    me: Incarnation,
    result: Result<Told, PollError>,
}

/// Longer than any election.
const LEFT_OUT: Duration = Duration::from_secs(5);
/// Raft ends at once as a rule; a disk that hangs must not hold up what was decided.
const SHUTDOWN: Duration = Duration::from_secs(2);

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
        let Some((door, meant_for)) = self.petition.next(self.now(), &doors) else { return };
        let ask = self.ask(errand).meant_for(meant_for);
        let (exchange, me) = (self.exchange.clone(), self.founding.record().incarnation);
        self.asks.push(Box::pin(async move {
            let result = exchange.ask(&door, ask).await;
            Asked { errand, door, me, result }
        }));
    }

    fn errand(&self) -> Option<Errand> {
        let invited = self.invited.is_some();
        let wanted = match &self.founding.record().standing {
            Standing::Fresh => invited || matches!(self.founding.verdict(), Verdict::Join { .. }),
            Standing::Joining { .. } => true,
            Standing::Started { .. } | Standing::Member { .. } => self.suspicious || self.is_left_out(),
            Standing::Removed { why, .. } => invited || (*why != Why::Removed && !self.founding.by_hand()),
        };
        if wanted {
            return Some(Errand::Join);
        }
        self.has_moved().then_some(Errand::Moved)
    }

    /// No leader talks to this member, and a fellow has one: it may have been taken out while it was away, and nobody
    /// dials it any more to say so.
    fn is_left_out(&self) -> bool {
        let waits = self.leaderless_since.is_some_and(|since| self.now().saturating_sub(since) >= LEFT_OUT);
        let ours = self.founding.record().seat().map(|seat| seat.cluster_id);
        waits && self.founding.seen().any(|(_, theirs)| theirs.cluster_id == ours && theirs.leader_known)
    }

    /// Looked at with every event.
    pub(super) fn note_leader(&mut self) {
        let has_none = self.opening.raft().is_some_and(|raft| raft.status().leader.is_none());
        self.leaderless_since = has_none.then(|| self.leaderless_since.unwrap_or(self.now()));
    }

    /// The catalog has this member at other addresses than it advertises.
    fn has_moved(&self) -> bool {
        let (Some(raft), Some(http), Some(own_raft)) =
            (self.opening.raft(), self.founding.own(), self.founding.own_raft())
        else {
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
            Standing::Fresh | Standing::Removed { .. } => match &self.invited {
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
        let of_us = self.founding.seen().filter(|(_, t)| t.cluster_id == Some(seat.cluster_id));
        let mut doors: Vec<Door> = of_us.map(|(at, theirs)| (at.clone(), Some(theirs.incarnation))).collect();
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
            Errand::Join => Ask::new(JOIN, from, &JoinRequest { from, identity, wish: self.wish() }),
            Errand::Moved => Ask::new(MOVED, from, &Caller { from, identity }),
        }
    }

    /// A join-only node is a learner, unless somebody asked for it by name.
    fn wish(&self) -> Wish {
        let config = &self.shared.config;
        let join_only = config.bootstrap_expect == Some(0) && !config.peers.is_empty();
        if join_only && self.invited.is_none() { Wish::Learner } else { Wish::Voter }
    }

    pub(super) async fn on_asked(&mut self, asked: Asked) -> Result<(), ClusterError> {
        let Asked { errand, door, me, result } = asked;
        let now = self.now();
        if me != self.founding.record().incarnation {
            self.petition.settled(now, None);
            return Ok(());
        }
        let told = match result {
            Ok(told) => told,
            Err(error) => {
                self.petition.failed(now, format!("{door}: {error}"));
                return Ok(());
            }
        };
        match (errand, told.status) {
            (Errand::Join, 200) if told.proven => match told.read::<JoinAnswer>() {
                Ok(answer) => self.on_place(answer).await,
                Err(error) => {
                    self.petition.failed(now, format!("{door}: {error}"));
                    Ok(())
                }
            },
            (Errand::Join, 410) if told.proven => self.on_gone(&door, &told).await,
            (Errand::Moved, 200) => {
                self.petition.answered(now, "its new addresses are known".to_owned());
                Ok(())
            }
            _ => {
                self.on_refusal(&door, &told);
                Ok(())
            }
        }
    }

    fn on_refusal(&mut self, door: &Address, told: &Told) {
        let refused = told.read::<crate::wire::api::ErrorBody>();
        let text = refused.map_or_else(|_| format!("HTTP {}", told.status), |refused| refused.error);
        let text = format!("{door}: {text}");
        // A refusal by the leader is the same at every door; not to have one is not.
        match told.status {
            409 => self.petition.refused(self.now(), text),
            _ => self.petition.failed(self.now(), text),
        }
    }

    /// J5: the id is written down before anything is done under it.
    async fn on_place(&mut self, answer: JoinAnswer) -> Result<(), ClusterError> {
        let record = self.founding.record().clone();
        let place = (answer.cluster_id, answer.raft_id);
        match &record.standing {
            Standing::Fresh => {
                let standing = Standing::Joining { seat: seat(&answer), members: answer.members };
                let record = Record { standing, ..record };
                self.store_and_adopt(record).await?;
                tracing::info!(event = "autojoin.place", cluster_id = %place.0, raft_id = %place.1, "given a Raft id");
                self.petition.settled(self.now(), Some(answer.state));
            }
            Standing::Joining { seat, .. } if seat.cluster_id == place.0 && seat.raft_id != place.1 => {
                self.begin_anew(record).await?;
            }
            Standing::Started { seat, .. } | Standing::Member { seat, .. } if seat.cluster_id == place.0 => {
                self.suspicious = false;
                // A member after all: whoever asks again does so at leisure.
                self.petition.answered(self.now(), String::new());
            }
            _ => self.petition.answered(self.now(), answer.state),
        }
        Ok(())
    }

    /// This node's place was given up while it was away, and it has another one. A Raft id belongs to one log: the
    /// old one goes before the new id is written down. As `fresh` it speaks no Raft, so that a crash in between
    /// leaves a node that finishes this at its start and asks again.
    async fn begin_anew(&mut self, record: Record) -> Result<(), ClusterError> {
        let record = Record { standing: Standing::Fresh, ..record };
        self.shared.store(&record).await?;
        self.shared.set_record(record.clone());
        self.close_for_good().await?;
        self.shared.set_aside(record.incarnation).await?;
        self.adopt(record);
        self.petition.settled(self.now(), None);
        Ok(())
    }

    /// A member says that this incarnation was taken out of its cluster.
    async fn on_gone(&mut self, door: &Address, told: &Told) -> Result<(), ClusterError> {
        let Ok(Refused { removed: Some(removed), .. }) = told.read::<Refused>() else {
            self.on_refusal(door, told);
            return Ok(());
        };
        let record = self.founding.record().clone();
        match record.seat() {
            Some(seat) if seat.cluster_id != removed.cluster_id => {
                self.petition.failed(self.now(), format!("{door} is in another cluster now"));
                Ok(())
            }
            _ if matches!(record.standing, Standing::Removed { .. }) => self.come_back().await,
            _ => self.be_removed(record, removed).await,
        }
    }

    /// `removed` is on disk before Raft is closed: a crash in between must not leave a member that speaks again.
    async fn be_removed(&mut self, record: Record, removed: Removed) -> Result<(), ClusterError> {
        let Removed { cluster_id, cluster_name, why, by, at } = removed;
        tracing::warn!(event = "removed", %cluster_id, ?why, by, "this node was taken out of its cluster");
        let record =
            Record { standing: Standing::Removed { cluster_id, cluster_name, by, at, why }, ..record };
        self.shared.store(&record).await?;
        self.shared.set_record(record.clone());
        self.suspicious = false;
        self.close().await;
        self.adopt(record);
        self.petition.settled(self.now(), None);
        Ok(())
    }

    /// A new life: the log of the old one is set aside, durably, before the new identity is written. The other way
    /// round a crash would leave a fresh identity over a log that is not its own.
    async fn come_back(&mut self) -> Result<(), ClusterError> {
        let old = self.founding.record().incarnation;
        self.close_for_good().await?;
        self.shared.set_aside(old).await?;
        let record = super::new_record(&self.shared.env);
        self.shared.store(&record).await?;
        self.shared.set_record(record.clone());
        tracing::info!(event = "autojoin.back", %old, new = %record.incarnation, "coming back as a new incarnation");
        self.adopt(record);
        self.petition.settled(self.now(), None);
        Ok(())
    }

    async fn store_and_adopt(&mut self, record: Record) -> Result<(), ClusterError> {
        self.shared.store(&record).await?;
        self.shared.set_record(record.clone());
        self.adopt(record);
        Ok(())
    }

    /// What was stored outside of the founding machine's own actions.
    pub(super) fn adopt(&mut self, record: Record) {
        if matches!(record.standing, Standing::Removed { .. }) {
            // `join-timeout` is for whoever is on the way in, from when it set out.
            self.set_out = self.now();
        }
        for action in self.founding.handle(self.now(), Event::Stored(record)) {
            self.later.push(action);
        }
    }

    /// Ends the open Raft node, if there is one; requests that wait for it are told.
    async fn close(&mut self) -> bool {
        let opening = std::mem::replace(&mut self.opening, Opening::NotYet);
        self.raft_changed = None;
        let Opening::Open(raft) = opening else { return true };
        self.shared.clear_raft();
        self.publish();
        let closed = timeout(SHUTDOWN, raft.shutdown()).await.is_ok();
        if !closed {
            tracing::warn!(event = "removed.slow", "Raft did not stop in {SHUTDOWN:?}");
        }
        closed
    }

    /// Before the log is set aside. One that is still written to would go on under the next life: then the process
    /// ends, and its next start finishes what was begun.
    async fn close_for_good(&mut self) -> Result<(), ClusterError> {
        if self.close().await {
            return Ok(());
        }
        let source = std::io::Error::new(std::io::ErrorKind::TimedOut, "the disk does not answer");
        Err(ClusterError::Io { deed: "closing the log", source })
    }
}

fn seat(answer: &JoinAnswer) -> Seat {
    Seat {
        cluster_id: answer.cluster_id,
        cluster_name: answer.cluster_name.clone(),
        raft_id: answer.raft_id,
        opened: false,
        recovered_from: None,
    }
}
