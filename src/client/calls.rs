//! The client: calls with a deadline, over connections that are reused, following redirects.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::answer::JSON;
use super::connection::Connection;
use super::dial::{dial, dial_at, resolve};
use super::location::parse_location;
use super::pool::Pool;
use super::{CallError, Headers, Request, Response};
use crate::auth::Login;
use crate::base::Address;
use crate::runtime::{Clock, Env, Net};
use crate::wire::api::Announcement;

/// A client of the meta API. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Client {
    net: Arc<dyn Net>,
    clock: Arc<dyn Clock>,
    pool: Arc<Pool>,
    login: Login,
}

/// What Go's client follows; leaders move, but not that fast.
const MAX_REDIRECTS: usize = 10;

/// An announcement is repeated every few seconds: one that takes longer is worth less than the
/// next.
const ANNOUNCE_TIMEOUT: Duration = Duration::from_secs(2);

const AUTHORIZATION: &str = "authorization";

/// The node says that the request was meant for another one.
const MISDIRECTED_STATUS: u16 = 421;

impl Client {
    pub fn new(env: &Env) -> Self {
        let (net, clock) = (env.net.clone(), env.clock.clone());
        Self {
            net,
            clock,
            pool: Arc::default(),
            login: Login::None,
        }
    }

    /// The same, whose calls show who we are. What it forwards is somebody else's, and shows what
    /// that one did.
    #[must_use]
    pub fn with_login(self, login: Login) -> Self {
        Self { login, ..self }
    }

    /// Calls and follows redirects (307, 308), each hop with the same method, body and headers.
    /// Credentials go along: the leader asks for them as the follower would have. A token is made
    /// anew for each hop.
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
            let answered = self.exchange(&to, &self.signed(&request), deadline).await;
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
                return Err(CallError::Junk(format!(
                    "HTTP {} without a Location",
                    response.status
                )));
            };
            (to, request.path_and_query) = parse_location(location, &to)?;
        }
        Err(CallError::Redirects(MAX_REDIRECTS))
    }

    /// Unless the request shows something by itself.
    fn signed(&self, request: &Request) -> Request {
        let mut request = request.clone();
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

    /// Carries somebody's request to another node as it is, and its answer back: no redirect is
    /// followed.
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
                self.at_each(to, &request, answer, deadline).await
            }
            answered => answered,
        }
    }

    /// Another node than the one meant answers to this name too (two stacks on one network): asks
    /// at every address of the name. Whoever is not meant executes nothing.
    async fn at_each(
        &self,
        to: &Address,
        request: &Request,
        mut answer: Response,
        deadline: Instant,
    ) -> Result<Response, CallError> {
        // Those that are pooled for the name may lead to the wrong one as well.
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

    /// Tells a member about this node (wire.md 8).
    ///
    /// # Errors
    /// No answer, or a status other than 2xx.
    pub async fn announce(
        &self,
        to: &Address,
        announcement: &Announcement,
    ) -> Result<(), CallError> {
        let body = serde_json::to_vec(announcement)
            .map_err(|error| CallError::Unsupported(error.to_string()))?;
        let request = Request::post("/announce", JSON, body.into());
        self.call(to, request, Instant::now() + ANNOUNCE_TIMEOUT)
            .await?
            .success()
            .map(drop)
    }

    /// One hop.
    async fn exchange(
        &self,
        to: &Address,
        request: &Request,
        deadline: Instant,
    ) -> Result<Response, CallError> {
        if let Some(pooled) = self.pool.take(to) {
            match self.exchange_on(pooled, to, request, deadline).await {
                // The server had hung up meanwhile. Once more, on a connection of its own, where
                // that is harmless: nothing left, or asking twice is the same as asking once.
                Err(CallError::Io { sent, .. }) if !sent || request.is_safe() => {}
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
            // It leads to another node than the name is wanted for.
            Ok(answer) if answer.status == MISDIRECTED_STATUS => {}
            Ok(_) => self.pool.put(to, connection),
            Err(CallError::Timeout { .. }) => self.pool.forget(to),
            Err(_) => {}
        }
        answered
    }
}
