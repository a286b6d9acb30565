//! Flipped bits and missing files: a log never opens silently with fewer records than were
//! acknowledged.

use influxdb_meta::base::Incarnation;
use influxdb_meta::runtime::Disk;
use influxdb_meta::runtime::disk::{Fake, OpKind};
use influxdb_meta::storage::{Log, LogConfig, LogError};

use super::reference::Reference;
use super::support::*;

/// Room for a head and four small records, so that there is a bit to flip for each check of a
/// record.
const TINY: LogConfig = LogConfig {
    segment_bytes: 1024,
};

/// Three segments and the reserve, ended by an idle mark; and the same after the log was closed.
async fn recorded() -> (Reference, Fake, Fake) {
    let disk = Fake::new();
    let volume = Volume::open_with(&disk, None, TINY).expect("a new log");
    volume.log.save_vote(vote(2)).await.expect("vote");
    for index in 0..10 {
        volume.append(vec![entry(2, index)]).await.expect("append");
    }
    settle().await;
    assert_eq!(segments(&disk).len(), 3);
    let reference = Reference::of(&volume);
    let idle = disk.after_kill();
    volume.log.close().await;
    (reference, idle, disk.after_kill())
}

fn files(disk: &Fake) -> Vec<String> {
    disk.list(&wal()).expect("wal/ is there")
}

fn size(disk: &Fake, name: &str) -> u64 {
    disk.open(&wal().join(name), false)
        .and_then(|file| file.size())
        .expect("a file")
}

fn damaged(disk: &Fake) -> String {
    match Volume::open_with(disk, None, TINY) {
        Err(LogError::Damaged(damage)) => damage.to_string(),
        Err(error) => panic!("not damage: {error}"),
        Ok(volume) => panic!("opened with {:?}", volume.indexes()),
    }
}

#[test]
fn no_flipped_bit_costs_an_acknowledged_record_in_silence() {
    run(async {
        let (reference, idle, closed) = recorded().await;
        for disk in [idle, closed] {
            for name in files(&disk) {
                let refused = flip_each_bit(&disk, &name, &reference);
                // A damaged reserve is made anew: nothing in it is needed.
                assert_eq!(
                    refused > 500,
                    !name.starts_with("reserve"),
                    "{refused} flips of {name} were refused"
                );
            }
        }
    });
}

/// Without the reserve the marks in the segment are evidence enough, and the reverse.
#[test]
fn each_of_the_two_marks_is_enough() {
    run(async {
        let (reference, idle, closed) = recorded().await;
        for disk in [idle, closed] {
            disk.remove_file(&wal().join("reserve")).expect("removed");
            let last = segments(&disk).pop().expect("a segment");
            assert!(flip_each_bit(&disk, &last, &reference) > 500);
        }
    });
}

/// Counts the flips that are refused. The others must change nothing.
fn flip_each_bit(disk: &Fake, name: &str, reference: &Reference) -> u64 {
    let mut refused = 0;
    for bit in 0..size(disk, name) * 8 {
        let flipped = disk.after_kill();
        flipped.flip_bit(&wal().join(name), bit);
        match Volume::open_with(&flipped, None, TINY) {
            Ok(volume) => assert_eq!(Reference::of(&volume), *reference, "bit {bit} of {name}"),
            Err(LogError::Damaged(_)) => refused += 1,
            Err(error) => panic!("bit {bit} of {name}: {error}"),
        }
    }
    refused
}

/// The mark in the reserve exists for this case: the whole end of the last segment reads as zeros.
#[test]
fn a_lost_end_is_noticed_although_nothing_is_left_behind_it() {
    run(async {
        let (_, idle, closed) = recorded().await;
        for disk in [idle, closed] {
            let last = segments(&disk).pop().expect("a segment");
            let file = disk.open(&wal().join(&last), false).expect("opens");
            file.write_at(560, &[0; 464]).expect("zeroed");
            let text = damaged(&disk);
            assert!(
                text.contains(&last) && text.contains("byte ") && text.contains("delete"),
                "{text}"
            );
        }
    });
}

