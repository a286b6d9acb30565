//! The only message of founding: JSON of `POST /cluster/identity` (founding.md 3).

use serde::{Deserialize, Serialize};

use super::version::FOUNDING;
pub use super::version::{FEATURE_LEVEL, JOINING_LEVEL};
use crate::base::{
    Address, ClusterId, Incarnation, ListHash, ProcessId, RaftId, StartId, UnixNanos,
};

/// Version of this message and of founding. A node founds only with nodes of the same version.
pub const PROTOCOL: u32 = FOUNDING.newest();

/// Reasons why a body is no identity of this version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    #[error("no identity: {0}")]
    NoIdentity(String),
    #[error(
        "speaks version {found} of the founding protocol, this node version {supported}: \
         run one version"
    )]
    Protocol { found: u32, supported: u32 },
}

/// Start counter, ids of the last 64 starts (oldest first), and the durable WAL seq. They detect a
/// volume that was restored from an older copy (founding.md 7).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Starts {
    pub counter: u64,
    pub ids: Vec<StartId>,
    pub durable_seq: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    Fresh,
    Accepted,
    Started,
    Joining,
    Member,
    Removed,
}

/// A founder in the founding vector, which has the order of the configured list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VectorEntry {
    pub incarnation: Incarnation,
    pub http: Address,
    pub raft: Address,
}

/// The process that answers. Two processes with one incarnation run on copies of one volume
/// (founding.md 3.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    pub id: ProcessId,
    /// Milliseconds since it opened Raft; absent while Raft is not open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raft_open_ms: Option<u64>,
}

/// Identity and state of a node. The caller sends its own and the callee answers with its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// See [`PROTOCOL`].
    pub protocol: u32,
    pub version: String,
    pub feature_level: u32,
    pub incarnation: Incarnation,
    pub http: Address,
    pub raft: Address,
    pub phase: Phase,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halted: Option<String>,
    /// Founding vector of a node that is accepted or started, or of a member that founded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vector: Option<Vec<VectorEntry>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_id: Option<ClusterId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovered_from: Option<ClusterId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raft_id: Option<RaftId>,
    pub cluster_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_hash: Option<ListHash>,
    #[serde(default)]
    pub list: Vec<Address>,
    /// Configured number of founders. All founders must have the same.
    #[serde(default)]
    pub expect: u64,
    /// HTTP addresses of the members, once the node is in a cluster.
    #[serde(default)]
    pub members: Vec<Address>,
    /// Members that vote, as far as this node knows. Empty when it is not known, and from versions
    /// without this field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub voters: Vec<Address>,
    pub leader_known: bool,
    /// Whether this node has a secret. `Found` has the founders' value.
    #[serde(default)]
    pub with_secret: bool,
    #[serde(default)]
    pub starts: Starts,
    /// Incarnations that this node heard from lately, with the milliseconds since then
    /// (founding.md 7, Replace).
    #[serde(default)]
    pub heard: Vec<(Incarnation, u64)>,
    /// Wall clock of the node, when it sent this. Absent from versions without this field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<UnixNanos>,
    /// Absent from versions without this field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
}

impl Identity {
    pub fn encode(&self) -> Vec<u8> {
        // Fails only for maps whose keys are not strings; there are none.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Decodes a body. Reads the protocol version first, because another version may have other
    /// fields: the error then names the version, not a missing field.
    ///
    /// # Errors
    /// The body is no identity, or one of another protocol version.
    pub fn decode(body: &[u8]) -> Result<Self, IdentityError> {
        #[derive(Deserialize)]
        struct Version {
            protocol: u32,
        }
        let no_identity = |error: serde_json::Error| IdentityError::NoIdentity(error.to_string());
        let version: Version = serde_json::from_slice(body).map_err(no_identity)?;
        if version.protocol != PROTOCOL {
            return Err(IdentityError::Protocol {
                found: version.protocol,
                supported: PROTOCOL,
            });
        }
        serde_json::from_slice(body).map_err(no_identity)
    }

    /// Returns whether the node belongs to a cluster. Founding must never ignore such a node.
    pub fn is_of_a_cluster(&self) -> bool {
        matches!(self.phase, Phase::Started | Phase::Member)
    }

    /// Returns whether the node is a member that does not vote. False when it does not report the
    /// voters.
    pub fn is_learner(&self) -> bool {
        self.phase == Phase::Member && !self.voters.is_empty() && !self.voters.contains(&self.http)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh() -> Identity {
        Identity {
            protocol: PROTOCOL,
            version: "1.12.4-c1.12.4".to_owned(),
            feature_level: FEATURE_LEVEL,
            incarnation: Incarnation([0x5f; 16]),
            http: Address::new("meta-1", 8091),
            raft: Address::new("meta-1", 8089),
            phase: Phase::Fresh,
            halted: None,
            vector: None,
            cluster_id: None,
            recovered_from: None,
            raft_id: None,
            cluster_name: "demo".to_owned(),
            list_hash: Some(ListHash([1; 32])),
            list: vec![Address::new("meta-1", 8091)],
            expect: 1,
            members: Vec::new(),
            voters: Vec::new(),
            leader_known: false,
            with_secret: false,
            starts: Starts::default(),
            heard: Vec::new(),
            clock: None,
            process: None,
        }
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let identity = fresh();
        assert_eq!(Identity::decode(&identity.encode()), Ok(identity));
    }

    #[test]
    fn another_protocol_is_named_whatever_its_fields() {
        let newer = br#"{"protocol":2,"who":"knows"}"#;
        assert_eq!(
            Identity::decode(newer),
            Err(IdentityError::Protocol {
                found: 2,
                supported: 1
            })
        );
        assert!(matches!(
            Identity::decode(b"{}"),
            Err(IdentityError::NoIdentity(_))
        ));
        assert!(matches!(
            Identity::decode(b"<html>"),
            Err(IdentityError::NoIdentity(_))
        ));
    }

    /// A newer version of the program may add fields to the same protocol version.
    #[test]
    fn unknown_fields_are_passed_over() {
        let mut json: serde_json::Value = serde_json::from_slice(&fresh().encode()).expect("json");
        json["news"] = true.into();
        assert_eq!(Identity::decode(json.to_string().as_bytes()), Ok(fresh()));
    }
}
