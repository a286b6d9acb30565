//! Work around every route: request id, custom headers, panics, counting (wire.md 4.2).

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::{Request, StatusCode};
use tower_service::Service as _;

use super::answer_deadline;
use super::body_budget::BodyBudget;
use super::caller_site;
use super::config::HttpConfig;
use super::connection_state::ConnectionState;
use super::error::{ErrorResponse, Execution};
use super::request_context::RequestContext;
use super::request_id::RequestIds;
use super::request_scope;
use super::routes;
use super::state::State;
use super::tracked_body::{AnswerBody, RequestBody};
use crate::auth::fresh::PeerVerifier;
use crate::auth::{Authenticator, Users};
use crate::runtime::Env;
use crate::service::Service;
use crate::wire::headers;

/// Bodies of unproven meta nodes have this part of the budget: 1 MiB at least, 16 of the largest.
const UNPROVEN_SHARE: u64 = 8;

/// Objects that all requests share.
pub(super) struct App {
    pub(super) service: Arc<Service>,
    peers: Option<Arc<PeerVerifier>>,
    pub(super) config: HttpConfig,
    router: Router,
    ids: RequestIds,
    version: HeaderValue,
}

impl App {
    pub(super) fn new(
        env: &Env,
        service: Arc<Service>,
        users: Arc<dyn Users>,
        config: HttpConfig,
    ) -> Self {
        let version =
            HeaderValue::from_str(service.version()).unwrap_or(HeaderValue::from_static("unknown"));
        let authenticator = Authenticator::new(env, config.auth.clone());
        let peers = config.peer_keys.clone();
        let peers = peers.map(|keys| Arc::new(PeerVerifier::new(keys, env.rng.clone())));
        let state = State {
            service: service.clone(),
            users,
            authenticator,
            refused_callers: Default::default(),
            bodies: BodyBudget::new(config.body_budget),
            unproven_bodies: BodyBudget::new(config.body_budget / UNPROVEN_SHARE),
            peers: peers.clone(),
            config: config.clone(),
        };
        let router = routes::router(Arc::new(state));
        Self {
            service,
            peers,
            config,
            router,
            ids: RequestIds::new(env),
            version,
        }
    }

    /// Checks first that no browser sent the request for another site, and that a forwarded request
    /// is meant for this node; otherwise reads nothing of it.
    async fn respond(&self, request: Request<RequestBody>) -> Response {
        if let Err(refused) = caller_site::check(request.version(), request.headers()) {
            return refused.into_response();
        }
        let meant_for = request
            .headers()
            .get(headers::MEANT_FOR)
            .map(HeaderValue::as_bytes);
        match meant_for.map_or(Ok(()), |incarnation| {
            self.service.check_meant_for(incarnation)
        }) {
            Ok(()) => self.route(request).await,
            Err(misdirected) => ErrorResponse::from(misdirected).into_response(),
        }
    }

    /// Catches a panic: it fails this request, not the node.
    async fn route(&self, request: Request<RequestBody>) -> Response {
        let call = self.router.clone().call(request);
        match AssertUnwindSafe(request_scope::scope(call))
            .catch_unwind()
            .await
        {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(_) => {
                self.service.metrics().panics.add();
                ErrorResponse::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "internal error: the log has more",
                )
                .into_response()
            }
        }
    }
}

/// Answers one request, with whose body the connection's stage has begun. Never fails: errors are
/// answers too.
pub(super) async fn answer(
    app: Arc<App>,
    connection: Arc<ConnectionState>,
    mut request: Request<Incoming>,
) -> Result<hyper::Response<AnswerBody>, Infallible> {
    let _under_way = app.service.metrics().requests_under_way.enter();
    let route = routes::route_index(request.uri().path());
    let id = app.ids.id_for(request.headers());
    // The index when the request starts, as in the original.
    let index = app.service.index();
    let is_forwarded = request.headers().contains_key(headers::FORWARDED);
    let context = RequestContext {
        connection: connection.clone(),
        id: id.clone(),
        answer_deadline: answer_deadline::of_caller(request.headers()),
        peers: app.peers.clone(),
    };
    request.extensions_mut().insert(context);

    let request = request.map(|body| RequestBody::new(body, connection.clone()));
    let mut response = app.respond(request).await;

    let execution = response.extensions_mut().remove::<Execution>();
    let head = response.headers_mut();
    head.insert(headers::X_REQUEST_ID, id.clone());
    head.insert(headers::REQUEST_ID, id);
    head.insert(headers::META_INDEX, HeaderValue::from(index));
    head.insert(headers::VERSION, app.version.clone());
    match execution {
        Some(Execution::Maybe) => {
            let unknown = HeaderValue::from_static(headers::UNKNOWN);
            head.insert(headers::OUTCOME, unknown);
        }
        Some(Execution::No) if is_forwarded => {
            let not_executed = HeaderValue::from_static(headers::NOT_EXECUTED);
            head.insert(headers::FORWARDED, not_executed);
        }
        Some(Execution::No | Execution::Unstated) | None => {}
    }
    app.service
        .metrics()
        .requests
        .count(route, response.status().as_u16());
    connection.answer_begun();
    Ok(response.map(|body| AnswerBody::new(body, connection)))
}
