//! Cost of a command, an encoding, a snapshot and a poll at 0 to 1,000,000 shards. Printed, not
//! checked.

mod apply;
mod encode;
mod poll;

use criterion::{BenchmarkId, Criterion};

fn main() {
    let mut criterion = Criterion::default().configure_from_args().without_plots();
    for shards in catalog::SIZES {
        let log = catalog::grown(shards);
        apply::families(&mut criterion, shards, &log);
        encode::all(&mut criterion, shards, &log);
        poll::fan_out(&mut criterion, shards, &log);
    }
    criterion.final_summary();
}

fn id(what: &str, shards: i64) -> BenchmarkId {
    BenchmarkId::new(what, shards)
}
