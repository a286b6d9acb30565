//! Each rule alone: these facts lead to this step (founding.md 6 and 7).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use influxdb_meta::base::{Address, ClusterId, Incarnation, LogId, RaftId, UnixNanos};
use influxdb_meta::catalog::{Catalog, Pending, RemovedWhy};
use influxdb_meta::cluster::membership::{
    Event, Evidence, Facts, Membership, MembershipSetup, Progress, Request, Step, StepError, judge,
};
use influxdb_meta::cluster::{PollError, Refusal};
use influxdb_meta::machine::{
    AddMetaNode, AllocateRaftId, Found, Founder, InternalCommand, Outcome, Removal, RemoveMetaNode,
    Stamped, apply,
};
use influxdb_meta::wire::identity::{Identity, PROTOCOL, Phase, Starts};
use influxdb_meta::wire::version::BUDGET_LEVEL;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const T: Duration = Duration::from_secs(2);
const CLUSTER: ClusterId = ClusterId([9; 16]);

fn http(node: u8) -> Address {
    Address::new(&format!("meta-{node}"), 8091)
}

fn volume(byte: u8) -> Incarnation {
    Incarnation([byte; 16])
}

fn ids(ids: &[u64]) -> BTreeSet<RaftId> {
    ids.iter().copied().map(RaftId).collect()
}

/// A leader's state machine and its facts. Founder k has incarnation k, Raft id k and the name
/// meta-k.
struct Leader {
    machine: Membership,
    facts: Facts,
    now: Duration,
}

impl Leader {
    /// Makes a cluster of so many founders. The first one leads, and all are healthy.
    fn of(founders: u8) -> Self {
        let all: Vec<u64> = (1..=u64::from(founders)).collect();
        let founder = |k: u8| Founder {
            incarnation: volume(k),
            http: http(k),
            raft: http(k).with_port(8089),
        };
        let facts = Facts {
            catalog: Catalog::default(),
            voters: ids(&all),
            outgoing: None,
            learners: BTreeSet::new(),
            last_log: 5000,
            progress: BTreeMap::new(),
            heard: BTreeMap::new(),
            levels: all.iter().map(|id| (RaftId(*id), 2)).collect(),
            supported: 2,
            proofs: None,
        };
        let setup = MembershipSetup {
            me: RaftId(1),
            max_voters: 5,
            silence: T,
        };
        let mut leader = Self {
            machine: Membership::new(setup),
            facts,
            now: MINUTE,
        };
        leader.apply(InternalCommand::Found(Found {
            cluster_id: CLUSTER,
            name: "demo".to_owned(),
            founders: (1..=founders).map(founder).collect(),
            with_secret: false,
            feature_level: 2,
        }));
        all.into_iter().skip(1).for_each(|id| leader.well(id));
        leader
    }

    fn setup() -> MembershipSetup {
        MembershipSetup {
            me: RaftId(1),
            max_voters: 5,
            silence: T,
        }
    }

    /// Applies the command, as if it had been committed.
    fn apply(&mut self, command: InternalCommand) {
        let stamped = Stamped {
            at: UnixNanos(1),
            retention_autocreate: false,
            command: command.into(),
        };
        let outcome = apply(
            &mut self.facts.catalog,
            LogId { term: 1, index: 1 },
            &stamped,
        );
        assert!(matches!(outcome, Outcome::Applied { .. }), "{outcome:?}");
    }

    fn well(&mut self, id: u64) {
        let progress = Progress {
            matched: Some(5000),
            acked: Some(Duration::ZERO),
        };
        self.facts.progress.insert(RaftId(id), progress);
    }

    fn silent(&mut self, id: u64) {
        let progress = Progress {
            matched: Some(5000),
            acked: Some(30 * SECOND),
        };
        self.facts.progress.insert(RaftId(id), progress);
    }

    /// Makes a node with this incarnation ask to join under the name meta-`node`.
    fn asks(&mut self, byte: u8, node: u8, voter: bool) -> Pending {
        let (incarnation, http) = (volume(byte), http(node));
        let raft = http.with_port(8089);
        self.apply(InternalCommand::AllocateRaftId(AllocateRaftId {
            incarnation,
            http,
            raft,
            voter,
        }));
        self.facts.catalog.pendings[&incarnation].clone()
    }

    /// Like `asks`; the node is a learner by now and caught up.
    fn follows(&mut self, byte: u8, node: u8, voter: bool) -> Pending {
        let pending = self.asks(byte, node, voter);
        self.facts.learners.insert(pending.raft_id);
        self.facts.levels.insert(pending.raft_id, 2);
        self.well(pending.raft_id.0);
        pending
    }

    /// The pending node has another Raft address.
    fn has_raft_address(&mut self, pending: &Pending, raft: Address) {
        let pendings = &mut self.facts.catalog.pendings;
        let changed = pendings.update(&pending.incarnation, |pending| pending.raft = raft);
        changed.expect("a pending node");
    }

    fn give(&mut self, event: Event) -> Option<Step> {
        self.machine.handle(self.now, &self.facts, event)
    }

    fn look(&mut self) -> Option<Step> {
        self.give(Event::Tick)
    }

    fn later(&mut self, time: Duration) -> Option<Step> {
        self.now += time;
        self.look()
    }

    fn visited(
        &mut self,
        pending: &Pending,
        answers: Vec<Result<Identity, PollError>>,
    ) -> Option<Step> {
        self.give(Event::Visited {
            incarnation: pending.incarnation,
            answers,
        })
    }

