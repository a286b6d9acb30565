//! The block that `-v` adds: each meta node's own word about itself.

use futures_util::future::join_all;

use super::responses::HealthResponse;
use crate::base::endpoint::META_HTTP_PORT;
use crate::base::{Address, LogId};
use crate::client::CallError;
use crate::ctl::members::{Cluster, MetaNode};
use crate::ctl::session::Session;
use crate::ctl::table::Table;

/// One row for each meta node of the catalog, or the asked one alone where there is no catalog.
pub(super) struct Details {
    nodes: Vec<Node>,
}

struct Node {
    id: Option<u64>,
    address: String,
    word: Result<HealthResponse, String>,
}

impl Details {
    /// Asks every meta node at once; what the bound one said already is taken over.
    pub(super) async fn ask(
        session: &Session,
        cluster: &Cluster,
        bound: Option<&HealthResponse>,
    ) -> Self {
        if cluster.is_unknown() {
            let alone = bound.map(|health| Node {
                id: health.node_id,
                address: health
                    .http
                    .clone()
                    .unwrap_or_else(|| session.bind.to_string()),
                word: Ok(health.clone()),
            });
            return Self {
                nodes: alone.into_iter().collect(),
            };
        }
        let asked = cluster.meta.iter().map(|node| async move {
            let said = bound.filter(|health| health.http.as_deref() == Some(node.addr.as_str()));
            let word = match said {
                Some(health) => Ok(health.clone()),
                None => ask_one(session, node).await,
            };
            Node {
                id: Some(node.id),
                address: node.addr.clone(),
                word,
            }
        });
        Self {
            nodes: join_all(asked).await,
        }
    }

    pub(super) fn print(&self) -> String {
        let columns = [
            "ID",
            "HTTP Address",
            "Phase",
            "Raft ID",
            "Role",
            "Term",
            "Applied",
            "Lag",
            "State",
        ];
        let mut table = Table::with_columns("Details", &columns);
        for node in &self.nodes {
            table.row(self.row(node));
        }
        table.print() + &self.waiting()
    }

    /// As the leader tells it; without one, as any node has it, and nobody knows what for.
    fn waiting(&self) -> String {
        let words = self.nodes.iter().filter_map(|node| node.word.as_ref().ok());
        let rafts: Vec<_> = words
            .filter_map(|health| health.raft_state.as_ref())
            .collect();
        let leader = rafts
            .iter()
            .find(|raft| raft.role == "leader")
            .or(rafts.first());
        let waiting = leader
            .map(|raft| raft.waiting.as_slice())
            .unwrap_or_default();
        if waiting.is_empty() {
            return String::new();
        }
        let mut table =
            Table::with_columns("Waiting", &["HTTP Address", "Raft ID", "To be", "State"]);
        for one in waiting {
            let to_be = if one.voter { "voter" } else { "learner" };
            let state = one
                .state
                .clone()
                .unwrap_or_else(|| "the leader knows".to_owned());
            table.row(vec![
                one.http.clone(),
                one.raft_id.to_string(),
                to_be.to_owned(),
                state,
            ]);
        }
        format!("\n{}", table.print())
    }

    fn row(&self, node: &Node) -> Vec<String> {
        let mut cells = vec![or_dash(node.id), node.address.clone()];
        match &node.word {
            Ok(health) => cells.extend(self.word(health)),
            Err(why) => {
                cells.extend(std::iter::repeat_n("-".to_owned(), 6));
                cells.push(format!("unreachable: {why}"));
            }
        }
        cells
    }

    fn word(&self, health: &HealthResponse) -> [String; 7] {
        let raft = health.raft_state.as_ref();
        [
            health.phase.clone(),
            or_dash(health.raft_id),
            or_dash(raft.map(|raft| raft.role.as_str())),
            or_dash(raft.map(|raft| raft.term)),
            or_dash(raft.map(|raft| index(raft.applied))),
            or_dash(raft.and_then(|raft| self.lag(raft.applied))),
            state(health),
        ]
    }

    /// Log entries that some node of these has and this one has not applied.
    fn lag(&self, applied: Option<LogId>) -> Option<u64> {
        let words = self.nodes.iter().filter_map(|node| node.word.as_ref().ok());
        let ends = words
            .filter_map(|health| health.raft_state.as_ref())
            .map(|raft| index(raft.last_log));
        ends.max().map(|end| end.saturating_sub(index(applied)))
    }
}

/// One that does not answer soon is shown as such, and holds nobody up.
async fn ask_one(session: &Session, node: &MetaNode) -> Result<HealthResponse, String> {
    let address = Address::parse(&node.addr, META_HTTP_PORT).map_err(|error| error.to_string())?;
    session
        .get_json_once(&address, "/healthz", Session::RETRY_TIMEOUT)
        .await
        .map_err(|error: CallError| error.to_string())
}

/// What it does, and what it waits for.
fn state(health: &HealthResponse) -> String {
    let mut text = health.doing.clone();
    if health.reason.starts_with(&text) {
        // The sentence begins with that word itself: "waiting for …", "halted: …".
        text = health.reason.clone();
    } else if !health.reason.is_empty() {
        text = format!("{text}: {}", health.reason);
    }
    let missing: Vec<_> = health
        .missing_beside_reason()
        .map(|peer| format!("{} ({})", peer.address, peer.why))
        .collect();
    if !missing.is_empty() {
        text = format!("{text}; missing: {}", missing.join(", "));
    }
    text
}

fn index(id: Option<LogId>) -> u64 {
    id.map_or(0, |id| id.index)
}

fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}
