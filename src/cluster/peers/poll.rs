//! One poll: the name resolved anew, every address that it gives asked at once (rules 3.1 and 3.5).

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, timeout_at};

use crate::base::Address;
use crate::cluster::shared::Shared;
use crate::cluster::{Exchange, PollError};
use crate::runtime::Env;
use crate::wire::identity::Identity;

/// The whole poll, name look-up inside it: an answer that takes longer says nothing about now.
const POLL_TIMEOUT: Duration = Duration::from_secs(2);

/// A name with more addresses than this is no meta node's.
const MAX_ADDRESSES: usize = 16;

/// The same from a member, on whose word something is done: where its cluster was founded with a
/// secret, an answer without a proof is nobody's.
pub(in crate::cluster) async fn who_is_at(
    shared: &Shared,
    at: &Address,
) -> Vec<Result<Identity, PollError>> {
    let answers = poll(&shared.env, &*shared.exchange, at, shared.identity()).await;
    let must_prove = shared.config.secret.is_some() && shared.founded_with_secret();
    let believe = |theirs: Identity| {
        // What says that it has the secret was made to prove it.
        if must_prove && !theirs.with_secret {
            Err(PollError::WrongSecret)
        } else {
            Ok(theirs)
        }
    };
    answers
        .into_iter()
        .map(|answer| answer.and_then(believe))
        .collect()
}

/// What each socket address of the name answered; one failure when the name gives none.
pub(in crate::cluster) async fn poll(
    env: &Env,
    exchange: &dyn Exchange,
    at: &Address,
    ours: Identity,
) -> Vec<Result<Identity, PollError>> {
    let deadline = Instant::now() + POLL_TIMEOUT;
    let found = match timeout_at(deadline, env.net.resolve(at.host(), at.port())).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => return vec![Err(unresolved(&error))],
        Err(_) => return vec![Err(PollError::Io("the name look-up hangs".to_owned()))],
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

fn unresolved(error: &io::Error) -> PollError {
    match error.kind() {
        io::ErrorKind::ResourceBusy => PollError::Io(error.to_string()),
        _ => PollError::NameUnknown,
    }
}

fn distinct(mut found: Vec<SocketAddr>) -> Vec<SocketAddr> {
    found.sort();
    found.dedup();
    found.truncate(MAX_ADDRESSES);
    found
}
