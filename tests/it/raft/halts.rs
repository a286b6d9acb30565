//! Logs and states that a member cannot read or write, and the effect on it and on the others.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use influxdb_meta::auth::PeerPolicy;
use influxdb_meta::base::{Incarnation, LogId, RaftId};
use influxdb_meta::raft::{HandshakeRefusal, OpenError, ProposeError, Raft, Role, UnknownReason};
use influxdb_meta::runtime::Disk;
use influxdb_meta::runtime::disk::{Fake, OpKind};
use influxdb_meta::wire::attempt_note::{self, Attempts};
use influxdb_meta::wire::envelope::Body;
use tokio::time::{Instant, timeout};

use super::basics::{create, soon};
use super::cluster::{Cluster, Options};
use super::world::{ip, replica};

/// In influxdb-cluster the two bytes `08 03` made a cluster unusable for ever.
#[tokio::test(start_paused = true)]
async fn an_unreadable_entry_halts_and_is_neither_skipped_nor_a_crash() {
    let mut cluster = Cluster::founded(11, 3, Options::default()).await;
    let (_, raft) = cluster.leader(Duration::from_secs(1)).await;
    raft.propose(create("before"), soon())
        .await
        .expect("acknowledged");
    // `service` would refuse it; a newer version might log an entry that this one cannot read.
    let unreadable = Body::Wire(bytes::Bytes::from_static(&[0x08, 0x03]));
    let answer = raft.propose(unreadable, soon()).await;
    assert_eq!(
        answer,
        Err(ProposeError::Unknown(UnknownReason::LeadershipLost)),
        "the others may have read it"
    );
    let told = halted_nodes(&cluster).await;
    assert!(
        told.len() >= 2,
        "whoever learns that it is committed halts, and one alone learns nothing: {told:?}"
    );
    for (id, halted) in told {
        let raft = cluster.raft(id).expect("the process stays");
        assert!(
            halted.starts_with("log entry ") && halted.contains("cannot be read"),
            "{halted}"
        );
        assert!(
            halted.ends_with("this node needs a newer version"),
            "{halted}"
        );
        let catalog = &raft.applied().borrow().catalog.clone();
        assert!(
            catalog.databases.get(&"before".into()).is_some(),
            "what was applied stays visible"
        );
        let refused = raft.propose(create("after"), soon()).await;
        assert!(
            matches!(refused, Err(ProposeError::Halted(_))),
            "{refused:?}"
        );
        assert!(
            timeout(Duration::from_secs(1), raft.fatal()).await.is_err(),
            "no reason to end the process"
        );
    }
    // After a restart it meets the entry again and says the same: already on opening, if it knows
    // that the entry is committed.
    for id in [1, 2, 3] {
        cluster.kill(id);
        match cluster.try_open(id).await {
            Err(OpenError::Unreadable(halt)) => {
                assert!(halt.to_string().contains("cannot be read"), "{halt}")
            }
            Err(error) => panic!("{error}"),
            Ok(raft) => raft.admit(),
        }
    }
    let running = cluster.running().len();
    let told = halted_nodes(&cluster).await;
    assert!(told.len() + 1 >= running.min(2), "{told:?} of {running}");
    assert!(
        told.values()
            .all(|halted| halted.contains("cannot be read")),
        "{told:?}"
    );
}

/// Reasons of the running members that have halted three seconds later.
async fn halted_nodes(cluster: &Cluster) -> BTreeMap<u64, String> {
    tokio::time::sleep(Duration::from_secs(3)).await;
    let halted = |id: u64| Some((id, cluster.raft(id)?.status().halted?));
    cluster.running().into_iter().filter_map(halted).collect()
}

