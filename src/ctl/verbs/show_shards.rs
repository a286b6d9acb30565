//! `influxd-ctl show-shards [-v] [-m] [-e]`: `GET /show-shards`, in the current product's layout.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use clap::Args;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::client::Request;
use crate::ctl::output::{Format, FormatFlag, Output};
use crate::ctl::session::Session;
use crate::ctl::status::or_default;
use crate::ctl::table::{Mark, Table};
use crate::ctl::timestamps::{self, NEVER};

/// Timeout of the request. The node asks all data nodes at once and waits up to 10 s for them.
const DATA_NODES_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug, Args)]
pub(in crate::ctl) struct ShowShards {
    /// Also ask the data nodes for state, time of the last change, size and error of each copy
    #[arg(long = "v", short = 'v')]
    verbose: bool,
    /// Only shards of which a copy is missing on a data node, or is there and unknown to the
    /// cluster
    #[arg(long = "m", short = 'm')]
    inconsistent: bool,
    /// Also shards that are past their retention
    #[arg(long = "e", short = 'e')]
    expired: bool,
    #[command(flatten)]
    output: FormatFlag,
}

impl ShowShards {
    pub(super) async fn run(&self, session: &Session) -> Output {
        match self.show(session).await {
            Ok(output) => output,
            Err(why) => Output::failed(why),
        }
    }

    async fn show(&self, session: &Session) -> Result<Output, String> {
        let (verbose, inconsistent) = (self.verbose, self.inconsistent);
        let mut output = match self.output.format {
            Format::Table => {
                let shards = ask(session, verbose, inconsistent, self.expired).await?;
                // For an inconsistent shard the operator has to see the state of each copy.
                Output::tables(vec![table(&shards, verbose || inconsistent)])
            }
            Format::Json => {
                let shards = ask::<Value>(session, verbose, inconsistent, self.expired).await?;
                Output::json(&shards)
            }
        };
        if self.inconsistent {
            let all = ask(session, true, false, self.expired).await?;
            output.failure = silent_nodes(&all)
                .map(|nodes| session.line(&format!("not all copies were looked at: {nodes}")));
        }
        Ok(output)
    }
}

async fn ask<T: DeserializeOwned>(
    session: &Session,
    verbose: bool,
    inconsistent: bool,
    expired: bool,
) -> Result<Vec<T>, String> {
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
    let shards: Option<Vec<T>> = session.repeat(&session.bind, attempt).await?;
    Ok(shards.unwrap_or_default())
}

/// Lists the data nodes that did not answer. It is unknown whether their copies exist.
fn silent_nodes(shards: &[Shard]) -> Option<String> {
    let owners = shards.iter().flat_map(|shard| &shard.owners);
    let nodes: BTreeSet<String> = owners
        .filter(|owner| owner.state.is_empty())
        .filter_map(|owner| match &owner.err {
            Some(CopyError::Other(why)) => Some(format!("data node {} ({why})", owner.id)),
            Some(CopyError::NotFound) | None => None,
        })
        .collect();
    (!nodes.is_empty()).then(|| nodes.into_iter().collect::<Vec<_>>().join(", "))
}

fn table(shards: &[Shard], verbose: bool) -> Table {
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
    let mut table = Table::with_columns("Shards", &columns).padded_with_spaces();
    for shard in shards {
        table.marked_row(shard.mark(), row(shard, verbose));
    }
    table
}

fn row(shard: &Shard, verbose: bool) -> Vec<String> {
    let owners: Vec<String> = shard
        .owners
        .iter()
        .map(|owner| {
            if verbose {
                owner.with_state()
            } else {
                owner.without_state()
            }
        })
        .collect();
    // A copy that the cluster does not know belongs to no group.
    let if_in_group = |text: String| {
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
        if_in_group(shard.replica_n.to_string()),
        if_in_group(shard.shard_group_id.to_string()),
        timestamps::to_the_second(&shard.start_time),
        shard.end(),
        timestamps::to_the_second(&shard.expire_time),
        format!("[{}]", owners.join(" ")),
    ]
}

/// A shard in the answer of `/show-shards`, without the fields that are not printed. Missing fields
/// are allowed: see [`crate::ctl::members`].
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
    /// Bad: fewer copies than the retention policy asks for, or a copy with an error. A shard of no
    /// group is a copy that the cluster does not know.
    fn mark(&self) -> Mark {
        let is_complete = !self.database.is_empty()
            && self.owners.len() as u64 >= self.replica_n
            && self.owners.iter().all(|owner| owner.err.is_none());
        if is_complete { Mark::Plain } else { Mark::Bad }
    }

    /// End of the shard. A truncated shard ends where it was truncated, printed to the nanosecond.
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
    #[serde(deserialize_with = "copy_error")]
    err: Option<CopyError>,
}

/// Error of one copy.
#[derive(Debug)]
enum CopyError {
    /// The data node answered that it does not have the copy.
    NotFound,
    Other(String),
}

/// Text of [`CopyError::NotFound`] in the answer.
const NOT_FOUND: &str = "not found";

impl From<String> for CopyError {
    fn from(text: String) -> Self {
        match text.as_str() {
            NOT_FOUND => Self::NotFound,
            _ => Self::Other(text),
        }
    }
}

impl fmt::Display for CopyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str(NOT_FOUND),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// Reads an empty text as no error.
fn copy_error<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<CopyError>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.filter(|text| !text.is_empty()).map(CopyError::from))
}

impl Owner {
    fn without_state(&self) -> String {
        format!("{{{} {}}}", self.id, self.tcp_addr)
    }

    fn with_state(&self) -> String {
        let Self {
            id,
            tcp_addr,
            state,
            size,
            ..
        } = self;
        let modified = timestamps::as_go(&self.last_modified);
        let err = match &self.err {
            Some(error) => error.to_string(),
            None => "<nil>".to_owned(),
        };
        format!("{{{id} {tcp_addr} {state} {modified} {size} {err}}}")
    }
}

/// An id. Other meta nodes than ours write it as text.
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
