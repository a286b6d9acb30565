//! One command, and the bodies that 200 long polls get after it: each gets the whole, in parts that
//! all share.

use std::time::Duration;

use catalog::{Log, one_more};
use criterion::Criterion;
use influxdb_meta::wire::data::{Encoder, Rope};

use crate::id;

/// Way in which a poller takes a body.
type Takes = fn(&Rope) -> usize;

pub fn fan_out(criterion: &mut Criterion, shards: i64, log: &Log) {
    let mut group = criterion.benchmark_group("poll");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    let (plain, gzip): (Takes, Takes) = (|rope| rope.plain().len(), |rope| rope.gzip().len());
    for (what, takes, pollers) in [
        ("1 plain", plain, 1),
        ("200 plain", plain, 200),
        ("1 gzip", gzip, 1),
        ("200 gzip", gzip, 200),
    ] {
        let (mut log, mut encoder, mut nth) = (log.clone(), Encoder::default(), 0);
        encoder.encode(&log.catalog).gzip();
        group.bench_function(id(what, shards), |bencher| {
            bencher.iter(|| {
                nth += 1;
                log.ok(one_more(nth));
                let rope = encoder.encode(&log.catalog);
                (0..pollers).map(|_| takes(&rope)).sum::<usize>()
            });
        });
    }
    group.finish();
}
