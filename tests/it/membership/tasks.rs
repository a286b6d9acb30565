//! A leader's membership task: the facts that its state machine is given, and the execution of its
//! steps.

use std::time::Duration;

use influxdb_meta::base::RaftId;
use influxdb_meta::catalog::Pending;
use influxdb_meta::cluster::membership::{
    Event, Evidence, Facts, Membership, MembershipSetup, Progress, Request, Step, StepError,
};
use influxdb_meta::machine::{AddMetaNode, InternalCommand, Outcome, RemoveMetaNode};

use super::invariants;
use super::raft::{Config, Entry};
use super::world::{Flight, Planted, SILENCE, World};

const COMMIT_WITHIN: Duration = Duration::from_secs(5);

impl World {
    pub(super) fn setup(&self, slot: usize) -> MembershipSetup {
        let me = self.slots[slot]
            .volume
            .as_ref()
            .and_then(|volume| volume.raft_id)
            .unwrap_or_default();
        MembershipSetup {
            me,
            max_voters: self.max_voters,
            silence: SILENCE,
        }
    }

    pub(super) fn led_for(&self, slot: usize) -> Duration {
        self.slots[slot]
            .leading
            .as_ref()
            .map_or(Duration::ZERO, |leading| self.now - leading.began)
    }

    pub(super) fn facts(&self, slot: usize) -> Facts {
        let config = self.config(slot);
        let node = &self.slots[slot];
        let progress = |(id, (matched, at)): (&RaftId, &(usize, Duration))| {
            (
                *id,
                Progress {
                    matched: Some(*matched as u64),
                    acked: Some(self.now - *at),
                },
            )
        };
        let matched = node.leading.iter().flat_map(|leading| &leading.matched);
        Facts {
            catalog: self.catalog(slot),
            levels: config.members().into_iter().map(|id| (id, 2)).collect(),
            voters: config.voters,
            outgoing: config.outgoing,
            learners: config.learners,
            last_log: node
                .volume
                .as_ref()
                .map_or(0, |volume| volume.log.len() as u64),
            progress: matched.map(progress).collect(),
            heard: node
                .heard
                .iter()
                .map(|(who, at)| (*who, self.now - *at))
                .collect(),
            supported: 2,
            proofs: None,
        }
    }

    /// Gives an event to the leader's state machine, and takes its next step.
    pub(super) fn give(&mut self, slot: usize, event: Event) {
        self.begin_leading(slot);
        let (now, mut facts) = (self.led_for(slot), self.facts(slot));
        let mut event = event;
        if self.planted == Planted::JudgeOnce {
            self.forge(&mut facts, &mut event);
        }
        let Some(leading) = &mut self.slots[slot].leading else {
            return;
        };
        let Some(machine) = &mut leading.machine else {
            return;
        };
        let step = machine.handle(now, &facts, event);
        machine.answered();
        let Some(step) = step else { return };
        let step = self.plant(slot, step);
        invariants::on_step(self, slot, &step);
        let leading = self.slots[slot].leading.as_ref();
        assert!(
            leading.is_some_and(|leading| leading.flight.is_none()),
            "a step while one is in flight"
        );
        match step {
            // A change that was just judged is done at once.
            Step::ChangeVoters { .. } => self.begin(slot, step),
            _ => self.fly(slot, Flight::Begin(step)),
        }
    }

    fn begin_leading(&mut self, slot: usize) {
        let (setup, now) = (self.setup(slot), self.now);
        let commit = self.slots[slot]
            .volume
            .as_ref()
            .map_or(0, |volume| volume.commit);
        if let Some(leading) = &mut self.slots[slot].leading
            && leading.machine.is_none()
            && commit >= leading.first
        {
            (leading.machine, leading.began) = (Some(Membership::new(setup)), now);
        }
    }

