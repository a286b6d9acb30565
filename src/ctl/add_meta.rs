//! `influxd-ctl add-meta [<host:port>]`: `POST /join` at the bound node.

use serde::Deserialize;

use super::Output;
use super::flags::AddMeta;
use super::session::Session;
use super::status::Status;
use crate::base::Address;

pub(super) async fn run(session: &Session, asked: &AddMeta) -> Output {
    match add(session, asked).await {
        Ok(added) => Output::done(format!("Added meta node {} at {}\n", added.id, added.addr)),
        Err(why) => Output::failed(why),
    }
}

async fn add(session: &Session, asked: &AddMeta) -> Result<Added, String> {
    let address = match &asked.address {
        Some(address) => address.clone(),
        None => itself(session).await?,
    };
    join(session, &session.bind, &address).await
}

/// The bound node, under the name that it gives itself.
async fn itself(session: &Session) -> Result<Address, String> {
    let status: Status = session.get_json(&session.bind, "/status").await?;
    if !status.is_meta() {
        return Err(session.exited(&format!("{} is not a meta node", session.bind)));
    }
    let unnamed = || {
        session.exited(&format!(
            "{} does not say what others call it",
            session.bind
        ))
    };
    status.advertised().ok_or_else(unnamed)
}

/// What `/join` answers, as far as it is printed.
#[derive(Debug, Deserialize)]
pub(super) struct Added {
    pub(super) id: u64,
    pub(super) addr: String,
}

/// Asks `at` to add `address`; asking again is harmless.
///
/// # Errors
/// The line for stderr.
pub(super) async fn join(
    session: &Session,
    at: &Address,
    address: &Address,
) -> Result<Added, String> {
    let address = address.to_string();
    let fields = [("addr", address.as_str())];
    session
        .repeat(at, async || {
            session.try_form(at, "/join", &fields).await?.json()
        })
        .await
}
