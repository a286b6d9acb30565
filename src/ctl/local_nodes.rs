//! The nodes of this host, for `join` and `leave`.
//!
//! The meta node is the bound node if `-bind` leads to this host, else the one at the address of
//! the configuration, under the name that it advertises. The host's own name is a guess and is used
//! only if no meta node answers. The data node is the one with the same host name.

use super::session::{Session, located};
use super::status::Status;
use crate::base::Address;
use crate::base::endpoint::{DATA_RPC_PORT, META_HTTP_PORT};
use crate::client::CallError;

pub(super) struct LocalNodes {
    /// The meta node, or the line for stderr that says why there is none.
    pub(super) meta: Result<LocalMetaNode, String>,
    pub(super) data: LocalDataNode,
}

/// A meta node that answers.
pub(super) struct LocalMetaNode {
    /// Address at which it answered.
    pub(super) at: Address,
    /// Address that it advertises.
    pub(super) name: Address,
    pub(super) status: Status,
}

/// The place of a data node on this host.
pub(super) struct LocalDataNode {
    pub(super) at: Address,
    /// Its answer; `None` if there is no data node.
    pub(super) status: Option<Status>,
}

impl LocalNodes {
    /// Address of the meta node of this host, or the address that one would have.
    pub(super) fn meta_address(&self) -> Address {
        self.meta.as_ref().map_or_else(
            |_| host_name().with_port(META_HTTP_PORT),
            |here| here.name.clone(),
        )
    }
}

/// Finds both nodes. Waits for a meta node that does not answer, unless its port is closed and a
/// data node is found: then the host has only the data node.
pub(super) async fn nodes(session: &Session) -> LocalNodes {
    find(session, |_, status| Ok(status)).await
}

/// Finds both nodes, and waits until the meta node has a name other than `localhost`: another node
/// will get this name. A node that starts does not know its name yet.
pub(super) async fn named_nodes(session: &Session) -> LocalNodes {
    let has_name = |at: &Address, status: Status| {
        let is_named = status.advertised().is_some() || !at.is_loopback_literal();
        if is_named || !status.is_meta() {
            return Ok(status);
        }
        let error = format!("{at} does not say yet what others call it");
        Err(CallError::Status { status: 503, error })
    };
    find(session, has_name).await
}

async fn find(
    session: &Session,
    accept: impl Fn(&Address, Status) -> Result<Status, CallError>,
) -> LocalNodes {
    let is_bound_here = session.is_on_this_host(&session.bind).await;
    let at = if is_bound_here {
        &session.bind
    } else {
        &session.local
    };
    let accept = |status| accept(at, status);
    let first = ask(session, at, &accept).await;
    if let Err(CallError::Refused) = first {
        let data = data_node(session, None).await;
        let meta = if is_bound_here {
            session.exited(&located(at, &CallError::Refused))
        } else {
            none_here(session)
        };
        // Nobody waits for a meta node of this host if the command names another host's.
        if data.status.is_some() || !is_bound_here {
            return LocalNodes {
                meta: Err(meta),
                data,
            };
        }
    }
    let found = match first {
        Ok(found) => Ok(found),
        Err(_) => {
            session
                .repeat(at, async || ask(session, at, &accept).await)
                .await
        }
    };
    let meta = found.and_then(|(at, status)| meta_node(session, at, status));
    let data = data_node(session, meta.as_ref().ok()).await;
    LocalNodes { meta, data }
}

/// Says that this host has no meta node, and that the one of `-bind` is another host's.
fn none_here(session: &Session) -> String {
    let (bind, local) = (&session.bind, &session.local);
    session.line(&format!(
        "no meta node answers on this host, at {local}; {bind} is on another host: run the command \
         there, or use add-meta, add-data, remove-meta or remove-data"
    ))
}

/// Asks the meta node at an address of this host, then one that listens only at the host's name. It
/// has the same port: one at another port is another node, and `leave` would take that one out.
/// Returns the address that answered, and the answer.
async fn ask(
    session: &Session,
    at: &Address,
    accept: impl Fn(Status) -> Result<Status, CallError>,
) -> Result<(Address, Status), CallError> {
    let error = match session.try_json(at, "/status").await {
        Err(error) if at.is_loopback_literal() => error,
        answered => {
            return answered.and_then(accept).map(|status| (at.clone(), status));
        }
    };
    let by_name = host_name().with_port(at.port());
    let answered = session
        .get_json_once(&by_name, "/status", Session::OPTIONAL_TIMEOUT)
        .await;
    answered
        .map(|status| (by_name, status))
        .map_err(|_: CallError| error)
}

fn meta_node(session: &Session, at: Address, status: Status) -> Result<LocalMetaNode, String> {
    if !status.is_meta() {
        return Err(session.exited(&format!("{at} is not a meta node")));
    }
    let name = status.advertised().unwrap_or_else(|| at.clone());
    Ok(LocalMetaNode { at, name, status })
}

/// Asks the data node once: it is expected to be running already.
async fn data_node(session: &Session, meta: Option<&LocalMetaNode>) -> LocalDataNode {
    let at = meta
        .map_or_else(host_name, |here| here.name.clone())
        .with_port(DATA_RPC_PORT);
    let said: Result<Status, CallError> = session
        .get_json_of_data_node(&at, "/status", Session::OPTIONAL_TIMEOUT)
        .await;
    LocalDataNode {
        at,
        status: said.ok().filter(Status::is_data),
    }
}

