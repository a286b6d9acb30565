//! Snapshot files: whole or absent; the newest valid one; and when an older one is enough.

use std::path::PathBuf;

use bytes::Bytes;
use influxdb_meta::base::LogId;
use influxdb_meta::runtime::Disk;
use influxdb_meta::runtime::disk::Fake;
use influxdb_meta::storage::{DataDir, LogError, OpenSnapshotsError, SnapshotHeader, Snapshots};

use super::support::*;

fn header(last: Option<LogId>) -> SnapshotHeader {
    SnapshotHeader {
        last,
        membership_at: Some(id(1, 0)),
        membership: Bytes::from_static(b"three voters"),
    }
}

fn payload(of: u8) -> Bytes {
    Bytes::from(vec![of; 3000])
}

fn open(disk: &Fake, dir: &DataDir) -> (Snapshots, Option<LogId>) {
    let (snapshots, newest) = Snapshots::open(&env(disk), dir, ME).expect("opens");
    if let Some((header, _)) = &newest {
        assert_eq!(snapshots.latest().expect("read").expect("there").0, *header);
    }
    (snapshots, newest.and_then(|(header, _)| header.last))
}

fn snap() -> PathBuf {
    wal().with_file_name("snap")
}

#[test]
fn the_newest_is_found_again_and_two_are_kept() {
    let disk = Fake::new();
    let dir = open_dir(&disk);
    let (snapshots, newest) = open(&disk, &dir);
    assert_eq!(newest, None);
    assert!(snapshots.latest().expect("read").is_none());
    // 9 → 10: names are compared as numbers, not as text.
    for (term, index) in [(1, 5), (9, 80), (9, 100), (10, 120)] {
        let header = header(Some(id(term, index)));
        snapshots
            .store(&header, &payload(index as u8))
            .expect("stored");
        assert_eq!(
            snapshots.latest().expect("read"),
            Some((header, payload(index as u8)))
        );
    }
    assert_eq!(disk.list(&snap()).expect("listed"), ["10-120", "9-100"]);
    assert_eq!(open(&disk, &dir).1, Some(id(10, 120)));
}

#[test]
fn a_snapshot_of_nothing_has_a_name_too() {
    let disk = Fake::new();
    let dir = open_dir(&disk);
    open(&disk, &dir)
        .0
        .store(&header(None), &Bytes::new())
        .expect("stored");
    let newest = Snapshots::open(&env(&disk), &dir, ME).expect("opens").1;
    assert_eq!(newest, Some((header(None), Bytes::new())));
}

#[test]
fn a_damaged_newest_gives_way_to_the_older_and_is_reported() {
    let disk = Fake::new();
    let dir = open_dir(&disk);
    let (snapshots, _) = open(&disk, &dir);
    snapshots
        .store(&header(Some(id(1, 50))), &payload(1))
        .expect("stored");
    snapshots
        .store(&header(Some(id(1, 90))), &payload(2))
        .expect("stored");
    disk.flip_bit(&snap().join("1-90"), 8 * 200);
    let (snapshots, newest) = open(&disk, &dir);
    assert_eq!(newest, Some(id(1, 50)));
    assert!(matches!(snapshots.rejected(), [one] if one.to_string().contains("1-90")));
}

/// While the process runs, the log is purged up to the newest snapshot that it knows, so an older
/// one is no substitute any more.
#[test]
fn a_newest_that_rots_later_is_an_error_and_no_older_one() {
    for deleted in [false, true] {
        let disk = Fake::new();
        let dir = open_dir(&disk);
        let (snapshots, _) = open(&disk, &dir);
        for index in [50, 90] {
            snapshots
                .store(&header(Some(id(1, index))), &payload(1))
                .expect("stored");
        }
        if deleted {
            disk.remove_file(&snap().join("1-90")).expect("removed");
        } else {
            disk.flip_bit(&snap().join("1-90"), 8 * 200);
        }
        let error = snapshots.latest().expect_err("not the older one");
        assert!(error.to_string().contains("snap/1-90"), "{error}");
        // The next snapshot takes its place.
        snapshots
            .store(&header(Some(id(1, 120))), &payload(2))
            .expect("stored");
        assert_eq!(
            snapshots.latest().expect("read").expect("there").0.last,
            Some(id(1, 120))
        );
    }
}

