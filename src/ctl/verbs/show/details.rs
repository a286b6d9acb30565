//! The tables that `-v` adds: the state of each meta node, as the node itself reports it.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde::Serialize;

use super::responses::{HealthResponse, Role, Waiting};
use crate::base::endpoint::META_HTTP_PORT;
use crate::base::{Address, LogId};
use crate::client::CallError;
use crate::ctl::members::{ClusterMembers, MetaNode};
use crate::ctl::session::Session;
use crate::ctl::table::{Mark, Table};
use crate::wire::api::CatalogSize;

/// Rows of the table, one for each meta node of the catalog. If the catalog is unknown: only the
/// bound node.
pub(super) struct Details {
    nodes: Vec<Node>,
}

struct Node {
    id: Option<u64>,
    address: String,
    /// Its answer, or the reason why there is none.
    health: Result<HealthResponse, String>,
}

/// A meta node of `show -v -format json`.
#[derive(Serialize)]
pub(super) struct NodeJson<'a> {
    id: Option<u64>,
    http_address: &'a str,
    /// Fields of its `/healthz`; `null` if it did not answer.
    health: Option<&'a HealthResponse>,
    /// The reason why there is no answer.
    error: Option<&'a str>,
}

impl Node {
    fn json(&self) -> NodeJson<'_> {
        NodeJson {
            id: self.id,
            http_address: &self.address,
            health: self.health.as_ref().ok(),
            error: self.health.as_ref().err().map(String::as_str),
        }
    }

    fn problems(&self) -> Vec<String> {
        let about = |what: String| format!("meta node {} {what}", self.address);
        match &self.health {
            Err(why) => vec![about(format!("is unreachable: {why}"))],
            Ok(health) if health.is_failing() => {
                vec![about(format!("cannot serve: {}", state(health)))]
            }
            Ok(health) => {
                let alarms = health.alarms.iter();
                alarms
                    .map(|alarm| about(format!("raises the alarm {alarm}")))
                    .collect()
            }
        }
    }

    fn mark(&self) -> Mark {
        match &self.health {
            Err(_) => Mark::Bad,
            Ok(health) if health.is_failing() => Mark::Bad,
            Ok(health) if health.is_leader() => Mark::Leader,
            Ok(_) => Mark::Plain,
        }
    }
}

impl Details {
    /// Asks all meta nodes at once. `bound` is the answer of the bound node, which is not asked
    /// again.
    pub(super) async fn ask(
        session: &Session,
        cluster: &ClusterMembers,
        bound: Option<&HealthResponse>,
    ) -> Self {
        if cluster.is_unknown() {
            let alone = bound.map(|health| Node {
                id: health.node_id,
                address: health
                    .http
                    .clone()
                    .unwrap_or_else(|| session.bind.to_string()),
                health: Ok(health.clone()),
            });
            return Self {
                nodes: alone.into_iter().collect(),
            };
        }
        let asked = cluster.meta.iter().map(|node| async move {
            let said = bound.filter(|health| health.http.as_deref() == Some(node.addr.as_str()));
            let health = match said {
                Some(health) => Ok(health.clone()),
                None => ask_one(session, node).await,
            };
            Node {
                id: Some(node.id),
                address: node.addr.clone(),
                health,
            }
        });
        let nodes = join_all(asked).await;
        Self { nodes }.with_raft_ids()
    }

    pub(super) fn tables(&self) -> Vec<Table> {
        let waiting = self.waiting();
        let nodes = std::iter::once(self.table());
        nodes
            .chain((!waiting.is_empty()).then(|| waiting_table(waiting)))
            .collect()
    }

