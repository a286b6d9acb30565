//! Disks that fail and disks that are full.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use influxdb_meta::runtime::Disk;
use influxdb_meta::runtime::disk::{Fake, Op, OpKind};
use influxdb_meta::storage::{LogConfig, Room, RoomUse, record_bytes};

use super::reference::Reference;
use super::support::*;

fn is_sync(op: &Op) -> bool {
    matches!(op.kind, OpKind::Sync)
}

/// A failed fsync is never retried: the kernel takes the lost pages for clean, and a second fsync
/// would succeed.
#[test]
fn a_failed_sync_ends_the_log_and_is_not_tried_again() {
    run(async {
        let disk = Fake::new();
        let volume = Volume::open(&disk).expect("a new log");
        volume.append(entries(1, 0..3)).await.expect("append");
        settle().await;
        let syncs = Arc::new(AtomicU64::new(0));
        let count = syncs.clone();
        disk.fail_with(move |op| {
            is_sync(op).then(|| {
                count.fetch_add(1, Ordering::Relaxed);
                ErrorKind::Other
            })
        });
        let (done, first) = tokio::sync::oneshot::channel();
        volume.log.append(
            entries(1, 3..5),
            Box::new(move |result| drop(done.send(result))),
        );
        volume
            .append(entries(1, 5..6))
            .await
            .expect_err("who waits is told");
        first
            .await
            .expect("answered")
            .expect_err("and who waited before");
        volume.log.failed().await;
        assert_eq!(syncs.load(Ordering::Relaxed), 1);
        disk.heal();
        disk.record();
        volume.append(entries(1, 6..7)).await.expect_err("refused");
        volume.log.save_vote(vote(5)).await.expect_err("refused");
        volume.log.truncate_after(None).await.expect_err("refused");
        volume.log.close().await;
        assert!(
            disk.history().is_empty(),
            "nothing is written any more: {:?}",
            disk.history()
        );
    });
}

/// The page cache still shows what the failed fsync lost. A recovery that only syncs would find
/// nothing to write.
#[test]
fn what_a_failed_sync_lost_is_written_again_before_it_is_believed() {
    run(async {
        let disk = Fake::new();
        let volume = Volume::open(&disk).expect("a new log");
        volume.append(entries(1, 0..3)).await.expect("append");
        disk.fail_with(|op| is_sync(op).then_some(ErrorKind::Other));
        volume.append(entries(1, 3..5)).await.expect_err("told");

        let killed = disk.after_kill();
        let shown = Volume::open(&killed).expect("opens");
        assert_eq!(shown.indexes(), [0, 1, 2, 3, 4], "the page cache has them");
        let lost = Volume::open(&killed.after_power_loss_keeping(|| false)).expect("opens");
        assert_eq!(Reference::of(&lost), Reference::of(&shown));

        let evicted = disk.after_kill();
        evicted.evict();
        assert_eq!(Volume::open(&evicted).expect("opens").indexes(), [0, 1, 2]);
    });
}

#[test]
fn a_failed_write_is_told_too() {
    run(async {
        let disk = Fake::new();
        let volume = Volume::open(&disk).expect("a new log");
        settle().await;
        disk.fail_with(|op| {
            matches!(op.kind, OpKind::Write { .. }).then_some(ErrorKind::StorageFull)
        });
        let error = volume.append(entries(1, 0..1)).await.expect_err("told");
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        assert_eq!(volume.log.failed().await.kind(), ErrorKind::StorageFull);
    });
}

/// A leader commits with its followers' disks while its own hangs: its queue must have a bound.
#[test]
fn a_disk_that_does_not_keep_up_stops_proposals() {
    run(async {
        let volume = Volume::open(&Fake::new()).expect("a new log");
        settle().await;
        for index in 0..16 {
            assert_eq!(volume.log.room(), Room::Free, "{index}");
            // No await in between, so the writer has no turn before the end.
            volume.log.append(
                vec![sized(1, index, 4 << 20)],
                Box::new(|done| done.expect("written")),
            );
        }
        assert_eq!(volume.log.room(), Room::Slow, "it is not called full");
        settle().await;
        assert_eq!(volume.log.room(), Room::Free);
    });
}

