//! Every row of the founding table and every rule, by name (founding.md 3, 4), and the failure that
//! each rule prevents.

use std::time::Duration;

use influxdb_meta::base::{Address, ClusterId};
use influxdb_meta::cluster::Activity;
use influxdb_meta::cluster::founding::{Await, Block, Event, Mismatch, Verdict};
use influxdb_meta::cluster::identity::founders::cluster_id;
use influxdb_meta::wire::identity::{PROTOCOL, Phase};

use super::world::{Planted, World, name};

const SECOND: Duration = Duration::from_secs(1);

/// Starts all founders and runs until they form their cluster.
fn formed(founders: usize) -> World {
    let mut world = World::new(1, founders);
    (0..founders).for_each(|slot| world.start(slot));
    assert!(
        world.run_until(10 * SECOND, all_started),
        "{}",
        world.describe()
    );
    world
}

fn all_started(world: &World) -> bool {
    (0..world.founders).all(|slot| world.phase(slot) == Some(Phase::Started))
}

fn cluster(world: &World, slot: usize) -> ClusterId {
    world.slots[slot].cluster().expect("in a cluster")
}

fn block(world: &World, slot: usize) -> Option<&Block> {
    match world.verdict(slot) {
        Some(Verdict::Blocked(block)) => Some(block),
        _ => None,
    }
}

fn is_unbroken(world: &World) {
    assert!(
        world.history.broken.is_empty(),
        "{:?}",
        world.history.broken
    );
}

#[test]
fn founders_of_any_number_form_one_cluster_in_about_the_quiet_time() {
    for founders in 1..=5 {
        let mut world = World::new(founders as u64, founders);
        (0..founders).for_each(|slot| world.start(slot));
        let begun = world.now;
        assert!(
            world.run_until(10 * SECOND, all_started),
            "{}",
            world.describe()
        );
        let took = world.now - begun;
        assert!(
            took >= SECOND && took < Duration::from_millis(1300),
            "{founders} founders took {took:?}"
        );
        let id = cluster(&world, 0);
        assert!((0..founders).all(|slot| cluster(&world, slot) == id));
        is_unbroken(&world);
    }
}

/// Raft ids follow the order of the founder list, not the order of starting.
#[test]
fn founder_k_of_the_list_gets_raft_id_k() {
    let mut world = World::new(2, 3);
    [2, 0, 1].into_iter().for_each(|slot| world.start(slot));
    assert!(world.run_until(10 * SECOND, all_started));
    for slot in 0..3 {
        let volume = world.slots[slot].volume.as_ref().expect("volume");
        assert_eq!(
            volume.record.seat().expect("seat").raft_id.0,
            slot as u64 + 1
        );
    }
}

// founding.md F0: two clusters.

#[test]
fn f0_two_clusters_under_one_name_are_not_chosen_between() {
    let mut world = two_clusters_and_a_fresh_node();
    world.start(2);
    world.run_for(5 * SECOND);
    assert!(
        matches!(block(&world, 2), Some(Block::TwoClusters { .. })),
        "{}",
        world.describe()
    );
    let text = world.verdict(2).expect("runs").to_string();
    for slot in [0, 1] {
        assert!(
            text.contains(&cluster(&world, slot).to_string()),
            "names both: {text}"
        );
    }
    // One of the clusters goes away: the fresh node joins the other.
    world.crash(1);
    assert!(world.run_until(30 * SECOND, |world| matches!(
        world.verdict(2),
        Some(Verdict::Join { .. })
    )));
}

/// meta-1 and meta-2 each founded alone, with lists of one entry; meta-3 lists all three.
fn two_clusters_and_a_fresh_node() -> World {
    let mut world = World::new(3, 3);
    for slot in [0, 1] {
        world.slots[slot].config.peers = vec![name(slot)];
        world.slots[slot].config.expect = 1;
        world.start(slot);
    }
    assert!(world.run_until(5 * SECOND, |world| world.electing().len() == 2));
    world
}

