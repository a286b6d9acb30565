//! Behaviour of a log while nothing is wrong.

use influxdb_meta::runtime::Disk;
use influxdb_meta::runtime::disk::{Fake, OpKind};
use influxdb_meta::storage::Bounds;

use super::support::*;

#[test]
fn everything_is_there_after_a_clean_restart() {
    run(async {
        let disk = Fake::new();
        let volume = Volume::open(&disk).expect("a new log");
        assert_eq!(volume.log.bounds(), Bounds::default());
        assert_eq!(volume.log.vote(), None);
        volume.log.save_vote(vote(3)).await.expect("vote");
        volume.append(entries(3, 0..100)).await.expect("append");
        volume.log.save_committed(Some(id(3, 90)));
        volume
            .log
            .truncate_after(Some(id(3, 94)))
            .await
            .expect("truncate");
        volume.log.purge(id(3, 20)).await.expect("purge");
        let before = volume.entries();
        let durable = volume.log.durable_seq();
        volume.log.close().await;
        drop(volume);

        let volume = Volume::open_at(&disk, Some(id(3, 20))).expect("opens again");
        assert_eq!(volume.entries(), before);
        assert_eq!(
            volume.log.bounds(),
            Bounds {
                purged: Some(id(3, 20)),
                last: Some(id(3, 94))
            }
        );
        assert_eq!(volume.log.vote(), Some(vote(3)));
        assert_eq!(volume.log.committed(), Some(id(3, 90)));
        assert_eq!(
            volume.log.bytes_held(),
            before.iter().map(|e| e.payload.len() as u64).sum::<u64>()
        );
        assert!(
            volume.log.durable_seq() > durable,
            "the durable seq never goes back"
        );
    });
}

#[test]
fn an_appended_entry_is_readable_at_once_and_acknowledged_once_synced() {
    run(async {
        let disk = Fake::new();
        let volume = Volume::open(&disk).expect("a new log");
        settle().await;
        disk.record();
        let (done, mut durable) = tokio::sync::oneshot::channel();
        volume.log.append(
            entries(1, 0..3),
            Box::new(move |result| drop(done.send(result))),
        );
        assert_eq!(volume.indexes(), [0, 1, 2]);
        assert!(durable.try_recv().is_err(), "nothing was written yet");
        durable.await.expect("answered").expect("durable");
        let lost = Volume::open(&disk.after_power_loss_keeping(|| false)).expect("opens");
        assert_eq!(lost.indexes(), [0, 1, 2]);
    });
}

#[test]
fn one_sync_serves_all_that_wait() {
    run(async {
        let volume = Volume::open_with(&Fake::new(), None, Default::default()).expect("a new log");
        let before = volume.log.fsyncs().count;
        let (done, mut durable) = tokio::sync::mpsc::unbounded_channel();
        for index in 0..50 {
            let done = done.clone();
            let tell =
                move |result: std::io::Result<()>| done.send((index, result)).expect("awaited");
            volume.log.append(vec![entry(1, index)], Box::new(tell));
        }
        for index in 0..50 {
            let (answered, result) = durable.recv().await.expect("answered");
            assert_eq!(answered, index, "answered in order");
            result.expect("durable");
        }
        assert_eq!(volume.log.fsyncs().count, before + 1);
    });
}

#[test]
fn committed_is_written_without_a_sync() {
    run(async {
        let disk = Fake::new();
        let volume = Volume::open(&disk).expect("a new log");
        volume.append(entries(1, 0..3)).await.expect("append");
        settle().await;
        let before = volume.log.fsyncs().count;
        volume.log.save_committed(Some(id(1, 2)));
        settle().await;
        assert_eq!(volume.log.fsyncs().count, before);
        let killed = Volume::open(&disk.after_kill()).expect("opens");
        assert_eq!(killed.log.committed(), Some(id(1, 2)));
    });
}

