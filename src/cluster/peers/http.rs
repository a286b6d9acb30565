//! [`Exchange`] over HTTP with `client`, and with proofs (founding.md 3, founding.md 11).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use serde::Deserialize;
use tokio::time::Instant;

use crate::auth::PeerKeys;
use crate::auth::fresh::{self, Challenge};
use crate::auth::proof::{Nonce, new_nonce};
use crate::base::{Address, Incarnation};
use crate::client::{self, CallError, Client, OtherService, Response};
use crate::cluster::peers::exchange::{Exchange, PeerRequest, PeerResponse, PollError};
use crate::runtime::net::BoxFuture;
use crate::runtime::{Env, Net, Rng, lock};
use crate::wire::api::Announcement;
use crate::wire::headers::{CHALLENGE, MEANT_FOR, PROOF as PROOF_HEADER};
use crate::wire::identity::{Identity, Phase};

/// Path of the identity request; the proof of a request covers it.
const PATH: &str = "/cluster/identity";

/// Maximum number of times that a request is sent: with no challenge, with that of the node that is
/// asked, with the leader's, too, and once more where one of them has changed meanwhile or where
/// the leader has an older version.
const MAX_TRIES: usize = 4;

/// Requests to other meta nodes over HTTP.
pub struct HttpExchange {
    net: Arc<dyn Net>,
    rng: Arc<dyn Rng>,
    client: Client,
    /// Keys of `internal-shared-secret`, when set.
    keys: Option<PeerKeys>,
    challenges: Challenges,
}

/// A request of this node, as its proof covers it.
struct Proving<'a> {
    /// Name of the receiver in [`Challenges`].
    to: String,
    path: &'a str,
    caller: Incarnation,
    body: &'a [u8],
}

/// Version of the proof of one attempt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ProofForm {
    /// With the challenges of the receiver, as far as they are known.
    Fresh,
    /// Version 1, without a challenge: the only one that members below feature level 4 know.
    Recordable,
}

/// Proof of one attempt: the header, and the values that it was made with.
struct Attempt {
    nonce: Nonce,
    header: Option<String>,
    challenges: Vec<Challenge>,
}

impl HttpExchange {
    pub fn new(env: &Env, client: Client, keys: Option<PeerKeys>) -> Self {
        Self {
            net: env.net.clone(),
            rng: env.rng.clone(),
            client,
            keys,
            challenges: Challenges::default(),
        }
    }

    /// Makes the proof of the next attempt. A receiver whose challenge is not known gets a proof of
    /// version 1: one of an older version has none, and one of this version answers with its own.
    fn attempt(&self, proving: &Proving<'_>, form: ProofForm) -> Attempt {
        let Proving {
            to,
            path,
            caller,
            body,
        } = proving;
        let nonce = new_nonce(&*self.rng);
        let challenges = match form {
            ProofForm::Fresh => self.challenges.of(to),
            ProofForm::Recordable => Vec::new(),
        };
        let header = self.keys.as_ref().map(|keys| match challenges.as_slice() {
            [] => keys.current().prove_request(path, &nonce, *caller, body),
            known => fresh::prove_request(keys, known, path, &nonce, *caller, body),
        });
        Attempt {
            nonce,
            header,
            challenges,
        }
    }

    /// Learns the challenge of an answer. Returns whether the request should be sent again: it was
    /// refused before it was executed, and the next proof is another one.
    fn learn(&self, proving: &Proving<'_>, attempt: &Attempt, answer: &Response) -> bool {
        let refused = answer.status == 401 && self.keys.is_some();
        let challenge = answer.header(CHALLENGE).and_then(fresh::parse_challenge);
        match challenge {
            Some(challenge) => {
                self.challenges.learn(&proving.to, challenge);
                refused && !attempt.challenges.contains(&challenge)
            }
            None => refused && self.forget(proving, attempt),
        }
    }

    /// Returns the form of the next attempt at a request that may be forwarded; `None` if this answer
    /// is the last one.
    ///
    /// The refusal of a leader of an older version comes with the challenge of the node that
    /// forwarded to it, which knew the proof. Such a leader knows version 1 only. A receiver accepts
    /// that version where a member may have an older feature level, see [`fresh`].
    fn next_form(
        &self,
        proving: &Proving<'_>,
        attempt: &Attempt,
        form: ProofForm,
        answer: &Response,
    ) -> Option<ProofForm> {
        let is_again = self.learn(proving, attempt, answer);
        let is_refused = answer.status == 401 && !attempt.challenges.is_empty();
        match form {
            ProofForm::Recordable => None,
            ProofForm::Fresh if is_again => Some(ProofForm::Fresh),
            ProofForm::Fresh => is_refused.then_some(ProofForm::Recordable),
        }
    }

    /// Forgets the challenges of a node that does not know them, as one of an older version.
    /// Returns whether there were any.
    fn forget(&self, proving: &Proving<'_>, attempt: &Attempt) -> bool {
        self.challenges.forget(&proving.to);
        !attempt.challenges.is_empty()
    }

