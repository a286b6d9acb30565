//! `influxd-ctl health [-wait]`: one word for the whole cluster, and an exit code.

use std::time::Duration;

use clap::Args;
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::show::Found;
use crate::ctl::output::{Format, FormatFlag, Output};
use crate::ctl::session::{Session, located};

#[derive(Debug, Args)]
pub(in crate::ctl) struct Health {
    /// Wait until the cluster is healthy, for at most -timeout
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    output: FormatFlag,
}

/// Delay between two looks at the cluster with `-wait`.
const WAIT_INTERVAL: Duration = Duration::from_millis(500);

/// State of the whole cluster, as one meta node and the answers of the others show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    /// A leader is known, and all nodes answer and can serve.
    Healthy,
    /// Commands are executed, but something needs attention.
    Degraded,
    /// No leader is known, or the asked node does not answer or is in no cluster.
    Unavailable,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unavailable => "unavailable",
        }
    }

    /// Exit code; the numbers are those of monitoring plugins: warning and critical.
    fn code(self) -> i32 {
        match self {
            Self::Healthy => 0,
            Self::Degraded => 1,
            Self::Unavailable => 2,
        }
    }
}

#[derive(Serialize)]
struct Report {
    status: Verdict,
    /// Sentences about what needs attention; none if healthy.
    problems: Vec<String>,
}

impl Health {
    pub(super) async fn run(&self, session: &Session) -> Output {
        let mut report = examine(session).await;
        while self.wait
            && report.status != Verdict::Healthy
            && Instant::now() + WAIT_INTERVAL < session.deadline()
        {
            sleep(WAIT_INTERVAL).await;
            report = examine(session).await;
        }
        let printed = match self.output.format {
            Format::Table => Output::done(format!("{}\n", report.status.word())),
            Format::Json => Output::json(&report),
        };
        let notes = match self.output.format {
            Format::Table => report
                .problems
                .iter()
                .map(|text| session.line(text))
                .collect(),
            Format::Json => Vec::new(),
        };
        Output {
            notes,
            code: report.status.code(),
            ..printed
        }
    }
}

async fn examine(session: &Session) -> Report {
    let unavailable = |problem| Report {
        status: Verdict::Unavailable,
        problems: vec![problem],
    };
    let found = match Found::ask_once(session).await {
        Ok(found) => found,
        Err(error) => return unavailable(located(&session.bind, &error)),
    };
    if let Some(why) = found.why_unavailable(&session.bind.to_string()) {
        return unavailable(why);
    }
    let problems = found.problems();
    Report {
        status: match problems.is_empty() {
            true => Verdict::Healthy,
            false => Verdict::Degraded,
        },
        problems,
    }
}