    fn ask_out(&mut self, raft_id: u64, force: bool) -> Option<Step> {
        let raft_id = RaftId(raft_id);
        self.give(Event::Remove(Request {
            raft_id,
            force,
            by: "ann".to_owned(),
            number: 7,
        }))
    }

    fn refusal(&mut self) -> Refusal {
        let [(7, Err(refusal))] = &self.machine.answered()[..] else {
            panic!("no refusal")
        };
        refusal.clone()
    }

    fn state(&self, pending: &Pending) -> String {
        self.machine.state(pending.incarnation).unwrap_or_default()
    }
}

fn says(incarnation: Incarnation, raft_id: Option<RaftId>, phase: Phase) -> Identity {
    Identity {
        protocol: PROTOCOL,
        version: "test".to_owned(),
        feature_level: 2,
        incarnation,
        http: http(4),
        raft: http(4).with_port(8089),
        phase,
        halted: None,
        vector: None,
        cluster_id: raft_id.map(|_| CLUSTER),
        recovered_from: None,
        raft_id,
        cluster_name: "demo".to_owned(),
        list_hash: None,
        list: Vec::new(),
        expect: 3,
        members: Vec::new(),
        voters: Vec::new(),
        leader_known: true,
        with_secret: false,
        starts: Starts::default(),
        heard: Vec::new(),
        clock: None,
        process: None,
    }
}

fn joining(pending: &Pending) -> Identity {
    says(pending.incarnation, Some(pending.raft_id), Phase::Joining)
}

/// Evidence that no node has heard the old member, and that its name answers as the newcomer only.
fn gone(newcomer: &Pending, old: u64) -> Evidence {
    Evidence {
        newcomer: newcomer.incarnation,
        old: RaftId(old),
        led_for: MINUTE,
        acked: Some(30 * SECOND),
        heard: None,
        name: vec![Ok(joining(newcomer))],
    }
}

fn change(voters: &[u64]) -> Option<Step> {
    Some(Step::ChangeVoters {
        voters: ids(voters),
    })
}

fn add(raft_id: RaftId, replaces: Option<u64>) -> Option<Step> {
    let replaces = replaces.map(RaftId);
    Some(Step::Propose(InternalCommand::AddMetaNode(AddMetaNode {
        raft_id,
        replaces,
    })))
}

fn drop_plainly(raft_id: RaftId) -> Option<Step> {
    Some(Step::Propose(InternalCommand::RemoveMetaNode(
        RemoveMetaNode {
            raft_id,
            tombstone: None,
        },
    )))
}

fn bury(raft_id: u64, why: RemovedWhy, by: &str) -> Option<Step> {
    let tombstone = Some(Removal {
        why,
        by: by.to_owned(),
    });
    Some(Step::Propose(InternalCommand::RemoveMetaNode(
        RemoveMetaNode {
            raft_id: RaftId(raft_id),
            tombstone,
        },
    )))
}

fn visit(pending: &Pending) -> Option<Step> {
    Some(Step::Visit {
        pending: pending.clone(),
    })
}

#[test]
fn a_cluster_that_is_well_has_nothing_to_do() {
    assert_eq!(Leader::of(3).look(), None);
}

// Steps that a new leader finishes.

#[test]
fn a_joint_membership_is_ended_before_anything_else() {
    let mut leader = Leader::of(3);
    let new = leader.asks(4, 3, true);
    leader.well(4);
    leader.facts.voters = ids(&[1, 2, new.raft_id.0]);
    leader.facts.outgoing = Some(ids(&[1, 2, 3]));
    assert_eq!(leader.look(), change(&[1, 2, 4]));
    leader.silent(2);
    leader.silent(3);
    // The step failed and is tried again a second later; until then nothing is done.
    assert_eq!(leader.give(Event::Done(Err(StepError::Unknown))), None);
    let text = "waiting for a majority: 2 of 4 voters answer, meta-2:8091 and meta-3:8091 do not";
    assert_eq!(leader.state(&new), text);
    assert_eq!(leader.later(SECOND), change(&[1, 2, 4]));
}

#[test]
fn a_pending_that_votes_takes_the_place_of_who_is_out_without_being_asked() {
    let mut leader = Leader::of(3);
    let new = leader.asks(4, 3, true);
    leader.facts.voters = ids(&[1, 2, 4]);
    assert_eq!(leader.look(), add(new.raft_id, Some(3)));
    let mut leader = Leader::of(3);
    let new = leader.asks(4, 4, true);
    leader.facts.voters = ids(&[1, 2, 3, 4]);
    assert_eq!(leader.look(), add(new.raft_id, None));
}

/// A member moved to the newcomer's name after the joint change. It is replaced only if it is gone.
#[test]
fn a_pending_that_votes_asks_about_a_member_at_its_address() {
    let mut leader = Leader::of(3);
    let new = leader.asks(4, 3, true);
    leader.facts.voters = ids(&[1, 2, 3, 4]);
    let old = leader
        .facts
        .catalog
        .meta_node_by_raft_id(RaftId(3))
        .expect("node")
        .clone();
    assert_eq!(
        leader.look(),
        Some(Step::Inquire {
            newcomer: new.clone(),
            old
        })
    );
    assert!(
        leader.machine.alarms()[0]
            .to_string()
            .contains("meta-3:8091 belongs to another member")
    );
    leader.silent(3);
    assert_eq!(
        leader.give(Event::Inquired(gone(&new, 3))),
        change(&[1, 2, 4])
    );
}

