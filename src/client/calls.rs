//! The client: calls with a deadline, over connections that are reused, following redirects.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::connection::Connection;
use super::dial::{dial, dial_at, resolve};
use super::location::parse_location;
use super::pool::Pool;
use super::{CallError, Headers, Request, Response, Unreadable};
use crate::auth::Login;
use crate::base::Address;
use crate::runtime::{Clock, Env, Net};
use crate::wire::api::Announcement;
use crate::wire::headers::TIMEOUT;

/// A client of the meta API. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Client {
    net: Arc<dyn Net>,
    clock: Arc<dyn Clock>,
    pool: Arc<Pool>,
    login: Login,
    /// Whether calls say how long they wait for the answer.
    states_timeout: bool,
}

/// Maximum number of redirects, the same as in Go's client.
const MAX_REDIRECTS: usize = 10;

/// Timeout of an announcement. It is repeated every few seconds, so a late one is worth less than
/// the next.
const ANNOUNCE_TIMEOUT: Duration = Duration::from_secs(2);

const AUTHORIZATION: &str = "authorization";

/// Status by which a node says that the request was meant for another one.
const MISDIRECTED_STATUS: u16 = 421;

impl Client {
    pub fn new(env: &Env) -> Self {
        let (net, clock) = (env.net.clone(), env.clock.clone());
        Self {
            net,
            clock,
            pool: Arc::default(),
            login: Login::None,
            states_timeout: false,
        }
    }

    /// A client whose own calls contain this login. A forwarded request keeps the credentials of
    /// its caller.
    #[must_use]
    pub fn with_login(self, login: Login) -> Self {
        Self { login, ..self }
    }

    /// A client whose own calls say how long they wait, so that the node answers before that. Other
    /// services do not know the header.
    #[must_use]
    pub fn stating_timeout(self) -> Self {
        Self {
            states_timeout: true,
            ..self
        }
    }

    /// Calls and follows redirects (307, 308), each hop with the same method, body and headers.
    /// Credentials are sent to each hop: the leader asks for them like the follower did. A token is
    /// made anew for each hop.
    ///
    /// # Errors
    /// No answer. An answer of any other status is `Ok`.
    pub async fn call(
        &self,
        to: &Address,
        mut request: Request,
        deadline: Instant,
    ) -> Result<Response, CallError> {
        let mut to = to.clone();
        for hop in 0..=MAX_REDIRECTS {
            let answered = self
                .exchange(&to, &self.with_own_headers(&request, deadline), deadline)
                .await;
            let response = match answered {
                Ok(response) if matches!(response.status, 307 | 308) => response,
                Err(error) if hop > 0 => {
                    return Err(CallError::Elsewhere {
                        at: to,
                        error: Box::new(error),
                    });
                }
                answered => return answered,
            };
            let Some(location) = response.header("location") else {
                let status = response.status;
                return Err(Unreadable::NoLocation { status }.into());
            };
            (to, request.path_and_query) = parse_location(location, &to)?;
        }
        Err(CallError::Redirects(MAX_REDIRECTS))
    }