#[test]
fn a_full_disk_stops_proposals_while_the_log_still_writes_and_room_is_seen_again() {
    run(async {
        let disk = Fake::new();
        let volume = Volume::open(&disk).expect("a new log");
        settle().await;
        assert_eq!(volume.log.room(), Room::Free);

        // No file can grow any more, but the reserve exists.
        disk.set_capacity(Some(disk.used()));
        tokio::time::advance(Duration::from_secs(1)).await;
        volume.log.room();
        settle().await;
        assert_eq!(
            volume.log.room(),
            Room::Full,
            "proposals stop before the log does"
        );
        for index in 0..20 {
            volume
                .append(vec![entry(1, index)])
                .await
                .expect("the log has its reserve");
        }
        assert!(segments(&disk).len() == 2, "the reserve is in use");
        settle().await;
        let full = Volume::open(&disk.after_kill()).expect("a full disk opens");
        assert_eq!(full.indexes().len(), 20);

        // A snapshot covers these entries: purging needs no room, and frees some.
        volume.log.purge(id(1, 19)).await.expect("purge");
        settle().await;
        assert_eq!(segments(&disk).len(), 1);
        disk.set_capacity(None);
        tokio::time::advance(Duration::from_secs(1)).await;
        volume.log.room();
        settle().await;
        assert_eq!(volume.log.room(), Room::Free);
        volume.append(entries(1, 20..65)).await.expect("append");
    });
}

/// Room is asked for at the same moment: the following round of maintenance must not unlink too
/// early.
#[test]
fn nothing_is_unlinked_before_the_purge_is_synced() {
    run(async {
        let disk = Fake::new();
        let volume = Volume::open(&disk).expect("a new log");
        volume.append(entries(1, 0..40)).await.expect("append");
        settle().await;
        tokio::time::advance(Duration::from_secs(1)).await;
        disk.record();
        volume.log.purge(id(1, 39)).await.expect("purge");
        volume.log.room();
        settle().await;
        let kinds: Vec<_> = disk.history().into_iter().map(|op| op.kind).collect();
        let place = |kind: fn(&OpKind) -> bool| kinds.iter().position(kind).expect("it happened");
        let written = place(|kind| matches!(kind, OpKind::Write { .. }));
        let synced = place(|kind| matches!(kind, OpKind::Sync));
        let unlinked = place(|kind| matches!(kind, OpKind::Remove));
        assert!(written < synced && synced < unlinked, "{kinds:?}");
    });
}

/// The attempt to make a reserve takes the rest of the disk's space, and must give it back.
#[test]
fn a_failed_reserve_leaves_nothing_behind() {
    run(async {
        let disk = Fake::new();
        drop(open_dir(&disk));
        let before = disk.used();
        let config = LogConfig {
            segment_bytes: 1 << 20,
        };
        disk.set_capacity(Some(before + config.segment_bytes * 3 / 2));
        let volume = Volume::open_with(&disk, None, config).expect("the first segment fits");
        settle().await;
        assert_eq!(volume.log.room(), Room::Full);
        let note = influxdb_meta::wire::attempt_note::ATTEMPT_NOTE_LEN as u64;
        assert_eq!(disk.used(), before + config.segment_bytes + note);
        volume.append(entries(1, 0..3)).await.expect("append");
    });
}

#[test]
fn an_oversized_entry_is_refused_and_the_log_goes_on() {
    run(async {
        let volume = Volume::open(&Fake::new()).expect("a new log");
        let large = sized(1, 0, 0);
        let payload = bytes::Bytes::from(vec![0; influxdb_meta::wire::wal::MAX_PAYLOAD]);
        let error = volume
            .append(vec![influxdb_meta::storage::Entry { payload, ..large }])
            .await;
        assert_eq!(error.expect_err("refused").kind(), ErrorKind::InvalidInput);
        volume.append(entries(1, 0..3)).await.expect("append");
        assert_eq!(volume.indexes(), [0, 1, 2]);
    });
}