#[tokio::test(start_paused = true)]
async fn a_failed_fsync_ends_the_process_and_costs_nothing() {
    let mut cluster = Cluster::founded(12, 3, Options::default()).await;
    let (leader, raft) = cluster.leader(Duration::from_secs(1)).await;
    raft.propose(create("before"), soon())
        .await
        .expect("acknowledged");
    cluster.members[&leader]
        .disk
        .fail_with(|op| matches!(op.kind, OpKind::Sync).then_some(io::ErrorKind::StorageFull));
    // The two others may commit it without this node's own copy, and then it may be acknowledged.
    // Otherwise the outcome is unknown.
    let unsure = raft.propose(create("unsure"), soon()).await;
    assert!(
        matches!(unsure, Ok(_) | Err(ProposeError::Unknown(_))),
        "{unsure:?}"
    );
    let why = timeout(Duration::from_secs(2), raft.fatal())
        .await
        .expect("it says that it must end");
    assert!(
        why.starts_with("writing the log") || why.starts_with("saving the vote"),
        "{why}"
    );
    cluster.kill(leader);
    let (_, raft) = cluster.leader(Duration::from_secs(3)).await;
    raft.propose(create("after"), soon())
        .await
        .expect("the others go on");
    let catalog = raft.applied().borrow().catalog.clone();
    assert!(catalog.databases.get(&"before".into()).is_some());
}

/// A snapshot that finds no room waits for it. The log is still there, and ending the process would
/// end every later start too.
#[tokio::test(start_paused = true)]
async fn a_snapshot_without_room_waits_for_it() {
    a_snapshot_waits_while_writes_fail_with(io::ErrorKind::StorageFull).await;
}

/// EDQUOT is as good as a full disk.
#[tokio::test(start_paused = true)]
async fn a_snapshot_beyond_the_quota_of_the_volume_waits_for_it() {
    a_snapshot_waits_while_writes_fail_with(io::ErrorKind::QuotaExceeded).await;
}

