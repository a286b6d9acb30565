//! A recorded run is cut after each change of the disk, as by a kill and as by a power loss with
//! each subset of what was not synced; then it is cut again during and after the recovery.

use std::sync::{Arc, Mutex};

use influxdb_meta::base::LogId;
use influxdb_meta::runtime::disk::{Fake, Op};

use super::reference::{Reference, Step, ask};
use super::support::*;

const EVERYWHERE: Option<LogId> = Some(LogId {
    term: u64::MAX,
    index: u64::MAX,
});

/// A run on disk: the steps, the log after each step, and when steps were acknowledged.
struct Recorded {
    before: Fake,
    history: Vec<Op>,
    /// `states[n]` is the log after n steps.
    states: Vec<Reference>,
    /// Pairs: from this place in the history on, so many steps are acknowledged.
    acknowledged: Vec<(usize, usize)>,
}

impl Recorded {
    async fn run(seed: u64, steps: usize) -> Self {
        let mut dice = Dice(seed << 32);
        let disk = Fake::new();
        drop(open_dir(&disk));
        let before = disk.after_kill();
        disk.record();
        let volume = Volume::open(&disk).expect("a new log");
        let mut states = vec![Reference::default()];
        let acknowledged = Arc::new(Mutex::new(vec![(0, 0)]));
        for _ in 0..steps {
            let mut state = states.last().expect("one").clone();
            let step = state.draw(&mut dice);
            state.take(&step);
            states.push(state);
            let (disk, heard, count) = (disk.clone(), acknowledged.clone(), states.len() - 1);
            let done = move || heard.lock().expect("lock").push((disk.recorded(), count));
            ask(&volume, &step, done).await;
            // Sometimes the writer gets one step, sometimes several at once, and sometimes a mark
            // is written in between.
            match dice.below(6) {
                0 => settle().await,
                1 => work().await,
                _ => {}
            }
        }
        settle().await;
        let acknowledged = acknowledged.lock().expect("lock").clone();
        Self {
            before,
            history: disk.history(),
            states,
            acknowledged,
        }
    }

    fn acknowledged_at(&self, place: usize) -> usize {
        let heard = self.acknowledged.iter().filter(|(at, _)| *at <= place);
        heard.map(|(_, count)| *count).max().unwrap_or(0)
    }

    /// The disk after each change.
    fn cuts(&self) -> impl Iterator<Item = (usize, Fake)> {
        let disk = self.before.after_kill();
        self.history.iter().enumerate().map(move |(at, op)| {
            disk.replay(op).expect("replays");
            (at + 1, disk.after_kill())
        })
    }

    /// Opens the log and returns how many steps it has. It must be a prefix of what was asked, with
    /// at least `least` steps.
    fn check(&self, disk: &Fake, least: usize, what: &str) -> (Volume, usize) {
        let volume = Volume::open_at(disk, EVERYWHERE);
        let volume = volume.unwrap_or_else(|error| panic!("{what}: {error}"));
        let found = Reference::of(&volume);
        let steps = self.states.iter().rposition(|state| *state == found);
        let steps =
            steps.unwrap_or_else(|| panic!("{what}: no prefix of what was asked: {found:?}"));
        assert!(
            steps >= least,
            "{what}: {least} steps were acknowledged, {steps} are left"
        );
        (volume, steps)
    }
}

#[test]
fn what_was_acknowledged_survives_a_crash_after_any_change() {
    for seed in 0..4 {
        let recorded = run(Recorded::run(seed, 120));
        for (place, disk) in recorded.cuts() {
            let least = recorded.acknowledged_at(place);
            run(async {
                recorded.check(
                    &disk.after_kill(),
                    least,
                    &format!("seed {seed}, killed at {place}"),
                )
            });
            for (which, disk) in disk.power_losses(6).iter().enumerate() {
                let what = format!("seed {seed}, power lost at {place}, variant {which}");
                run(async { recorded.check(disk, least, &what) });
            }
        }
    }
}