#[test]
fn reads_are_bounded_by_bytes_but_give_at_least_one() {
    run(async {
        let volume = Volume::open(&Fake::new()).expect("a new log");
        volume
            .append((5..15).map(|index| sized(1, index, 100)).collect())
            .await
            .expect("append");
        let read = |range, bytes| {
            let found = volume.log.read(range, bytes);
            found.iter().map(|e| e.log_id.index).collect::<Vec<_>>()
        };
        assert_eq!(read(0..8, usize::MAX), [5, 6, 7]);
        assert_eq!(read(7..100, 299), [7, 8]);
        assert_eq!(read(7..100, 1), [7]);
        assert_eq!(read(14..14, 1), [0; 0]);
        assert_eq!(read(15..20, 1), [0; 0]);
        assert_eq!(read(0..5, 1), [0; 0]);
    });
}

#[test]
fn an_entry_larger_than_a_segment_gets_one_of_its_own() {
    run(async {
        let disk = Fake::new();
        let volume = Volume::open(&disk).expect("a new log");
        let large = sized(1, 1, 50_000);
        volume
            .append(vec![entry(1, 0), large.clone(), entry(1, 2)])
            .await
            .expect("append");
        volume.append(entries(1, 3..40)).await.expect("append");
        for disk in [disk.after_kill(), disk.after_power_loss_keeping(|| false)] {
            let volume = Volume::open(&disk).expect("opens");
            assert_eq!(volume.indexes(), (0..40).collect::<Vec<_>>());
            assert_eq!(volume.entries()[1], large);
        }
    });
}

#[test]
fn purged_segments_go_and_the_vote_of_a_long_term_stays() {
    run(async {
        let disk = Fake::new();
        let volume = Volume::open(&disk).expect("a new log");
        volume.log.save_vote(vote(7)).await.expect("vote");
        for index in 0..200 {
            volume.append(vec![entry(7, index)]).await.expect("append");
        }
        settle().await;
        let before = segments(&disk);
        volume.log.purge(id(7, 150)).await.expect("purge");
        settle().await;
        let after = segments(&disk);
        assert!(
            before.len() > 5 && after.len() < before.len() / 2,
            "{before:?} → {after:?}"
        );
        assert!(
            !after.contains(&before[0]),
            "the segment that the vote was written to is gone"
        );

        for disk in [disk.after_kill(), disk.after_power_loss_keeping(|| false)] {
            let volume = Volume::open_at(&disk, Some(id(7, 150))).expect("opens");
            assert_eq!(volume.log.vote(), Some(vote(7)));
            assert_eq!(volume.indexes(), (151..200).collect::<Vec<_>>());
        }
    });
}

#[test]
fn a_snapshot_from_the_leader_ahead_of_the_log_empties_it() {
    run(async {
        let disk = Fake::new();
        let volume = Volume::open(&disk).expect("a new log");
        volume.append(entries(1, 0..50)).await.expect("append");
        volume.log.purge(id(4, 1000)).await.expect("purge");
        assert_eq!(volume.indexes(), [0; 0]);
        assert_eq!(volume.log.bounds().last, Some(id(4, 1000)));
        volume.append(entries(4, 1001..1003)).await.expect("append");
        settle().await;
        let volume = Volume::open_at(&disk.after_kill(), Some(id(4, 1000))).expect("opens");
        assert_eq!(volume.indexes(), [1001, 1002]);
    });
}

#[test]
fn the_next_segment_is_ready_ahead_of_need() {
    run(async {
        let disk = Fake::new();
        let volume = Volume::open(&disk).expect("a new log");
        settle().await;
        assert!(disk.exists(&wal().join("reserve")).expect("looked"));
        volume.append(entries(1, 0..50)).await.expect("append");
        settle().await;
        assert!(segments(&disk).len() > 1);
        assert!(disk.exists(&wal().join("reserve")).expect("looked"));
    });
}

#[test]
fn a_closed_log_takes_nothing_and_closes_twice() {
    run(async {
        let disk = Fake::new();
        let volume = Volume::open(&disk).expect("a new log");
        volume.append(entries(1, 0..3)).await.expect("append");
        volume.log.close().await;
        volume.log.close().await;
        assert!(volume.log.save_vote(vote(9)).await.is_err());
        assert!(volume.append(entries(1, 3..4)).await.is_err());
        assert!(volume.log.purge(id(1, 1)).await.is_err());
        let volume = Volume::open(&disk.after_kill()).expect("opens");
        assert_eq!(volume.indexes(), [0, 1, 2]);
        assert_eq!(volume.log.vote(), None);
    });
}

