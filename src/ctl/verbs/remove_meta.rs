//! `influxd-ctl remove-meta [-force -tcpAddr <host:port>] [-y] [<host:port>]`: the node removes
//! itself, or, with `-force`, the others remove it.

use clap::Args;

use crate::base::endpoint::META_HTTP_PORT;
use crate::base::{Address, most_similar};
use crate::client::CallError;
use crate::ctl::addresses::{http_address, raft_address};
use crate::ctl::local_nodes;
use crate::ctl::members::{ClusterMembers, MetaNode};
use crate::ctl::output::Output;
use crate::ctl::prompt::confirmed;
use crate::ctl::session::Session;
use crate::ctl::status::{Status, is_in_cluster, is_removed};

/// Command that shows whether the node was removed.
const LOOK: &str = "influxd-ctl show: is it still a member?";

#[derive(Debug, Args)]
pub(in crate::ctl) struct RemoveMeta {
    /// The node is gone for good: let the others take it out
    #[arg(long)]
    force: bool,
    /// With -force: Raft address of the node
    #[arg(long = "tcpAddr", value_name = "HOST:PORT", value_parser = raft_address)]
    tcp_addr: Option<Address>,
    /// Do not ask
    #[arg(long = "y", short = 'y')]
    yes: bool,
    /// HTTP address of the meta node; without one: the bound node itself
    #[arg(value_name = "HOST:PORT", value_parser = http_address)]
    address: Option<Address>,
}

impl RemoveMeta {
    pub(super) async fn run(&self, session: &mut Session) -> Output {
        let removed = match (self.force, &self.tcp_addr) {
            (true, None) => Err("remove-meta: -tcpAddr is required with -force".to_owned()),
            (true, Some(raft)) => force(session, self, raft).await,
            (false, _) => ask_node_to_leave(session, self).await,
        };
        match removed {
            Ok(Some(name)) => Output::done(format!("Removed meta node at {name}\n")),
            Ok(None) => Output::default(),
            Err(why) => Output::failed(why),
        }
    }
}

/// Returns the name of the removed node; `None` if the operator said no.
async fn ask_node_to_leave(
    session: &mut Session,
    arguments: &RemoveMeta,
) -> Result<Option<Address>, String> {
    let (at, name) = match &arguments.address {
        Some(address) => (address.clone(), address.clone()),
        None => {
            let at = session.bind.clone();
            let status = status_of_member(session, &at).await?;
            (at.clone(), status.advertised().unwrap_or(at))
        }
    };
    if !confirmed(
        session,
        arguments.yes,
        &format!("Remove {name} from the cluster"),
    )? {
        return Ok(None);
    }
    if arguments.address.is_some() {
        status_of_named(session, &at, arguments.yes).await?;
    }
    leave(session, &at).await?;
    Ok(Some(name))
}

/// Waits for the node that the operator named. If it does not answer at once, the bound node is
/// asked for the members: a name that is none of them is refused without waiting.
async fn status_of_named(session: &Session, at: &Address, yes: bool) -> Result<Status, String> {
    let first: Result<Status, CallError> = session
        .get_json_once(at, "/status", Session::OPTIONAL_TIMEOUT)
        .await;
    let error = match first {
        Ok(status) => return check_member(session, at, status).await,
        Err(error) if *at != session.bind && error.is_retryable() => error,
        Err(_) => return status_of_member(session, at).await,
    };
    let cluster: Result<ClusterMembers, CallError> = session
        .get_json_once(&session.bind, "/show-cluster", Session::OPTIONAL_TIMEOUT)
        .await;
    let members = cluster.map(|cluster| cluster.meta).unwrap_or_default();
    let is_it = |node: &&MetaNode| Address::parse(&node.addr, META_HTTP_PORT).as_ref() == Ok(at);
    let member = members.iter().find(is_it);
    if member.is_none() && !members.is_empty() {
        return Err(session.exited(&no_member(at, &error, &members)));
    }
    let raft = member.map(|node| node.tcp_addr.as_str());
    status_of_member(session, at)
        .await
        .map_err(|why| why + &hint(at, raft, yes))
}

fn no_member(at: &Address, error: &CallError, members: &[MetaNode]) -> String {
    let names = || members.iter().map(|node| node.addr.as_str());
    let similar = most_similar(&at.to_string(), names())
        .map(|name| format!("; did you mean {name}?"))
        .unwrap_or_default();
    let list = names().collect::<Vec<_>>().join(", ");
    format!("{at} is no member and does not answer ({error}); members: {list}{similar}")
}

async fn status_of_member(session: &Session, at: &Address) -> Result<Status, String> {
    let status: Status = session.get_json(at, "/status").await?;
    check_member(session, at, status).await
}

/// Checks that the node at `at`, which has this status, is a meta node in a cluster.
async fn check_member(session: &Session, at: &Address, status: Status) -> Result<Status, String> {
    if !status.is_meta() {
        return Err(session.exited(&format!("{at} is not a meta node")));
    }
    if !is_in_cluster(session, at, &status).await {
        return Err(session.exited(&format!("{at} is not part of a cluster")));
    }
    Ok(status)
}

/// The command that removes a node which is gone. `raft` is its Raft address, if the cluster knows
/// it.
fn hint(at: &Address, raft: Option<&str>, yes: bool) -> String {
    let yes = if yes { "-y " } else { "" };
    let raft = raft.unwrap_or("<its Raft address>");
    format!(
        "\nIf the node is gone for good: \
         influxd-ctl remove-meta {yes}-force -tcpAddr {raft} {at}"
    )
}

/// Requests that the node at `at` leaves its cluster.
///
/// # Errors
/// The line for stderr.
pub(super) async fn leave(session: &Session, at: &Address) -> Result<(), String> {
    let host = local_nodes::host_name();
    let fields = [("command", session.command), ("host", host.host())];
    let attempt = async || match session.try_form(at, "/leave", &fields).await {
        // The node may have left although the answer was lost. A second request would be refused,
        // because the node is in no cluster.
        Err(error) if error.is_maybe_executed() && is_removed(session, at).await => Ok(()),
        answered => answered.map(drop),
    };
    session.change(at, LOOK, attempt).await
}

async fn force(
    session: &mut Session,
    arguments: &RemoveMeta,
    raft: &Address,
) -> Result<Option<Address>, String> {
    let name = arguments.address.as_ref().unwrap_or(raft);
    if !confirmed(
        session,
        arguments.yes,
        &format!("Force remove {name} from the cluster"),
    )? {
        return Ok(None);
    }
    let (http, raft) = (
        arguments.address.as_ref().map(Address::to_string),
        raft.to_string(),
    );
    let host = local_nodes::host_name();
    let mut fields = vec![
        ("force", "true"),
        ("tcpAddr", raft.as_str()),
        ("command", "remove-meta -force"),
        ("host", host.host()),
    ];
    fields.extend(http.as_ref().map(|http| ("httpAddr", http.as_str())));
    let bind = session.bind.clone();
    let attempt = async || session.try_form(&bind, "/remove", &fields).await.map(drop);
    let removed: Result<(), String> = session.change(&bind, LOOK, attempt).await;
    removed.map(|()| Some(name.clone()))
}