/// Nodes that are in a cluster only raise an alarm; their Raft goes on.
#[test]
fn f0_is_an_alarm_for_a_node_that_is_in_a_cluster() {
    let mut world = two_clusters_and_a_fresh_node();
    world.crash(0);
    world.slots[0].config.peers = (0..3).map(name).collect();
    world.start(0);
    world.run_for(5 * SECOND);
    assert_eq!(world.verdict(0), Some(&Verdict::Settled));
    assert!(
        matches!(world.alarm(0), Some(Block::TwoClusters { .. })),
        "{}",
        world.describe()
    );
}

// founding.md F1: follow.

/// Without this rule one crash while founding leaves a minority in `started` for ever.
#[test]
fn f1_who_restarts_after_another_started_follows() {
    let run = |planted| {
        let mut world = formed(3);
        world.planted = planted;
        // Two nodes were killed after they accepted and before their own fsync. One of these two is
        // then wiped. The two intact volumes must be able to elect a leader; otherwise the node
        // that started waits for ever.
        world.forget_start(1);
        world.wipe(2);
        world.start(1);
        world.start(2);
        world.run_for(20 * SECOND);
        is_unbroken(&world);
        world
    };
    let world = run(Planted::Nothing);
    assert_eq!(cluster(&world, 1), cluster(&world, 0));
    assert_eq!(
        world.electing().len(),
        1,
        "two intact volumes of three: {}",
        world.describe()
    );
    assert!(run(Planted::NoFollow).electing().is_empty());
}

/// The founder set decides, not the address at which it was seen, nor a name that was configured
/// later.
#[test]
fn f1_holds_at_any_place_and_under_any_name() {
    let mut world = formed(3);
    let id = cluster(&world, 0);
    // meta-3 loses only its start, as if it had been killed right before its own fsync.
    world.forget_start(2);
    world.slots[2].config.name = "renamed".to_owned();
    world.names.insert(name(2), vec![0]);
    world.start(2);
    assert!(
        world.run_until(5 * SECOND, |world| world.slots[2].cluster() == Some(id)),
        "{}",
        world.describe()
    );
    let volume = world.slots[2].volume.as_ref().expect("volume");
    assert_eq!(
        volume.record.seat().expect("seat").cluster_name,
        "demo",
        "the name is fixed by founding"
    );
}

#[test]
fn f1_holds_without_peers_too() {
    let mut world = formed(3);
    let id = cluster(&world, 0);
    world.forget_start(2);
    world.slots[2].config.peers.clear();
    world.slots[2].config.expect = 0;
    world.start(2);
    // The node polls no other node by itself; the others' polls are its hints.
    assert!(
        world.run_until(30 * SECOND, |world| world.slots[2].cluster() == Some(id)),
        "{}",
        world.describe()
    );
}

/// A founder set from which its own cluster id does not follow is not believed.
#[test]
fn f1_believes_no_vector_that_its_id_does_not_prove() {
    let mut world = formed(2);
    let incarnation = world.slots[1].incarnation().expect("volume");
    world.forget_start(1);
    world.start(1);
    let mut lie = world.identity(0).expect("runs");
    lie.cluster_id = Some(ClusterId([9; 16]));
    assert!(
        lie.vector
            .as_ref()
            .expect("vector")
            .iter()
            .any(|entry| entry.incarnation == incarnation)
    );
    assert_ne!(
        lie.cluster_id,
        lie.vector
            .as_ref()
            .map(|v| cluster_id("demo", &lie.list, v))
    );
    world.answer_with(1, &name(0), Ok(lie));
    assert!(!world.is_storing(1), "not followed");
}

// founding.md F2: join.

#[test]
fn f2_a_wiped_founder_joins_and_never_founds_again() {
    let mut world = formed(3);
    world.wipe(0);
    world.start(0);
    world.run_for(120 * SECOND);
    assert!(
        matches!(world.verdict(0), Some(Verdict::Join { .. })),
        "{}",
        world.describe()
    );
    let text = world.verdict(0).expect("runs").to_string();
    assert!(text.contains("joining it"), "{text}");
    is_unbroken(&world);
}

