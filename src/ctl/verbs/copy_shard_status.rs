//! `influxd-ctl copy-shard-status`: `GET /copy-shard-status`, the copies that are under way.

use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::base::ShardId;
use crate::client::Request;
use crate::ctl::output::{Format, FormatFlag, Output};
use crate::ctl::progress::bytes;
use crate::ctl::session::Session;
use crate::ctl::table::Table;
use crate::ctl::timestamps;

/// Timeout of the request. The leader asks all destinations at once and waits up to 10 s for them.
const DATA_NODES_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug, Args)]
pub(in crate::ctl) struct CopyShardStatus {
    #[command(flatten)]
    output: FormatFlag,
}

impl CopyShardStatus {
    pub(super) async fn run(&self, session: &Session) -> Output {
        let output = match self.output.format {
            Format::Table => ask(session)
                .await
                .map(|copies| Output::tables(vec![table(&copies)])),
            Format::Json => ask::<Value>(session)
                .await
                .map(|copies| Output::json(&copies)),
        };
        output.unwrap_or_else(Output::failed)
    }
}

async fn ask<T: DeserializeOwned>(session: &Session) -> Result<Vec<T>, String> {
    let attempt = async || {
        let request = Request::get("/copy-shard-status");
        session
            .try_for(&session.bind, request, DATA_NODES_TIMEOUT)
            .await?
            .json()
    };
    let copies: Option<Vec<T>> = session.repeat(&session.bind, attempt).await?;
    Ok(copies.unwrap_or_default())
}

/// Returns the progress of the copy of a shard to `dest`, in words; `None` when it is not known.
pub(super) async fn progress(session: &Session, shard: ShardId, dest: &str) -> Option<String> {
    let request = Request::get("/copy-shard-status");
    let answer = session
        .try_for(&session.bind, request, DATA_NODES_TIMEOUT)
        .await;
    let copies: Vec<InProgress> = answer.ok()?.json().ok()?;
    let copy = copies
        .iter()
        .find(|copy| copy.shard_id == shard.0 && copy.dest == dest)?;
    let (current, total) = (bytes(copy.current_size), bytes(copy.total_size));
    Some(format!("shard {shard} to {dest}: {current} of {total}"))
}

fn table(copies: &[InProgress]) -> Table {
    let columns = [
        "Source",
        "Dest",
        "Database",
        "Policy",
        "ShardID",
        "TotalSize",
        "CurrentSize",
        "StartedAt",
    ];
    let mut table = Table::without_heading(&columns).padded_with_spaces();
    for copy in copies {
        table.row(vec![
            copy.source.clone(),
            copy.dest.clone(),
            copy.database.clone(),
            copy.policy.clone(),
            copy.shard_id.to_string(),
            copy.total_size.to_string(),
            copy.current_size.to_string(),
            timestamps::as_go(&copy.started_at),
        ]);
    }
    table
}

/// A copy that is under way. Sizes are in bytes.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct InProgress {
    source: String,
    dest: String,
    database: String,
    policy: String,
    shard_id: u64,
    total_size: i64,
    current_size: i64,
    started_at: String,
}