#[test]
fn a_meta_node_in_no_membership_is_removed_with_a_tombstone() {
    let mut leader = Leader::of(3);
    leader.facts.voters = ids(&[1, 2]);
    assert_eq!(
        leader.look(),
        bury(
            3,
            RemovedWhy::Removed,
            "a removal that a new leader finished"
        )
    );
}

/// The newcomer at its address is still pending after the removal, and can go on joining.
#[test]
fn a_newcomer_without_a_vote_does_not_hold_up_a_half_done_removal() {
    let mut leader = Leader::of(3);
    let new = leader.asks(4, 3, true);
    leader.facts.voters = ids(&[1, 2]);
    assert_eq!(
        leader.look(),
        bury(
            3,
            RemovedWhy::Removed,
            "a removal that a new leader finished"
        )
    );
    leader.apply(InternalCommand::RemoveMetaNode(RemoveMetaNode {
        raft_id: RaftId(3),
        tombstone: None,
    }));
    assert_eq!(leader.give(Event::Done(Ok(()))), visit(&new));
}

#[test]
fn a_learner_that_nobody_knows_goes_and_a_voter_is_an_alarm() {
    let mut leader = Leader::of(3);
    leader.facts.learners = ids(&[8, 9]);
    assert_eq!(
        leader.look(),
        Some(Step::RemoveLearners { ids: ids(&[8, 9]) })
    );
    let mut leader = Leader::of(3);
    leader.facts.voters = ids(&[1, 2, 3, 9]);
    assert_eq!(leader.look(), None);
    assert!(
        leader.machine.alarms()[0]
            .to_string()
            .starts_with("Raft id 9 votes and is neither a meta node")
    );
}

#[test]
fn the_feature_level_rises_once_every_member_reads_it() {
    let mut leader = Leader::of(3);
    leader.facts.supported = 4;
    leader.facts.levels = BTreeMap::from([(RaftId(1), 4), (RaftId(2), 3)]);
    assert_eq!(leader.look(), None, "nobody knows what meta-3 reads");
    leader.facts.levels.insert(RaftId(3), 3);
    assert_eq!(
        leader.look(),
        Some(Step::Propose(InternalCommand::RaiseFeatureLevel {
            level: 3
        }))
    );
}

#[test]
fn nothing_about_joining_is_proposed_before_every_member_reads_it() {
    let mut leader = Leader::of(3);
    leader.asks(4, 4, true);
    leader
        .facts
        .catalog
        .cluster
        .as_mut()
        .expect("founded")
        .feature_level = 1;
    leader.facts.levels.insert(RaftId(3), 1);
    assert_eq!(leader.look(), None);
    for (id, force) in [(2, true), (3, false)] {
        assert_eq!(leader.ask_out(id, force), None);
        let Refusal::NotYet(why) = leader.refusal() else {
            panic!("not yet")
        };
        let text = why.to_string();
        assert!(
            text.contains("which meta-3:8091 did not say yet") && text.contains("-force"),
            "{text}"
        );
    }
}

/// The member died before it named its feature level. Until it is removed, or names it, no node
/// can join or be removed without force.
#[test]
fn by_force_a_member_that_never_named_its_level_goes_and_the_level_rises() {
    let mut leader = Leader::of(3);
    leader
        .facts
        .catalog
        .cluster
        .as_mut()
        .expect("founded")
        .feature_level = 1;
    leader.facts.levels.remove(&RaftId(3));
    leader.silent(3);
    assert_eq!(leader.ask_out(3, true), change(&[1, 2]));
    leader.facts.voters = ids(&[1, 2]);
    let raise = Some(Step::Propose(InternalCommand::RaiseFeatureLevel {
        level: 2,
    }));
    assert_eq!(
        leader.give(Event::Done(Ok(()))),
        raise,
        "before anything that only this level reads"
    );
    let refused = StepError::Refused("the disk is full".to_owned());
    assert_eq!(leader.give(Event::Done(Err(refused))), None);
    assert!(leader.machine.answered().is_empty(), "not yet");
    assert_eq!(leader.later(2 * SECOND), raise);
    leader.apply(InternalCommand::RaiseFeatureLevel { level: 2 });
    assert_eq!(
        leader.give(Event::Done(Ok(()))),
        bury(3, RemovedWhy::Removed, "ann")
    );
    let tombstone = Some(Removal {
        why: RemovedWhy::Removed,
        by: "ann".to_owned(),
    });
    leader.apply(InternalCommand::RemoveMetaNode(RemoveMetaNode {
        raft_id: RaftId(3),
        tombstone,
    }));
    assert_eq!(leader.give(Event::Done(Ok(()))), None);
    assert_eq!(leader.machine.answered(), [(7, Ok(()))]);

    // With two such members the level would not rise.
    let mut leader = Leader::of(5);
    leader
        .facts
        .catalog
        .cluster
        .as_mut()
        .expect("founded")
        .feature_level = 1;
    leader.facts.levels.retain(|id, _| id.0 < 4);
    assert_eq!(leader.ask_out(5, true), None);
    assert!(
        matches!(leader.refusal(), Refusal::NotYet(why) if why.to_string().contains("meta-4:8091 and meta-5:8091"))
    );
}

// Newcomers.