/// A majority rule would found over the data of the third node.
#[test]
fn f2_two_wiped_out_of_three_never_found_over_the_third() {
    let run = |planted| {
        let mut world = formed(3);
        world.planted = planted;
        world.write();
        world.wipe(0);
        world.wipe(1);
        world.crash(2);
        world.start(0);
        world.start(1);
        world.run_for(100 * SECOND);
        world
    };
    let by_majority = run(Planted::Majority);
    assert!(
        by_majority
            .history
            .broken
            .iter()
            .any(|how| how.contains("founded over"))
    );

    let mut world = run(Planted::Nothing);
    for slot in [0, 1] {
        assert!(
            matches!(world.verdict(slot), Some(Verdict::Missing { .. })),
            "{}",
            world.describe()
        );
    }
    world.start(2);
    let both_join = |world: &World| {
        (0..2).all(|slot| matches!(world.verdict(slot), Some(Verdict::Join { .. })))
    };
    assert!(
        world.run_until(30 * SECOND, both_join),
        "{}",
        world.describe()
    );
    assert_eq!(
        world.gone(2),
        vec![name(0), name(1)],
        "the survivor names the lost volumes"
    );
    is_unbroken(&world);
}

/// While its own entry is silent, a wiped node would join under its container's host name, beside
/// its own old entry.
#[test]
fn f2_waits_until_the_own_entry_is_known() {
    let mut world = formed(3);
    world.wipe(0);
    world.names.insert(name(0), Vec::new());
    world.start(0);
    world.run_for(20 * SECOND);
    let Some(Verdict::Missing { missing, .. }) = world.verdict(0) else {
        panic!("{}", world.describe())
    };
    assert!(
        missing.iter().any(|m| m.address == name(0)),
        "says which entry it could not reach: {missing:?}"
    );
    world.names.insert(name(0), vec![0]);
    assert!(world.run_until(30 * SECOND, |world| matches!(
        world.verdict(0),
        Some(Verdict::Join { .. })
    )));
}

/// When an IP address passes from one stack to another, its new owner must not join the old owner's
/// cluster.
#[test]
fn f2_a_hinted_cluster_counts_only_if_it_names_my_address() {
    for (names_me, joins) in [(false, false), (true, true)] {
        let mut world = World::new(5, 3);
        (0..2).for_each(|slot| world.start(slot));
        world.run_for(SECOND / 2);
        let mut outsider = formed(1).identity(0).expect("runs");
        outsider.http = Address::new("elsewhere", 8091);
        let named = if names_me {
            name(0)
        } else {
            outsider.http.clone()
        };
        (outsider.list, outsider.members) = (vec![outsider.http.clone()], vec![named]);
        world.hint(0, &outsider);
        world.answer_with(0, &outsider.http.clone(), Ok(outsider));
        let joining = matches!(world.verdict(0), Some(Verdict::Join { .. }));
        assert_eq!(joining, joins, "{}", world.describe());
    }
}

/// All voters are gone, and a learner keeps the founders from founding: they say which cluster it
/// is, and which learner. A voter that does not answer may only be down. A member of a version that
/// does not say who votes is not taken for a learner.
#[test]
fn f2_a_cluster_of_which_only_a_learner_is_left_is_told_as_that() {
    let extra = Address::new("extra", 8091);
    let both = || vec![name(0), name(1)];
    let down = || vec![name(0), name(1), Address::new("down", 8091)];
    let voting = || vec![name(0), extra.clone()];
    for (voters, is_orphaned) in [
        (both(), true),
        (down(), false),
        (voting(), false),
        (Vec::new(), false),
    ] {
        let mut world = World::new(7, 2);
        (0..2).for_each(|slot| world.start(slot));
        world.run_for(SECOND / 2);
        let mut left = formed(1).identity(0).expect("runs");
        (left.phase, left.vector, left.http) = (Phase::Member, None, extra.clone());
        (left.list, left.members) = (both(), vec![name(0), name(1), extra.clone()]);
        left.voters = voters;
        world.hint(0, &left);
        world.answer_with(0, &extra, Ok(left));
        let verdict = world.verdict(0).expect("runs");
        let Verdict::Join { cluster_id, .. } = verdict else {
            panic!("{}", world.describe())
        };
        let said = format!(
            "cluster {cluster_id} is known only to extra:8091 (learner); its voters are gone"
        );
        assert_eq!(
            verdict.to_string().starts_with(&said),
            is_orphaned,
            "{verdict}"
        );
        assert_eq!(verdict.doing() == Activity::Blocked, is_orphaned);
    }
}

