//! Around every route: request id, custom headers, panics, counting (wire.md 4.2).

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use hyper::body::{Body as _, Incoming};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, StatusCode};
use tower_service::Service as _;

use super::connection_state::ConnectionState;
use super::error::{Failure, NotExecuted};
use super::request_id::RequestIds;
use super::request_scope;
use super::routes::{self, State};
use super::server::HttpConfig;
use crate::auth::{Authenticator, Users};
use crate::runtime::Env;
use crate::service::{FORWARDED_HEADER, MEANT_FOR_HEADER, NOT_EXECUTED, Service};

/// What all requests share.
pub(super) struct App {
    pub(super) service: Arc<Service>,
    pub(super) config: HttpConfig,
    router: Router,
    ids: RequestIds,
    version: HeaderValue,
}

/// What a route may want to know about its request besides the request; in its extensions.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) conversation: Arc<ConnectionState>,
    pub(super) id: HeaderValue,
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
        let state = State {
            service: service.clone(),
            users,
            authenticator,
            config: config.clone(),
        };
        let router = routes::router(Arc::new(state));
        Self {
            service,
            config,
            router,
            ids: RequestIds::new(env),
            version,
        }
    }

    /// Nothing of a request that was carried here by mistake is looked at.
    async fn respond(&self, request: Request<Incoming>) -> Response {
        let meant_for = request
            .headers()
            .get(MEANT_FOR_HEADER)
            .map(HeaderValue::as_bytes);
        match meant_for.map_or(Ok(()), |incarnation| {
            self.service.check_meant_for(incarnation)
        }) {
            Ok(()) => self.route(request).await,
            Err(misdirected) => Failure::from(misdirected).into_response(),
        }
    }

    /// A panic is caught here: it costs this request, not the node.
    async fn route(&self, request: Request<Incoming>) -> Response {
        let call = self.router.clone().call(request);
        match AssertUnwindSafe(request_scope::scope(call))
            .catch_unwind()
            .await
        {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(_) => {
                self.service.metrics().panics.add();
                Failure::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "internal error: the log has more",
                )
                .into_response()
            }
        }
    }
}

/// Answers one request. Never fails: that is what 500 is for.
pub(super) async fn answer(
    app: Arc<App>,
    conversation: Arc<ConnectionState>,
    mut request: Request<Incoming>,
) -> Result<Response, Infallible> {
    conversation.begin(!request.body().is_end_stream());
    let _under_way = app.service.metrics().requests_under_way.enter();
    let place = routes::route_index(request.uri().path());
    let id = app.ids.of(request.headers());
    // As it is when the request starts, as the original has it.
    let index = app.service.index();
    let carried = request.headers().contains_key(FORWARDED_HEADER);
    request.extensions_mut().insert(Context {
        conversation: conversation.clone(),
        id: id.clone(),
    });

    let mut response = app.respond(request).await;

    let not_executed = response.extensions_mut().remove::<NotExecuted>().is_some();
    let headers = response.headers_mut();
    put(headers, "x-request-id", id.clone());
    put(headers, "request-id", id);
    put(headers, "influxdb-metaindex", HeaderValue::from(index));
    put(headers, "x-influxdb-version", app.version.clone());
    if carried && not_executed {
        put(
            headers,
            "influxd-meta-carried",
            HeaderValue::from_static(NOT_EXECUTED),
        );
    }
    app.service
        .metrics()
        .requests
        .count(place, response.status().as_u16());
    conversation.answered();
    Ok(response)
}

fn put(headers: &mut HeaderMap, name: &'static str, value: HeaderValue) {
    headers.insert(HeaderName::from_static(name), value);
}
