//! Calls to nodes, mostly to the meta node of `-bind`, with retries until `-timeout`.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};

use super::global::Global;
use crate::auth::Login;
use crate::base::{Address, UnixNanos};
use crate::client::{CallError, Client, Request, Response};
use crate::runtime::stdio::print_error;
use crate::runtime::{Clock, Env};

/// The calls of one command.
pub(super) struct Session {
    pub(super) command: &'static str,
    client: Client,
    /// A client without credentials.
    anonymous: Client,
    pub(super) login: Login,
    clock: Arc<dyn Clock>,
    pub(super) bind: Address,
    timeout: Duration,
    deadline: Instant,
}

/// Delay before the first retry. Each next delay is twice as long.
const FIRST_RETRY_DELAY: Duration = Duration::from_millis(50);
/// Longest delay between two tries: an operator is waiting.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(1);

impl Session {
    /// Timeout of calls whose answer a command can do without. A healthy node answers in
    /// milliseconds.
    pub(super) const OPTIONAL_TIMEOUT: Duration = Duration::from_secs(2);

    /// Starts the timeout.
    pub(super) fn new(command: &'static str, env: &Env, global: &Global, bind: Address) -> Self {
        let (anonymous, login) = (Client::new(env), global.login());
        Self {
            command,
            client: anonymous.clone().with_login(login.clone()),
            anonymous,
            login,
            clock: env.clock.clone(),
            bind,
            timeout: global.timeout,
            deadline: from_now(global.timeout),
        }
    }

    /// Starts the timeout again.
    pub(super) fn restart_timeout(&mut self) {
        self.deadline = from_now(self.timeout);
    }

    /// Sends a GET to a node, with retries.
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

    /// Calls `attempt`, and again after errors that can pass, until the timeout. `at` is the node
    /// that it calls.
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
            let what = located(at, &error);
            if !error.is_retryable() {
                return Err(self.exited(&what));
            }
            if Instant::now() + pause >= self.deadline {
                return Err(self.line(&format!("operation timed out with error: {what}")));
            }
            if pause == FIRST_RETRY_DELAY {
                let timeout = humantime::format_duration(self.timeout);
                print_error(&self.line(&format!("{what}; trying for up to {timeout}")));
            }
            sleep(pause).await;
            pause = (pause * 2).min(MAX_RETRY_DELAY);
        }
    }

    /// Makes one attempt, for [`Self::repeat`].
    pub(super) async fn try_json<T: DeserializeOwned>(
        &self,
        at: &Address,
        path: &str,
    ) -> Result<T, CallError> {
        self.client.get_json(at, path, self.deadline).await
    }

    /// Makes one attempt, for [`Self::repeat`].
    pub(super) async fn try_form(
        &self,
        at: &Address,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<Response, CallError> {
        self.client.post_form(at, path, fields, self.deadline).await
    }

    /// Makes one attempt, for [`Self::repeat`], at a request whose answer may take `timeout`,
    /// longer than the session's timeout.
    pub(super) async fn try_for(
        &self,
        at: &Address,
        request: Request,
        timeout: Duration,
    ) -> Result<Response, CallError> {
        let deadline = self.deadline.max(from_now(timeout));
        self.client.call(at, request, deadline).await?.success()
    }

    /// Makes one attempt at the bound node, for [`Self::repeat`].
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

    /// Sends one GET to a node and waits for at most `timeout`.
    pub(super) async fn get_json_once<T: DeserializeOwned>(
        &self,
        at: &Address,
        path: &str,
        timeout: Duration,
    ) -> Result<T, CallError> {
        self.client
            .get_json(at, path, self.deadline.min(from_now(timeout)))
            .await
    }

    /// Sends one GET to a data node and waits for at most `timeout`. Sends no credentials: a data
    /// node does not check them and must not see them.
    pub(super) async fn get_json_of_data_node<T: DeserializeOwned>(
        &self,
        at: &Address,
        path: &str,
        timeout: Duration,
    ) -> Result<T, CallError> {
        self.anonymous
            .get_json(at, path, self.deadline.min(from_now(timeout)))
            .await
    }

    /// End of `-timeout`.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(super) fn now(&self) -> UnixNanos {
        self.clock.now()
    }

    /// The line for stderr about an error that retries cannot cure.
    pub(super) fn exited(&self, what: &str) -> String {
        self.line(&format!("operation exited with error: {what}"))
    }

    /// Makes a line for stderr, which begins with the name of the command.
    pub(super) fn line(&self, what: &str) -> String {
        format!("{}: {what}", self.command)
    }
}

/// Limits the timeout to 30 days, because the clock cannot represent every timeout.
fn from_now(timeout: Duration) -> Instant {
    Instant::now() + timeout.min(Duration::from_secs(30 * 24 * 3600))
}

/// Formats an error. The text that a server sent is not changed; other errors begin with the
/// address.
pub(super) fn located(at: &Address, error: &CallError) -> String {
    match error {
        CallError::Status { .. } => error.to_string(),
        _ => format!("{at}: {error}"),
    }
}
