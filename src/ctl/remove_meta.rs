//! `influxd-ctl remove-meta [-force -tcpAddr <host:port>] [-y] [<host:port>]`: the node takes
//! itself out, or, with `-force`, the others take it out.

use super::Output;
use super::flags::RemoveMeta;
use super::prompt::confirmed;
use super::session::Session;
use super::status::{Status, is_in_cluster, is_removed};
use crate::base::Address;

pub(super) async fn run(session: &mut Session, asked: &RemoveMeta) -> Output {
    let removed = match (asked.force, &asked.tcp_addr) {
        (true, None) => Err("remove-meta: -tcpAddr is required with -force".to_owned()),
        (true, Some(raft)) => force(session, asked, raft).await,
        (false, _) => ask_it(session, asked).await,
    };
    match removed {
        Ok(Some(name)) => Output::done(format!("Removed meta node at {name}\n")),
        Ok(None) => Output::default(),
        Err(why) => Output::failed(why),
    }
}

/// `None`: the answer was no.
async fn ask_it(session: &mut Session, asked: &RemoveMeta) -> Result<Option<Address>, String> {
    let (at, name) = match &asked.address {
        Some(address) => (address.clone(), address.clone()),
        None => {
            let at = session.bind.clone();
            let status = status_of_member(session, &at).await?;
            (at.clone(), status.advertised().unwrap_or(at))
        }
    };
    if !confirmed(
        session,
        asked.yes,
        &format!("Remove {name} from the cluster"),
    )? {
        return Ok(None);
    }
    if asked.address.is_some() {
        status_of_member(session, &at).await?;
    }
    leave(session, &at).await?;
    Ok(Some(name))
}

async fn status_of_member(session: &Session, at: &Address) -> Result<Status, String> {
    let answered: Result<Status, String> = session.get_json(at, "/status").await;
    let status = answered.map_err(|why| {
        if *at == session.bind {
            why
        } else {
            why + &hint(at)
        }
    })?;
    if !status.is_meta() {
        return Err(session.exited(&format!("{at} is not a meta node")));
    }
    if !is_in_cluster(session, at, &status).await {
        return Err(session.exited(&format!("{at} is not part of a cluster")));
    }
    Ok(status)
}

fn hint(at: &Address) -> String {
    format!(
        "\nIf the node is gone for good: influxd-ctl remove-meta -force -tcpAddr <its Raft address> {at}"
    )
}

/// Has the node at `at` take itself out.
///
/// # Errors
/// The line for stderr.
pub(super) async fn leave(session: &Session, at: &Address) -> Result<(), String> {
    let attempt = async || match session.try_form(at, "/leave", &[]).await {
        // It may be out, and the answer lost: a second time it would say that it is in no cluster.
        Err(error) if error.is_maybe_executed() && is_removed(session, at).await => Ok(()),
        answered => answered.map(drop),
    };
    session.repeat(at, attempt).await
}

async fn force(
    session: &mut Session,
    asked: &RemoveMeta,
    raft: &Address,
) -> Result<Option<Address>, String> {
    let name = asked.address.as_ref().unwrap_or(raft);
    if !confirmed(
        session,
        asked.yes,
        &format!("Force remove {name} from the cluster"),
    )? {
        return Ok(None);
    }
    let (http, raft) = (
        asked.address.as_ref().map(Address::to_string),
        raft.to_string(),
    );
    let mut fields = vec![("force", "true"), ("tcpAddr", raft.as_str())];
    fields.extend(http.as_ref().map(|http| ("httpAddr", http.as_str())));
    let bind = session.bind.clone();
    let attempt = async || session.try_form(&bind, "/remove", &fields).await.map(drop);
    let removed: Result<(), String> = session.repeat(&bind, attempt).await;
    removed.map(|()| Some(name.clone()))
}
