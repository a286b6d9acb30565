//! `influxd-meta run`, up to the runtime and back.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;

use super::failure::Failure;
use super::pidfile::PidFile;
use super::{node, panics, privileges, report};
use crate::config::{self, Config, Flags, Inputs, version};
use crate::runtime::SystemClock;
use crate::telemetry::logging;

/// Reads the world once, then runs the node until it stops. Returns the exit code.
pub(super) fn run(flags: Flags) -> u8 {
    let config = match config::load(&Inputs::of_process(flags)) {
        Ok(config) => config,
        Err(invalid) => {
            eprintln!("influxd-meta: {invalid}");
            return invalid.exit_code();
        }
    };
    banner(&config);
    logging::start(&config.logging, Arc::new(SystemClock));
    panics::install();
    let workers = workers();
    report::boot(&config, workers, open_files());
    match serve(config, workers) {
        Ok(()) => 0,
        Err(failure) => {
            failure.log();
            failure.exit_code()
        }
    }
}

fn serve(config: Config, workers: usize) -> Result<(), Failure> {
    let system = |operation| move |source| Failure::System { operation, source };
    let _pidfile = config
        .pidfile
        .clone()
        .map(PidFile::write)
        .transpose()
        .map_err(system("writing the pidfile"))?;
    privileges::drop_root(&config.dir);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .thread_name("meta")
        .enable_all()
        .build()
        .map_err(system("starting threads"))?;
    let ended = runtime.block_on(node::run(config));
    // What still runs has nothing left to say: everything durable was closed by the drain.
    runtime.shutdown_background();
    ended
}

/// One for each CPU that cgroups leave us; two at least, so that one slow call does not hold up the
/// heartbeats.
fn workers() -> usize {
    std::thread::available_parallelism()
        .map_or(2, std::num::NonZero::get)
        .max(2)
}

/// Raises the soft limit to what a full listener and the log need, as far as it may; gives what it
/// is then.
fn open_files() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    const MAX_OPEN_FILES: u64 = 65_536;
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit
        .maximum
        .map_or(MAX_OPEN_FILES, |maximum| maximum.min(MAX_OPEN_FILES));
    if limit.current.is_some_and(|current| current < wanted) {
        // Refused by a sandbox: the log says what it is.
        let _ = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: Some(wanted),
                maximum: limit.maximum,
            },
        );
    }
    getrlimit(Resource::Nofile).current
}

fn banner(config: &Config) {
    let mut stderr = std::io::stderr();
    if config.logging.banner && stderr.is_terminal() {
        let _ = writeln!(
            stderr,
            "\n  InfluxDB Meta v{}\n  a meta node, and a free one\n",
            version::VERSION
        );
    }
}
