//! What `show` reads of the answers: only what it prints, and tolerant, because the node asked may
//! be of an older or newer version, or of another make. (`wire::api` has the types as our server
//! writes them.)

use serde::Deserialize;

use crate::base::LogId;

/// `GET /healthz`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct HealthResponse {
    pub(super) phase: String,
    pub(super) doing: String,
    pub(super) reason: String,
    pub(super) missing: Vec<Missing>,
    pub(super) http: Option<String>,
    pub(super) raft_id: Option<u64>,
    pub(super) node_id: Option<u64>,
    pub(super) raft_state: Option<RaftState>,
    pub(super) warnings: Vec<String>,
}

impl HealthResponse {
    /// Those that the reason does not name itself.
    pub(super) fn missing_beside_reason(&self) -> impl Iterator<Item = &Missing> {
        self.missing
            .iter()
            .filter(|peer| !self.reason.contains(&peer.address))
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Missing {
    pub(super) address: String,
    pub(super) why: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct RaftState {
    pub(super) term: u64,
    pub(super) role: String,
    pub(super) last_log: Option<LogId>,
    pub(super) applied: Option<LogId>,
    pub(super) waiting: Vec<Waiting>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Waiting {
    pub(super) http: String,
    pub(super) raft_id: u64,
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

    /// Nothing here is spelled otherwise than our server spells it.
    #[test]
    fn what_our_server_says_of_its_health_is_read() {
        let health: HealthResponse = read(&health());
        assert_eq!(
            (health.phase.as_str(), health.doing.as_str()),
            ("joining", "waiting")
        );
        assert_eq!(
            (health.reason.as_str(), &health.warnings[..]),
            ("why", &["w".to_owned()][..])
        );
        assert_eq!(
            (health.http.as_deref(), health.raft_id, health.node_id),
            (Some("m:8091"), Some(5), None)
        );
        let missing = Missing {
            address: "m2:8091".into(),
            why: "refused".into(),
        };
        assert_eq!(health.missing, [missing]);
        let raft = health.raft_state.expect("there");
        assert_eq!((raft.term, raft.role.as_str()), (3, "learner"));
        let waiting = Waiting {
            http: "new:8091".into(),
            raft_id: 7,
            voter: true,
            state: Some("catching up".into()),
        };
        assert_eq!(raft.waiting, [waiting]);
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
            warnings: vec!["w".into()],
        }
    }

    fn raft_state() -> api::RaftState {
        api::RaftState {
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
            members: Vec::new(),
            waiting: vec![api::Waiting {
                http: Address::new("new", 8091),
                raft_id: RaftId(7),
                voter: true,
                state: Some("catching up".into()),
            }],
        }
    }
}