    /// Adds the login, unless the request has credentials of its own, and the time that is left.
    fn with_own_headers(&self, request: &Request, deadline: Instant) -> Request {
        let mut request = request.clone();
        if self.states_timeout {
            let left = deadline.saturating_duration_since(Instant::now());
            let value = left.as_millis().to_string();
            request.headers.push((TIMEOUT.to_owned(), value.into()));
        }
        let own = request
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case(AUTHORIZATION));
        if let (false, Some(value)) = (own, self.login.authorization(self.clock.now())) {
            request
                .headers
                .push((AUTHORIZATION.to_owned(), value.into()));
        }
        request
    }

    /// Forwards a caller's request to another node unchanged, and returns its answer. No redirect
    /// is followed.
    ///
    /// # Errors
    /// No answer. An answer of any status is `Ok`.
    pub async fn forward(
        &self,
        to: &Address,
        method: &str,
        path_and_query: &str,
        headers: Headers,
        body: Bytes,
        deadline: Instant,
    ) -> Result<Response, CallError> {
        let (method, path_and_query) = (method.to_owned(), path_and_query.to_owned());
        let request = Request {
            method,
            path_and_query,
            headers,
            body,
        };
        match self.exchange(to, &request, deadline).await {
            Ok(answer) if answer.status == MISDIRECTED_STATUS => {
                self.forward_to_each_address(to, &request, answer, deadline)
                    .await
            }
            answered => answered,
        }
    }

    /// Sends the request to every address of the name, because another node than the one meant
    /// answers there too (two stacks on one network). A node that is not meant executes nothing.
    async fn forward_to_each_address(
        &self,
        to: &Address,
        request: &Request,
        mut answer: Response,
        deadline: Instant,
    ) -> Result<Response, CallError> {
        // Connections that are pooled for the name may lead to the wrong node as well.
        self.pool.forget(to);
        for address in resolve(&*self.net, to, deadline).await? {
            let Ok(connection) = dial_at(&*self.net, address, deadline).await else {
                continue;
            };
            answer = self.exchange_on(connection, to, request, deadline).await?;
            if answer.status != MISDIRECTED_STATUS {
                break;
            }
        }
        Ok(answer)
    }

    /// Makes a GET request and parses the body of the answer as JSON.
    ///
    /// # Errors
    /// No answer, a status other than 2xx, or a body that is not such JSON.
    pub async fn get_json<T: DeserializeOwned>(
        &self,
        to: &Address,
        path_and_query: &str,
        deadline: Instant,
    ) -> Result<T, CallError> {
        self.call(to, Request::get(path_and_query), deadline)
            .await?
            .success()?
            .json()
    }

    /// Posts a form and returns the answer.
    ///
    /// # Errors
    /// No answer, or a status other than 2xx.
    pub async fn post_form(
        &self,
        to: &Address,
        path: &str,
        fields: &[(&str, &str)],
        deadline: Instant,
    ) -> Result<Response, CallError> {
        self.call(to, Request::form(path, fields), deadline)
            .await?
            .success()
    }

    /// Sends an announcement of this node to a member (wire.md 8).
    ///
    /// # Errors
    /// No answer, or a status other than 2xx.
    pub async fn announce(
        &self,
        to: &Address,
        announcement: &Announcement,
    ) -> Result<(), CallError> {
        let request = Request::post_json("/announce", announcement)?;
        self.call(to, request, Instant::now() + ANNOUNCE_TIMEOUT)
            .await?
            .success()
            .map(drop)
    }

    /// Makes one hop.
    async fn exchange(
        &self,
        to: &Address,
        request: &Request,
        deadline: Instant,
    ) -> Result<Response, CallError> {
        if let Some(pooled) = self.pool.take(to) {
            match self.exchange_on(pooled, to, request, deadline).await {
                // The server had closed the connection already. The request is sent again on a new
                // connection if that is harmless: nothing of it was sent, or it may be sent twice.
                Err(CallError::Io { sent, .. }) if !sent || request.is_idempotent() => {}
                answered => return answered,
            }
        }
        let fresh = dial(&*self.net, to, deadline).await?;
        self.exchange_on(fresh, to, request, deadline).await
    }

    async fn exchange_on(
        &self,
        mut connection: Connection,
        to: &Address,
        request: &Request,
        deadline: Instant,
    ) -> Result<Response, CallError> {
        let answered = connection.exchange(to, request, deadline).await;
        match &answered {
            // This connection leads to another node than the one wanted under the name: not pooled.
            Ok(answer) if answer.status == MISDIRECTED_STATUS => {}
            Ok(_) => self.pool.put(to, connection),
            Err(CallError::Timeout { .. }) => self.pool.forget(to),
            Err(_) => {}
        }
        answered
    }
}