/// `joining` alone is no evidence of a cluster: the members that it names are polled.
#[test]
fn f2_a_joining_peer_is_believed_when_a_member_that_it_names_answers() {
    let mut world = World::new(6, 2);
    world.start(0);
    let member = Address::new("member-9", 8091);
    let mut joiner = formed(2).identity(1).expect("runs");
    (joiner.phase, joiner.vector, joiner.members) = (Phase::Joining, None, vec![member.clone()]);
    world.answer_with(0, &name(1), Ok(joiner));
    let Some(Verdict::Missing { missing, .. }) = world.verdict(0) else {
        panic!("{}", world.describe())
    };
    let text: String = missing.iter().map(|m| m.why.to_string()).collect();
    assert!(
        text.contains("no member answers") && text.contains("member-9"),
        "{text}"
    );

    world.run_for(SECOND / 4);
    let mut answer = formed(1).identity(0).expect("runs");
    answer.http = member.clone();
    // Its own entry must be known before it may join.
    world.answer_with(0, &member, Ok(answer));
    assert!(
        matches!(world.verdict(0), Some(Verdict::Join { .. })),
        "{}",
        world.describe()
    );
}

// founding.md F3: only join.

#[test]
fn f3_expect_0_never_founds() {
    let mut world = World::new(7, 2);
    for slot in 0..2 {
        world.slots[slot].config.expect = 0;
        world.start(slot);
    }
    world.run_for(120 * SECOND);
    for slot in 0..2 {
        let verdict = world.verdict(slot);
        assert!(
            matches!(
                verdict,
                Some(Verdict::AwaitCluster {
                    why: Await::JoinOnly,
                    ..
                })
            ),
            "{verdict:?}"
        );
    }
}

#[test]
fn f3_a_node_in_no_entry_of_the_list_waits_for_a_cluster() {
    let mut world = World::new(8, 2);
    let outsider = world.add_slot((0..2).map(name).collect());
    (0..3).for_each(|slot| world.start(slot));
    assert!(world.run_until(2 * SECOND, |world| {
        matches!(
            world.verdict(outsider),
            Some(Verdict::AwaitCluster {
                why: Await::NotListed,
                ..
            })
        )
    }));
    let text = world.verdict(outsider).expect("runs").to_string();
    assert!(
        text.contains("own address is in no entry of INFLUXDB_META_PEERS"),
        "{text}"
    );
    assert!(world.run_until(10 * SECOND, |world| matches!(
        world.verdict(outsider),
        Some(Verdict::Join { .. })
    )));
}

// founding.md F4: differs.

/// Configures meta-2 with a difference and checks the text that both sides print.
fn disagrees(with: impl Fn(&mut super::world::Config), says: &str) {
    let mut world = World::new(9, 3);
    with(&mut world.slots[1].config);
    (0..3).for_each(|slot| world.start(slot));
    world.run_for(5 * SECOND);
    for slot in [0, 2] {
        let text = world.verdict(slot).expect("runs").to_string();
        assert!(
            block(&world, slot).is_some() && text.contains(says),
            "{text}"
        );
        assert!(text.contains("meta-2:8091"), "names the peer: {text}");
    }
    // The others see the correction without a restart.
    world.crash(1);
    world.slots[1].config = world.slots[0].config.clone();
    world.start(1);
    assert!(
        world.run_until(30 * SECOND, all_started),
        "{}",
        world.describe()
    );
}

#[test]
fn f4_another_list_blocks_and_both_are_printed() {
    disagrees(
        |config| {
            config.peers.pop();
            config.expect = 2;
        },
        "meta-1:8091,meta-2:8091,meta-3:8091 here, meta-1:8091,meta-2:8091 at",
    );
}

#[test]
fn f4_another_cluster_name_blocks() {
    disagrees(
        |config| config.name = "prod".to_owned(),
        "is \"demo\" here and \"prod\" at",
    );
}

/// Each side says which variable is set, and on which node.
#[test]
fn f4_a_secret_on_one_side_blocks() {
    let mut world = World::new(9, 2);
    (0..2).for_each(|slot| world.start(slot));
    let mut with_secret = world.identity(1).expect("runs");
    with_secret.with_secret = true;
    world.answer_with(0, &name(1), Ok(with_secret));
    let text = world.verdict(0).expect("runs").to_string();
    let want = "INFLUXDB_META_INTERNAL_SHARED_SECRET is set at meta-2:8091 and not here";
    assert!(block(&world, 0).is_some() && text.contains(want), "{text}");
}