#[test]
fn a_callback_may_ask_the_log_again() {
    run(async {
        let volume = Volume::open(&Fake::new()).expect("a new log");
        for closed in [false, true] {
            let (log, (done, told)) = (volume.log.clone(), tokio::sync::oneshot::channel());
            let tell = move |result: std::io::Result<()>| {
                done.send((result.is_err(), log.bounds())).expect("awaited")
            };
            volume.log.append(
                entries(1, u64::from(closed)..u64::from(closed) + 1),
                Box::new(tell),
            );
            assert_eq!(told.await.expect("told").0, closed);
            volume.log.close().await;
        }
    });
}

#[test]
fn what_is_queued_before_a_close_is_durable_after_it() {
    run(async {
        let disk = Fake::new();
        let volume = Volume::open(&disk).expect("a new log");
        let (done, durable) = tokio::sync::oneshot::channel();
        volume.log.append(
            entries(1, 0..3),
            Box::new(move |result| drop(done.send(result))),
        );
        volume.log.close().await;
        durable.await.expect("answered").expect("durable");
        let volume = Volume::open(&disk.after_power_loss_keeping(|| false)).expect("opens");
        assert_eq!(volume.indexes(), [0, 1, 2]);
    });
}

/// A single writer must not pay for a mark with each commit; a log that goes idle gets one all the
/// same.
#[test]
fn marks_and_what_is_committed_wait_for_a_pause() {
    run(async {
        let disk = Fake::new();
        let volume = Volume::open_with(&disk, None, Default::default()).expect("a new log");
        settle().await;
        disk.record();
        for index in 0..20 {
            volume.append(vec![entry(1, index)]).await.expect("append");
            volume.log.save_committed(Some(id(1, index)));
            work().await;
        }
        let writes = || {
            disk.history()
                .iter()
                .filter(|op| matches!(op.kind, OpKind::Write { .. }))
                .count()
        };
        assert_eq!(
            writes(),
            20,
            "one for each append, with what was committed before it"
        );
        tokio::time::sleep(std::time::Duration::from_millis(9)).await;
        work().await;
        assert_eq!(writes(), 20);
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        work().await;
        assert_eq!(
            writes(),
            22,
            "a mark in the reserve, and in the segment what is committed"
        );
        settle().await;
        assert_eq!(writes(), 22, "and no more");
        let killed =
            Volume::open_with(&disk.after_kill(), None, Default::default()).expect("opens");
        assert_eq!(killed.log.committed(), Some(id(1, 19)));
    });
}

/// A committed index that is queued behind an entry must not become durable in a log that lost the
/// entry.
#[test]
fn what_is_committed_keeps_its_place_among_what_is_queued() {
    run(async {
        let disk = Fake::new();
        let volume = Volume::open(&disk).expect("a new log");
        let (all, done) = (
            disk.clone(),
            std::sync::Arc::new(std::sync::Mutex::new(Vec::new())),
        );
        // More than a batch takes at once, so that the last entries stay queued while the first are
        // written.
        for index in 0..4 {
            let (all, done) = (all.clone(), done.clone());
            let copy = move |_| {
                done.lock()
                    .expect("sound")
                    .push(all.after_power_loss_keeping(|| false))
            };
            volume
                .log
                .append(vec![sized(1, index, 900_000)], Box::new(copy));
            volume.log.save_committed(Some(id(1, index)));
        }
        settle().await;
        let disks = done.lock().expect("sound").clone();
        assert_eq!(disks.len(), 4);
        for disk in disks.iter().chain([&disk.after_kill()]) {
            let found = Volume::open(disk).expect("opens");
            assert!(
                found.log.committed() <= found.log.bounds().last,
                "{:?}",
                found.log.bounds()
            );
        }
        assert_eq!(
            Volume::open(&disk.after_kill())
                .expect("opens")
                .log
                .committed(),
            Some(id(1, 3))
        );
    });
}
