//! Calls to nodes, mostly to the meta node of `-bind`, with retries until `-timeout`.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout_at};

use super::LocalNode;
use super::global::Global;
use crate::auth::Login;
use crate::base::{Address, UnixNanos};
use crate::client::{CallError, Client, Request, Response};
use crate::runtime::net::Net;
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
    net: Arc<dyn Net>,
    pub(super) bind: Address,
    /// Address of the meta node of this host, as its configuration gives it; `bind` may be that of
    /// another host.
    pub(super) local: Address,
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
    pub(super) fn new(command: &'static str, env: &Env, global: &Global, local: LocalNode) -> Self {
        // A node that the operator names may be any node: it gets no secret of this one.
        let secret = local.secret.filter(|_| global.bind.is_none());
        let (anonymous, login) = (Client::new(env), global.login(secret));
        Self {
            command,
            client: anonymous
                .clone()
                .with_login(login.clone())
                .stating_timeout(),
            anonymous,
            login,
            clock: env.clock.clone(),
            net: env.net.clone(),
            bind: global.bind.clone().unwrap_or_else(|| local.address.clone()),
            local: local.address,
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

    /// Calls `attempt`, which only reads, and again after errors that can pass, until the timeout.
    /// `at` is the node that it calls.
    ///
    /// # Errors
    /// The line for stderr.
    pub(super) async fn repeat<T>(
        &self,
        at: &Address,
        attempt: impl AsyncFn() -> Result<T, CallError>,
    ) -> Result<T, String> {
        self.try_until_timeout(at, attempt)
            .await
            .map_err(|failure| match failure {
                Failure::Refused(what) => self.exited(&what),
                Failure::TimedOut { what, .. } => {
                    self.line(&format!("operation timed out with error: {what}"))
                }
            })
    }

    /// Calls `attempt`, an idempotent change, and again after errors that can pass, until the
    /// timeout. `look` is the command that shows whether the change has happened.
    ///
    /// # Errors
    /// The line for stderr: the change is refused, was not made, or may still happen.
    pub(super) async fn change<T>(
        &self,
        at: &Address,
        look: &str,
        attempt: impl AsyncFn() -> Result<T, CallError>,
    ) -> Result<T, String> {
        self.try_until_timeout(at, attempt)
            .await
            .map_err(|failure| match failure {
                Failure::Refused(what) => self.exited(&what),
                Failure::TimedOut {
                    what,
                    maybe_executed: true,
                } => self.may_still_happen(&what, look),
                Failure::TimedOut { what, .. } => self.line(&format!("not done: {what}")),
            })
    }

    async fn try_until_timeout<T>(
        &self,
        at: &Address,
        attempt: impl AsyncFn() -> Result<T, CallError>,
    ) -> Result<T, Failure> {
        let mut maybe_executed = false;
        let mut pause = FIRST_RETRY_DELAY;
        loop {
            let error = match attempt().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let what = located(at, &error);
            if !error.is_retryable() {
                return Err(Failure::Refused(what));
            }
            maybe_executed |= is_maybe_executed(&error);
            if Instant::now() + pause >= self.deadline {
                return Err(Failure::TimedOut {
                    what,
                    maybe_executed,
                });
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

    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// End of `-timeout`.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Returns whether an address leads to this host: it is a loopback address, or a connection to
    /// a port that was opened at it just now succeeds.
    pub(super) async fn is_on_this_host(&self, at: &Address) -> bool {
        if at.is_loopback_literal() {
            return true;
        }
        let attempt = async {
            let found = self.net.resolve(at.host(), 0).await.unwrap_or_default();
            for address in found {
                let Ok(listener) = self.net.listen(address).await else {
                    continue;
                };
                if self.net.dial(listener.local()).await.is_ok() {
                    return true;
                }
            }
            false
        };
        let deadline = self.deadline.min(from_now(Self::OPTIONAL_TIMEOUT));
        timeout_at(deadline, attempt).await.unwrap_or(false)
    }

    pub(super) fn now(&self) -> UnixNanos {
        self.clock.now()
    }

    /// The line for stderr about an error that retries cannot cure.
    pub(super) fn exited(&self, what: &str) -> String {
        self.line(&format!("operation exited with error: {what}"))
    }

    /// The line for stderr about a change whose outcome nobody knows. `look` is the command that
    /// shows it.
    pub(super) fn may_still_happen(&self, what: &str, look: &str) -> String {
        self.line(&format!("it may still happen: {what}; look with {look}"))
    }

    /// Makes a line for stderr, which begins with the name of the command.
    pub(super) fn line(&self, what: &str) -> String {
        format!("{}: {what}", self.command)
    }
}

/// End of attempts without success, with the last error.
enum Failure {
    /// Retries cannot cure the error.
    Refused(String),
    TimedOut {
        what: String,
        /// Whether one of the attempts may have been executed, or may still be.
        maybe_executed: bool,
    },
}

/// Whether the request may have been executed, or may still be. After a 503 without
/// [`OutcomeUnknown`](CallError::OutcomeUnknown) nothing was.
pub(super) fn is_maybe_executed(error: &CallError) -> bool {
    match error {
        CallError::Status { status: 503, .. } => false,
        other => other.is_maybe_executed(),
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
        CallError::Status { .. } | CallError::OutcomeUnknown { .. } => error.to_string(),
        _ => format!("{at}: {error}"),
    }
}