/// A founder whose name is mistyped in the list says so, and which entry is probably meant.
#[test]
fn f5_a_founder_that_is_not_on_the_list_says_so() {
    let mut world = World::new(8, 3);
    world.slots[2].config.hostname = Some(Address::new("meta-33", 8091));
    world.names.insert(name(2), Vec::new());
    world.start(2);
    world.run_for(5 * SECOND);
    let text = world.verdict(2).expect("runs").to_string();
    let want = "this node is called meta-33:8091, which is in no entry (did you mean meta-3:8091?)";
    assert!(text.contains(want), "{text}");
}

#[test]
fn f4_another_number_blocks() {
    disagrees(|config| config.expect = 0, "comes to 3 here and 0 at");
}

#[test]
fn f4_answers_of_other_programs_block() {
    use influxdb_meta::cluster::PollError;
    for error in [
        PollError::WrongSecret,
        PollError::OtherMetaNode,
        PollError::RaftPort,
        PollError::NotOurs("an unrelated server".to_owned()),
    ] {
        let mut world = World::new(10, 2);
        world.start(0);
        world.answer_with(0, &name(1), Err(error.clone()));
        let expected = Mismatch::Answer(error);
        let Some(Block::Differs(differences)) = block(&world, 0) else {
            panic!("{}", world.describe())
        };
        assert!(
            differences.iter().any(|d| d.what == expected),
            "{differences:?}"
        );
    }
}

#[test]
fn f4_another_protocol_blocks() {
    let mut world = World::new(11, 2);
    (0..2).for_each(|slot| world.start(slot));
    let mut newer = world.identity(1).expect("runs");
    newer.protocol = PROTOCOL + 1;
    world.answer_with(0, &name(1), Ok(newer));
    assert!(
        matches!(block(&world, 0), Some(Block::Differs(_))),
        "{}",
        world.describe()
    );
}

#[test]
fn f4_a_loopback_name_among_others_blocks() {
    let mut world = World::new(12, 2);
    (0..2).for_each(|slot| world.start(slot));
    world.run_for(SECOND / 2);
    let mut local = world.identity(1).expect("runs");
    local.http = Address::new("localhost", 8091);
    world.answer_with(0, &name(1), Ok(local));
    let text = world.verdict(0).expect("runs").to_string();
    assert!(
        text.contains("all loopback or not at all") && text.contains("INFLUXDB_HOSTNAME"),
        "{text}"
    );
}

// founding.md F5: missing.

#[test]
fn f5_says_who_is_missing_and_why_and_later_how_to_do_without() {
    let mut world = World::new(13, 3);
    world.names.insert(name(2), Vec::new());
    world.start(0);
    world.run_for(5 * SECOND);
    let text = world.verdict(0).expect("runs").to_string();
    assert!(
        text.contains("2 of 3 founders") && text.contains("meta-2:8091 (connection refused)"),
        "{text}"
    );
    assert!(
        text.contains("meta-3:8091 (name unknown)") && !text.contains("take them out"),
        "{text}"
    );
    world.run_for(60 * SECOND);
    let text = world.verdict(0).expect("runs").to_string();
    assert!(
        text.contains("take them out of INFLUXDB_META_PEERS on all nodes"),
        "{text}"
    );
}

#[test]
fn f5_who_goes_away_takes_the_acceptance_with_it() {
    let mut world = World::new(14, 3);
    (0..3).for_each(|slot| world.start(slot));
    assert!(world.run_until(SECOND / 2, |world| world.phase(0) == Some(Phase::Accepted)));
    world.crash(2);
    assert!(
        world.run_until(10 * SECOND, |world| world.phase(0) == Some(Phase::Fresh)),
        "{}",
        world.describe()
    );
}

#[test]
fn f5_a_removed_peer_is_named_with_its_way_back() {
    let mut world = World::new(15, 2);
    (0..2).for_each(|slot| world.start(slot));
    let mut removed = world.identity(1).expect("runs");
    removed.phase = Phase::Removed;
    world.answer_with(0, &name(1), Ok(removed));
    let text = world.verdict(0).expect("runs").to_string();
    assert!(
        text.contains("meta-2:8091 (was taken out of its cluster; `influxd-ctl add-meta`"),
        "{text}"
    );
}

