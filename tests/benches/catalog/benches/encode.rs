//! Encoding of the `Data` for data nodes, as a whole and after one command; encoding and reading of
//! a Raft snapshot.

use std::hint::black_box;
use std::time::Duration;

use catalog::{Log, one_more};
use criterion::Criterion;
use influxdb_meta::wire::{data, state};

use crate::id;

pub fn all(criterion: &mut Criterion, shards: i64, log: &Log) {
    let mut group = criterion.benchmark_group("encode");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    group.bench_function(id("first", shards), |bencher| {
        bencher.iter(|| data::Encoder::default().encode(&log.catalog))
    });
    let (mut log, mut encoder, mut nth) = (log.clone(), data::Encoder::default(), 0);
    encoder.encode(&log.catalog);
    group.bench_function(id("after one command", shards), |bencher| {
        bencher.iter(|| {
            nth += 1;
            log.ok(one_more(nth));
            encoder.encode(&log.catalog)
        });
    });
    group.finish();

    let mut group = criterion.benchmark_group("state");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    group.bench_function(id("snapshot", shards), |bencher| {
        bencher.iter(|| state::encode(&log.catalog))
    });
    let bytes = state::encode(&log.catalog);
    group.bench_function(id("restore", shards), |bencher| {
        bencher.iter(|| state::decode(black_box(&bytes)))
    });
    group.finish();
}
