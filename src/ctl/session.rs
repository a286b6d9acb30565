//! Calls to meta nodes, the one given by `-bind` above all, repeated within `-timeout`.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};

use super::flags::Global;
use super::say;
use crate::auth::Login;
use crate::base::{Address, UnixNanos};
use crate::client::{CallError, Client, Request, Response};
use crate::runtime::{Clock, Env};

/// One command's talk.
pub(super) struct Session {
    command: &'static str,
    client: Client,
    /// Shows nobody who we are.
    anonymous: Client,
    pub(super) login: Login,
    clock: Arc<dyn Clock>,
    pub(super) bind: Address,
    timeout: Duration,
    deadline: Instant,
}

/// The first pause after a failure; each next one is twice as long. A node that restarts is back in
/// a moment.
const FIRST_RETRY_DELAY: Duration = Duration::from_millis(50);
/// A person waits: no pause is longer.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(1);

impl Session {
    /// For what is asked on the side: a healthy node answers in milliseconds.
    pub(super) const RETRY_TIMEOUT: Duration = Duration::from_secs(2);

    /// The timeout runs from here.
    pub(super) fn new(command: &'static str, env: &Env, global: &Global) -> Self {
        let (anonymous, login) = (Client::new(env), global.login());
        Self {
            command,
            client: anonymous.clone().with_login(login.clone()),
            anonymous,
            login,
            clock: env.clock.clone(),
            bind: global.bind.clone(),
            timeout: global.timeout,
            deadline: from_now(global.timeout),
        }
    }

    /// The timeout runs from here again.
    pub(super) fn begin_anew(&mut self) {
        self.deadline = from_now(self.timeout);
    }

    /// Asks a node, and again while that may help.
    ///
    /// # Errors
    /// The line for stderr.
    pub(super) async fn get_json<T: DeserializeOwned>(
        &self,
        at: &Address,
        path: &str,
    ) -> Result<T, String> {
        self.repeat(at, async || self.try_json(at, path).await)
            .await
    }

    /// Tries at `at`, and again while that may help.
    ///
    /// # Errors
    /// The line for stderr.
    pub(super) async fn repeat<T>(
        &self,
        at: &Address,
        attempt: impl AsyncFn() -> Result<T, CallError>,
    ) -> Result<T, String> {
        let mut pause = FIRST_RETRY_DELAY;
        loop {
            let error = match attempt().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let what = what_at(at, &error);
            if !error.is_retryable() {
                return Err(self.exited(&what));
            }
            if Instant::now() + pause >= self.deadline {
                return Err(self.said(&format!("operation timed out with error: {what}")));
            }
            if pause == FIRST_RETRY_DELAY {
                let timeout = humantime::format_duration(self.timeout);
                say(&self.said(&format!("{what}; trying for up to {timeout}")));
            }
            sleep(pause).await;
            pause = (pause * 2).min(MAX_RETRY_DELAY);
        }
    }

    /// One attempt, for [`Self::repeat`].
    pub(super) async fn try_json<T: DeserializeOwned>(
        &self,
        at: &Address,
        path: &str,
    ) -> Result<T, CallError> {
        self.client.get_json(at, path, self.deadline).await
    }

    /// One attempt, for [`Self::repeat`].
    pub(super) async fn try_form(
        &self,
        at: &Address,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<Response, CallError> {
        self.client.post_form(at, path, fields, self.deadline).await
    }

    /// One attempt, for [`Self::repeat`], at what may take longer than it takes to be heard.
    pub(super) async fn try_for(
        &self,
        at: &Address,
        request: Request,
        patience: Duration,
    ) -> Result<Response, CallError> {
        let deadline = self.deadline.max(from_now(patience));
        self.client.call(at, request, deadline).await?.success()
    }

    /// One attempt at the bound node, for [`Self::repeat`].
    pub(super) async fn try_post_json(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Response, CallError> {
        let request = Request::post_json(path, body)?;
        self.client
            .call(&self.bind, request, self.deadline)
            .await?
            .success()
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
        self.client
            .get_json(at, path, self.deadline.min(from_now(patience)))
            .await
    }

    /// The same of a data node, which asks nobody who they are and must not be told.
    ///
    /// # Errors
    /// What went wrong.
    pub(super) async fn get_json_of_data_node<T: DeserializeOwned>(
        &self,
        at: &Address,
        path: &str,
        patience: Duration,
    ) -> Result<T, CallError> {
        self.anonymous
            .get_json(at, path, self.deadline.min(from_now(patience)))
            .await
    }

    pub(super) fn now(&self) -> UnixNanos {
        self.clock.now()
    }

    /// The line for stderr about what no repetition cures.
    pub(super) fn exited(&self, what: &str) -> String {
        self.said(&format!("operation exited with error: {what}"))
    }

    /// A line for stderr.
    pub(super) fn said(&self, what: &str) -> String {
        format!("{}: {what}", self.command)
    }
}

/// A timeout beyond what the clock can count is a month, which is as good.
fn from_now(timeout: Duration) -> Instant {
    Instant::now() + timeout.min(Duration::from_secs(30 * 24 * 3600))
}

/// A server's own text stands for itself; what happened on the way to it names where.
pub(super) fn what_at(at: &Address, error: &CallError) -> String {
    match error {
        CallError::Status { .. } => error.to_string(),
        _ => format!("{at}: {error}"),
    }
}