#[test]
fn a_newcomer_is_visited_follows_catches_up_votes_and_is_a_meta_node() {
    let mut leader = Leader::of(3);
    let new = leader.asks(4, 4, true);
    assert_eq!(leader.look(), visit(&new));
    let (raft_id, incarnation) = (new.raft_id, new.incarnation);
    assert_eq!(
        leader.visited(&new, vec![Ok(joining(&new))]),
        Some(Step::AddLearner {
            raft_id,
            incarnation
        })
    );
    leader.facts.learners.insert(raft_id);
    let behind = Progress {
        matched: Some(10),
        acked: Some(Duration::ZERO),
    };
    leader.facts.progress.insert(raft_id, behind);
    assert_eq!(leader.give(Event::Done(Ok(()))), None);
    assert_eq!(
        leader.state(&new),
        "a learner, catching up: 4990 entries behind"
    );
    leader.well(4);
    assert_eq!(leader.look(), change(&[1, 2, 3, 4]));
    assert_eq!(leader.look(), None, "one step at a time");
    leader.facts.voters.insert(raft_id);
    leader.facts.learners.clear();
    assert_eq!(leader.give(Event::Done(Ok(()))), add(raft_id, None));
}

#[test]
fn only_a_newcomer_that_is_joining_as_this_one_follows() {
    let other = Some(RaftId(9));
    let mut elsewhere = says(volume(4), Some(RaftId(4)), Phase::Joining);
    elsewhere.cluster_id = Some(ClusterId([1; 16]));
    for (answers, text) in [
        (
            vec![Ok(says(volume(4), None, Phase::Fresh))],
            "answers as fresh and has not taken its Raft id yet",
        ),
        (
            vec![Ok(says(volume(4), other, Phase::Joining))],
            "has not taken its Raft id yet",
        ),
        (vec![Ok(elsewhere)], "has not taken its Raft id yet"),
        (vec![Err(PollError::Refused)], "connection refused"),
        (vec![], "name unknown"),
        (
            vec![
                Ok(says(volume(4), Some(RaftId(4)), Phase::Joining)),
                Ok(says(volume(5), None, Phase::Fresh)),
            ],
            "two nodes answer to one name",
        ),
    ] {
        let mut leader = Leader::of(3);
        let new = leader.asks(4, 4, true);
        leader.look();
        assert_eq!(leader.visited(&new, answers), None, "{text}");
        assert!(
            leader.state(&new).contains(text),
            "{} is not {text}",
            leader.state(&new)
        );
    }
}

#[test]
fn nobody_holds_up_the_others() {
    let mut leader = Leader::of(3);
    let (one, two) = (leader.asks(4, 4, true), leader.asks(5, 5, true));
    assert_eq!(leader.look(), visit(&one));
    assert_eq!(
        leader.visited(&one, vec![Err(PollError::Timeout)]),
        visit(&two)
    );
    assert_eq!(leader.visited(&two, vec![Err(PollError::Timeout)]), None);
    // Each gets its turn again, at most a few seconds later.
    let mut served = Vec::new();
    for _ in 0..40 {
        let mut step = leader.later(SECOND / 2);
        while let Some(Step::Visit { pending }) = step {
            served.push(pending.raft_id.0);
            step = leader.visited(&pending, vec![Err(PollError::Timeout)]);
        }
    }
    let of = |id: u64| served.iter().filter(|served| **served == id).count();
    assert!(of(4) >= 4 && of(4).abs_diff(of(5)) <= 1, "{served:?}");
}

#[test]
fn a_newcomer_whose_address_has_another_tenant_is_dropped() {
    let mut leader = Leader::of(3);
    let new = leader.asks(4, 4, true);
    leader.look();
    let other = || vec![Ok(says(volume(5), None, Phase::Fresh))];
    assert_eq!(leader.visited(&new, other()), None, "it may be on its way");
    assert_eq!(leader.later(T), drop_plainly(new.raft_id));
}

/// An answer under another cluster name belongs to another stack. It does not count as another node
/// at the newcomer's address.
#[test]
fn an_answer_under_another_clusters_name_drops_nobody() {
    let mut leader = Leader::of(3);
    let new = leader.asks(4, 4, true);
    leader.look();
    let mut other = says(volume(5), None, Phase::Fresh);
    other.cluster_name = "prod".to_owned();
    assert_eq!(leader.visited(&new, vec![Ok(other)]), None);
    assert_eq!(leader.later(T), visit(&new));
}

#[test]
fn a_newcomer_unseen_for_ten_minutes_is_dropped_out_of_the_membership_first() {
    let mut leader = Leader::of(3);
    let new = leader.follows(4, 4, true);
    leader.facts.heard.insert(new.incarnation, Duration::ZERO);
    leader.facts.progress.remove(&new.raft_id);
    leader.look();
    leader.visited(&new, vec![Err(PollError::Timeout)]);
    leader.facts.heard.clear();
    assert_eq!(leader.later(10 * MINUTE - SECOND), visit(&new));
    leader.visited(&new, vec![Err(PollError::Timeout)]);
    let out = Some(Step::RemoveLearners {
        ids: BTreeSet::from([new.raft_id]),
    });
    assert_eq!(leader.later(2 * SECOND), out);
    leader.facts.learners.clear();
    assert_eq!(leader.give(Event::Done(Ok(()))), drop_plainly(new.raft_id));
}