async fn a_snapshot_waits_while_writes_fail_with(kind: io::ErrorKind) {
    let options = Options {
        snapshot_every: 20,
        ..Options::default()
    };
    let cluster = Cluster::founded(15, 1, options).await;
    let (leader, raft) = cluster.leader(Duration::from_secs(1)).await;
    let disk = &cluster.members[&leader].disk;
    let in_snapshots = move |op: &influxdb_meta::runtime::disk::Op| {
        let is_one =
            op.path.to_string_lossy().contains("/snap/") && matches!(op.kind, OpKind::Write { .. });
        is_one.then_some(kind)
    };
    disk.fail_with(in_snapshots);
    for n in 0..60 {
        raft.propose(create(&format!("db{n}")), soon())
            .await
            .expect("the log has room");
    }
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!((raft.status().snapshot, raft.status().halted), (None, None));
    disk.heal();
    let stored = async {
        while raft.status().snapshot.is_none() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(Duration::from_secs(30), stored)
        .await
        .expect("stored once there is room");
}

/// Without this rule two wiped founders elected a leader, and acknowledged writes were gone.
#[tokio::test(start_paused = true)]
async fn a_wiped_volume_does_not_vote_under_its_old_name() {
    let mut cluster = Cluster::founded(13, 3, Options::default()).await;
    let (leader, raft) = cluster.leader(Duration::from_secs(1)).await;
    raft.propose(create("before"), soon())
        .await
        .expect("acknowledged");
    let others: Vec<u64> = [1, 2, 3].into_iter().filter(|id| *id != leader).collect();
    let (stale, wiped) = (others[0], others[1]);
    // All members are down except one that lags and a wiped one: these two would be a majority of
    // three.
    for id in [1, 2, 3] {
        cluster.kill(id);
    }
    cluster.members.remove(&wiped);
    cluster.add(9, ip(wiped));
    let reborn = cluster.start(9).await;
    let raft = cluster.start(stale).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let status = raft.status();
    assert_ne!(status.role, Role::Leader, "{status:?}");
    assert_eq!(status.leader, None, "{status:?}");
    assert_eq!(
        reborn.status().last_log,
        None,
        "nothing of the old name reached it"
    );
    assert_eq!(
        raft.propose(create("lost"), soon()).await,
        Err(ProposeError::NoLeader)
    );
    // With an intact volume back there is a majority again, and the acknowledged writes are there.
    cluster.start(leader).await;
    let (_, raft) = cluster.leader(Duration::from_secs(5)).await;
    raft.propose(create("after"), soon())
        .await
        .expect("acknowledged");
    assert!(
        raft.applied()
            .borrow()
            .catalog
            .databases
            .get(&"before".into())
            .is_some()
    );
}

/// The new incarnation at the old address refuses, and the caller gets the reason as text.
#[tokio::test(start_paused = true)]
async fn the_old_incarnation_is_refused_by_name() {
    let mut cluster = Cluster::founded(14, 3, Options::default()).await;
    cluster.kill(3);
    cluster.members.remove(&3);
    cluster.add(9, ip(3));
    cluster.start(9).await;
    let deadline = Instant::now() + Duration::from_secs(5);
    let (_, raft) = cluster.leader(Duration::from_secs(3)).await;
    raft.propose(create("two of three"), soon())
        .await
        .expect("acknowledged");
    let heard = |id: u64| {
        cluster.members[&id]
            .process
            .as_ref()
            .expect("runs")
            .refusals
            .clone()
    };
    loop {
        let refusals = [heard(1), heard(2)]
            .map(|r| r.lock().expect("sound").clone())
            .concat();
        if refusals.contains(&(RaftId(3), HandshakeRefusal::NotMe)) {
            break;
        }
        assert!(Instant::now() < deadline, "only {refusals:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A member whose log has fallen behind the others' is brought up to date by a snapshot.
#[tokio::test(start_paused = true)]
async fn who_comes_back_late_is_caught_up_by_a_snapshot() {
    let options = Options {
        snapshot_every: 30,
        ..Options::default()
    };
    let mut cluster = Cluster::founded(15, 3, options).await;
    let (leader, raft) = cluster.leader(Duration::from_secs(1)).await;
    let late = if leader == 1 { 2 } else { 1 };
    cluster.kill(late);
    for n in 0..200 {
        raft.propose(create(&format!("db{n}")), soon())
            .await
            .expect("acknowledged");
    }
    let back = cluster.start(late).await;
    let last = raft.applied().borrow().last.expect("applied").index;
    cluster
        .converged(&[1, 2, 3], last, Duration::from_secs(5))
        .await;
    assert!(
        back.status().snapshot.is_some_and(|id| id.index > 100),
        "{:?}",
        back.status()
    );
    // The state that it got is on its disk.
    cluster.pull_plug(late);
    let again = cluster.start(late).await;
    assert!(
        again
            .applied()
            .borrow()
            .last
            .is_some_and(|id| id.index > 100),
        "from its own snapshot"
    );
    cluster
        .converged(&[1, 2, 3], last, Duration::from_secs(5))
        .await;
}

/// That leader has nothing that would bring the lagging member to where its log begins: it would
/// send the snapshot before again and again.
#[tokio::test(start_paused = true)]
async fn a_leader_whose_newest_snapshot_rots_halts_and_the_others_bring_up_who_lags() {
    let options = Options {
        snapshot_every: 30,
        ..Options::default()
    };
    let mut cluster = Cluster::founded(17, 3, options).await;
    let (leader, raft) = cluster.leader(Duration::from_secs(1)).await;
    let late = if leader == 1 { 2 } else { 1 };
    cluster.kill(late);
    for n in 0..200 {
        raft.propose(create(&format!("db{n}")), soon())
            .await
            .expect("acknowledged");
    }
    let newest = raft.status().snapshot.expect("several").to_string();
    let path = std::path::Path::new("/meta/influxd-meta/snap").join(&newest);
    cluster.members[&leader].disk.flip_bit(&path, 8 * 200);
    let last = raft.applied().borrow().last.expect("applied").index;
    cluster.start(late).await;
    let why = halted(&raft).await;
    assert!(
        why.contains(&newest) && why.contains("delete this node's volume"),
        "{why}"
    );
    assert!(
        timeout(Duration::from_secs(1), raft.fatal()).await.is_err(),
        "no reason to end the process"
    );
    let others: Vec<u64> = [1, 2, 3].into_iter().filter(|id| *id != leader).collect();
    cluster
        .converged(&others, last, Duration::from_secs(10))
        .await;
}

async fn halted(raft: &Raft) -> String {
    let mut changed = raft.changed();
    let deadline = Instant::now() + Duration::from_secs(3);
    loop {
        changed.borrow_and_update();
        if let Some(halted) = raft.status().halted {
            return halted;
        }
        let more = tokio::time::timeout_at(deadline, changed.changed()).await;
        assert!(more.is_ok(), "not halted: {:?}", raft.status());
    }
}

#[tokio::test(start_paused = true)]
async fn members_with_one_secret_work_together_and_one_with_another_stays_out() {
    let (ours, other) = ([1; 32], [2; 32]);
    for third in [Some(ours), Some(other), None] {
        let keys = [(1, Some(ours)), (2, Some(ours)), (3, third)];
        let keys = keys
            .into_iter()
            .filter_map(|(id, key)| Some((id, key?)))
            .collect();
        let options = Options {
            keys,
            policy: PeerPolicy::ProofRequired,
            ..Options::default()
        };
        let cluster = Cluster::founded(16, 3, options).await;
        let (leader, raft) = cluster.leader(Duration::from_secs(2)).await;
        assert!(third == Some(ours) || leader != 3);
        raft.propose(create("with a secret"), soon())
            .await
            .expect("a majority has it");
        tokio::time::sleep(Duration::from_secs(2)).await;
        let third_applied = cluster.raft(3).expect("runs").applied().borrow().last;
        assert_eq!(
            third_applied.is_some(),
            third == Some(ours),
            "{third:?}: {third_applied:?}"
        );
    }
}

/// Path of the note of the entry that is being applied.
const APPLYING: &str = "/meta/influxd-meta/applying";

/// Writes the note as this many processes leave it that died while they applied the entry.
fn note_deaths(disk: &Fake, incarnation: Incarnation, entry: LogId, count: u32) {
    let attempts = Attempts {
        entry,
        bytes: 17,
        count,
    };
    let note = attempt_note::encode(incarnation, Some(attempts));
    let file = disk.open(Path::new(APPLYING), true).expect("the note");
    file.write_at(0, &note).expect("written");
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_ended_two_processes_is_not_applied_by_a_third() {
    let mut cluster = Cluster::founded(21, 3, Options::default()).await;
    let (leader, raft) = cluster.leader(Duration::from_secs(1)).await;
    raft.propose(create("before"), soon())
        .await
        .expect("acknowledged");
    let last = raft.status().last_log.expect("an entry");
    let victim = cluster.running().into_iter().find(|id| *id != leader);
    let victim = victim.expect("another member");
    cluster
        .converged(&[leader, victim], last.index, Duration::from_secs(3))
        .await;
    let me = replica(victim).incarnation;

    // A single death: the entry is applied again, and the note is removed.
    cluster.kill(victim);
    note_deaths(&cluster.members[&victim].disk, me, last, 1);
    cluster.start(victim).await;
    cluster
        .converged(&[leader, victim], last.index, Duration::from_secs(3))
        .await;
    let disk = &cluster.members[&victim].disk;
    let note = disk.read(Path::new(APPLYING)).expect("the note");
    assert_eq!(attempt_note::decode(me, &note), None, "applied");

    cluster.kill(victim);
    note_deaths(&cluster.members[&victim].disk, me, last, 2);
    match cluster.try_open(victim).await {
        Err(OpenError::DeadlyEntry(entry)) => {
            assert_eq!((entry.entry, entry.deaths), (last, 2));
            assert_eq!(entry.command, "CreateDatabase");
            let text = entry.to_string();
            assert!(text.contains(APPLYING), "{text}");
        }
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("applied again"),
    }
    raft.propose(create("after"), soon())
        .await
        .expect("the others go on");

    // A note of another life of the volume stops nothing.
    let disk = &cluster.members[&victim].disk;
    note_deaths(disk, Incarnation([99; 16]), last, 2);
    cluster.start(victim).await;
    let last = raft.status().last_log.expect("an entry");
    cluster
        .converged(&[leader, victim], last.index, Duration::from_secs(3))
        .await;
}
