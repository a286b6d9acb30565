//! Fuzz targets: functions that take any bytes as something received or stored, and panic where a
//! result breaks a rule. They use nothing of the tests around them, so that a fuzzer can be built
//! from them.
//!
//! One file for each kind of bytes. A new target is a function here, a line in [`TARGETS`], and
//! seeds in `corpus.rs`.

mod catalog;
mod configuration;
mod frames;
mod json;

pub(crate) struct Target {
    pub(crate) name: &'static str,
    /// Runs the target. Returns whether the bytes were accepted, so that code behind the decoder
    /// ran.
    pub(crate) run: fn(&[u8]) -> bool,
    /// Number of mutations that `make test` has time for: 100,000, and fewer where whole catalogs
    /// or configurations are read and checked each time. All targets together take about twenty
    /// seconds in a debug build.
    #[allow(dead_code, reason = "a fuzzer has its own time")]
    pub(crate) mutations: usize,
}

pub(crate) const TARGETS: &[Target] = &[
    Target {
        name: "execute",
        run: catalog::execute,
        mutations: 100_000,
    },
    Target {
        name: "restore",
        run: catalog::restore,
        mutations: 40_000,
    },
    Target {
        name: "entry",
        run: catalog::entry,
        mutations: 100_000,
    },
    Target {
        name: "state",
        run: catalog::state,
        mutations: 25_000,
    },
    Target {
        name: "snapshot_file",
        run: catalog::snapshot_file,
        mutations: 100_000,
    },
    Target {
        name: "raft_frame",
        run: frames::raft_frame,
        mutations: 100_000,
    },
    Target {
        name: "rpc",
        run: frames::rpc,
        mutations: 100_000,
    },
    Target {
        name: "json",
        run: json::json,
        mutations: 50_000,
    },
    Target {
        name: "config_file",
        run: configuration::config_file,
        mutations: 500,
    },
    Target {
        name: "variables",
        run: configuration::variables,
        mutations: 500,
    },
];