    async fn poll(
        &self,
        at: SocketAddr,
        host: &Address,
        ours: &Identity,
    ) -> Result<Identity, PollError> {
        let body = Bytes::from(ours.encode());
        let proving = Proving {
            to: at.to_string(),
            path: PATH,
            caller: ours.incarnation,
            body: &body,
        };
        let mut tries = 0;
        let (attempt, answer) = loop {
            tries += 1;
            let attempt = self.attempt(&proving, ProofForm::Fresh);
            let extra = attempt.header.clone();
            let extra = extra.map(|proof| (PROOF_HEADER.to_owned(), Bytes::from(proof)));
            let extra = extra.into_iter().collect();
            match client::identity(&*self.net, at, host, extra, body.clone()).await {
                Ok(answer) if self.learn(&proving, &attempt, &answer) && tries < MAX_TRIES => {}
                Ok(answer) if answer.status == 401 => return Err(PollError::WrongSecret),
                Ok(answer) => break (attempt, answer),
                Err(CallError::WrongSecret)
                    if self.forget(&proving, &attempt) && tries < MAX_TRIES => {}
                Err(error) => return Err(error.into()),
            }
        };
        let theirs = Identity::decode(&answer.body)
            .map_err(|error| PollError::NotOurs(error.to_string()))?;
        if let Some(keys) = &self.keys {
            check(keys, &attempt.nonce, ours, &theirs, &answer)?;
        }
        // Other requests name the node by its incarnation.
        if let Some(challenge) = answer.header(CHALLENGE).and_then(fresh::parse_challenge) {
            let to = theirs.incarnation.to_string();
            self.challenges.learn(&to, challenge);
        }
        Ok(theirs)
    }

    async fn post(&self, to: &Address, ask: PeerRequest) -> Result<PeerResponse, PollError> {
        let deadline = Instant::now() + ask.timeout;
        let body = Bytes::from(ask.body);
        let receiver = ask.meant_for.map(|callee| callee.to_string());
        let proving = Proving {
            to: receiver.clone().unwrap_or_else(|| to.to_string()),
            path: ask.path,
            caller: ask.from,
            body: &body,
        };
        let (mut tries, mut form) = (0, ProofForm::Fresh);
        let (attempt, answer) = loop {
            tries += 1;
            let attempt = self.attempt(&proving, form);
            let json = Bytes::from_static(b"application/json");
            let mut headers = vec![("content-type".to_owned(), json)];
            headers.extend(
                attempt
                    .header
                    .clone()
                    .map(|proof| (PROOF_HEADER.to_owned(), proof.into())),
            );
            headers.extend(
                receiver
                    .clone()
                    .map(|callee| (MEANT_FOR.to_owned(), callee.into())),
            );
            let answer = self
                .client
                .forward(to, "POST", ask.path, headers, body.clone(), deadline)
                .await?;
            match self.next_form(&proving, &attempt, form, &answer) {
                Some(next) if tries < MAX_TRIES => form = next,
                _ => break (attempt, answer),
            }
        };
        let proven = self
            .keys
            .as_ref()
            .is_none_or(|keys| is_proven(keys, &attempt.nonce, ask.from, &answer));
        Ok(PeerResponse {
            status: answer.status,
            body: answer.body.to_vec(),
            proven,
        })
    }
}

/// Challenges that other nodes sent, by socket address, name or incarnation.
#[derive(Default)]
struct Challenges(Mutex<BTreeMap<String, Vec<Challenge>>>);

impl Challenges {
    /// Maximum number of nodes. An unknown one costs another round trip.
    const MAX_NODES: usize = 1024;
    /// Maximum number for one node: its own, and that of the leader to which it forwards.
    const MAX_OF_ONE: usize = 2;

    /// Challenges of this node, the last one learned at the end.
    fn of(&self, to: &str) -> Vec<Challenge> {
        lock(&self.0).get(to).cloned().unwrap_or_default()
    }

    fn learn(&self, to: &str, challenge: Challenge) {
        let mut all = lock(&self.0);
        if all.len() >= Self::MAX_NODES && !all.contains_key(to) {
            all.clear();
        }
        let known = all.entry(to.to_owned()).or_default();
        known.retain(|other| *other != challenge);
        known.push(challenge);
        let surplus = known.len().saturating_sub(Self::MAX_OF_ONE);
        known.drain(..surplus);
    }

    fn forget(&self, to: &str) {
        lock(&self.0).remove(to);
    }
}

fn is_proven(keys: &PeerKeys, nonce: &Nonce, caller: Incarnation, answer: &Response) -> bool {
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
    keys.check_answer(proof, nonce, caller, from, &answer.body)
        .is_ok()
}

/// Checks the proof of an answer. A wrong proof is always an error. A missing proof is an error
/// while this node is in no cluster, and when the answer claims to have a secret. A node in a
/// cluster accepts nodes that claim to have none, so that a secret can be introduced node by node;
/// the callers refuse such nodes if the cluster was founded with a secret. So, if this node has a
/// secret, an identity with `with_secret` is a proven one.
fn check(
    keys: &PeerKeys,
    nonce: &Nonce,
    ours: &Identity,
    theirs: &Identity,
    answer: &Response,
) -> Result<(), PollError> {
    let in_cluster = matches!(ours.phase, Phase::Started | Phase::Joining | Phase::Member);
    match answer.header(PROOF_HEADER) {
        Some(proof) => keys
            .check_answer(
                proof,
                nonce,
                ours.incarnation,
                theirs.incarnation,
                &answer.body,
            )
            .map_err(|_| PollError::WrongSecret),
        None if in_cluster && !theirs.with_secret => Ok(()),
        None if theirs.with_secret => Err(PollError::WrongSecret),
        None => Err(PollError::NoSecretThere),
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
            CallError::NotOurs(OtherService::DataNode) => Self::DataNode,
            CallError::NotOurs(what) => Self::NotOurs(what.to_string()),
            CallError::OtherMetaNode => Self::OtherMetaNode,
            CallError::WrongSecret => Self::WrongSecret,
            CallError::Status { status: 503, .. } | CallError::OutcomeUnknown { .. } => {
                Self::NotYet(error.to_string())
            }
            CallError::Junk(_)
            | CallError::Io { .. }
            | CallError::Status { .. }
            | CallError::Elsewhere { .. }
            | CallError::Redirects(_)
            | CallError::Unsupported(_) => Self::Io(error.to_string()),
        }
    }
}