#[test]
fn any_missing_segment_is_noticed() {
    run(async {
        let (_, disk, _) = recorded().await;
        for name in segments(&disk) {
            let disk = disk.after_kill();
            disk.remove_file(&wal().join(&name)).expect("removed");
            damaged(&disk);
        }
    });
}

#[test]
fn a_deleted_log_is_known_by_its_absence_and_by_what_the_reserve_remembers() {
    run(async {
        let (_, disk, _) = recorded().await;
        assert!(open_dir(&disk).has_log().expect("listed"));
        for name in segments(&disk) {
            disk.remove_file(&wal().join(&name)).expect("removed");
        }
        assert!(!open_dir(&disk).has_log().expect("listed"));
        damaged(&disk);
        disk.remove_file(&wal().join("reserve")).expect("removed");
        assert!(!open_dir(&disk).has_log().expect("listed"));
        Volume::open(&disk)
            .expect("nothing is left to tell it from a new log: `opened` in the identity does");
    });
}

#[test]
fn a_head_that_is_bad_foreign_or_misplaced_halts() {
    run(async {
        let (_, disk, _) = recorded().await;
        let first = &segments(&disk)[0];

        let bad = disk.after_kill();
        bad.flip_bit(&wal().join(first), 16 * 8);
        assert!(damaged(&bad).contains("no valid head"));

        let dir = open_dir(&disk);
        let other = Log::open_with(&env(&disk), &dir, Incarnation([2; 16]), None, TINY);
        assert!(
            matches!(other, Err(LogError::Damaged(damage)) if damage.to_string().contains("incarnation"))
        );
        drop(dir);

        let renamed = disk.after_kill();
        let last = segments(&disk).pop().expect("a segment");
        let next = wal().join("00000000000fffff");
        renamed.rename(&wal().join(last), &next).expect("renamed");
        assert!(damaged(&renamed).contains("renamed"));
    });
}

/// A segment of another volume was copied into the directory.
#[test]
fn a_segment_of_another_incarnation_halts() {
    run(async {
        let (_, disk, _) = recorded().await;
        let theirs = Fake::new();
        let dir = open_dir(&theirs);
        let log = Log::open_with(&env(&theirs), &dir, Incarnation([2; 16]), None, TINY)
            .expect("a new log");
        log.close().await;
        let segment = theirs
            .open(&wal().join("0000000000000001"), false)
            .and_then(|f| f.read_all());
        let copy = disk
            .open(&wal().join("0000000000000100"), true)
            .expect("created");
        copy.write_at(0, &segment.expect("read")).expect("copied");
        assert!(damaged(&disk).contains("incarnation"));
    });
}

#[test]
fn a_newer_format_is_refused_as_such() {
    run(async {
        let (_, disk, _) = recorded().await;
        let first = wal().join(&segments(&disk)[0]);
        let file = disk.open(&first, false).expect("opens");
        let mut prefix = [0; 12];
        file.read_at(0, &mut prefix).expect("read");
        prefix[8] += 1;
        file.write_at(0, &prefix).expect("written");
        file.write_at(12, &crc32fast::hash(&prefix).to_le_bytes())
            .expect("written");
        let error = Volume::open(&disk).err().expect("refused");
        assert!(
            matches!(
                error,
                LogError::Newer {
                    found: 2,
                    newest: 1,
                    ..
                }
            ),
            "{error}"
        );
    });
}

