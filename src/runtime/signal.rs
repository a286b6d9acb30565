//! Signals. The kernel delivers to PID 1 only signals that have a handler, so the handlers are
//! installed before anything else.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signal that asks the process to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// SIGTERM: `docker stop`, a service manager.
    Terminate,
    /// SIGINT: Ctrl-C.
    Interrupt,
}

impl Stop {
    pub fn name(self) -> &'static str {
        match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
        }
    }

    /// Exit code that shells and service managers expect of a process that this signal ended: 128 +
    /// its number.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Terminate => 143,
            Self::Interrupt => 130,
        }
    }
}

/// Installed handlers. While they exist none of these signals ends the process by itself.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// Installs the handlers. Call it inside a tokio runtime, before anything else.
    pub fn install() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Resolves at the next signal that asks to stop. SIGHUP is logged and changes nothing yet.
    pub async fn stop(&mut self) -> Stop {
        loop {
            tokio::select! {
                biased;
                Some(()) = self.terminate.recv() => return Stop::Terminate,
                Some(()) = self.interrupt.recv() => return Stop::Interrupt,
                Some(()) = self.hangup.recv() => {
                    tracing::info!(
                        event = "signal",
                        "SIGHUP: there is nothing to reload yet; restart to apply changes"
                    );
                }
            }
        }
    }
}