/// A round of maintenance that only counts free bytes runs while the log takes its reserve for the
/// next segment. The reserve is then missing, which says nothing of the disk.
#[test]
fn a_segment_that_begins_during_a_count_of_free_bytes_is_no_full_disk() {
    run(async {
        let config = LogConfig {
            segment_bytes: 64 << 10,
        };
        let volume = Volume::open_with(&Fake::new(), None, config).expect("a new log");
        settle().await;
        tokio::time::advance(Duration::from_secs(1)).await;
        // The count is asked for in a batch of its own (1 MiB ends a batch), then the reserve is
        // used up before the count has reported. No await in between.
        let mut answers = Vec::new();
        volume.log.room();
        for (index, len) in [(0, 1 << 20), (1, 40 << 10), (2, 40 << 10)] {
            let (done, durable) = tokio::sync::oneshot::channel();
            let done = Box::new(move |result| drop(done.send(result)));
            volume.log.append(vec![sized(1, index, len)], done);
            answers.push(durable);
        }
        for answer in answers {
            answer.await.expect("answered").expect("written");
            assert_eq!(volume.log.room(), Room::Free);
        }
        work().await;
        assert_eq!(volume.log.room(), Room::Free);
    });
}

#[test]
fn two_segments_are_kept_ready_under_load() {
    run(async {
        let disk = Fake::new();
        let volume = Volume::open(&disk).expect("a new log");
        settle().await;
        let ready = |disk: &Fake| {
            ["reserve", "reserve-2"].map(|name| disk.exists(&wal().join(name)).expect("looked"))
        };
        assert_eq!(ready(&disk), [true, false], "one is enough for an idle log");
        volume.append(entries(1, 0..60)).await.expect("append");
        settle().await;
        assert_eq!(ready(&disk), [true, true]);
        // Both are found at the next start, and both are used.
        drop(volume);
        settle().await;
        let again = disk.after_kill();
        let volume = Volume::open(&again).expect("opens");
        again.set_capacity(Some(again.used()));
        // 2 KiB hold about 18 such records: these need two more segments.
        volume.append(entries(1, 60..95)).await.expect("into both");
        assert_eq!(ready(&again), [false, false]);
    });
}

/// A follower takes entries from a leader on a full disk as long as the segments at hand can hold
/// them, and no longer: a write that fails would end the process.
#[test]
fn a_full_disk_refuses_entries_before_it_could_fail_to_write_them() {
    run(async {
        let disk = Fake::new();
        let config = LogConfig {
            segment_bytes: 64 << 10,
        };
        let volume = Volume::open_with(&disk, None, config).expect("a new log");
        settle().await;
        disk.set_capacity(Some(disk.used()));
        let mut index = 0;
        loop {
            tokio::time::advance(Duration::from_secs(1)).await;
            let accepted = volume
                .log
                .accept(record_bytes([1000]), RoomUse::Replication);
            settle().await;
            let Ok(permit) = accepted else { break };
            let append = volume.append(vec![sized(1, index, 1000)]).await;
            append.expect("what was accepted is written");
            drop(permit);
            index += 1;
            assert!(index < 1000, "refused some time");
        }
        assert!(index > 60, "the reserve was used: {index}");
        volume
            .log
            .save_vote(vote(9))
            .await
            .expect("votes still fit");

        disk.set_capacity(None);
        tokio::time::advance(Duration::from_secs(1)).await;
        volume.log.room();
        settle().await;
        assert!(volume.log.accept(1000, RoomUse::Replication).is_ok());
        assert_eq!(volume.log.room(), Room::Free);
    });
}
