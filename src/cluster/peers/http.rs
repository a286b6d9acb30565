//! [`Exchange`] over HTTP with `client`, and with proofs (founding.md 3, founding.md 11).

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use tokio::time::Instant;

use crate::auth::proof::{Nonce, PeerKey, new_nonce};
use crate::base::{Address, Incarnation};
use crate::client::{self, CallError, Client, Response};
use crate::cluster::peers::exchange::{Exchange, PeerRequest, PeerResponse, PollError};
use crate::runtime::net::BoxFuture;
use crate::runtime::{Env, Net, Rng};
use crate::wire::api::Announcement;
use crate::wire::headers::{MEANT_FOR, PROOF as PROOF_HEADER};
use crate::wire::identity::{Identity, Phase};

/// Path of the identity request; the proof of a request covers it.
const PATH: &str = "/cluster/identity";

/// Requests to other meta nodes over HTTP.
pub struct HttpExchange {
    net: Arc<dyn Net>,
    rng: Arc<dyn Rng>,
    client: Client,
    /// Derived from `internal-shared-secret`, when set.
    key: Option<PeerKey>,
}

impl HttpExchange {
    pub fn new(env: &Env, client: Client, secret: Option<&str>) -> Self {
        Self {
            net: env.net.clone(),
            rng: env.rng.clone(),
            client,
            key: secret.map(PeerKey::derive),
        }
    }

    async fn poll(
        &self,
        at: SocketAddr,
        host: &Address,
        ours: &Identity,
    ) -> Result<Identity, PollError> {
        let body = ours.encode();
        let nonce = new_nonce(&*self.rng);
        let proof = self
            .key
            .as_ref()
            .map(|key| key.prove_request(PATH, &nonce, ours.incarnation, &body));
        let extra = proof.map(|proof| (PROOF_HEADER.to_owned(), Bytes::from(proof)));
        let extra = extra.into_iter().collect();
        let answer = client::identity(&*self.net, at, host, extra, body.into()).await?;
        let theirs = Identity::decode(&answer.body)
            .map_err(|error| PollError::NotOurs(error.to_string()))?;
        if let Some(key) = &self.key {
            check(key, &nonce, ours, &theirs, &answer)?;
        }
        Ok(theirs)
    }

    async fn post(&self, to: &Address, ask: PeerRequest) -> Result<PeerResponse, PollError> {
        let nonce = new_nonce(&*self.rng);
        let mut headers = vec![(
            "content-type".to_owned(),
            Bytes::from_static(b"application/json"),
        )];
        if let Some(key) = &self.key {
            let proof = key.prove_request(ask.path, &nonce, ask.from, &ask.body);
            headers.push((PROOF_HEADER.to_owned(), proof.into()));
        }
        if let Some(callee) = ask.meant_for {
            headers.push((MEANT_FOR.to_owned(), callee.to_string().into()));
        }
        let deadline = Instant::now() + ask.timeout;
        let (path, body) = (ask.path, Bytes::from(ask.body));
        let answer = self
            .client
            .forward(to, "POST", path, headers, body, deadline)
            .await?;
        let proven = self
            .key
            .as_ref()
            .is_none_or(|key| is_proven(key, &nonce, ask.from, &answer));
        Ok(PeerResponse {
            status: answer.status,
            body: answer.body.to_vec(),
            proven,
        })
    }
}

fn is_proven(key: &PeerKey, nonce: &Nonce, caller: Incarnation, answer: &Response) -> bool {
    #[derive(Deserialize)]
    struct Sender {
        from: Incarnation,
    }
    let Some(proof) = answer.header(PROOF_HEADER) else {
        return false;
    };
    let Ok(Sender { from }) = serde_json::from_slice(&answer.body) else {
        return false;
    };
    key.check_answer(proof, nonce, caller, from, &answer.body)
        .is_ok()
}

/// Checks the proof of an answer. A wrong proof is always an error. A missing proof is an error
/// while this node is in no cluster, and when the answer claims to have a secret. A node in a
/// cluster accepts nodes that claim to have none, so that a secret can be introduced node by node;
/// the callers refuse such nodes if the cluster was founded with a secret. So, if this node has a
/// secret, an identity with `with_secret` is a proven one.
fn check(
    key: &PeerKey,
    nonce: &Nonce,
    ours: &Identity,
    theirs: &Identity,
    answer: &Response,
) -> Result<(), PollError> {
    let in_cluster = matches!(ours.phase, Phase::Started | Phase::Joining | Phase::Member);
    match answer.header(PROOF_HEADER) {
        Some(proof) => key
            .check_answer(
                proof,
                nonce,
                ours.incarnation,
                theirs.incarnation,
                &answer.body,
            )
            .map_err(|_| PollError::WrongSecret),
        None if in_cluster && !theirs.with_secret => Ok(()),
        None => Err(PollError::WrongSecret),
    }
}

impl Exchange for HttpExchange {
    fn identity(
        &self,
        at: SocketAddr,
        host: &Address,
        ours: Identity,
    ) -> BoxFuture<'_, Result<Identity, PollError>> {
        let host = host.clone();
        Box::pin(async move { self.poll(at, &host, &ours).await })
    }

    fn ask(
        &self,
        to: &Address,
        ask: PeerRequest,
    ) -> BoxFuture<'_, Result<PeerResponse, PollError>> {
        let to = to.clone();
        Box::pin(async move { self.post(&to, ask).await })
    }

    fn announce(
        &self,
        to: &Address,
        announcement: Announcement,
    ) -> BoxFuture<'_, Result<(), PollError>> {
        let to = to.clone();
        Box::pin(async move { Ok(self.client.announce(&to, &announcement).await?) })
    }
}

impl From<CallError> for PollError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Lookup(error) => Self::Lookup(error),
            CallError::LookupTimeout => Self::LookupTimeout,
            CallError::Refused => Self::Refused,
            CallError::Timeout { .. } => Self::Timeout,
            CallError::RaftPort => Self::RaftPort,
            CallError::NotOurs(what) => Self::NotOurs(what.to_string()),
            CallError::OtherMetaNode => Self::OtherMetaNode,
            CallError::WrongSecret => Self::WrongSecret,
            CallError::Status { status: 503, .. } => Self::NotYet(error.to_string()),
            CallError::Junk(_)
            | CallError::Io { .. }
            | CallError::Status { .. }
            | CallError::Elsewhere { .. }
            | CallError::Redirects(_)
            | CallError::Unsupported(_) => Self::Io(error.to_string()),
        }
    }
}
