//! JSON bodies of the HTTP API (wire.md 6.0). Field names are those of the wire. A field that
//! clients of the wire know is present even when it is empty.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize};

use crate::base::{Address, ClusterId, Incarnation, LogId, NodeId, RaftId, ShardGroupId, ShardId};
use crate::wire::data_node::ShardOwnerInfo;
use crate::wire::identity::Phase;

/// Answer with a status from 400 on: `{"error":"no leader"}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    pub error: String,
}

/// `GET /status`:
/// `{"nodeType":"meta","leader":"","httpAddr":"m1:8091","raftAddr":"m1:8089","peers":null}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// `meta`.
    pub node_type: String,
    /// Raft address of the leader, or empty.
    pub leader: String,
    pub http_addr: String,
    pub raft_addr: String,
    /// Raft addresses of the voters; `None` without a leader.
    pub peers: Option<Vec<String>>,
}

/// `GET /show-cluster`. Each list is `null` when empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterInfo {
    pub data: Option<Vec<DataNodeInfo>>,
    pub meta: Option<Vec<MetaNodeInfo>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetaNodeInfo {
    pub id: NodeId,
    /// HTTP address.
    pub addr: String,
    pub http_scheme: String,
    /// Raft address.
    pub tcp_addr: String,
    pub version: String,
    /// `{}` when there are none; absent in answers without labels (`/join`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// Only in answers of `/join`: a sentence for the operator, if the result is not the usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DataNodeInfo {
    pub id: NodeId,
    pub tcp_addr: String,
    pub http_addr: String,
    pub http_scheme: String,
    pub status: String,
    pub version: String,
    /// See [`MetaNodeInfo::labels`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// Whether it is given no shards; absent where labels are absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passive: Option<bool>,
}

/// `GET /lease`:
/// `{"name":"continuous_querier","expiration":"2026-11-23T03:34:45.944481992Z","owner":3}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    pub name: String,
    /// RFC 3339.
    pub expiration: String,
    pub owner: NodeId,
}

/// Element of `GET /show-shards`. Times are RFC 3339; `0001-01-01T00:00:00Z` means none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ShardInfo {
    pub id: ShardId,
    pub database: String,
    pub retention_policy: String,
    pub replica_n: u32,
    pub shard_group_id: ShardGroupId,
    pub start_time: String,
    pub end_time: String,
    pub expire_time: String,
    pub truncated_at: String,
    pub owners: Vec<ShardOwnerInfo>,
}

/// `POST /remove-data` with `report=true`: a data node that was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RemovedDataNode {
    /// It answers under its name and was not told to reset itself.
    pub answers: bool,
    /// Number of shards whose only copy it had. Nodes without their points own them now.
    pub lost_shards: usize,
    /// The first of them.
    pub lost: Vec<LostShard>,
}

/// A shard of which no copy is left. Times are RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LostShard {
    pub id: ShardId,
    pub database: String,
    pub retention_policy: String,
    pub start_time: String,
    pub end_time: String,
}

/// `POST /copy-shard` with `report=true`: a shard that has one more owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopiedShard {
    /// No owner holds the shard: nothing was copied.
    pub empty: bool,
}

/// `POST /drain-data`: what is to be done before a data node can be removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DrainPlan {
    /// Whether the data node answers.
    pub answers: bool,
    /// Number of copies that are to be made, those under way included.
    pub copies_left: usize,
    /// Number of shards that still take points. They are copied once they do not.
    pub open_shards: usize,
    /// Milliseconds until the last of them ends; 0 when all have ended.
    pub open_for_ms: u64,
    /// Number of shards that stay with one copy less: the data node does not answer, and their
    /// other owners hold nothing of them.
    pub kept_short: usize,
    /// The copy to make now. None while all shards that are left are open or being copied.
    pub next: Option<DrainCopy>,
}

/// A copy that keeps the replication factor of a shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DrainCopy {
    pub source: String,
    pub dest: String,
    pub shard_id: ShardId,
}

/// Element of `GET /copy-shard-status`: a copy that has begun and not ended. Sizes are in bytes, 0
/// when they are not known; times are RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CopyInProgress {
    pub source: String,
    pub dest: String,
    pub database: String,
    pub policy: String,
    pub shard_id: ShardId,
    pub total_size: i64,
    pub current_size: i64,
    pub started_at: String,
}

/// `POST /node-labels`: `{"nodeid":1,"set":{"az":"east"},"delete":["rack"]}`. One of `set` and
/// `delete` may be absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelsRequest {
    #[serde(rename = "nodeid")]
    pub node_id: NodeId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<BTreeMap<String, String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete: Option<BTreeSet<String>>,
}

/// `POST /announce` (wire.md 8).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Announcement {
    pub tcp_addr: String,
    pub http_addr: String,
    pub http_scheme: String,
    /// RFC 3339; `0001-01-01T00:00:00Z` when unset.
    pub time: String,
    /// `data` or `meta`.
    pub node_type: String,
    pub status: String,
    #[serde(deserialize_with = "gossip_or_nothing")]
    pub context: Option<AnnouncementContext>,
    pub version: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AnnouncementContext {
    /// Announcements by `tcpAddr`; null entries are ignored.
    pub gossip: BTreeMap<String, Option<Announcement>>,
}

/// Decodes gossip. Gossip that cannot be decoded is silently ignored, and the announcement around
/// it is accepted (wire.md 8).
fn gossip_or_nothing<'de, D: Deserializer<'de>>(
    d: D,
) -> Result<Option<AnnouncementContext>, D::Error> {
    let value = Option::<serde_json::Value>::deserialize(d)?;
    Ok(value.and_then(|value| serde_json::from_value(value).ok()))
}

