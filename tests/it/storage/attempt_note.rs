//! The note of the entry that is being applied, over the deaths of processes.

use std::io;
use std::path::Path;

use influxdb_meta::base::LogId;
use influxdb_meta::runtime::disk::{Fake, OpKind};
use influxdb_meta::storage::{AttemptNote, DataDir, Log};

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
