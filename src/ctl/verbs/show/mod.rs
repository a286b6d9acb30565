//! `influxd-ctl show [-v]`: the members of the cluster, as one meta node knows them.

mod details;
mod report;
mod responses;

use clap::Args;

use crate::ctl::members::ClusterMembers;
use crate::ctl::output::Output;
use crate::ctl::session::Session;
use crate::ctl::status::Status;
use details::Details;
use responses::HealthResponse;

#[derive(Debug, Args)]
pub(in crate::ctl) struct Show {
    /// Also ask each meta node for its phase, Raft id, lag and what it waits for
    #[arg(long = "v", short = 'v')]
    verbose: bool,
}

impl Show {
    pub(super) async fn run(&self, session: &Session) -> Output {
        match show(session, self.verbose).await {
            Ok(output) => output,
            Err(why) => Output::failed(why),
        }
    }
}

async fn show(session: &Session, verbose: bool) -> Result<Output, String> {
    let status: Status = session.get_json(&session.bind, "/status").await?;
    if !status.is_meta() {
        return Err(format!("show: {} is not a meta node", session.bind));
    }
    let cluster: ClusterMembers = session.get_json(&session.bind, "/show-cluster").await?;
    // Other meta nodes than ours have no /healthz. Then less is printed.
    let health: Option<HealthResponse> = session
        .get_json_once(&session.bind, "/healthz", Session::OPTIONAL_TIMEOUT)
        .await
        .ok();
    let details = if verbose {
        Some(Details::ask(session, &cluster, health.as_ref()).await)
    } else {
        None
    };
    Ok(compose(
        session,
        &status,
        &cluster,
        health.as_ref(),
        details.as_ref(),
    ))
}

fn compose(
    session: &Session,
    status: &Status,
    cluster: &ClusterMembers,
    health: Option<&HealthResponse>,
    details: Option<&Details>,
) -> Output {
    let mut output = Output::default();
    if cluster.is_unknown() {
        // An unknown cluster is not printed as an empty one.
        output.stdout = details.map(Details::print).unwrap_or_default();
        output.failure = Some(knows_no_cluster(&session.bind.to_string(), health));
    } else {
        output.stdout = report::print(status, cluster);
        if let Some(details) = details {
            output.stdout.push('\n');
            output.stdout.push_str(&details.print());
        }
        if status.leader.is_empty() {
            output.failure = Some(no_leader(&session.bind.to_string(), health));
        }
    }
    let warnings = health
        .map(|health| health.warnings.as_slice())
        .unwrap_or_default();
    output.notes = warnings
        .iter()
        .map(|warning| format!("show: warning: {warning}"))
        .collect();
    output
}

/// Line for a node that is in no cluster: what it waits for.
fn knows_no_cluster(bind: &str, health: Option<&HealthResponse>) -> String {
    match health.and_then(HealthResponse::reason) {
        Some(reason) => format!("show: {bind} knows no cluster: {reason}"),
        None => {
            format!("show: {bind} knows no cluster: it has not joined one, or knows no leader")
        }
    }
}

fn no_leader(bind: &str, health: Option<&HealthResponse>) -> String {
    let reason = match health.and_then(HealthResponse::reason) {
        Some(reason) => format!(" ({reason})"),
        None => String::new(),
    };
    format!("show: {bind} knows no leader{reason}: the members above are the last that it knew")
}
