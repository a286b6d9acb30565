//! `influxd-ctl join [-p] [-v] [<meta>]`: adds what runs on this host to the cluster of a meta node.

use super::add_meta::{self, Added};
use super::flags::Join;
use super::here::{self, Here};
use super::session::Session;
use super::status::Status;
use super::{Output, say, tell};
use crate::base::Address;

pub(super) async fn run(session: &Session, asked: &Join) -> Output {
    let cluster = asked.address.clone().unwrap_or_else(|| session.bind.clone());
    tell(&format!("Joining meta node at {cluster}"));
    if asked.passive {
        say("join: -p means nothing yet: adding data nodes comes with a later version");
    }
    let status: Status = match session.get_json(&cluster, "/status").await {
        Ok(status) => status,
        Err(why) => return Output::failed(unable_to_connect(&cluster, &why)),
    };
    if !status.is_meta() {
        return Output::failed(session.said(&format!("{cluster} is not a meta node")));
    }
    let here = here::named_meta_node(session).await;
    let data = here::data_address(here.as_ref().ok());
    tell(&format!("Searching for meta node on {}...", here::meta_address(here.as_ref().ok())));
    tell(&format!("Searching for data node on {data}...\n"));
    let found = here::has_data_node(session, &data).await;
    if asked.verbose {
        tell(&about_data_node(&cluster, &data, found));
    }
    match add(session, &cluster, here).await {
        Ok((here, added)) => {
            Output::done(summary(&added, added.id == 1 && status.leader.is_empty(), &here.name))
        }
        Err(why) => {
            tell("Failed to join cluster.  Run with -v to see more information");
            Output::failed(why)
        }
    }
}

async fn add(
    session: &Session,
    cluster: &Address,
    here: Result<Here, String>,
) -> Result<(Here, Added), String> {
    let here = here?;
    let added = add_meta::join(session, cluster, &here.name).await?;
    Ok((here, added))
}

fn summary(added: &Added, created: bool, name: &Address) -> String {
    let how = if created { "Successfully created cluster" } else { "Successfully joined cluster" };
    let mut text = format!(
        "{how}\n\n  * Added meta node {} at {}\n  * No data node added.  Run with -v to see more information\n",
        added.id, added.addr
    );
    if created {
        text.push_str(&format!(
            "\n  To join additional nodes to this cluster, run the following command:\n\n  influxd-ctl join {name}\n"
        ));
    }
    text
}

fn unable_to_connect(cluster: &Address, why: &str) -> String {
    format!(
        "Unable to connect to {cluster}\n{why}\n\nCommon problems:\n\n  \
         * The meta node is using a non-standard port (default 8091).\n  \
         * The meta node process is not running, or its name is unknown here."
    )
}

fn about_data_node(cluster: &Address, data: &Address, found: bool) -> String {
    if found {
        return format!(
            "A data node answers on {data}. Adding data nodes comes with a later version; it will be:\n\n  \
             influxd-ctl -bind {cluster} add-data {data}\n"
        );
    }
    format!(
        "No data node found on {data}!\n\n  \
         Adding data nodes comes with a later version; to add one manually it will be:\n\n  \
         influxd-ctl -bind {cluster} add-data <dataAddr:port>\n\n  \
         Common problems:\n\n    \
         * The data node is using a non-standard port (default 8088).\n    \
         * The data node process is not running.\n"
    )
}
