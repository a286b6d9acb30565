//! `influxd-ctl show [-v]`: the members of the cluster, as one meta node knows them.

mod details;
mod json;
mod report;
mod responses;
mod wait;

use clap::Args;

use crate::client::CallError;
use crate::ctl::members::ClusterMembers;
use crate::ctl::output::{Format, FormatFlag, Output};
use crate::ctl::session::Session;
use crate::ctl::status::Status;
use crate::ctl::table::Table;
use details::Details;
use json::ClusterJson;
use responses::HealthResponse;
use wait::Answers;

#[derive(Debug, Args)]
pub(in crate::ctl) struct Show {
    /// Also ask each meta node for its phase, Raft id, lag and what it waits for
    #[arg(long = "v", short = 'v')]
    verbose: bool,
    #[command(flatten)]
    output: FormatFlag,
}

impl Show {
    pub(super) async fn run(&self, session: &Session) -> Output {
        match show(session, self.verbose, self.output.format).await {
            Ok(output) => output,
            Err(why) => Output::failed(why),
        }
    }
}

async fn show(session: &Session, verbose: bool, format: Format) -> Result<Output, String> {
    let Answers {
        status,
        cluster,
        health,
    } = wait::ask_until_settled(session).await?;
    let details = if verbose {
        Some(Details::ask(session, &cluster, health.as_ref()).await)
    } else {
        None
    };
    let found = Found {
        status,
        cluster,
        health,
        details,
    };
    Ok(found.output(&session.bind.to_string(), format))
}

/// The answers that `show` prints and `health` judges.
pub(super) struct Found {
    status: Status,
    cluster: ClusterMembers,
    health: Option<HealthResponse>,
    /// With `-v`.
    details: Option<Details>,
}

impl Found {
    /// Asks the bound node and all other meta nodes, each once.
    pub(super) async fn ask_once(session: &Session) -> Result<Self, CallError> {
        let timeout = Session::OPTIONAL_TIMEOUT;
        let bind = &session.bind;
        let status: Status = session.get_json_once(bind, "/status", timeout).await?;
        let cluster = session
            .get_json_once(bind, "/show-cluster", timeout)
            .await?;
        let health: Option<HealthResponse> =
            session.get_json_once(bind, "/healthz", timeout).await.ok();
        let details = Details::ask(session, &cluster, health.as_ref()).await;
        Ok(Self {
            status,
            cluster,
            health,
            details: Some(details),
        })
    }

    /// The reason why no command can be executed; `None` if a leader is known.
    pub(super) fn why_unavailable(&self, bind: &str) -> Option<String> {
        match self.status.is_meta() {
            true => self.failure(bind),
            false => Some(format!("{bind} is not a meta node")),
        }
    }

    /// Sentences about nodes that need attention.
    pub(super) fn problems(&self) -> Vec<String> {
        let meta = self.details.iter().flat_map(Details::problems);
        let silent = self.cluster.data.iter();
        let silent = silent.filter(|node| report::is_unannounced(&node.version));
        let data = silent.map(|node| {
            format!(
                "data node {} ({}) has not announced itself: it is down, or has just started",
                node.id, node.tcp_addr
            )
        });
        meta.chain(data).collect()
    }

    fn output(&self, bind: &str, format: Format) -> Output {
        let printed = match format {
            Format::Table => Output::tables(self.tables()),
            Format::Json => Output::json(&self.json()),
        };
        let warnings = self.health.iter().flat_map(|health| &health.warnings);
        Output {
            notes: warnings
                .map(|warning| format!("show: warning: {warning}"))
                .collect(),
            failure: self
                .failure(bind)
                .map(|why| match self.cluster.is_unknown() {
                    true => format!("show: {why}"),
                    false => format!("show: {why}: the members above are the last that it knew"),
                }),
            ..printed
        }
    }

    fn tables(&self) -> Vec<Table> {
        // An unknown cluster is not printed as an empty one.
        let mut tables = match self.cluster.is_unknown() {
            true => Vec::new(),
            false => report::tables(&self.status, &self.cluster),
        };
        tables.extend(self.details.iter().flat_map(Details::tables));
        tables
    }

    fn json(&self) -> ClusterJson<'_> {
        ClusterJson::new(
            &self.status,
            &self.cluster,
            self.health.as_ref(),
            self.details.as_ref(),
        )
    }

    /// The reason why the cluster or its leader is not known.
    fn failure(&self, bind: &str) -> Option<String> {
        let health = self.health.as_ref();
        if self.cluster.is_unknown() {
            Some(knows_no_cluster(bind, health))
        } else if self.status.leader.is_empty() {
            Some(no_leader(bind, health))
        } else {
            None
        }
    }
}

/// Line for a node that knows no members: what it waits for. A node whose Raft is open is in a
/// cluster, and knows the members once there is a leader.
fn knows_no_cluster(bind: &str, health: Option<&HealthResponse>) -> String {
    match health.and_then(HealthResponse::reason) {
        Some(reason) if health.is_some_and(|health| health.doing == "open") => {
            format!("{bind}: {reason}")
        }
        Some(reason) => format!("{bind} knows no cluster: {reason}"),
        None => {
            format!("{bind} knows no cluster: it has not joined one, or knows no leader")
        }
    }
}

fn no_leader(bind: &str, health: Option<&HealthResponse>) -> String {
    let reason = match health.and_then(HealthResponse::reason) {
        Some(reason) => format!(" ({reason})"),
        None => String::new(),
    };
    format!("{bind} knows no leader{reason}")
}