    /// Sentences about meta nodes that need attention.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> = self.nodes.iter().flat_map(Node::problems).collect();
        problems.extend(self.waiting().iter().map(|one| {
            let to_be = if one.voter { "voter" } else { "learner" };
            format!("{} waits to become a {to_be}", one.http)
        }));
        problems
    }

    /// One object for each row of the table.
    pub(super) fn json(&self) -> Vec<NodeJson<'_>> {
        self.nodes.iter().map(Node::json).collect()
    }

    fn table(&self) -> Table {
        let columns = [
            "ID",
            "HTTP Address",
            "Phase",
            "Raft ID",
            "Role",
            "Term",
            "Applied",
            "Lag",
            "Catalog",
            "Proofs",
            "State",
        ];
        let mut table = Table::with_columns("Details", &columns);
        for node in &self.nodes {
            table.marked_row(node.mark(), self.row(node));
        }
        table
    }

    /// The nodes that wait to become a member or a voter, as the leader reports them. Without a
    /// leader: as any node reports them, without the reason.
    fn waiting(&self) -> &[Waiting] {
        let answers = self
            .nodes
            .iter()
            .filter_map(|node| node.health.as_ref().ok());
        let rafts: Vec<_> = answers
            .filter_map(|health| health.raft_state.as_ref())
            .collect();
        let leader = rafts
            .iter()
            .find(|raft| raft.role == Role::Leader)
            .or(rafts.first());
        leader
            .map(|raft| raft.waiting.as_slice())
            .unwrap_or_default()
    }

    fn row(&self, node: &Node) -> Vec<String> {
        let mut cells = vec![or_dash(node.id), node.address.clone()];
        match &node.health {
            Ok(health) => cells.extend(self.cells(health)),
            Err(why) => {
                cells.extend(std::iter::repeat_n("-".to_owned(), 8));
                cells.push(format!("unreachable: {why}"));
            }
        }
        cells
    }

    fn cells(&self, health: &HealthResponse) -> [String; 9] {
        let raft = health.raft_state.as_ref();
        [
            health.phase.clone(),
            or_dash(health.raft_id),
            or_dash(raft.map(|raft| &raft.role)),
            or_dash(raft.map(|raft| raft.term)),
            or_dash(raft.map(|raft| index(raft.applied))),
            or_dash(raft.and_then(|raft| self.lag(raft.applied))),
            or_dash(health.catalog.map(catalog)),
            or_dash(Some(&health.peer_proofs).filter(|word| !word.is_empty())),
            state(health),
        ]
    }

    /// Fills in the Raft ids that nodes do not say, from the lists of members of the others. A node
    /// with a secret tells its own to its own host and to callers with a token only.
    fn with_raft_ids(mut self) -> Self {
        let answers = self
            .nodes
            .iter()
            .filter_map(|node| node.health.as_ref().ok());
        let members = answers
            .filter_map(|health| health.raft_state.as_ref())
            .flat_map(|raft| &raft.members);
        let known: BTreeMap<String, u64> = members
            .filter_map(|member| Some((member.http.clone()?, member.raft_id?)))
            .collect();
        for node in &mut self.nodes {
            if let Ok(health) = &mut node.health {
                health.raft_id = health.raft_id.or(known.get(&node.address).copied());
            }
        }
        self
    }

    /// Number of log entries that another node of these has and this one has not applied.
    fn lag(&self, applied: Option<LogId>) -> Option<u64> {
        let answers = self
            .nodes
            .iter()
            .filter_map(|node| node.health.as_ref().ok());
        let ends = answers
            .filter_map(|health| health.raft_state.as_ref())
            .map(|raft| index(raft.last_log));
        ends.max().map(|end| end.saturating_sub(index(applied)))
    }
}

fn waiting_table(waiting: &[Waiting]) -> Table {
    let mut table = Table::with_columns("Waiting", &["HTTP Address", "Raft ID", "To be", "State"]);
    for one in waiting {
        let to_be = if one.voter { "voter" } else { "learner" };
        let state = one
            .state
            .clone()
            .unwrap_or_else(|| "the leader knows".to_owned());
        table.row(vec![
            one.http.clone(),
            or_dash(one.raft_id),
            to_be.to_owned(),
            state,
        ]);
    }
    table
}

/// Asks one node, for at most 2 s: a silent node must not delay the others.
async fn ask_one(session: &Session, node: &MetaNode) -> Result<HealthResponse, String> {
    let address = Address::parse(&node.addr, META_HTTP_PORT).map_err(|error| error.to_string())?;
    session
        .get_json_once(&address, "/healthz", Session::OPTIONAL_TIMEOUT)
        .await
        .map_err(|error: CallError| error.to_string())
}

/// Formats the activity of the node and its reason. The activity is left out where the sentence of
/// the reason begins with it: "waiting for …", "halted: …".
fn state(health: &HealthResponse) -> String {
    let doing = health.doing.as_str();
    match health.reason() {
        None => doing.to_owned(),
        Some(reason) if reason.starts_with(doing) => reason.to_owned(),
        Some(reason) => format!("{doing}: {reason}"),
    }
}

/// Formats the size of a catalog: its bytes, and the share of the quota.
fn catalog(size: CatalogSize) -> String {
    let percent = u128::from(size.bytes) * 100 / u128::from(size.quota.max(1));
    format!("{} ({percent} %)", size.bytes)
}

fn index(id: Option<LogId>) -> u64 {
    id.map_or(0, |id| id.index)
}

fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_begins_with_the_activity() {
        for (doing, reason, want) in [
            ("open", "", "open"),
            ("waiting", "waiting for one", "waiting for one"),
            ("joining", "cluster 5f exists", "joining: cluster 5f exists"),
            ("", "no word", "no word"),
        ] {
            let health = format!(r#"{{"doing":"{doing}","reason":"{reason}"}}"#);
            let health = serde_json::from_str(&health).expect("the JSON of a node");
            assert_eq!(state(&health), want);
        }
    }
}
