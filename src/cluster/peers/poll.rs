//! Polls: the name is resolved anew, and every address that it gives is asked at once
//! (founding.md 3.1, founding.md 3.5).

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, timeout_at};

use crate::auth::PeerPolicy;
use crate::base::Address;
use crate::cluster::node::handle::NodeHandle;
use crate::cluster::peers::exchange::{Exchange, PollError};
use crate::runtime::Env;
use crate::wire::identity::Identity;

/// Timeout for the whole poll, name look-up included. A later answer would say nothing about now.
const POLL_TIMEOUT: Duration = Duration::from_secs(2);

/// Maximum number of addresses of one name that are asked. No meta node's name has more.
const MAX_ADDRESSES: usize = 16;

/// Polls every address of a name. Where proofs are required, an answer without one counts as an
/// error.
pub(in crate::cluster) async fn who_is_at(
    node: &NodeHandle,
    at: &Address,
) -> Vec<Result<Identity, PollError>> {
    let context = &node.context;
    let answers = poll(&context.env, &*context.exchange, at, node.identity()).await;
    // Before Raft is open founding decides, and the exchange refuses for it.
    let must_prove = node.peer_policy() == PeerPolicy::ProofRequired && node.state.raft().is_some();
    let check = |theirs: Identity| {
        // An answer that claims to have the secret was checked for its proof by the exchange.
        if must_prove && !theirs.with_secret {
            Err(PollError::WrongSecret)
        } else {
            Ok(theirs)
        }
    };
    answers
        .into_iter()
        .map(|answer| answer.and_then(check))
        .collect()
}

/// Returns the answer of each socket address of the name, or one failure when the name has none.
async fn poll(
    env: &Env,
    exchange: &dyn Exchange,
    at: &Address,
    ours: Identity,
) -> Vec<Result<Identity, PollError>> {
    let deadline = Instant::now() + POLL_TIMEOUT;
    let found = match timeout_at(deadline, env.net.resolve(at.host(), at.port())).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => return vec![Err(error.into())],
        Err(_) => return vec![Err(PollError::LookupTimeout)],
    };
    let ask = |socket| exchange.identity(socket, at, ours.clone());
    let asked = distinct(found).into_iter().map(|socket| async move {
        match timeout_at(deadline, ask(socket)).await {
            Ok(answer) => answer,
            Err(_) => Err(PollError::Timeout),
        }
    });
    join_all(asked).await
}

fn distinct(mut found: Vec<SocketAddr>) -> Vec<SocketAddr> {
    found.sort();
    found.dedup();
    found.truncate(MAX_ADDRESSES);
    found
}
