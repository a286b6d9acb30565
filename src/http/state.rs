//! State that all routes share.

use std::sync::Arc;

use axum::routing::MethodRouter;

use super::body_budget::BodyBudget;
use super::config::HttpConfig;
use super::refused_callers::RefusedCallers;
use crate::auth::fresh::PeerVerifier;
use crate::auth::{Authenticator, Users};
use crate::service::Service;

pub(super) struct State {
    pub(super) service: Arc<Service>,
    pub(super) users: Arc<dyn Users>,
    pub(super) authenticator: Authenticator,
    pub(super) refused_callers: RefusedCallers,
    /// Checks proofs of other meta nodes; `None` without `internal-shared-secret`.
    pub(super) peers: Option<Arc<PeerVerifier>>,
    pub(super) config: HttpConfig,
    /// Budget of the bodies of callers.
    pub(super) bodies: BodyBudget,
    /// Budget of the bodies of other meta nodes, which are read before they prove anything.
    pub(super) unproven_bodies: BodyBudget,
}

/// The state in the form in which axum passes it to a route.
pub(super) type AppState = axum::extract::State<Arc<State>>;

/// Handlers of one path, by method.
pub(super) type Methods = MethodRouter<Arc<State>>;
