//! Measures one command of each family.

use std::hint::black_box;
use std::time::Duration;

use catalog::Log;
use criterion::{BatchSize, Criterion};

use crate::id;

pub fn families(criterion: &mut Criterion, shards: i64, log: &Log) {
    let mut group = criterion.benchmark_group("apply");
    group
        .sample_size(20)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(400));
    let mut log = log.clone();
    for (family, command) in catalog::families(&log.catalog) {
        // The copy stands for what watchers hold: a command does not change it.
        let bench = |log: Log| (log, command.clone());
        group.bench_function(id(family, shards), |bencher| {
            bencher.iter_batched(
                || bench(log.clone()),
                |(mut log, command)| {
                    log.ok(black_box(command));
                    log
                },
                BatchSize::SmallInput,
            );
        });
        log.ok(command);
    }
    group.finish();
}