/// Its ten minutes begin when this leader first knows of it.
#[test]
fn a_newcomer_late_in_a_long_leadership_is_not_unseen() {
    let mut leader = Leader::of(3);
    leader.later(60 * MINUTE);
    let new = leader.asks(4, 4, true);
    assert_eq!(leader.look(), visit(&new));
}

#[test]
fn a_pending_that_votes_is_never_dropped() {
    let mut leader = Leader::of(3);
    let new = leader.asks(4, 3, true);
    leader.facts.voters = ids(&[1, 2, 4]);
    assert_eq!(leader.look(), add(new.raft_id, Some(3)));
    assert_eq!(
        leader.give(Event::Done(Err(StepError::Refused("no".to_owned())))),
        None
    );
    assert_eq!(leader.later(60 * MINUTE), add(new.raft_id, Some(3)));
    // Nor while it cannot become a meta node.
    let mut leader = Leader::of(3);
    let new = leader.asks(4, 2, true);
    leader.has_raft_address(&new, http(3).with_port(8089));
    leader.facts.voters.insert(new.raft_id);
    assert_eq!(leader.look(), None);
    assert_eq!(leader.later(60 * MINUTE), None);
    assert!(
        leader.machine.alarms()[0]
            .to_string()
            .contains("belong to two members")
    );
}

#[test]
fn one_too_many_and_one_by_wish_become_members_without_a_vote() {
    let mut leader = Leader::of(5);
    let new = leader.follows(6, 6, true);
    assert_eq!(leader.look(), add(new.raft_id, None));
    assert_eq!(
        leader.state(&new),
        "becomes a member without a vote: 5 vote already"
    );
    let mut leader = Leader::of(3);
    let new = leader.follows(4, 4, false);
    assert_eq!(leader.look(), add(new.raft_id, None));
}

#[test]
fn a_change_that_has_no_majority_is_not_begun() {
    let mut leader = Leader::of(3);
    let new = leader.follows(4, 4, true);
    leader.silent(2);
    leader.silent(3);
    assert_eq!(leader.look(), None);
    let text = "waiting for a majority: 1 of 3 voters answer, meta-2:8091 and meta-3:8091 do not";
    assert_eq!(leader.state(&new), text);
    leader.well(3);
    assert_eq!(leader.look(), change(&[1, 2, 3, 4]));
}

// Replace.

/// meta-3 was wiped and is back as another incarnation.
fn wiped(voter: bool) -> (Leader, Pending, Option<Step>) {
    let mut leader = Leader::of(3);
    let new = leader.follows(4, 3, voter);
    leader.silent(3);
    let old = leader
        .facts
        .catalog
        .meta_node_by_raft_id(RaftId(3))
        .expect("node")
        .clone();
    let inquire = Some(Step::Inquire {
        newcomer: new.clone(),
        old,
    });
    assert_eq!(leader.look(), inquire);
    (leader, new, inquire)
}

#[test]
fn who_is_gone_is_replaced_in_one_change_and_then_in_the_catalog() {
    let (mut leader, new, _) = wiped(true);
    assert_eq!(
        leader.give(Event::Inquired(gone(&new, 3))),
        change(&[1, 2, 4])
    );
    leader.facts.voters = ids(&[1, 2, 4]);
    leader.facts.learners.clear();
    assert_eq!(leader.give(Event::Done(Ok(()))), add(new.raft_id, Some(3)));
}

#[test]
fn who_was_heard_again_stays_and_the_newcomer_says_so_and_asks_again() {
    let (mut leader, new, inquire) = wiped(true);
    let heard = Evidence {
        heard: Some(SECOND),
        ..gone(&new, 3)
    };
    assert_eq!(leader.give(Event::Inquired(heard)), None);
    assert!(
        leader
            .state(&new)
            .contains("meta-3:8091 is still in use by a live member")
    );
    assert_eq!(leader.later(SECOND), None);
    assert_eq!(
        leader.later(SECOND),
        inquire,
        "again after one to two seconds"
    );
}

/// The evidence is some seconds old: what this leader saw since then counts too.
#[test]
fn who_acknowledged_while_others_were_asked_stays() {
    let (mut leader, new, _) = wiped(true);
    leader.well(3);
    assert_eq!(leader.give(Event::Inquired(gone(&new, 3))), None);
    assert!(
        leader
            .state(&new)
            .contains("Raft id 3 answered the leader 0 ms ago")
    );
}

#[test]
fn beside_who_has_moved_away_the_newcomer_is_added() {
    let (mut leader, new, _) = wiped(true);
    let away = Address::new("elsewhere", 8091);
    let id = leader
        .facts
        .catalog
        .meta_node_by_raft_id(RaftId(3))
        .expect("node")
        .id;
    leader.facts.catalog.meta_nodes.update(&id, |node| {
        (node.http, node.raft) = (away.clone(), away.with_port(8089));
    });
    assert_eq!(
        leader.give(Event::Inquired(gone(&new, 3))),
        change(&[1, 2, 3, 4])
    );
}

/// Both addresses of a member, HTTP and Raft, are its own.
#[test]
fn who_has_the_raft_address_of_a_member_replaces_it_or_waits() {
    let mut leader = Leader::of(3);
    let new = leader.follows(4, 4, true);
    leader.has_raft_address(&new, http(3).with_port(8089));
    leader.silent(3);
    assert!(matches!(leader.look(), Some(Step::Inquire { old, .. }) if old.raft_id == RaftId(3)));
    let mut leader = Leader::of(3);
    let new = leader.follows(4, 2, true);
    leader.has_raft_address(&new, http(3).with_port(8089));
    assert_eq!(leader.look(), None, "two members would have to go for one");
    assert!(leader.state(&new).contains("belong to two members"));
}

