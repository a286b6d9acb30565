//! Thousands of random steps, restarts among them, compared with the reference.

use influxdb_meta::runtime::disk::Fake;

use super::reference::{Reference, Step, ask};
use super::support::*;

/// A snapshot that covers everything; damage.rs tests what a missing one means.
const EVERYWHERE: influxdb_meta::base::LogId = influxdb_meta::base::LogId {
    term: u64::MAX,
    index: u64::MAX,
};

#[test]
fn the_log_is_its_reference_whatever_is_asked_of_it() {
    for seed in 0..40 {
        run(live(seed, 250));
    }
}

async fn live(seed: u64, steps: usize) {
    let mut dice = Dice(seed << 32);
    let mut disk = Fake::new();
    let mut volume = Volume::open(&disk).expect("a new log");
    let mut reference = Reference::default();
    for step in 0..steps {
        let drawn = reference.draw(&mut dice);
        ask(&volume, &drawn, || {}).await;
        reference.take(&drawn);
        assert_eq!(
            Reference::of(&volume),
            reference,
            "seed {seed}, step {step}: {drawn:?}"
        );
        match dice.below(60) {
            0 => {
                volume.log.close().await;
                drop(volume);
            }
            1 => {
                // All is in the page cache: a kill loses nothing.
                settle().await;
                disk = disk.after_kill();
            }
            2 => {
                // The stream is ordered: once a later record is durable, all before it are.
                let term = reference.vote.map_or(1, |vote| vote.term);
                volume.log.save_vote(vote(term)).await.expect("vote");
                reference.take(&Step::Vote(vote(term)));
                disk = disk.after_power_loss(seed);
            }
            _ => continue,
        }
        volume = Volume::open_at(&disk, Some(EVERYWHERE)).expect("opens again");
        assert_eq!(
            Reference::of(&volume),
            reference,
            "seed {seed}, restarted after step {step}"
        );
    }
}