    /// Moves the step in flight one stage further.
    pub(super) fn go_on(&mut self, slot: usize) {
        let Some(leading) = &mut self.slots[slot].leading else {
            return;
        };
        match leading.flight.take() {
            None => {}
            Some(Flight::Begin(step)) => self.begin(slot, step),
            Some(Flight::Answer(event)) => self.give(slot, event),
            Some(Flight::Commit { index, until, then }) => self.wait(slot, index, until, then),
        }
    }

    fn fly(&mut self, slot: usize, flight: Flight) {
        if let Some(leading) = &mut self.slots[slot].leading {
            leading.flight = Some(flight);
        }
    }

    fn wait(&mut self, slot: usize, index: usize, until: Duration, then: Option<Config>) {
        let commit = self.slots[slot]
            .volume
            .as_ref()
            .map_or(0, |volume| volume.commit);
        if commit < index {
            if self.now < until && !(self.is_shaky && self.rng.chance(5)) {
                return self.fly(slot, Flight::Commit { index, until, then });
            }
            return self.give(slot, Event::Done(Err(StepError::Unknown)));
        }
        if let Some(config) = then {
            return self.submit(slot, Entry::Config(config), None);
        }
        let refused = match &self.committed[index - 1].outcome {
            Some(Outcome::Refused(why)) => Some(StepError::Refused(why.to_string())),
            _ => None,
        };
        self.give(slot, Event::Done(refused.map_or(Ok(()), Err)));
    }

    fn submit(&mut self, slot: usize, entry: Entry, then: Option<Config>) {
        let until = self.now + COMMIT_WITHIN;
        if let Some(index) = self.append(slot, entry) {
            self.fly(slot, Flight::Commit { index, until, then });
        }
    }

    fn begin(&mut self, slot: usize, step: Step) {
        match step {
            Step::Propose(command) => self.submit(slot, Entry::Command(command), None),
            Step::AddLearner { raft_id, .. } => {
                let mut config = self.config(slot);
                if config.members().contains(&raft_id) {
                    return self.give(slot, Event::Done(Ok(())));
                }
                config.learners.insert(raft_id);
                self.reconfigure(slot, config, None);
            }
            Step::RemoveLearners { ids } => {
                let mut config = self.config(slot);
                config.learners.retain(|id| !ids.contains(id));
                self.reconfigure(slot, config, None);
            }
            Step::ChangeVoters { voters } => {
                let now = self.config(slot);
                let mut learners = now.learners.clone();
                learners.retain(|id| !voters.contains(id));
                let whole = Config {
                    voters: voters.clone(),
                    outgoing: None,
                    learners: learners.clone(),
                };
                if now.outgoing.is_some() || now.voters == voters {
                    return self.reconfigure(slot, whole, None);
                }
                let joint = Config {
                    voters,
                    outgoing: Some(now.voters),
                    learners,
                };
                self.reconfigure(slot, joint, Some(whole));
            }
            Step::Visit { pending } => {
                let answers = self.poll(slot, &pending.http);
                self.fly(
                    slot,
                    Flight::Answer(Event::Visited {
                        incarnation: pending.incarnation,
                        answers,
                    }),
                );
            }
            Step::Inquire { newcomer, old } => {
                let evidence = self.evidence(slot, &newcomer, old.raft_id);
                self.history
                    .inquired(old.raft_id, invariants::is_heard(self, slot, old.raft_id));
                self.fly(slot, Flight::Answer(Event::Inquired(evidence)));
            }
        }
    }

    /// Changes the membership: only while the last one is committed, or to end a joint one.
    fn reconfigure(&mut self, slot: usize, config: Config, then: Option<Config>) {
        let Some(volume) = &self.slots[slot].volume else {
            return;
        };
        let at = volume
            .log
            .iter()
            .rposition(|(_, entry)| matches!(**entry, Entry::Config(_)));
        if at.is_some_and(|at| at >= volume.commit) {
            let busy = StepError::Refused("another change is under way".to_owned());
            return self.give(slot, Event::Done(Err(busy)));
        }
        self.submit(slot, Entry::Config(config), then);
    }

