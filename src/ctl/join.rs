//! `influxd-ctl join [-p] [-v] [<meta>]`: adds what runs on this host to the cluster of a meta
//! node.

use super::flags::Join;
use super::local_nodes::{self, Nodes};
use super::session::Session;
use super::status::Status;
use super::{Output, add_data, add_meta, tell};
use crate::base::Address;
use crate::base::endpoint::{DATA_RPC_PORT, META_HTTP_PORT};

pub(super) async fn run(session: &Session, asked: &Join) -> Output {
    let cluster = asked
        .address
        .clone()
        .unwrap_or_else(|| session.bind.clone());
    tell(&format!("Joining meta node at {cluster}"));
    let status: Status = match session.get_json(&cluster, "/status").await {
        Ok(status) => status,
        Err(why) => return Output::failed(unable_to_connect(&cluster, &why)),
    };
    if !status.is_meta() {
        return Output::failed(session.said(&format!("{cluster} is not a meta node")));
    }
    let nodes = local_nodes::named_nodes(session).await;
    tell(&format!(
        "Searching for meta node on {}...",
        nodes.meta_address()
    ));
    tell(&format!(
        "Searching for data node on {}...\n",
        nodes.data.at
    ));
    if asked.verbose {
        about_missing(&cluster, &nodes);
    }
    let joined = add(session, &cluster, &nodes, asked.passive).await;
    summary(&joined, status.leader.is_empty(), &nodes)
}

/// What came of it, as far as it got.
#[derive(Default)]
struct Joined {
    meta: Option<add_meta::Added>,
    data: Option<add_data::Added>,
    failure: Option<String>,
}

/// The meta node first: it may be what founds the cluster. The data node only if that went well.
async fn add(session: &Session, cluster: &Address, nodes: &Nodes, passive: bool) -> Joined {
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
        // A host with a data node alone is none that failed.
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

fn summary(joined: &Joined, was_none: bool, nodes: &Nodes) -> Output {
    let Joined {
        meta,
        data,
        failure,
    } = joined;
    if meta.is_none() && data.is_none() {
        let stdout = "Failed to join cluster.  Run with -v to see more information\n".to_owned();
        return Output {
            stdout,
            notes: Vec::new(),
            failure: failure.clone(),
        };
    }
    let created = was_none && meta.as_ref().is_some_and(|added| added.id == 1);
    let mut text = (if created {
        "Successfully created cluster\n\n"
    } else {
        "Successfully joined cluster\n\n"
    })
    .to_owned();
    let meta = meta.as_ref().map(|added| (added.id, &added.addr));
    text.push_str(&line("meta", meta));
    text.push_str(&line(
        "data",
        data.as_ref().map(|added| (added.id, &added.tcp_addr)),
    ));
    if let (true, Ok(here)) = (created, &nodes.meta) {
        text.push_str(&format!(
            "\n  To join additional nodes to this cluster, run the following command:\n\n  influxd-ctl join {}\n",
            here.name
        ));
    }
    let notes = data.iter().filter_map(|added| added.note.clone()).collect();
    Output {
        stdout: text,
        notes,
        failure: failure.clone(),
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

fn about_missing(cluster: &Address, nodes: &Nodes) {
    if nodes.meta.is_err() {
        tell(&missing(
            "meta",
            &nodes.meta_address(),
            &format!("-bind {cluster} add-meta <metaAddr:port>"),
            META_HTTP_PORT,
        ));
    }
    if nodes.data.status.is_none() {
        tell(&missing(
            "data",
            &nodes.data.at,
            &format!("-bind {cluster} add-data <dataAddr:port>"),
            DATA_RPC_PORT,
        ));
    }
}

fn missing(kind: &str, at: &Address, by_hand: &str, port: u16) -> String {
    format!(
        "No {kind} node found on {at}!\n\n  \
         If there is one, run the following command to add it manually:\n\n  \
         influxd-ctl {by_hand}\n\n  \
         Common problems:\n\n    \
         * The {kind} node is using a non-standard port (default {port}).\n    \
         * The {kind} node process is not running.\n"
    )
}
