//! The notes of the entry that is being applied and of the snapshot that is being loaded, over the
//! deaths of processes.

use std::io;
use std::path::Path;

use influxdb_meta::base::LogId;
use influxdb_meta::runtime::Disk;
use influxdb_meta::runtime::disk::{Fake, OpKind};
use influxdb_meta::storage::{
    AttemptNote, DataDir, DeadlySnapshot, Log, OpenSnapshotsError, SnapshotHeader, Snapshots,
};

use super::support::{DIR, ME, env};

const FIRST: LogId = LogId { term: 1, index: 9 };
const SECOND: LogId = LogId { term: 1, index: 10 };

/// Life of a process: it finds the note, acts, and is killed. Returns what it found, and the disk
/// that it leaves.
async fn life(disk: &Fake, act: impl FnOnce(&AttemptNote)) -> (Option<(LogId, u32)>, Fake) {
    let env = env(disk);
    let dir = DataDir::open(&env, Path::new(DIR)).expect("opens");
    dir.store("identity", b"x").expect("stored");
    let log = Log::open(&env, &dir, ME, None).expect("opens");
    let note = log.apply_note();
    let found = note.unfinished().map(|found| (found.entry, found.count));
    act(note);
    (found, disk.after_kill())
}

#[tokio::test]
async fn deaths_in_a_row_at_one_entry_are_counted() {
    let disk = Fake::new();
    let dies = |note: &AttemptNote| note.begin(FIRST, 100);
    let (found, disk) = life(&disk, dies).await;
    assert_eq!(found, None);
    let (found, disk) = life(&disk, dies).await;
    assert_eq!(found, Some((FIRST, 1)));
    // A process that is killed while it applies nothing does not begin the count anew.
    let (found, disk) = life(&disk, |_| ()).await;
    assert_eq!(found, Some((FIRST, 2)));
    let (found, disk) = life(&disk, |note| {
        note.begin(FIRST, 100);
        note.end();
        note.begin(SECOND, 100);
    })
    .await;
    assert_eq!(found, Some((FIRST, 2)));
    let (found, _) = life(&disk, |_| ()).await;
    assert_eq!(found, Some((SECOND, 1)), "another entry");
}

#[tokio::test]
async fn an_end_between_two_entries_does_not_count() {
    let mut disk = Fake::new();
    for _ in 0..20 {
        let (found, left) = life(&disk, |note| {
            note.begin(FIRST, 100);
            note.end();
        })
        .await;
        assert_eq!(found, None);
        disk = left;
    }
}

/// The file is made at the first start. From then on a full disk does not matter; a disk that
/// refuses all writes costs the count only.
#[tokio::test]
async fn a_full_disk_stops_nothing() {
    let (_, disk) = life(&Fake::new(), |_| ()).await;
    disk.fail_with(|op| {
        let is_note = op.path.ends_with("applying");
        (is_note && matches!(op.kind, OpKind::Write { .. })).then_some(io::ErrorKind::StorageFull)
    });
    let (found, left) = life(&disk, |note| {
        note.begin(FIRST, 100);
        note.end();
    })
    .await;
    assert_eq!(found, None);
    let (found, _) = life(&left, |_| ()).await;
    assert_eq!(found, None);
}

/// Process that starts on the disk, loads its snapshot, and is killed after `act`. Returns the disk
/// that it leaves.
fn load(disk: &Fake, act: impl FnOnce(&Snapshots)) -> Result<Fake, DeadlySnapshot> {
    let env = env(disk);
    let dir = DataDir::open(&env, Path::new(DIR)).expect("opens");
    dir.store("identity", b"x").expect("stored");
    match Snapshots::open(&env, &dir, ME) {
        Ok((snapshots, _)) => {
            act(&snapshots);
            Ok(disk.after_kill())
        }
        Err(OpenSnapshotsError::Deadly(deadly)) => Err(deadly),
        Err(error) => panic!("{error}"),
    }
}

/// Process that has a snapshot after its life.
fn with_snapshot() -> Fake {
    let header = SnapshotHeader {
        last: Some(FIRST),
        ..SnapshotHeader::default()
    };
    let store = |snapshots: &Snapshots| {
        let stored = snapshots.store(&header, &vec![1; 3000].into());
        stored.expect("stored");
    };
    load(&Fake::new(), store).expect("opens")
}

#[test]
fn a_snapshot_that_ended_two_processes_is_not_loaded_by_a_third() {
    let mut disk = with_snapshot();
    for _ in 0..2 {
        disk = load(&disk, |_| ()).expect("loads");
    }
    for _ in 0..2 {
        let deadly = load(&disk, |_| ()).err().expect("refused");
        assert_eq!((deadly.last, deadly.deaths), (FIRST, 2));
        assert!(deadly.bytes > 3000, "the size of the file: {deadly:?}");
        let text = deadly.to_string();
        assert!(text.contains("influxd-meta/loading"), "{text}");
        disk = disk.after_kill();
    }
    // As the text says.
    let note = Path::new(DIR).join("influxd-meta/loading");
    disk.remove_file(&note).expect("removed");
    load(&disk, |_| ()).expect("loads again");
}

#[test]
fn ends_after_the_load_or_in_order_do_not_count() {
    let mut disk = with_snapshot();
    for _ in 0..5 {
        disk = load(&disk, Snapshots::set_loaded).expect("loads");
    }
    for _ in 0..5 {
        // The process ends in order before the snapshot is loaded.
        let dir = DataDir::open(&env(&disk), Path::new(DIR)).expect("opens");
        drop(Snapshots::open(&env(&disk), &dir, ME).expect("loads"));
    }
    load(&disk, |_| ()).expect("loads");
}

/// A stop in order does not wait for a load, which cannot be interrupted.
#[test]
fn a_stop_in_the_middle_of_a_load_does_not_count() {
    let mut disk = with_snapshot();
    for _ in 0..5 {
        let dir = DataDir::open(&env(&disk), Path::new(DIR)).expect("opens");
        let (snapshots, _) = Snapshots::open(&env(&disk), &dir, ME).expect("loads");
        dir.close_notes();
        snapshots.load_note().begin(SECOND, 5000);
        disk = disk.after_kill();
    }
    load(&disk, |_| ()).expect("loads");
}

/// The leader may have built another snapshot when it sends one to the next process. In between
/// each process loads its own snapshot well.
#[test]
fn deaths_at_snapshots_of_a_leader_are_counted_whichever_it_sends() {
    let receive = |last: LogId| {
        move |snapshots: &Snapshots| {
            snapshots.set_loaded();
            snapshots.load_note().begin(last, 5000);
        }
    };
    let first = load(&with_snapshot(), receive(SECOND)).expect("loads");
    let third = LogId { term: 2, index: 30 };
    let second = load(&first.after_kill(), receive(third)).expect("loads");
    let deadly = load(&second, |_| ()).err().expect("refused");
    assert_eq!((deadly.last, deadly.bytes, deadly.deaths), (third, 5000, 2));

    let survived = load(&first, |snapshots| {
        snapshots.load_note().begin(SECOND, 5000);
        snapshots.load_note().forget_deaths();
        receive(third)(snapshots);
    });
    load(&survived.expect("loads"), |_| ()).expect("one death only");
}