/// There is no cluster for ten minutes. Then it forms at once, because the late node's own polls
/// are hints.
#[test]
fn f5_a_third_node_ten_minutes_late() {
    let mut world = World::new(16, 3);
    (0..2).for_each(|slot| world.start(slot));
    world.run_for(600 * SECOND);
    assert!(
        (0..2).all(|slot| world.slots[slot].cluster().is_none()),
        "no cluster before"
    );
    let polls = world.polls_begun;
    world.run_for(60 * SECOND);
    assert!(
        world.polls_begun - polls < 2 * 3 * 12,
        "two nodes, three entries, one poll in about 10 s"
    );
    world.start(2);
    let begun = world.now;
    assert!(
        world.run_until(10 * SECOND, all_started),
        "{}",
        world.describe()
    );
    assert!(
        world.now - begun < Duration::from_millis(1500),
        "took {:?}",
        world.now - begun
    );
}

// founding.md F6 and founding.md F7: accept, start.

#[test]
fn f6_a_wiped_founder_before_the_start_makes_another_vector() {
    let mut world = World::new(17, 3);
    (0..3).for_each(|slot| world.start(slot));
    assert!(world.run_until(SECOND / 2, |world| {
        (0..3).all(|s| world.phase(s) == Some(Phase::Accepted))
    }));
    world.wipe(2);
    world.start(2);
    assert!(
        world.run_until(10 * SECOND, all_started),
        "{}",
        world.describe()
    );
    let new = world.slots[2].incarnation().expect("volume");
    let origin = world.slots[0]
        .volume
        .as_ref()
        .expect("volume")
        .record
        .origin()
        .expect("origin")
        .clone();
    assert_eq!(origin.vector[2].incarnation, new);
    is_unbroken(&world);
}

#[test]
fn f7_nothing_starts_before_the_quiet_time_is_over() {
    let mut world = World::new(18, 1);
    world.start(0);
    let begun = world.now;
    assert!(world.run_until(SECOND / 2, |world| world.phase(0) == Some(Phase::Accepted)));
    assert!(world.run_until(2 * SECOND, all_started));
    assert!(world.now - begun >= SECOND, "{:?}", world.now - begun);
}

/// A member at another address, whose list names this address, makes itself known in the quiet
/// time. Without that, the wiped node with its list of one would found a second time.
#[test]
fn f7_a_hint_in_the_quiet_time_turns_founding_into_joining() {
    for member_lives in [true, false] {
        let mut world = formed(2);
        world.lead(1);
        world.wipe(0);
        world.slots[0].config.peers = vec![name(0)];
        world.slots[0].config.expect = 1;
        if !member_lives {
            world.crash(1);
        }
        world.run_for(20 * SECOND);
        world.start(0);
        world.run_for(20 * SECOND);
        let joins = matches!(world.verdict(0), Some(Verdict::Join { .. }));
        assert_eq!(joins, member_lives, "{}", world.describe());
        assert_eq!(world.slots[0].cluster().is_none(), member_lives);
    }
}

/// Why `accept` exists: one wipe while answers to one founder are slow.
#[test]
fn f7_without_accept_one_wipe_founds_over_acknowledged_data() {
    let run = |planted| {
        let mut world = World::new(20, 3);
        world.planted = planted;
        // Hostnames are configured, so that no founder set changes because an own address is found
        // later.
        (0..3).for_each(|slot| world.slots[slot].config.hostname = Some(name(slot)));
        (0..3).for_each(|slot| world.start(slot));
        // All see each other. From here on, answers to meta-1 arrive late.
        assert!(world.run_until(SECOND / 2, |world| {
            (0..3).all(|s| world.phase(s) == Some(Phase::Accepted))
        }));
        world.hold_answers(0);
        world.wipe(2);
        world.start(2);
        world.slow = Some(0);
        world.run_for(Duration::from_millis(1800));
        world.write();
        (1..3).for_each(|other| world.deliver(0, &name(other)));
        world.finish_store(0);
        super::invariants::check(&mut world);
        world
    };
    let without = run(Planted::NoAccept);
    assert!(
        without
            .history
            .broken
            .iter()
            .any(|how| how.contains("founded over")),
        "{}",
        without.describe()
    );
    is_unbroken(&run(Planted::Nothing));
}

