//! A panic ends the process: a restart is better than a node of which one part has stopped.

use std::panic::PanicHookInfo;

use super::start::LOG_FLUSH_TIMEOUT;
use crate::config::exit;
use crate::http::in_request;
use crate::telemetry::logging::Log;

/// Installs the hook: logs every panic, and ends the process with 70 if it is outside an HTTP
/// request.
pub(super) fn install(log: &Log) {
    let to_flush = log.clone();
    std::panic::set_hook(Box::new(move |info| {
        let request = in_request();
        log_panic(info, request);
        if !request {
            to_flush.flush(LOG_FLUSH_TIMEOUT);
            end();
        }
    }));
}

/// Exits without exit handlers: they would run although one thread is broken and others still run.
#[expect(unsafe_code, reason = "the standard library has no _exit")]
fn end() -> ! {
    // SAFETY: it takes any number, touches no memory of this process and never returns.
    unsafe { libc::_exit(i32::from(exit::INTERNAL)) }
}

fn log_panic(info: &PanicHookInfo<'_>, request: bool) {
    let text = info.payload_as_str().unwrap_or("(no text)");
    let at = info.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current()
        .name()
        .unwrap_or("unnamed")
        .to_owned();
    let msg = if request {
        "fault in a request: answered 500"
    } else {
        "fault in the program: stopping"
    };
    tracing::error!(event = "panic", panic = text, at, thread, "{msg}");
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    const CHILD: &str = "INFLUXDB_META_TEST_PANICS";

    /// Runs this very test in a process of its own, which panics in a task of a runtime.
    #[test]
    fn a_panic_in_a_task_ends_the_process_with_70() {
        if std::env::var_os(CHILD).is_some() {
            super::install(&crate::telemetry::logging::without_config());
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .build();
            runtime.expect("a runtime").block_on(async {
                let tasks = crate::runtime::Tasks::threads();
                tasks.detach(async { panic!("a fault") });
                std::future::pending::<()>().await;
            });
        }
        let this = std::env::current_exe().expect("this program");
        let name = "app::panics::tests::a_panic_in_a_task_ends_the_process_with_70";
        for stderr in [Stdio::piped(), full_pipe()] {
            let child = Command::new(&this)
                .args(["--exact", name])
                .env(CHILD, "1")
                .stderr(stderr)
                .output();
            assert_eq!(child.expect("ran").status.code(), Some(70));
        }
    }

    /// A pipe that has no room, and a reader that never reads.
    fn full_pipe() -> Stdio {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let room = rustix::pipe::fcntl_getpipe_size(&writer).expect("its size");
        (&writer).write_all(&vec![b' '; room]).expect("room");
        std::mem::forget(reader);
        writer.into()
    }
}
