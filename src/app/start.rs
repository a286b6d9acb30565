//! `influxd-meta run`: everything before the runtime starts and after it ends.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use super::failure::StartFailure;
use super::pidfile::PidFile;
use super::{node, panics, privileges, report};
use crate::config::{self, Config, Flags, Inputs, version};
use crate::http::Resources;
use crate::runtime::{SystemClock, memory};
use crate::storage::is_full;
use crate::telemetry::logging::{self, Log};

/// Longest time that the end of the process waits for the last log lines to be written.
pub(super) const LOG_FLUSH_TIMEOUT: Duration = Duration::from_millis(200);

/// Reads the configuration, then runs the node until it stops. Returns the exit code.
pub(super) fn run(flags: Flags) -> u8 {
    let (log, exit) = match config::load(&Inputs::of_process(flags)) {
        Ok(config) => run_configured(config),
        Err(invalid) => {
            let log = logging::without_config();
            log.push(format!("influxd-meta: {invalid}\n"));
            (log, invalid.exit_code())
        }
    };
    log.flush(LOG_FLUSH_TIMEOUT);
    exit
}

/// Returns the log, which may not be written to its end, and the exit code.
fn run_configured(config: Config) -> (Log, u8) {
    let log = logging::start(&config.logging, Arc::new(SystemClock));
    banner(&config, &log);
    panics::install(&log);
    let workers = workers();
    let resources = Resources {
        open_files: open_files(),
        memory: memory::limit(),
    };
    report::boot(&config, workers, resources);
    let exit = match serve(config, workers, resources, &log) {
        Ok(()) => 0,
        Err(failure) => {
            failure.log();
            failure.exit_code()
        }
    };
    (log, exit)
}

fn serve(
    config: Config,
    workers: usize,
    resources: Resources,
    log: &Log,
) -> Result<(), StartFailure> {
    let system = |operation| move |source| StartFailure::System { operation, source };
    let pidfile = config.pidfile.clone().map(PidFile::write).transpose();
    let _pidfile = match pidfile {
        // A node starts on a full disk too.
        Err(error) if is_full(&error) => {
            tracing::warn!(event = "pidfile.no-room", %error, "there is no pidfile");
            None
        }
        pidfile => pidfile.map_err(system("writing the pidfile"))?,
    };
    privileges::drop_root(&config.dir);
    log.start_writer().map_err(system("starting threads"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .thread_name("meta")
        .enable_all()
        .build()
        .map_err(system("starting threads"))?;
    let ended = runtime.block_on(node::run(config, resources, log));
    // Tasks that still run may be cut off: the drain has closed everything durable.
    runtime.shutdown_background();
    ended
}

/// Number of worker threads: one for each CPU that cgroups allow, but at least two, so that one
/// slow call does not delay the heartbeats.
fn workers() -> usize {
    std::thread::available_parallelism()
        .map_or(2, std::num::NonZero::get)
        .max(2)
}

/// Raises the soft limit of open files to what a full listener and the log need, at most to the
/// hard limit. Returns the limit in effect.
fn open_files() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    const MAX_OPEN_FILES: u64 = 65_536;
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit
        .maximum
        .map_or(MAX_OPEN_FILES, |maximum| maximum.min(MAX_OPEN_FILES));
    if limit.current.is_some_and(|current| current < wanted) {
        // A sandbox may refuse it. The limit in effect is logged.
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

fn banner(config: &Config, log: &Log) {
    if config.logging.banner && std::io::stderr().is_terminal() {
        let version = version::VERSION;
        log.push(format!(
            "\n  InfluxDB Meta v{version}\n  a free meta node\n\n"
        ));
    }
}