#[test]
fn a_learner_by_wish_takes_the_place_of_a_voter_that_goes_first() {
    let (mut leader, new, _) = wiped(false);
    assert_eq!(leader.give(Event::Inquired(gone(&new, 3))), change(&[1, 2]));
    leader.facts.voters = ids(&[1, 2]);
    assert_eq!(leader.give(Event::Done(Ok(()))), add(new.raft_id, Some(3)));
}

/// The newcomer follows first and is promoted later. A joint change in the place of a learner is
/// something that a new leader could not finish if the old one died before `AddMetaNode`.
#[test]
fn in_the_place_of_a_learner_a_newcomer_follows_and_is_promoted_then() {
    let mut leader = Leader::of(3);
    let old = leader.follows(4, 4, false);
    leader.apply(InternalCommand::AddMetaNode(AddMetaNode {
        raft_id: old.raft_id,
        replaces: None,
    }));
    leader.silent(4);
    let new = leader.follows(5, 4, true);
    assert!(matches!(leader.look(), Some(Step::Inquire { .. })));
    assert_eq!(
        leader.give(Event::Inquired(gone(&new, 4))),
        add(new.raft_id, Some(4))
    );
    leader.apply(InternalCommand::AddMetaNode(AddMetaNode {
        raft_id: new.raft_id,
        replaces: Some(RaftId(4)),
    }));
    assert_eq!(
        leader.give(Event::Done(Ok(()))),
        Some(Step::RemoveLearners { ids: ids(&[4]) })
    );
    leader.facts.learners.remove(&RaftId(4));
    assert_eq!(leader.give(Event::Done(Ok(()))), change(&[1, 2, 3, 5]));
}

#[test]
fn a_replacement_without_a_majority_of_the_old_voters_waits() {
    let mut leader = Leader::of(3);
    let new = leader.follows(4, 3, true);
    leader.silent(2);
    leader.silent(3);
    assert_eq!(leader.look(), None);
    assert!(
        leader
            .state(&new)
            .starts_with("waiting for a majority: 1 of 3 voters answer")
    );
}

#[test]
fn judged_gone_is_only_who_was_silent_to_all_while_the_name_is_the_newcomers() {
    let mut leader = Leader::of(3);
    let new = leader.asks(4, 3, true);
    leader.silent(3);
    let verdict = |facts: &Facts, evidence: Evidence| {
        judge(&Leader::setup(), facts, &new, &evidence).map_err(|still| still.to_string())
    };
    let plain = || gone(&new, 3);
    assert_eq!(verdict(&leader.facts, plain()), Ok(()));
    let old_member = || says(volume(3), Some(RaftId(3)), Phase::Member);
    let mut foreign = old_member();
    foreign.cluster_name = "prod".to_owned();
    let with = |answer| Evidence {
        name: vec![Ok(joining(&new)), answer],
        ..plain()
    };
    assert_eq!(
        verdict(&leader.facts, with(Ok(foreign))),
        Ok(()),
        "another stack's node"
    );
    assert_eq!(
        verdict(&leader.facts, with(Err(PollError::Timeout))),
        Ok(()),
        "a dead address"
    );
    for (evidence, text) in [
        (
            Evidence {
                old: RaftId(1),
                ..plain()
            },
            "the leader itself",
        ),
        (
            Evidence {
                led_for: SECOND,
                ..plain()
            },
            "the leader is new",
        ),
        (
            Evidence {
                acked: Some(SECOND),
                ..plain()
            },
            "Raft id 3 answered the leader 1000 ms ago",
        ),
        (
            Evidence {
                heard: Some(SECOND),
                ..plain()
            },
            "a member heard Raft id 3 1000 ms ago",
        ),
        (with(Ok(old_member())), "two nodes answer to one name"),
        (with(Err(PollError::WrongSecret)), "wrong secret"),
        (
            Evidence {
                name: vec![Err(PollError::Timeout)],
                ..plain()
            },
            "does not answer as this node",
        ),
        (
            Evidence {
                name: vec![],
                ..plain()
            },
            "does not answer as this node",
        ),
    ] {
        let said = verdict(&leader.facts, evidence).expect_err(text);
        assert!(
            said.contains(text) && said.contains("meta-3:8091"),
            "{said}"
        );
    }
    leader.facts.heard.insert(volume(3), SECOND);
    assert!(
        verdict(&leader.facts, plain()).is_err(),
        "this leader has heard it since"
    );
}

/// Nothing of a pending is taken over, so it need not be gone. Otherwise two pendings that
/// exchanged names would wait for each other.
#[test]
fn a_pending_at_the_address_is_in_the_way_only_if_it_answers_there() {
    let mut leader = Leader::of(3);
    let old = leader.asks(4, 4, true);
    let new = leader.asks(5, 4, true);
    let evidence = || Evidence {
        heard: Some(Duration::ZERO),
        ..gone(&new, old.raft_id.0)
    };
    assert_eq!(
        judge(&Leader::setup(), &leader.facts, &new, &evidence()),
        Ok(())
    );
    let answers = Evidence {
        name: vec![Ok(joining(&new)), Ok(joining(&old))],
        ..evidence()
    };
    assert!(judge(&Leader::setup(), &leader.facts, &new, &answers).is_err());
    leader.facts.voters.insert(old.raft_id);
    assert!(
        judge(&Leader::setup(), &leader.facts, &new, &evidence()).is_err(),
        "it votes"
    );
}

