//! The answer of `GET /healthz`, with the fields that `show` prints.
//!
//! Missing fields are allowed, because the node may have an older or newer version than this
//! program. `wire::api` has the types that our server writes.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::LogId;
use crate::wire::api::CatalogSize;

/// `GET /healthz`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct HealthResponse {
    /// `pass` or `fail`. Empty: the node did not say.
    status: String,
    pub(super) phase: String,
    /// Activity of the node concerning its membership. Empty: the node did not say.
    pub(super) doing: String,
    reason: String,
    pub(super) http: Option<String>,
    pub(super) raft_id: Option<u64>,
    pub(super) node_id: Option<u64>,
    pub(super) raft_state: Option<RaftState>,
    /// Size of the node's catalog.
    pub(super) catalog: Option<CatalogSize>,
    /// Proofs that the node asks of other meta nodes. Empty: the node did not say.
    pub(super) peer_proofs: String,
    pub(super) warnings: Vec<String>,
    /// Kinds of the alarms among the warnings.
    pub(super) alarms: Vec<String>,
}

impl HealthResponse {
    /// Whether the node says that it cannot serve.
    pub(super) fn is_failing(&self) -> bool {
        self.status == "fail"
    }

    pub(super) fn is_leader(&self) -> bool {
        let raft = self.raft_state.as_ref();
        raft.is_some_and(|raft| raft.role == Role::Leader)
    }

    /// Sentence that says what the node waits for or is blocked by. The reason of a waiting node
    /// names all founders that have not answered.
    pub(super) fn reason(&self) -> Option<&str> {
        Some(self.reason.as_str()).filter(|reason| !reason.is_empty())
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct RaftState {
    pub(super) term: u64,
    pub(super) role: Role,
    pub(super) last_log: Option<LogId>,
    pub(super) applied: Option<LogId>,
    /// Members, as the bound node knows them. Not printed as JSON.
    #[serde(skip_serializing)]
    pub(super) members: Vec<Member>,
    pub(super) waiting: Vec<Waiting>,
}

/// Member of the Raft group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Member {
    pub(super) raft_id: Option<u64>,
    pub(super) http: Option<String>,
}

/// Role of a node in Raft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub(super) enum Role {
    Leader,
    /// Any other word, as the node wrote it.
    Other(String),
}

impl Default for Role {
    fn default() -> Self {
        Self::Other(String::new())
    }
}

impl From<String> for Role {
    fn from(word: String) -> Self {
        match word.as_str() {
            "leader" => Self::Leader,
            _ => Self::Other(word),
        }
    }
}

impl From<Role> for String {
    fn from(role: Role) -> Self {
        role.to_string()
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Leader => "leader",
            Self::Other(word) => word,
        })
    }
}

/// A node that is being added, or that waits to become a voter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Waiting {
    pub(super) http: String,
    pub(super) raft_id: Option<u64>,
    pub(super) voter: bool,
    pub(super) state: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Address, RaftId};
    use crate::ctl::status::read;
    use crate::wire::api;
    use crate::wire::identity::Phase;

    /// Every field is spelled as our server spells it.
    #[test]
    fn what_our_server_says_of_its_health_is_read() {
        let health: HealthResponse = read(&health());
        assert_eq!(
            (health.phase.as_str(), health.doing.as_str()),
            ("joining", "waiting")
        );
        assert_eq!(
            (health.reason(), &health.warnings[..]),
            (Some("why"), &["w".to_owned()][..])
        );
        assert_eq!(health.alarms, ["clock"]);
        assert_eq!(
            (health.http.as_deref(), health.raft_id, health.node_id),
            (Some("m:8091"), Some(5), None)
        );
        assert_eq!(health.peer_proofs, "wanted");
        assert_eq!(health.catalog, Some(CatalogSize { bytes: 1, quota: 2 }));
        let raft = health.raft_state.expect("there");
        assert_eq!((raft.term, raft.role), (3, Role::Other("learner".into())));
        let waiting = Waiting {
            http: "new:8091".into(),
            raft_id: Some(7),
            voter: true,
            state: Some("catching up".into()),
        };
        assert_eq!(raft.waiting, [waiting]);
        let member = Member {
            raft_id: Some(5),
            http: Some("m:8091".into()),
        };
        assert_eq!(raft.members, [member]);
        assert_eq!(
            (raft.last_log, raft.applied),
            (Some(LogId { term: 3, index: 9 }), None)
        );
    }

    fn health() -> api::Health {
        let address = |host: &str| Address::new(host, 8091);
        api::Health {
            status: "fail".into(),
            version: "v".into(),
            phase: Phase::Joining,
            doing: "waiting".into(),
            reason: "why".into(),
            blocked: None,
            halted: None,
            missing: vec![api::MissingPeer {
                address: address("m2"),
                why: "refused".into(),
            }],
            incarnation: None,
            http: Some(address("m")),
            raft: None,
            cluster_id: None,
            cluster_name: String::new(),
            raft_id: Some(RaftId(5)),
            node_id: None,
            raft_state: Some(raft_state()),
            catalog: Some(CatalogSize { bytes: 1, quota: 2 }),
            peer_proofs: "wanted".into(),
            warnings: vec!["w".into()],
            alarms: vec!["clock".into()],
        }
    }

    fn raft_state() -> api::RaftStateInfo {
        api::RaftStateInfo {
            term: 3,
            role: "learner".into(),
            leader: None,
            leader_http: None,
            last_log: Some(LogId { term: 3, index: 9 }),
            committed: None,
            applied: None,
            snapshot: None,
            lag: 9,
            catalog_index: 1,
            voters: Vec::new(),
            learners: Vec::new(),
            joint: false,
            quorum_ack_ms: None,
            members: vec![api::MemberState {
                raft_id: Some(RaftId(5)),
                node_id: None,
                http: Some(Address::new("m", 8091)),
                raft: None,
                voter: true,
                lag: None,
                quiet_ms: None,
            }],
            waiting: vec![api::Waiting {
                http: Address::new("new", 8091),
                raft_id: Some(RaftId(7)),
                voter: true,
                state: Some("catching up".into()),
            }],
        }
    }
}
