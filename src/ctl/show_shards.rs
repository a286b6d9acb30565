//! `influxd-ctl show-shards [-v] [-m] [-e]`: `GET /show-shards`, in the current product's layout.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use super::Output;
use super::flags::ShowShards;
use super::session::Session;
use super::status::or_default;
use super::table::Table;
use super::timestamps::{self, NEVER};
use crate::client::Request;

/// The node asks the data nodes, and waits up to 10 s for each, for all at once.
const DATA_NODES_TIMEOUT: Duration = Duration::from_secs(30);

/// What the node says of a copy that its owner does not hold.
const NOT_FOUND: &str = "not found";

pub(super) async fn run(session: &Session, asked: &ShowShards) -> Output {
    match look(session, asked).await {
        Ok(output) => output,
        Err(why) => Output::failed(why),
    }
}

async fn look(session: &Session, asked: &ShowShards) -> Result<Output, String> {
    let shards = ask(session, asked.verbose, asked.inconsistent, asked.expired).await?;
    // Of an inconsistent shard it matters which copy is the one.
    let mut output = Output::done(print(&shards, asked.verbose || asked.inconsistent));
    if asked.inconsistent {
        let all = ask(session, true, false, asked.expired).await?;
        output.failure =
            silent(&all).map(|who| session.said(&format!("not all copies were looked at: {who}")));
    }
    Ok(output)
}

async fn ask(
    session: &Session,
    verbose: bool,
    inconsistent: bool,
    expired: bool,
) -> Result<Vec<Shard>, String> {
    let flags = [
        ("verbose", verbose),
        ("inconsistent", inconsistent),
        ("expired", expired),
    ];
    let set = flags.iter().filter(|(_, is_set)| *is_set);
    let query: Vec<String> = set.map(|(name, _)| format!("{name}=true")).collect();
    let path =
        ["/show-shards".to_owned(), query.join("&")].join(if query.is_empty() { "" } else { "?" });
    let attempt = async || {
        session
            .try_for(&session.bind, Request::get(&path), DATA_NODES_TIMEOUT)
            .await?
            .json()
    };
    let shards: Option<Vec<Shard>> = session.repeat(&session.bind, attempt).await?;
    Ok(shards.unwrap_or_default())
}

/// The data nodes that did not say what they hold: of their copies it is not known whether they are
/// there.
fn silent(shards: &[Shard]) -> Option<String> {
    let owners = shards.iter().flat_map(|shard| &shard.owners);
    let silent =
        owners.filter(|owner| owner.state.is_empty() && !matches!(&*owner.err, "" | NOT_FOUND));
    let who: BTreeSet<String> = silent
        .map(|owner| format!("data node {} ({})", owner.id, owner.err))
        .collect();
    (!who.is_empty()).then(|| who.into_iter().collect::<Vec<_>>().join(", "))
}

fn print(shards: &[Shard], verbose: bool) -> String {
    let columns = [
        "ID",
        "Database",
        "Retention Policy",
        "Desired Replicas",
        "Shard Group",
        "Start",
        "End",
        "Expires",
        "Owners",
    ];
    let mut table = Table::with_columns("Shards", &columns);
    for shard in shards {
        table.row(row(shard, verbose));
    }
    table.print_spaced()
}

fn row(shard: &Shard, verbose: bool) -> Vec<String> {
    let owners: Vec<String> = shard
        .owners
        .iter()
        .map(|owner| {
            if verbose {
                owner.in_full()
            } else {
                owner.in_short()
            }
        })
        .collect();
    // A copy that the cluster does not know belongs to no group.
    let of_group = |text: String| {
        if shard.database.is_empty() {
            String::new()
        } else {
            text
        }
    };
    vec![
        shard.id.to_string(),
        shard.database.clone(),
        shard.retention_policy.clone(),
        of_group(shard.replica_n.to_string()),
        of_group(shard.shard_group_id.to_string()),
        timestamps::to_the_second(&shard.start_time),
        shard.end(),
        timestamps::to_the_second(&shard.expire_time),
        format!("[{}]", owners.join(" ")),
    ]
}

/// Only what is printed, and tolerant: see [`super::members`].
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Shard {
    id: Id,
    database: String,
    retention_policy: String,
    replica_n: u64,
    shard_group_id: Id,
    start_time: String,
    end_time: String,
    expire_time: String,
    truncated_at: String,
    #[serde(deserialize_with = "or_default")]
    owners: Vec<Owner>,
}

impl Shard {
    /// A truncated one ends, to the nanosecond, where it was truncated.
    fn end(&self) -> String {
        if self.truncated_at.is_empty() || self.truncated_at == NEVER {
            return timestamps::to_the_second(&self.end_time);
        }
        format!("{}*", self.truncated_at)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Owner {
    id: Id,
    #[serde(rename = "tcpAddr")]
    tcp_addr: String,
    state: String,
    last_modified: String,
    size: i64,
    #[serde(deserialize_with = "or_default")]
    err: String,
}

impl Owner {
    fn in_short(&self) -> String {
        format!("{{{} {}}}", self.id, self.tcp_addr)
    }

    fn in_full(&self) -> String {
        let Self {
            id,
            tcp_addr,
            state,
            size,
            ..
        } = self;
        let modified = timestamps::as_go(&self.last_modified);
        let err = if self.err.is_empty() {
            "<nil>"
        } else {
            &self.err
        };
        format!("{{{id} {tcp_addr} {state} {modified} {size} {err}}}")
    }
}

/// A number, which other makes write as text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Id {
    Number(u64),
    Text(String),
}

impl Default for Id {
    fn default() -> Self {
        Self::Number(0)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}
