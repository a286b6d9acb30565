//! A volume as format 1 left it opens, has exactly its old content, and goes on.

use std::path::Path;

use influxdb_meta::base::{LogId, RaftId};
use influxdb_meta::cluster::identity::record::{self, IdentityRecord};
use influxdb_meta::runtime::Disk;
use influxdb_meta::runtime::disk::Fake;
use influxdb_meta::storage::{DataDir, Entry, EntryKind, Log, LogConfig, Snapshots, Vote};

use super::support::{DIR, ME, env, id, run, segments};
use crate::vectors::read;

#[test]
fn the_volume_of_format_1_opens_as_it_was_left() {
    run(async {
        let disk = laid_out();
        let dir = DataDir::open(&env(&disk), Path::new(DIR)).expect("the directory opens");
        let bytes = dir.load(record::FILE).expect("readable").expect("there");
        let incarnation = IdentityRecord::decode(&bytes)
            .expect("an identity")
            .incarnation;

        let (snapshots, newest) =
            Snapshots::open(&env(&disk), &dir, incarnation).expect("the snapshots open");
        assert!(snapshots.rejected().is_empty());
        let (header, payload) = newest.expect("a snapshot");
        assert_eq!(header.last, Some(id(2, 4)));
        assert_eq!(
            payload,
            read("compat/v1/state-full.bin"),
            "the frozen state"
        );

        let log = Log::open(&env(&disk), &dir, incarnation, header.last).expect("the log opens");
        assert_is_the_frozen_one(&log);
        assert_eq!(log.read(0..u64::MAX, usize::MAX), entries());
        assert_eq!(
            log.durable_seq(),
            31,
            "the 30 frozen records, and the mark of this opening"
        );
        log.close().await;
    });
}

/// New records behind the frozen ones are read together with them.
#[test]
fn the_volume_of_format_1_goes_on() {
    run(async {
        let disk = laid_out();
        let log = open(&disk);
        let next = Entry {
            log_id: id(3, 6),
            kind: EntryKind::Blank,
            payload: "".into(),
        };
        let (done, durable) = tokio::sync::oneshot::channel();
        log.append(
            vec![next.clone()],
            Box::new(move |result| drop(done.send(result))),
        );
        durable.await.expect("answered").expect("durable");

        // A power loss that keeps nothing of what was not synced.
        let disk = disk.after_power_loss_keeping(|| false);
        let log = open(&disk);
        assert_is_the_frozen_one(&log);
        let mut want = entries();
        want.push(next);
        assert_eq!(log.read(0..u64::MAX, usize::MAX), want);
        assert_eq!(segments(&disk).len(), 2, "no segment is begun for it");
        log.close().await;
    });
}

fn open(disk: &Fake) -> Log {
    let dir = DataDir::open(&env(disk), Path::new(DIR)).expect("the directory opens");
    Log::open(&env(disk), &dir, ME, Some(id(2, 4))).expect("the log opens")
}

/// Checks vote, purge point and committed index; entries are checked elsewhere.
fn assert_is_the_frozen_one(log: &Log) {
    assert_eq!(
        log.vote(),
        Some(Vote {
            term: 3,
            node: RaftId(2),
            committed: false
        })
    );
    assert_eq!(log.committed(), Some(id(2, 4)));
    assert_eq!(log.bounds().purged, Some(id(1, 1)));
}

fn entries() -> Vec<Entry> {
    let entry = |log_id: LogId, kind, payload: Vec<u8>| Entry {
        log_id,
        kind,
        payload: payload.into(),
    };
    vec![
        entry(
            id(1, 2),
            EntryKind::Command,
            read("compat/v1/entry-wire.bin"),
        ),
        entry(id(2, 3), EntryKind::Blank, Vec::new()),
        entry(
            id(2, 4),
            EntryKind::Command,
            read("compat/v1/entry-wire.bin"),
        ),
        entry(
            id(2, 5),
            EntryKind::Command,
            read("compat/v1/entry-found.bin"),
        ),
    ]
}

/// Puts the frozen files in their places, durably. Segments get the trailing zeros that the files
/// in the repository leave out.
fn laid_out() -> Fake {
    let disk = Fake::new();
    let full = Some(LogConfig::default().segment_bytes);
    put(&disk, "identity", "identity/member-that-founded", None);
    put(&disk, "snap/2-4", "volume/snap/2-4", None);
    for name in ["0000000000000001", "000000000000001a", "reserve"] {
        put(
            &disk,
            &format!("wal/{name}"),
            &format!("volume/wal/{name}"),
            full,
        );
    }
    disk
}

fn put(disk: &Fake, place: &str, frozen: &str, len: Option<u64>) {
    let path = Path::new(DIR).join("influxd-meta").join(place);
    let folder = path.parent().expect("a folder");
    disk.create_dir_all(folder).expect("created");
    for created in folder.ancestors() {
        disk.sync_dir(created).expect("synced");
    }
    let file = disk.open(&path, true).expect("created");
    file.write_at(0, &read(&format!("compat/v1/{frozen}")))
        .expect("written");
    if let Some(len) = len {
        file.set_len(len).expect("grown");
    }
    file.sync().expect("synced");
    disk.sync_dir(folder).expect("synced");
}