/// An older snapshot is enough only where the log still reaches back to it.
#[test]
fn a_log_that_was_purged_beyond_the_older_one_halts() {
    run(async {
        for (purged, opens) in [(50, true), (51, false)] {
            let disk = Fake::new();
            let volume = Volume::open(&disk).expect("a new log");
            volume.append(entries(1, 0..100)).await.expect("append");
            let (snapshots, _) = open(&disk, &volume.dir);
            snapshots
                .store(&header(Some(id(1, 50))), &payload(1))
                .expect("stored");
            snapshots
                .store(&header(Some(id(1, 90))), &payload(2))
                .expect("stored");
            volume.log.purge(id(1, purged)).await.expect("purge");
            volume.log.close().await;
            drop((volume, snapshots));
            disk.flip_bit(&snap().join("1-90"), 8 * 200);
            let newest = open(&disk, &open_dir(&disk)).1;
            match Volume::open_at(&disk, newest) {
                Ok(_) => assert!(opens, "purged up to {purged}"),
                Err(error) => assert!(!opens && matches!(error, LogError::Damaged(_)), "{error}"),
            }
        }
    });
}

#[test]
fn a_newer_format_is_not_passed_over() {
    let disk = Fake::new();
    let dir = open_dir(&disk);
    let (snapshots, _) = open(&disk, &dir);
    snapshots
        .store(&header(Some(id(1, 50))), &payload(1))
        .expect("stored");
    snapshots
        .store(&header(Some(id(1, 90))), &payload(2))
        .expect("stored");
    let file = disk.open(&snap().join("1-90"), false).expect("opens");
    let mut prefix = [0; 12];
    file.read_at(0, &mut prefix).expect("read");
    prefix[8] += 1;
    file.write_at(0, &prefix).expect("written");
    file.write_at(12, &crc32fast::hash(&prefix).to_le_bytes())
        .expect("written");
    let error = Snapshots::open(&env(&disk), &dir, ME)
        .err()
        .expect("refused");
    assert!(matches!(error, OpenSnapshotsError::Newer(_)), "{error}");
    assert!(error.to_string().contains("format 2"), "{error}");
}

/// Cut at any change: the snapshot before is there until the new one is, and once stored the new
/// one stays.
#[test]
fn a_crash_while_storing_leaves_a_valid_one() {
    let disk = Fake::new();
    let dir = open_dir(&disk);
    let (snapshots, _) = open(&disk, &dir);
    for index in [10, 20] {
        snapshots
            .store(&header(Some(id(1, index))), &payload(1))
            .expect("stored");
    }
    let replayed = disk.after_kill();
    disk.record();
    snapshots
        .store(&header(Some(id(1, 30))), &payload(2))
        .expect("stored");
    let history = disk.history();
    for (at, op) in history.iter().enumerate() {
        replayed.replay(op).expect("replays");
        for seed in 0..20 {
            let disk = replayed.after_power_loss(seed);
            let newest = open(&disk, &open_dir(&disk)).1;
            let stored = at + 1 == history.len();
            assert!(
                newest == Some(id(1, 30)) || (newest == Some(id(1, 20)) && !stored),
                "after {op:?}"
            );
        }
    }
}

/// A killed process leaves a snapshot in the page cache. The log will be purged up to what `open`
/// returned.
#[test]
fn what_was_opened_after_a_kill_survives_a_power_loss() {
    let disk = Fake::new();
    let dir = open_dir(&disk);
    let (snapshots, _) = open(&disk, &dir);
    let replayed = disk.after_kill();
    disk.record();
    snapshots
        .store(&header(Some(id(1, 30))), &payload(2))
        .expect("stored");
    for op in disk.history() {
        replayed.replay(&op).expect("replays");
        let killed = replayed.after_kill();
        let shown = open(&killed, &open_dir(&killed)).1;
        let lost = killed.after_power_loss_keeping(|| false);
        assert_eq!(
            open(&lost, &open_dir(&lost)).1,
            shown,
            "killed after {op:?}"
        );
    }
}