// Rules of founding.md 3.1 to 3.5.

#[test]
fn rule_3_1_a_late_answer_to_an_abandoned_poll_counts_for_nothing() {
    let mut world = World::new(21, 2);
    (0..2).for_each(|slot| world.start(slot));
    let late = world.identity(1).expect("runs");
    let before = world.verdict(0).cloned();
    world.give(
        0,
        Event::Polled {
            at: name(1),
            number: 9999,
            results: vec![Ok(late)],
        },
    );
    assert_eq!(world.verdict(0).cloned(), before, "still not asked");
}

#[test]
fn rule_3_2_a_failed_poll_leaves_nothing() {
    let mut world = World::new(22, 2);
    (0..2).for_each(|slot| world.start(slot));
    world.run_for(SECOND / 2);
    assert_eq!(world.phase(0), Some(Phase::Accepted));
    world.crash(1);
    assert!(world.run_until(5 * SECOND, |world| matches!(
        world.verdict(0),
        Some(Verdict::Missing { .. })
    )));
}

/// Nothing is decided on what a caller says. It is polled at the address that it names and at the
/// one that it came from.
#[test]
fn rule_3_3_a_hint_is_only_a_reason_to_poll() {
    let mut world = World::new(23, 2);
    world.start(0);
    let claim = formed(2).identity(1).expect("runs");
    let before = world.verdict(0).cloned();
    world.hint(0, &claim);
    assert_eq!(world.verdict(0).cloned(), before);
    let asked: Vec<Address> = world.polls(0).into_iter().map(|(at, _)| at).collect();
    assert!(
        asked.contains(&Address::new("10.9.9.9", 8091)),
        "its source address: {asked:?}"
    );
    assert!(
        asked.contains(&claim.http),
        "its advertised address: {asked:?}"
    );
}

#[test]
fn rule_3_4_a_list_with_two_names_of_this_node_blocks() {
    let mut world = World::new(24, 2);
    world.names.insert(name(1), vec![0]);
    world.start(0);
    world.run_for(SECOND);
    let text = world.verdict(0).expect("runs").to_string();
    assert!(text.contains("the list names this node twice"), "{text}");
}

#[test]
fn rule_3_4_a_copied_volume_blocks_everybody() {
    let mut world = World::new(25, 3);
    world.start(1);
    world.slots[2].volume = world.slots[1].volume.clone();
    world.start(0);
    world.start(2);
    world.run_for(10 * SECOND);
    assert!(
        matches!(block(&world, 0), Some(Block::Copied { .. })),
        "{}",
        world.describe()
    );
    for slot in [1, 2] {
        assert!(
            matches!(block(&world, slot), Some(Block::ListedTwice { .. })),
            "{}",
            world.describe()
        );
    }
}

#[test]
fn rule_3_4_a_hostname_where_another_node_answers_blocks() {
    let mut world = World::new(26, 2);
    world.slots[1].config.hostname = Some(name(0));
    (0..2).for_each(|slot| world.start(slot));
    world.run_for(2 * SECOND);
    assert!(
        matches!(block(&world, 1), Some(Block::NotMyName { .. })),
        "{}",
        world.describe()
    );
}

/// A configured name that is an entry is this node's without a poll: a node need not be able to
/// reach its own name.
#[test]
fn a_configured_hostname_needs_no_answer_from_oneself() {
    let mut world = World::new(27, 2);
    (0..2).for_each(|slot| world.slots[slot].config.hostname = Some(name(slot)));
    world.unreachable_from_itself = true;
    (0..2).for_each(|slot| world.start(slot));
    assert!(
        world.run_until(5 * SECOND, all_started),
        "{}",
        world.describe()
    );
}