/// The second of two crashes, after the recovery. What was opened was shown to Raft, which may have
/// answered a leader with it. It must stay, though only the page cache had it before.
#[test]
fn what_a_recovery_has_shown_survives_a_power_loss() {
    let recorded = run(Recorded::run(11, 150));
    for (place, disk) in recorded.cuts() {
        let least = recorded.acknowledged_at(place);
        let mut firsts = vec![disk.after_kill()];
        firsts.extend(disk.power_losses(2));
        for (which, first) in firsts.iter().enumerate() {
            let what = format!("crash {which} at {place}");
            run(async {
                let (_volume, shown) = recorded.check(first, least, &what);
                for second in first.power_losses(2) {
                    let (_volume, left) =
                        recorded.check(&second, shown, &format!("{what}, then power lost"));
                    assert_eq!(left, shown, "{what}: what was cut came back");
                }
            });
        }
    }
}

/// The second of two crashes, in the middle of the recovery.
#[test]
fn a_recovery_can_be_interrupted_at_any_change() {
    let recorded = run(Recorded::run(23, 60));
    for (place, disk) in recorded.cuts() {
        let least = recorded.acknowledged_at(place);
        for first in [disk.after_kill(), disk.after_power_loss(place as u64)] {
            let start = first.after_kill();
            first.record();
            run(async { recorded.check(&first, least, &format!("first crash at {place}")) });
            for (at, op) in first.history().iter().enumerate() {
                start.replay(op).expect("replays");
                let what = format!("crash at {place}, then at {at} of the recovery");
                run(async { recorded.check(&start.after_kill(), least, &what) });
                for seed in 0..3 {
                    let disk = start.after_power_loss(mix(seed));
                    run(async { recorded.check(&disk, least, &what) });
                }
            }
        }
    }
}

/// After a recovery new records are written where old ones were cut. The old ones never follow the
/// new ones.
#[test]
fn a_log_goes_on_after_a_crash_and_its_cut_records_stay_away() {
    let recorded = run(Recorded::run(31, 120));
    for (place, disk) in recorded.cuts() {
        for (which, disk) in disk.power_losses(3).iter().enumerate() {
            let what = format!("power lost at {place}, variant {which}");
            run(async {
                let (volume, steps) = recorded.check(disk, recorded.acknowledged_at(place), &what);
                let mut state = recorded.states[steps].clone();
                for length in [0, 30, 90] {
                    let next = state.last().map_or(0, |last| last.index + 1);
                    let entry = sized(99, next, length);
                    volume.append(vec![entry.clone()]).await.expect("append");
                    state.take(&Step::Entry(entry));
                    for seed in 0..3 {
                        let disk = disk.after_power_loss(mix(seed));
                        let again = Volume::open_at(&disk, EVERYWHERE).expect("opens");
                        assert_eq!(
                            Reference::of(&again),
                            state,
                            "{what}, {length} more, seed {seed}"
                        );
                    }
                }
            });
        }
    }
}

/// Many processes one after the other, each killed or cut off at some point.
#[test]
fn generations_of_crashes_lose_nothing() {
    for seed in 0..150 {
        run(generations(seed));
    }
}

async fn generations(seed: u64) {
    let mut dice = Dice(1 << 40 | seed << 20);
    let mut disk = Fake::new();
    let mut acknowledged = Reference::default();
    let mut durable = 0;
    for generation in 0..8 {
        let what = format!("seed {seed}, generation {generation}");
        let volume =
            Volume::open_at(&disk, EVERYWHERE).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(Reference::of(&volume), acknowledged, "{what}");
        assert!(
            volume.log.durable_seq() > durable,
            "{what}: the durable seq went back"
        );
        for _ in 0..dice.below(25) {
            let step = acknowledged.draw(&mut dice);
            ask(&volume, &step, || {}).await;
            acknowledged.take(&step);
        }
        // Once this vote is durable, everything before it is.
        let term = acknowledged.vote.map_or(1, |vote| vote.term + 1);
        volume.log.save_vote(vote(term)).await.expect("vote");
        acknowledged.take(&Step::Vote(vote(term)));
        durable = volume.log.durable_seq();
        // This entry may be lost.
        if dice.below(2) == 0 {
            let next = acknowledged.last().map_or(0, |last| last.index + 1);
            let none: Box<dyn FnOnce(std::io::Result<()>) + Send> = Box::new(|_| ());
            disk.fail_with(|op| match op.kind {
                influxdb_meta::runtime::disk::OpKind::Sync => Some(std::io::ErrorKind::Other),
                _ => None,
            });
            volume.log.append(vec![sized(term, next, 40)], none);
            settle().await;
            disk.heal();
            disk = disk.after_power_loss_keeping(|| false);
        } else {
            disk = disk.after_power_loss(mix(seed + generation));
        }
    }
}