// Removals that operators asked for.

#[test]
fn a_voter_is_removed_from_the_membership_then_from_the_catalog() {
    let mut leader = Leader::of(3);
    assert_eq!(
        leader.ask_out(3, false),
        None,
        "those that would remain have not spoken since"
    );
    assert_eq!(leader.later(SECOND), change(&[1, 2]));
    leader.facts.voters = ids(&[1, 2]);
    assert_eq!(
        leader.give(Event::Done(Ok(()))),
        bury(3, RemovedWhy::Removed, "ann")
    );
    assert!(leader.machine.answered().is_empty(), "not yet");
    let tombstone = Some(Removal {
        why: RemovedWhy::Removed,
        by: "ann".to_owned(),
    });
    leader.apply(InternalCommand::RemoveMetaNode(RemoveMetaNode {
        raft_id: RaftId(3),
        tombstone,
    }));
    assert_eq!(leader.give(Event::Done(Ok(()))), None);
    assert_eq!(leader.machine.answered(), [(7, Ok(()))]);
    // Asked again, as after a crash in between.
    assert_eq!(leader.ask_out(3, false), None);
    assert_eq!(leader.machine.answered(), [(7, Ok(()))]);
}

#[test]
fn a_learner_and_a_pending_are_removed_too() {
    let mut leader = Leader::of(3);
    let new = leader.follows(4, 4, true);
    assert_eq!(
        leader.ask_out(4, false),
        Some(Step::RemoveLearners { ids: ids(&[4]) })
    );
    leader.facts.learners.clear();
    assert_eq!(
        leader.give(Event::Done(Ok(()))),
        bury(4, RemovedWhy::Removed, "ann")
    );
    assert!(
        leader
            .machine
            .state(new.incarnation)
            .is_none_or(|text| !text.contains("given up"))
    );
}

#[test]
fn the_last_voter_the_leader_and_a_majority_stay() {
    let mut leader = Leader::of(1);
    assert_eq!(leader.ask_out(1, true), None);
    assert!(
        matches!(leader.refusal(), Refusal::Conflict(why) if why.to_string().contains("leave of the last member"))
    );
    let mut leader = Leader::of(3);
    assert_eq!(leader.ask_out(1, true), None);
    assert!(
        matches!(leader.refusal(), Refusal::NotYet(why) if why.to_string().contains("handed over first"))
    );
    assert_eq!(leader.ask_out(9, true), None);
    assert!(matches!(leader.refusal(), Refusal::NotFound(_)));
    leader.silent(2);
    assert_eq!(leader.ask_out(3, false), None);
    assert!(
        matches!(leader.refusal(), Refusal::Conflict(why) if why.to_string().contains("1 of 2 voters"))
    );
    assert_eq!(leader.ask_out(3, true), change(&[1, 2]), "by force");
    // The dead member may go: the two that remain are healthy.
    let mut leader = Leader::of(3);
    leader.silent(3);
    assert_eq!(
        leader.ask_out(3, false),
        None,
        "those that would remain have not spoken since"
    );
    assert_eq!(leader.later(SECOND), change(&[1, 2]));
}

#[test]
fn a_removal_that_does_not_get_through_is_answered_and_finished_later_in_its_name() {
    let mut leader = Leader::of(3);
    leader.silent(2);
    assert_eq!(leader.ask_out(3, true), change(&[1, 2]));
    leader.facts.voters = ids(&[1, 2]);
    leader.facts.outgoing = Some(ids(&[1, 2, 3]));
    assert_eq!(
        leader.give(Event::Done(Err(StepError::Unknown))),
        change(&[1, 2]),
        "the joint one is ended"
    );
    let Refusal::NotYet(why) = leader.refusal() else {
        panic!("not yet")
    };
    let text = why.to_string();
    assert_eq!(
        text,
        "waiting for a majority: 2 of 3 voters answer, meta-2:8091 does not"
    );
    leader.facts.outgoing = None;
    assert_eq!(
        leader.give(Event::Done(Ok(()))),
        bury(3, RemovedWhy::Removed, "ann")
    );
}

#[test]
fn a_removal_is_answered_within_its_time_whatever_else_is_in_flight() {
    let mut leader = Leader::of(3);
    let new = leader.asks(4, 4, true);
    assert_eq!(leader.look(), visit(&new));
    assert_eq!(leader.ask_out(3, false), None);
    assert!(leader.machine.wake_at(leader.now) <= leader.now + 8 * SECOND);
    leader.later(8 * SECOND);
    assert!(matches!(leader.refusal(), Refusal::NotYet(_)));
}

// Members that are learners.

#[test]
fn a_member_that_is_to_vote_does_once_there_is_room() {
    let mut leader = Leader::of(5);
    let new = leader.follows(6, 6, true);
    leader.apply(InternalCommand::AddMetaNode(AddMetaNode {
        raft_id: new.raft_id,
        replaces: None,
    }));
    assert_eq!(leader.look(), None);
    assert_eq!(
        leader.state(&new),
        "a learner: 5 vote already; promoted when one of them leaves"
    );
    leader.apply(InternalCommand::RemoveMetaNode(RemoveMetaNode {
        raft_id: RaftId(5),
        tombstone: None,
    }));
    leader.facts.voters.remove(&RaftId(5));
    assert_eq!(leader.look(), change(&[1, 2, 3, 4, 6]));
}