pub(super) fn host_name() -> Address {
    let name = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    Address::parse(&name, META_HTTP_PORT)
        .unwrap_or_else(|_| Address::new("localhost", META_HTTP_PORT))
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, SocketAddr};
    use std::sync::Arc;
    use std::time::Duration;

    use clap::Parser;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::ctl::LocalNode;
    use crate::ctl::cli::Cli;
    use crate::runtime::net::memory::Network;
    use crate::runtime::{Env, SystemRng, Tasks};

    const HOST: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));

    /// A host under its own name. `nodes` lists ports and the bodies that are answered there.
    async fn host(nodes: &[(u16, &'static str)]) -> Session {
        let own = nodes.iter().map(|(port, body)| (HOST, *port, *body));
        bound(&["influxd-ctl", "join"], own).await
    }

    /// A session of this command line on `HOST`. `nodes` lists addresses and the bodies that are
    /// answered there.
    async fn bound(
        line: &[&str],
        nodes: impl Iterator<Item = (IpAddr, u16, &'static str)>,
    ) -> Session {
        let network = Network::new(
            Arc::new(SystemRng),
            Duration::ZERO..Duration::from_micros(1),
        );
        network.name("localhost", &[HOST]);
        network.name(host_name().host(), &[HOST]);
        network.name("here", &[HOST]);
        network.name("other", &[OTHER]);
        let tasks = Tasks::inline();
        for (ip, port, body) in nodes {
            let mut listener = network
                .host(ip)
                .listen(SocketAddr::new(ip, port))
                .await
                .expect("free");
            let answer = format!(
                "HTTP/1.1 200 x\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            tasks.detach(async move {
                while let Ok(mut stream) = listener.accept().await {
                    let mut request = [0; 4096];
                    let _ = stream.read(&mut request).await;
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
            });
        }
        let env = Env {
            net: network.host(HOST),
            ..Env::real()
        };
        Session::new(
            "join",
            &env,
            &Cli::parse_from(line).global,
            LocalNode {
                address: Address::new("localhost", 8091),
                secret: None,
            },
        )
    }

    const DATA: &str = r#"{"nodeType":"data"}"#;

    /// No meta node is waited for.
    #[tokio::test(start_paused = true)]
    async fn a_host_may_have_a_data_node_alone() {
        let session = host(&[(DATA_RPC_PORT, DATA)]).await;
        let nodes = named_nodes(&session).await;
        let why = "join: operation exited with error: localhost:8091: connection refused";
        assert_eq!(nodes.meta.err().as_deref(), Some(why));
        assert_eq!(nodes.data.at, host_name().with_port(DATA_RPC_PORT));
        assert!(nodes.data.status.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn where_nobody_is_found_a_meta_node_is_waited_for() {
        let nodes = nodes(&host(&[]).await).await;
        let why = "join: operation timed out with error: localhost:8091: connection refused";
        assert_eq!(nodes.meta.err().as_deref(), Some(why));
        assert!(nodes.data.status.is_none());
    }

    const META: &str = r#"{"nodeType":"meta","httpAddr":"here:8091"}"#;
    const OTHER_META: &str = r#"{"nodeType":"meta","httpAddr":"other:8091"}"#;

    /// `leave` took the node of `-bind` out of its cluster, wherever it ran.
    #[tokio::test(start_paused = true)]
    async fn the_bound_node_of_another_host_is_not_of_this_host() {
        let line = ["influxd-ctl", "--bind=other:8091", "leave"];
        let other = (OTHER, META_HTTP_PORT, OTHER_META);
        let other_data = (OTHER, DATA_RPC_PORT, DATA);
        let session = bound(&line, [other, other_data].into_iter()).await;
        let found = nodes(&session).await;
        let why = "join: no meta node answers on this host, at localhost:8091; other:8091 is on \
                   another host: run the command there, or use add-meta, add-data, remove-meta or \
                   remove-data";
        assert_eq!(found.meta.err().as_deref(), Some(why));
        assert!(found.data.status.is_none());

        let own = (HOST, META_HTTP_PORT, META);
        let session = bound(&line, [other, own].into_iter()).await;
        let found = nodes(&session).await.meta.ok();
        assert_eq!(
            found.map(|node| (node.at, node.name)),
            Some((Address::new("localhost", 8091), Address::new("here", 8091)))
        );
    }

    /// `-bind` gives the port of a node of this host, by any of its names.
    #[tokio::test(start_paused = true)]
    async fn the_bound_node_of_this_host_is_found_by_its_name() {
        let line = ["influxd-ctl", "--bind=here:9091", "leave"];
        let own = (HOST, 9091, META);
        let session = bound(&line, [own].into_iter()).await;
        let found = nodes(&session).await.meta.ok();
        assert_eq!(found.map(|node| node.at), Some(Address::new("here", 9091)));
    }

    /// `leave` took out whichever node had the default port.
    #[tokio::test(start_paused = true)]
    async fn a_node_at_another_port_of_this_host_is_not_the_bound_one() {
        let line = ["influxd-ctl", "--bind=localhost:9091", "leave"];
        let another = (HOST, META_HTTP_PORT, META);
        let session = bound(&line, [another].into_iter()).await;
        let why = "join: operation timed out with error: localhost:9091: connection refused";
        assert_eq!(nodes(&session).await.meta.err().as_deref(), Some(why));
    }

    /// With or without a data node.
    #[tokio::test(start_paused = true)]
    async fn a_meta_node_that_starts_is_waited_for() {
        let session = host(&[
            (META_HTTP_PORT, r#"{"nodeType":"meta"}"#),
            (DATA_RPC_PORT, DATA),
        ])
        .await;
        let why = "join: operation timed out with error: localhost:8091 does not say yet what others call it";
        assert_eq!(named_nodes(&session).await.meta.err().as_deref(), Some(why));
        let found = nodes(&session).await;
        assert_eq!(
            found.meta.map(|here| here.name).ok(),
            Some(Address::new("localhost", META_HTTP_PORT))
        );
    }
}
