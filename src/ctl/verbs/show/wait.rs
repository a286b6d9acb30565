//! Waiting for the leader of a cluster that is starting, before `show` prints it.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::knows_no_cluster;
use super::responses::HealthResponse;
use crate::ctl::members::ClusterMembers;
use crate::ctl::session::Session;
use crate::ctl::status::Status;
use crate::runtime::stdio::print_error;

/// Interval between two questions.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// Longest wait for a leader of a cluster whose members are known: several elections. Without a
/// majority the operator wants to see the members.
const ELECTION_TIMEOUT: Duration = Duration::from_secs(2);

/// Answers of the bound node.
pub(super) struct Answers {
    pub(super) status: Status,
    pub(super) cluster: ClusterMembers,
    /// Other meta nodes than ours have no `/healthz`. Then less is printed.
    pub(super) health: Option<HealthResponse>,
}

impl Answers {
    /// Longest time for which a leader is waited for. A node that starts, waits for founders, founds
    /// or joins may soon know one; others need an operator. A new leader is known a moment before
    /// the entry with the members is applied.
    fn patience(&self, session: &Session) -> Option<Duration> {
        let health = self.health.as_ref()?;
        if !self.status.leader.is_empty() && !self.cluster.is_unknown() {
            return None;
        }
        match (self.cluster.is_unknown(), health.doing.as_str()) {
            (true, "waiting" | "founding" | "joining" | "open") => Some(session.timeout()),
            (false, "open") => Some(ELECTION_TIMEOUT),
            _ => None,
        }
    }
}

/// Asks the bound node, and again until it knows a leader, or cannot be expected to know one.
///
/// # Errors
/// The line for stderr.
pub(super) async fn ask_until_settled(session: &Session) -> Result<Answers, String> {
    let began = Instant::now();
    let mut answers = ask(session).await?;
    let mut has_told = false;
    while let Some(patience) = answers.patience(session) {
        let until = session.deadline().min(began + patience);
        if Instant::now() + POLL_INTERVAL >= until {
            break;
        }
        if answers.cluster.is_unknown() && !has_told {
            has_told = true;
            let why = knows_no_cluster(&session.bind.to_string(), answers.health.as_ref());
            let timeout = humantime::format_duration(session.timeout());
            print_error(&session.line(&format!("{why}; waiting for up to {timeout}")));
        }
        sleep(POLL_INTERVAL).await;
        match ask(session).await {
            Ok(next) => answers = next,
            // The last answers are better than none.
            Err(_) => break,
        }
    }
    Ok(answers)
}

async fn ask(session: &Session) -> Result<Answers, String> {
    let status: Status = session.get_json(&session.bind, "/status").await?;
    if !status.is_meta() {
        return Err(session.line(&format!("{} is not a meta node", session.bind)));
    }
    let cluster: ClusterMembers = session.get_json(&session.bind, "/show-cluster").await?;
    let health = session
        .get_json_once(&session.bind, "/healthz", Session::OPTIONAL_TIMEOUT)
        .await
        .ok();
    Ok(Answers {
        status,
        cluster,
        health,
    })
}