/// `GET /livez`: the process serves requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// `ok`.
    pub status: String,
}

/// `GET /readyz`: 200, or 503 with `error`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// Sentence for operators; present when not ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    pub ready: bool,
    pub checks: Vec<Check>,
}

/// Condition of readiness: `{"name":"leader","ok":false,"message":"no leader is known"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    pub name: String,
    pub ok: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// `GET /health`, in the same shape as InfluxDB's own programs. 200, or 503 with `error`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthSummary {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// `influxd-meta`.
    pub name: String,
    /// `pass` or `fail`.
    pub status: String,
    pub message: String,
    pub version: String,
}

/// `GET /healthz`: the whole state of the node for operators. Always 200. `null` means "not known"
/// or "none".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// `pass` when ready, else `fail`.
    pub status: String,
    pub version: String,
    pub phase: Phase,
    /// Activity of the node for its membership: `waiting`, `blocked`, `open`, …
    pub doing: String,
    /// Sentence for operators: what this node waits for or is blocked by, and what to do.
    pub reason: String,
    /// The same sentence again when only an operator can resolve it.
    pub blocked: Option<String>,
    pub halted: Option<String>,
    pub missing: Vec<MissingPeer>,
    pub incarnation: Option<Incarnation>,
    pub http: Option<Address>,
    pub raft: Option<Address>,
    pub cluster_id: Option<ClusterId>,
    pub cluster_name: String,
    pub raft_id: Option<RaftId>,
    pub node_id: Option<NodeId>,
    pub raft_state: Option<RaftStateInfo>,
    /// Size of this node's catalog; `None` where no Raft node is open.
    pub catalog: Option<CatalogSize>,
    /// Proofs that this node asks of other meta nodes: `open`, `wanted`, `required`, `no-secret`.
    pub peer_proofs: String,
    pub warnings: Vec<String>,
    /// Kinds of the alarms among the warnings, as in `influxdb_meta_alarm`.
    #[serde(default)]
    pub alarms: Vec<String>,
}

/// `GET /healthz` for an unauthenticated caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthPhase {
    /// See [`Health::status`].
    pub status: String,
    pub phase: Phase,
}

/// Size of a catalog and its quota, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogSize {
    pub bytes: u64,
    pub quota: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingPeer {
    pub address: Address,
    pub why: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RaftStateInfo {
    pub term: u64,
    /// `leader`, `no-majority` (a leader that no majority answers), `follower`, `candidate`,
    /// `learner`.
    pub role: String,
    pub leader: Option<RaftId>,
    /// HTTP address of the leader.
    pub leader_http: Option<Address>,
    pub last_log: Option<LogId>,
    pub committed: Option<LogId>,
    pub applied: Option<LogId>,
    pub snapshot: Option<LogId>,
    /// Number of log entries that this node holds, or knows to be committed, and has not applied.
    pub lag: u64,
    /// Index of the catalog that this node serves.
    pub catalog_index: u64,
    pub voters: Vec<RaftId>,
    pub learners: Vec<RaftId>,
    /// Whether a change of the membership is in progress.
    pub joint: bool,
    /// Leader only: milliseconds since a quorum last acknowledged.
    pub quorum_ack_ms: Option<u64>,
    pub members: Vec<MemberState>,
    /// Nodes that are joining, and members that wait to become voters.
    #[serde(default)]
    pub waiting: Vec<Waiting>,
}

/// A node that waits to become a member or a voter. Only the leader knows what it waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    pub http: Address,
    /// Absent for a stranger, see [`Health::hide_ids`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raft_id: Option<RaftId>,
    /// Whether it shall become a voter.
    pub voter: bool,
    pub state: Option<String>,
}

/// Member of the Raft group. Only the leader knows `lag` and `quiet_ms`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberState {
    /// `None` for a stranger, see [`Health::hide_ids`].
    pub raft_id: Option<RaftId>,
    pub node_id: Option<NodeId>,
    pub http: Option<Address>,
    pub raft: Option<Address>,
    pub voter: bool,
    /// Number of log entries that the leader has and this member is not known to have.
    pub lag: Option<u64>,
    /// Milliseconds since it last answered the leader.
    pub quiet_ms: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announcement_survives_broken_gossip() {
        let text = r#"{"tcpAddr":"d1:8088","httpAddr":"d1:8086","httpScheme":"http",
            "time":"0001-01-01T00:00:00Z","nodeType":"data","status":"joined","context":{"gossip":{"x":5}},"version":"1.8.11"}"#;
        let announcement: Announcement = serde_json::from_str(text).expect("decodes");
        assert_eq!(announcement.tcp_addr, "d1:8088");
        assert_eq!(announcement.context, None);
    }

    #[test]
    fn gossip_keeps_its_entries_and_its_nulls() {
        let text = r#"{"tcpAddr":"m1:8089",
            "context":{"gossip":{"d1:8088":{"version":"v"},"d2:8088":null}}}"#;
        let announcement: Announcement = serde_json::from_str(text).expect("decodes");
        let gossip = announcement.context.expect("context").gossip;
        assert_eq!(
            gossip["d1:8088"].as_ref().map(|a| a.version.as_str()),
            Some("v")
        );
        assert_eq!(gossip["d2:8088"], None);
    }

    #[test]
    fn a_fresh_status_is_the_recorded_text() {
        let status = Status {
            node_type: "meta".into(),
            leader: String::new(),
            http_addr: "m1:8091".into(),
            raft_addr: "m1:8089".into(),
            peers: None,
        };
        let want = concat!(
            r#"{"nodeType":"meta","leader":"","httpAddr":"m1:8091","raftAddr":"m1:8089","#,
            r#""peers":null}"#
        );
        assert_eq!(serde_json::to_string(&status).expect("encodes"), want);
    }
}