/// `show -v` lists what waits. A learner that is to stay one does not wait once it is a member.
#[test]
fn a_learner_by_wish_waits_for_nothing_once_it_is_a_member() {
    let mut leader = Leader::of(3);
    let new = leader.follows(4, 4, false);
    assert_eq!(leader.look(), add(new.raft_id, None));
    assert_eq!(
        leader.state(&new),
        "becomes a member without a vote, as it asked"
    );
    leader.apply(InternalCommand::AddMetaNode(AddMetaNode {
        raft_id: new.raft_id,
        replaces: None,
    }));
    assert_eq!(leader.give(Event::Done(Ok(()))), None);
    assert_eq!(leader.machine.state(new.incarnation), None);
}

#[test]
fn a_learner_by_wish_is_never_promoted_and_taken_out_after_a_day_unseen() {
    let mut leader = Leader::of(3);
    let new = leader.follows(4, 4, false);
    leader.apply(InternalCommand::AddMetaNode(AddMetaNode {
        raft_id: new.raft_id,
        replaces: None,
    }));
    assert_eq!(leader.look(), None);
    leader.facts.progress.remove(&new.raft_id);
    assert_eq!(leader.later(24 * 60 * MINUTE - SECOND), None);
    assert_eq!(
        leader.later(SECOND),
        bury(4, RemovedWhy::Unseen, "the cluster: not seen for 24 hours")
    );
    leader.apply(InternalCommand::RemoveMetaNode(RemoveMetaNode {
        raft_id: new.raft_id,
        tombstone: None,
    }));
    assert_eq!(
        leader.give(Event::Done(Ok(()))),
        Some(Step::RemoveLearners { ids: ids(&[4]) })
    );
}

/// A voter is never taken out because of time alone.
#[test]
fn a_silent_voter_stays() {
    let mut leader = Leader::of(3);
    leader.silent(3);
    assert_eq!(leader.later(48 * 60 * MINUTE), None);
}

// Steps that fail.

#[test]
fn a_step_that_failed_rests_for_a_second_and_others_go_on() {
    let mut leader = Leader::of(3);
    let (one, two) = (leader.follows(4, 4, true), leader.asks(5, 5, true));
    assert_eq!(leader.look(), change(&[1, 2, 3, 4]));
    assert_eq!(
        leader.give(Event::Done(Err(StepError::Refused("busy".to_owned())))),
        visit(&two)
    );
    assert_eq!(leader.visited(&two, vec![Err(PollError::Timeout)]), None);
    assert!(leader.machine.wake_at(leader.now) <= leader.now + SECOND);
    leader.now += SECOND;
    let again = leader.look();
    assert!(
        again == change(&[1, 2, 3, 4]) || again == visit(&two),
        "{again:?}"
    );
    assert!(!leader.state(&one).is_empty());
}

#[test]
fn who_does_not_lead_any_more_does_nothing_and_answers_everybody() {
    let mut leader = Leader::of(3);
    assert_eq!(
        leader.ask_out(3, false),
        None,
        "those that would remain have not spoken since"
    );
    assert_eq!(leader.later(SECOND), change(&[1, 2]));
    assert_eq!(leader.give(Event::Done(Err(StepError::NotLeader))), None);
    assert!(matches!(leader.refusal(), Refusal::NotYet(_)));
    assert_eq!(leader.later(MINUTE), None);
}

/// The rule of founding.md 11.3: required once every member and every pending has shown the secret.
#[test]
fn the_secret_is_required_once_everybody_has_shown_it() {
    let mut leader = Leader::of(3);
    let require = Some(Step::Propose(InternalCommand::RequireSecret));
    let shown = |all: &[(u64, bool)]| Some(all.iter().map(|(id, it)| (RaftId(*id), *it)).collect());
    leader.facts.proofs = shown(&[(1, true), (2, true), (3, true)]);
    assert_eq!(leader.look(), None, "not every member reads the command");
    leader.facts.supported = BUDGET_LEVEL;
    leader.apply(InternalCommand::RaiseFeatureLevel {
        level: BUDGET_LEVEL,
    });
    for missing in [
        None,
        shown(&[(1, true), (2, true)]),
        shown(&[(1, true), (2, true), (3, false)]),
    ] {
        leader.facts.proofs = missing;
        assert_eq!(leader.look(), None, "{:?}", leader.facts.proofs);
        let texts: Vec<_> = leader
            .machine
            .alarms()
            .iter()
            .map(ToString::to_string)
            .collect();
        let named = texts
            .iter()
            .any(|text| text.contains("meta-3:8091 did not show it"));
        assert_eq!(named, leader.facts.proofs.is_some(), "{texts:?}");
    }
    leader.facts.proofs = shown(&[(1, true), (2, true), (3, true)]);
    assert_eq!(leader.look(), require);
    leader.apply(InternalCommand::RequireSecret);
    assert_eq!(leader.give(Event::Done(Ok(()))), None);
    assert_eq!(leader.machine.alarms(), []);
    leader.facts.proofs = shown(&[(1, true)]);
    assert_eq!(leader.look(), None, "never taken back, and no alarm");
    assert_eq!(leader.machine.alarms(), []);
}
