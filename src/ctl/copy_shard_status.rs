//! `influxd-ctl copy-shard-status`: `GET /copy-shard-status`, the copies that are under way.

use std::time::Duration;

use serde::Deserialize;

use super::Output;
use super::session::Session;
use super::table::Table;
use super::timestamps;
use crate::client::Request;

/// The leader asks each destination how far it is, and waits up to 10 s, for all at once.
const DATA_NODES_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) async fn run(session: &Session) -> Output {
    let attempt = async || {
        let request = Request::get("/copy-shard-status");
        session
            .try_for(&session.bind, request, DATA_NODES_TIMEOUT)
            .await?
            .json()
    };
    let copies: Result<Option<Vec<InProgress>>, String> =
        session.repeat(&session.bind, attempt).await;
    match copies {
        Ok(copies) => Output::done(print(&copies.unwrap_or_default())),
        Err(why) => Output::failed(why),
    }
}

fn print(copies: &[InProgress]) -> String {
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
    let mut table = Table::of_columns(&columns);
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
    table.print_spaced()
}

/// Sizes in bytes.
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
