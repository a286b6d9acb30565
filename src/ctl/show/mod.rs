//! `influxd-ctl show [-v]`: the members of the cluster, as one meta node knows them.

mod details;
mod report;
mod responses;

use super::Output;
use super::members::Cluster;
use super::session::Session;
use super::status::Status;
use details::Details;
use responses::HealthResponse;

pub(super) async fn run(session: &Session, verbose: bool) -> Output {
    match look(session, verbose).await {
        Ok(output) => output,
        Err(why) => Output::failed(why),
    }
}

async fn look(session: &Session, verbose: bool) -> Result<Output, String> {
    let status: Status = session.get_json(&session.bind, "/status").await?;
    if !status.is_meta() {
        return Err(format!("show: {} is not a meta node", session.bind));
    }
    let cluster: Cluster = session.get_json(&session.bind, "/show-cluster").await?;
    // Meta nodes of other makes have none: then there is less to say.
    let health: Option<HealthResponse> = session
        .get_json_once(&session.bind, "/healthz", Session::RETRY_TIMEOUT)
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
    cluster: &Cluster,
    health: Option<&HealthResponse>,
    details: Option<&Details>,
) -> Output {
    let mut output = Output::default();
    if cluster.is_unknown() {
        // Never an empty cluster for an unknown one.
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

/// What an un-joined node waits for.
fn knows_no_cluster(bind: &str, health: Option<&HealthResponse>) -> String {
    let Some(health) = health.filter(|health| !health.reason.is_empty()) else {
        return format!("show: {bind} knows no cluster: it has not joined one, or knows no leader");
    };
    let mut text = format!("show: {bind} knows no cluster: {}", health.reason);
    for missing in health.missing_beside_reason() {
        text.push_str(&format!("\n  {}: {}", missing.address, missing.why));
    }
    text
}

fn no_leader(bind: &str, health: Option<&HealthResponse>) -> String {
    let reason = health
        .map(|health| health.reason.as_str())
        .filter(|reason| !reason.is_empty());
    let reason = reason
        .map(|reason| format!(" ({reason})"))
        .unwrap_or_default();
    format!("show: {bind} knows no leader{reason}: the members above are the last that it knew")
}