/// Two stacks on one network, both without a cluster name: a container's own name hides its
/// duplicate from itself.
#[test]
fn rule_3_5_two_nodes_behind_one_name_block() {
    let mut world = World::new(28, 3);
    let duplicate = world.add_slot((0..3).map(name).collect());
    world.names.insert(name(1), vec![1, duplicate]);
    (0..4).for_each(|slot| world.start(slot));
    world.run_for(5 * SECOND);
    for slot in [0, 2] {
        let text = world.verdict(slot).expect("runs").to_string();
        assert!(text.contains("two nodes answer to meta-2:8091"), "{text}");
        assert!(text.contains("INFLUXDB_META_CLUSTER_NAME"), "{text}");
    }
    assert!((0..4).all(|slot| world.slots[slot].cluster().is_none()));
    // The second stack goes away: a minute later it is forgotten.
    world.wipe(duplicate);
    world.names.insert(name(1), vec![1]);
    let founders_started =
        |world: &World| (0..3).all(|slot| world.phase(slot) == Some(Phase::Started));
    assert!(
        world.run_until(90 * SECOND, founders_started),
        "{}",
        world.describe()
    );
}

#[test]
fn rule_3_5_an_incarnation_that_comes_back_after_another_blocks_for_a_minute() {
    let mut world = World::new(29, 3);
    let duplicate = world.add_slot((0..3).map(name).collect());
    [0, 1, duplicate]
        .into_iter()
        .for_each(|slot| world.start(slot));
    // The name leads to the first node, to the second, and to the first again: never to both at
    // once.
    for turn in [1, duplicate, 1] {
        let answer = world.identity(turn).expect("runs");
        world.answer_with(0, &name(1), Ok(answer));
        world.now += Duration::from_millis(200);
        world.give(0, Event::Tick);
    }
    assert_eq!(
        block(&world, 0),
        Some(&Block::DuplicateName { entry: name(1) }),
        "{}",
        world.describe()
    );
}

/// A wipe is not a duplicate name: the old incarnation does not come back.
#[test]
fn rule_3_5_a_wiped_node_is_no_twin() {
    let mut world = World::new(30, 2);
    (0..2).for_each(|slot| world.start(slot));
    world.run_for(SECOND / 2);
    world.wipe(1);
    world.start(1);
    assert!(
        world.run_until(5 * SECOND, all_started),
        "{}",
        world.describe()
    );
}

/// Two stacks with cluster names of their own may share a network and even host names.
#[test]
fn rule_3_5_answers_under_another_name_are_passed_over() {
    let mut world = World::new(31, 2);
    for place in 0..2 {
        let other = world.add_slot((0..2).map(name).collect());
        world.slots[other].config.name = "other".to_owned();
        world.names.insert(name(place), vec![place, other]);
    }
    (0..4).for_each(|slot| world.start(slot));
    let all = |world: &World| (0..4).all(|slot| world.phase(slot) == Some(Phase::Started));
    assert!(world.run_until(10 * SECOND, all), "{}", world.describe());
    assert_eq!(cluster(&world, 0), cluster(&world, 1));
    assert_eq!(cluster(&world, 2), cluster(&world, 3));
    assert_ne!(cluster(&world, 0), cluster(&world, 2));
}

/// A member that polls a silent entry does so more often than a fresh node's quiet time of 1 s.
/// That all polls run in parallel, with at most one of each peer in flight, is asserted by the
/// world.
#[test]
fn a_member_asks_a_silent_entry_more_often_than_the_quiet_time() {
    let mut world = formed(3);
    world.crash(2);
    world.lead(0);
    world.run_for(100 * SECOND);
    let polls = world.polls_begun;
    world.run_for(10 * SECOND);
    let each = (world.polls_begun - polls) as f64 / 10.0;
    assert!((1.5..30.0).contains(&each), "{each} polls a second");
}

#[test]
fn by_hand_does_nothing_by_itself() {
    let mut world = World::new(32, 1);
    world.slots[0].config.peers.clear();
    world.slots[0].config.expect = 0;
    world.start(0);
    world.run_for(100 * SECOND);
    assert_eq!(world.verdict(0), Some(&Verdict::Manual));
    assert_eq!(world.polls_begun, 0);
}

#[test]
fn alone_is_the_same_machine_with_no_others() {
    let mut world = World::new(33, 1);
    world.slots[0].config.peers.clear();
    world.slots[0].config.alone = true;
    world.start(0);
    assert!(
        world.run_until(3 * SECOND, all_started),
        "{}",
        world.describe()
    );
    assert_eq!(world.slots[0].founders(), Some(1));
}
