//! A panic ends the process: a restart is better than a node of which one part has stopped.

use std::panic::PanicHookInfo;

use crate::config::exit;
use crate::http::in_request;

/// Installs the hook: logs every panic, and ends the process with 70 if it is outside an HTTP
/// request.
pub(super) fn install() {
    std::panic::set_hook(Box::new(|info| {
        let request = in_request();
        log(info, request);
        if !request {
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

fn log(info: &PanicHookInfo<'_>, request: bool) {
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
    use std::process::Command;

    const CHILD: &str = "INFLUXDB_META_TEST_PANICS";

    /// Runs this very test in a process of its own, which panics in a task of a runtime.
    #[test]
    fn a_panic_in_a_task_ends_the_process_with_70() {
        if std::env::var_os(CHILD).is_some() {
            super::install();
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
        let status = Command::new(this)
            .args(["--exact", name])
            .env(CHILD, "1")
            .output()
            .expect("ran")
            .status;
        assert_eq!(status.code(), Some(70));
    }
}