    /// Collects the evidence that Replace judges by: from every member that answers, and from the
    /// name.
    pub(super) fn evidence(&mut self, leader: usize, newcomer: &Pending, old: RaftId) -> Evidence {
        let name = self.poll(leader, &newcomer.http);
        let now = self.now;
        let acked = self.slots[leader]
            .leading
            .as_ref()
            .and_then(|leading| leading.matched.get(&old));
        let acked = acked.map(|(_, at)| now - *at);
        let catalog = self.catalog(leader);
        let incarnation = catalog
            .meta_node_by_raft_id(old)
            .map(|node| node.incarnation)
            .or_else(|| {
                catalog
                    .pending_by_raft_id(old)
                    .map(|pending| pending.incarnation)
            });
        let members = self.config(leader).members();
        let answers = |slot: &usize| {
            *slot == leader
                || self.are_linked(leader, *slot)
                    && self
                        .open_raft(*slot)
                        .is_some_and(|id| members.contains(&id))
        };
        let heard = |slot: usize| {
            self.slots[slot]
                .heard
                .get(&incarnation?)
                .map(|at| now - *at)
        };
        let heard = (0..self.slots.len())
            .filter(answers)
            .filter_map(heard)
            .min();
        Evidence {
            newcomer: newcomer.incarnation,
            old,
            led_for: self.led_for(leader),
            acked,
            heard,
            name,
        }
    }

    pub(super) fn remove(&mut self, leader: usize, raft_id: RaftId, force: bool) {
        self.requests += 1;
        let request = Request {
            raft_id,
            force,
            by: "a person".to_owned(),
            number: self.requests,
        };
        self.history.asked_out.insert(raft_id);
        self.give(leader, Event::Remove(request));
    }

    // Planted mistakes.

    fn forge(&self, facts: &mut Facts, event: &mut Event) {
        let Event::Inquired(evidence) = event else {
            return;
        };
        let old = evidence.old;
        (evidence.acked, evidence.heard, evidence.led_for) = (None, None, Duration::from_secs(60));
        let newcomer = evidence.newcomer;
        evidence.name.retain(|answer| {
            answer
                .as_ref()
                .is_ok_and(|theirs| theirs.incarnation == newcomer)
        });
        if let Some(progress) = facts.progress.get_mut(&old) {
            progress.acked = None;
        }
        let incarnation = facts
            .catalog
            .meta_node_by_raft_id(old)
            .map(|node| node.incarnation);
        facts.heard.retain(|who, _| Some(*who) != incarnation);
    }

    fn plant(&self, slot: usize, step: Step) -> Step {
        let (catalog, config) = (self.catalog(slot), self.config(slot));
        match (self.planted, &step) {
            (Planted::AddFirst, Step::ChangeVoters { voters }) => {
                let newcomer = voters.difference(&config.voters).next();
                let Some(pending) = newcomer.and_then(|id| catalog.pending_by_raft_id(*id)) else {
                    return step;
                };
                let replaces = catalog
                    .meta_node_by_http(&pending.http)
                    .map(|node| node.raft_id);
                Step::Propose(InternalCommand::AddMetaNode(AddMetaNode {
                    raft_id: pending.raft_id,
                    replaces,
                }))
            }
            (Planted::OldOutFirst, Step::ChangeVoters { voters }) if config.outgoing.is_none() => {
                let rest = voters.intersection(&config.voters).copied().collect();
                if rest == config.voters {
                    step
                } else {
                    Step::ChangeVoters { voters: rest }
                }
            }
            (Planted::DropVoter, Step::Propose(InternalCommand::AddMetaNode(add))) => {
                let is_silent = (0..self.slots.len()).all(|other| {
                    self.open_raft(other) != Some(add.raft_id) || !self.are_linked(slot, other)
                });
                let drop = RemoveMetaNode {
                    raft_id: add.raft_id,
                    tombstone: None,
                };
                if is_silent {
                    Step::Propose(InternalCommand::RemoveMetaNode(drop))
                } else {
                    step
                }
            }
            _ => step,
        }
    }
}
