//! `influxd-ctl join [-p] [-v] [<meta>]`: adds what runs on this host to the cluster of a meta
//! node.

use clap::Args;

use super::{add_data, add_meta};
use crate::base::Address;
use crate::base::endpoint::{DATA_RPC_PORT, META_HTTP_PORT};
use crate::ctl::addresses::http_address;
use crate::ctl::local_nodes::{self, LocalNodes};
use crate::ctl::output::{Output, write_stdout};
use crate::ctl::session::Session;
use crate::ctl::status::Status;

#[derive(Debug, Args)]
pub(in crate::ctl) struct Join {
    /// Add the data node as a passive one, which owns no shards
    #[arg(long = "p", short = 'p')]
    passive: bool,
    /// Say what was not found, and why
    #[arg(long = "v", short = 'v')]
    verbose: bool,
    /// HTTP address of a meta node of the cluster; without one: the bound node forms a new
    /// cluster, after a question
    #[arg(value_name = "HOST:PORT", value_parser = http_address)]
    address: Option<Address>,
}

impl Join {
    pub(super) async fn run(&self, session: &mut Session) -> Output {
        let cluster = self.address.clone().unwrap_or_else(|| session.bind.clone());
        write_stdout(&format!("Joining meta node at {cluster}"));
        let status: Status = match session.get_json(&cluster, "/status").await {
            Ok(status) => status,
            Err(why) => return Output::failed(unable_to_connect(&cluster, &why)),
        };
        if !status.is_meta() {
            return Output::failed(session.line(&format!("{cluster} is not a meta node")));
        }
        if self.address.is_none() {
            let name = status.advertised().unwrap_or_else(|| cluster.clone());
            match add_meta::may_found(session, &name).await {
                Ok(true) => {}
                Ok(false) => return Output::default(),
                Err(why) => return Output::failed(why),
            }
        }
        let nodes = local_nodes::named_nodes(session).await;
        write_stdout(&format!(
            "Searching for meta node on {}...",
            nodes.meta_address()
        ));
        write_stdout(&format!(
            "Searching for data node on {}...\n",
            nodes.data.at
        ));
        if self.verbose {
            explain_missing(&cluster, &nodes);
        }
        let joined = add(session, &cluster, &nodes, self.passive).await;
        summary(&joined, status.leader.is_empty(), &nodes)
    }
}

/// Result of a join, which may have stopped half-way.
#[derive(Default)]
struct Joined {
    meta: Option<add_meta::Added>,
    data: Option<add_data::Added>,
    failure: Option<String>,
}

/// Adds the meta node, then the data node. The meta node is first because adding it may found the
/// cluster. The data node is added only if there was no failure.
async fn add(session: &Session, cluster: &Address, nodes: &LocalNodes, passive: bool) -> Joined {
    let mut joined = Joined::default();
    match &nodes.meta {
        Ok(here) => match add_meta::join(session, cluster, &here.name).await {
            Ok(added) => joined.meta = Some(added),
            Err(why) => {
                return Joined {
                    failure: Some(why),
                    ..joined
                };
            }
        },
        // A host with only a data node is no failure.
        Err(why) if nodes.data.status.is_none() => joined.failure = Some(why.clone()),
        Err(_) => {}
    }
    if nodes.data.status.is_some() {
        match add_data::add(session, cluster, &nodes.data.at.to_string(), passive).await {
            Ok(added) => joined.data = Some(added),
            Err(why) => joined.failure = Some(why),
        }
    }
    joined
}

fn summary(joined: &Joined, had_no_leader: bool, nodes: &LocalNodes) -> Output {
    let Joined {
        meta,
        data,
        failure,
    } = joined;
    if meta.is_none() && data.is_none() {
        let stdout = "Failed to join cluster.  Run with -v to see more information\n".to_owned();
        return Output {
            failure: failure.clone(),
            ..Output::done(stdout)
        };
    }
    let created = had_no_leader && meta.as_ref().is_some_and(|added| added.id == 1);
    let mut text = (if created {
        "Successfully created cluster\n\n"
    } else {
        "Successfully joined cluster\n\n"
    })
    .to_owned();
    let note = meta.as_ref().and_then(|added| added.note.clone());
    let meta = meta.as_ref().map(|added| (added.id, &added.addr));
    text.push_str(&line("meta", meta));
    if let Some(note) = note {
        text.push_str(&format!("    {note}\n"));
    }
    text.push_str(&line(
        "data",
        data.as_ref().map(|added| (added.id, &added.tcp_addr)),
    ));
    if let (true, Ok(here)) = (created, &nodes.meta) {
        text.push_str(&format!(
            "\n  To join additional nodes to this cluster, run the following command:\n\n  \
             influxd-ctl join {}\n",
            here.name
        ));
    }
    let notes = data.iter().filter_map(|added| added.note.clone()).collect();
    Output {
        notes,
        failure: failure.clone(),
        ..Output::done(text)
    }
}

fn line(kind: &str, added: Option<(u64, &String)>) -> String {
    match added {
        Some((id, at)) => format!("  * Added {kind} node {id} at {at}\n"),
        None => format!("  * No {kind} node added.  Run with -v to see more information\n"),
    }
}

fn unable_to_connect(cluster: &Address, why: &str) -> String {
    format!(
        "Unable to connect to {cluster}\n{why}\n\nCommon problems:\n\n  \
         * The meta node is using a non-standard port (default {META_HTTP_PORT}).\n  \
         * The meta node process is not running, or its name is unknown here."
    )
}

fn explain_missing(cluster: &Address, nodes: &LocalNodes) {
    if nodes.meta.is_err() {
        write_stdout(&missing(
            "meta",
            &nodes.meta_address(),
            &format!("-bind {cluster} add-meta <metaAddr:port>"),
            META_HTTP_PORT,
        ));
    }
    if nodes.data.status.is_none() {
        write_stdout(&missing(
            "data",
            &nodes.data.at,
            &format!("-bind {cluster} add-data <dataAddr:port>"),
            DATA_RPC_PORT,
        ));
    }
}

fn missing(kind: &str, at: &Address, command: &str, port: u16) -> String {
    format!(
        "No {kind} node found on {at}!\n\n  \
         If there is one, run the following command to add it manually:\n\n  \
         influxd-ctl {command}\n\n  \
         Common problems:\n\n    \
         * The {kind} node is using a non-standard port (default {port}).\n    \
         * The {kind} node process is not running.\n"
    )
}