#[test]
fn purged_beyond_the_newest_valid_snapshot_halts() {
    run(async {
        let disk = Fake::new();
        let volume = Volume::open(&disk).expect("a new log");
        volume.append(entries(2, 0..40)).await.expect("append");
        volume.log.purge(id(2, 30)).await.expect("purge");
        settle().await;
        for snapshot in [None, Some(id(2, 29))] {
            let opened = Volume::open_at(&disk.after_kill(), snapshot);
            assert!(
                matches!(opened, Err(LogError::Damaged(damage)) if damage.to_string().contains("snapshot"))
            );
        }
        Volume::open_at(&disk.after_kill(), Some(id(2, 30))).expect("the snapshot reaches there");
    });
}

/// Two records are written and not synced; the disk keeps the second and loses the first.
#[test]
fn a_lost_record_before_a_kept_one_is_torn_not_damage() {
    run(async {
        let disk = Fake::new();
        let volume = Volume::open(&disk).expect("a new log");
        settle().await;
        volume.append(entries(2, 0..2)).await.expect("append");
        settle().await;
        volume.log.save_committed(Some(id(2, 0)));
        settle().await;
        volume.log.save_committed(Some(id(2, 1)));
        settle().await;
        // The five un-synced parts: in the segment the idle mark and the two records, in the
        // reserve the copies of two marks.
        for kept in [0b00100, 0b00101, 0b10100, 0b11101, 0b11010] {
            let mut asked = 0;
            let disk = disk.after_power_loss_keeping(|| {
                asked += 1;
                kept >> (asked - 1) & 1 == 1
            });
            assert_eq!(asked, 5, "un-synced parts");
            let volume = Volume::open(&disk).expect("opens");
            assert_eq!(volume.indexes(), [0, 1]);
        }
    });
}

/// Eight records in three sectors, of which the first is lost. The other records are valid, and
/// must not come back behind what is written in the place of the first.
#[test]
fn valid_records_behind_a_cut_never_come_back() {
    run(async {
        let disk = Fake::new();
        let volume = Volume::open(&disk).expect("a new log");
        volume.append(vec![sized(2, 0, 400)]).await.expect("append");
        settle().await;
        disk.fail_with(|op| matches!(op.kind, OpKind::Sync).then_some(std::io::ErrorKind::Other));
        disk.record();
        volume
            .append(entries(2, 1..9))
            .await
            .expect_err("not synced");
        let write = disk.history().pop().expect("the write");
        let disk = disk.after_power_loss_keeping(|| false);
        let OpKind::Write { offset, bytes } = &write.kind else {
            panic!("{write:?}")
        };
        let torn = disk
            .open(&wal().join(&segments(&disk)[0]), false)
            .expect("opens");
        let cut = 512 - (offset % 512) as usize;
        torn.write_at(offset + cut as u64, &bytes[cut..])
            .expect("the later sectors");
        drop(torn);

        let volume = Volume::open(&disk).expect("opens");
        assert_eq!(volume.indexes(), [0]);
        let cut_off = disk.after_power_loss_keeping(|| false);
        let left = cut_off
            .open(&wal().join(&segments(&disk)[0]), false)
            .and_then(|file| file.read_all());
        // Behind the mark of the recovery everything is zero on the disk itself.
        assert!(
            left.expect("read")[*offset as usize..]
                .iter()
                .all(|byte| *byte == 0)
        );

        // A new record that ends exactly where an old one begins, on a disk that still has the old
        // ones.
        volume.append(entries(3, 1..2)).await.expect("append");
        let segment = wal().join(&segments(&disk)[0]);
        let lying = disk.after_power_loss_keeping(|| false);
        let file = lying.open(&segment, false).expect("opens");
        // The idle mark before them was lost too, and the mark of the recovery took its place. The
        // new entry covers the first old one, and the second old one has the next seq.
        file.write_at(offset + 88, &bytes[88..]).expect("written");
        for disk in [
            disk.after_kill(),
            disk.after_power_loss_keeping(|| false),
            lying,
        ] {
            let volume = Volume::open(&disk).expect("opens");
            assert_eq!(volume.entries()[1..], entries(3, 1..2));
        }
    });
}
