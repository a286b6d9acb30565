//! `influxd-ctl remove-data [-force] [-drain] <host:port>`: `POST /remove-data` at the bound node,
//! with `-drain` after the copies that are needed.

use clap::Args;

use super::drain::{self, Drain};
use super::truncate_shards::delay;
use crate::base::Address;
use crate::ctl::addresses::data_address;
use crate::ctl::output::Output;
use crate::ctl::request_once::{self, DATA_NODE_TIMEOUT};
use crate::ctl::session::Session;
use crate::wire::api::RemovedDataNode;

const EMPTY: &str = "addr value is empty";

#[derive(Debug, Args)]
pub(in crate::ctl) struct RemoveData {
    /// Also if it does not answer, and also if shards lose their last copy
    #[arg(long)]
    force: bool,
    /// First copy the shards that would fall below their replication factor; the same command goes
    /// on with a drain that was broken off
    #[arg(long)]
    drain: bool,
    /// With -drain: give up a drain that was broken off, and keep the data node
    #[arg(long, requires = "drain", conflicts_with = "force")]
    cancel: bool,
    /// With -drain: shards that take points end after this time, and are copied then
    #[arg(long, requires = "drain", value_name = "DURATION", default_value = "1m0s", value_parser = delay)]
    delay: String,
    /// TCP address of the data node
    #[arg(required = true, value_name = "HOST:PORT", value_parser = |text: &str| data_address(text, EMPTY))]
    address: Option<String>,
}

impl RemoveData {
    pub(super) async fn run(&self, session: &mut Session) -> Output {
        let Some(address) = &self.address else {
            return Output::failed(session.line(EMPTY));
        };
        if self.cancel {
            return drain::cancel(session, address).await.into();
        }
        let removed = if self.drain {
            let drain = Drain {
                address,
                force: self.force,
                delay: &self.delay,
            };
            drain.run(session).await
        } else {
            remove(session, &session.bind, address, self.force).await
        };
        match removed {
            Ok(notes) => Output {
                notes,
                ..Output::done(format!("Removed data node at {address}\n"))
            },
            Err(why) => Output::failed(why),
        }
    }
}

/// Requests that `at` removes the data node at `address`. Returns the lines for stderr about what
/// the removal leaves behind.
///
/// # Errors
/// The line for stderr.
pub(super) async fn remove(
    session: &Session,
    at: &Address,
    address: &str,
    force: bool,
) -> Result<Vec<String>, String> {
    let fields = [
        ("addr", address),
        ("force", if force { "true" } else { "false" }),
        ("report", "true"),
    ];
    let look = "influxd-ctl show: is it still a member?";
    let answer = request_once::send(
        session,
        at,
        "/remove-data",
        &fields,
        DATA_NODE_TIMEOUT,
        look,
    )
    .await?;
    // A meta node of an older version, or of another program, reports nothing.
    let removed = answer.json().unwrap_or_default();
    Ok(notes(session, address, &removed))
}

fn notes(session: &Session, address: &str, removed: &RemovedDataNode) -> Vec<String> {
    let mut notes = Vec::new();
    if removed.answers {
        notes.push(session.line(&format!(
            "{address} answers. With -force nothing on it was touched: it keeps its data, and \
             learns from the meta nodes that it is no member. Without -force it would have been reset"
        )));
    }
    if removed.lost_shards > 0 {
        let more = removed.lost_shards - removed.lost.len().min(removed.lost_shards);
        let mut note = session.line(&format!(
            "the only copies of {} shards were on {address}. Their points are lost to the cluster; \
             other data nodes take new ones:",
            removed.lost_shards
        ));
        for lost in &removed.lost {
            note += &format!(
                "\n  shard {} of {}.{}, {} to {}",
                lost.id, lost.database, lost.retention_policy, lost.start_time, lost.end_time
            );
        }
        if more > 0 {
            note += &format!("\n  and {more} more");
        }
        notes.push(note);
    }
    notes
}
