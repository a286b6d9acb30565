//! `influxd-ctl leave [-y]`: takes what runs on this host out of its cluster.

use super::flags::Leave;
use super::here::{self, Here};
use super::remove_meta;
use super::session::Session;
use super::status::is_in_cluster;
use super::{Output, say, tell};

pub(super) async fn run(session: &mut Session, asked: &Leave) -> Output {
    let here = here::meta_node(session).await;
    about_data_node(session, here.as_ref().ok()).await;
    tell(&format!("Searching for meta node on {}...", here::meta_address(here.as_ref().ok())));
    let left = match here {
        Ok(here) => leave(session, asked, &here).await.map(|left| left.then_some(here)),
        Err(why) => {
            tell("  * No meta node found.");
            Err(why)
        }
    };
    match left {
        Ok(Some(here)) => Output::done(format!(
            "\nSuccessfully left cluster\n\n  * No data node removed from cluster\n  \
             * Removed meta node {} from cluster\n",
            here.name
        )),
        Ok(None) => Output::done(NOTHING.to_owned()),
        Err(why) => Output { stdout: NOTHING.to_owned(), ..Output::failed(why) },
    }
}

const NOTHING: &str = "No nodes removed from cluster.\n";

async fn about_data_node(session: &Session, here: Option<&Here>) {
    let data = here::data_address(here);
    tell(&format!("Searching for data node on {data}..."));
    if here::has_data_node(session, &data).await {
        say(&format!("leave: the data node on {data} stays: removing data nodes comes with a later version"));
    } else {
        tell("  * No data node found.");
    }
}

/// Whether it is out now; a no is no failure, nor is a node that is in no cluster.
async fn leave(session: &mut Session, asked: &Leave, here: &Here) -> Result<bool, String> {
    if !is_in_cluster(session, &here.at, &here.status).await {
        tell(&format!("  * Meta node at {} is not part of a cluster", here.name));
        return Ok(false);
    }
    let question = format!("Remove meta node {} from the cluster", here.name);
    if !remove_meta::confirmed(session, asked.yes, &question)? {
        return Ok(false);
    }
    remove_meta::leave(session, &here.at).await.map(|()| true)
}
