//! Calls to the node given by `-bind`, repeated within `-timeout`.

use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};

use super::say;
use crate::base::Address;
use crate::client::{CallError, Client};
use crate::runtime::Env;

/// One command's talk with one meta node.
pub(super) struct Session {
    command: &'static str,
    client: Client,
    pub(super) bind: Address,
    timeout: Duration,
    deadline: Instant,
}

/// The first pause after a failure; each next one is twice as long. A node that restarts is back in a moment.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// A person waits: no pause is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

impl Session {
    /// The timeout runs from here.
    pub(super) fn new(command: &'static str, env: &Env, bind: &Address, timeout: Duration) -> Self {
        // A timeout beyond what the clock can count is a month, which is as good.
        let month = Duration::from_secs(30 * 24 * 3600);
        let deadline = Instant::now() + timeout.min(month);
        Self { command, client: Client::new(env), bind: bind.clone(), timeout, deadline }
    }

    /// Asks the bound node, and again while that may help.
    ///
    /// # Errors
    /// The line for stderr.
    pub(super) async fn get_json<T: DeserializeOwned>(&self, path: &str) -> Result<T, String> {
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match self.client.get_json(&self.bind, path, self.deadline).await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            if !error.is_retryable() {
                return Err(self.failure("operation exited with error", &error));
            }
            if Instant::now() + pause >= self.deadline {
                return Err(self.failure("operation timed out with error", &error));
            }
            if pause == FIRST_PAUSE {
                let timeout = humantime::format_duration(self.timeout);
                say(&format!("{}: {}; trying for up to {timeout}", self.command, self.at_bind(&error)));
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Asks any node once, for at most `patience`.
    ///
    /// # Errors
    /// What went wrong.
    pub(super) async fn get_json_once<T: DeserializeOwned>(
        &self,
        at: &Address,
        path: &str,
        patience: Duration,
    ) -> Result<T, CallError> {
        let deadline = self.deadline.min(Instant::now() + patience);
        self.client.get_json(at, path, deadline).await
    }

    fn failure(&self, how: &str, error: &CallError) -> String {
        format!("{}: {how}: {}", self.command, self.at_bind(error))
    }

    /// A server's own text stands for itself; what happened on the way to it names where.
    fn at_bind(&self, error: &CallError) -> String {
        match error {
            CallError::Status { .. } => error.to_string(),
            _ => format!("{}: {error}", self.bind),
        }
    }
}
