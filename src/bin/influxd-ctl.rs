//! `influxd-ctl`. Both binaries are the same program: see `app::main`.

use std::process::exit;

/// musl's own allocator has one lock for all threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    exit(influxdb_meta::app::main(std::env::args_os()));
}
