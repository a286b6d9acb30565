//! Names of the HTTP headers of the meta API, in lower case, as every library compares them.

/// On a request: another meta node forwarded it. On its answer, with the value [`NOT_EXECUTED`]:
/// certainly nothing was executed. A node that receives a forwarded request executes it or answers
/// 503, and never forwards or redirects it: two nodes that each take the other for the leader would
/// pass it back and forth for ever.
pub const FORWARDED: &str = "influxd-meta-carried";
/// Value of [`FORWARDED`] on an answer.
pub const NOT_EXECUTED: &str = "not-executed";

/// On a request: milliseconds for which the caller waits for the answer. The node answers before, or
/// earlier if its own limit is shorter. `influxd-ctl` sends it, and a node that forwards a request.
pub const TIMEOUT: &str = "influxd-meta-timeout";

/// On an answer, with the value [`UNKNOWN`]: the request may have been executed, or may still be.
pub const OUTCOME: &str = "influxd-meta-outcome";
/// Value of [`OUTCOME`].
pub const UNKNOWN: &str = "unknown";

/// Incarnation of the node that a request is forwarded to. Where two clusters on one network use
/// the same names, a name may lead to the other cluster's node, which may lead there: it must not
/// execute what was meant for this cluster.
pub const MEANT_FOR: &str = "influxd-meta-for";

/// On a forwarded request of another meta node: the IP address that it came from, a hint where that
/// node is.
pub const CALLER: &str = "influxd-meta-caller";

/// On a forwarded request, where a secret is set: proof of the forwarding node that [`CALLER`] is
/// true.
pub const FORWARDER: &str = "influxd-meta-forwarder";

/// Proof of the secret, on requests and answers between meta nodes (founding.md 11).
pub const PROOF: &str = "influxd-meta-proof";

/// Challenge of the answering node, on answers to other meta nodes: the proof of the next request
/// covers it (founding.md 11.1).
pub const CHALLENGE: &str = "influxd-meta-challenge";

/// Error text of an answer from 400 on (wire.md 4.2).
pub const ERROR: &str = "x-influxdb-error";
/// Version of the answering node (wire.md 4.2).
pub const VERSION: &str = "x-influxdb-version";
/// `Data.Index` of the answering node when the request started (wire.md 4.2).
pub const META_INDEX: &str = "influxdb-metaindex";
/// Id of a request: the caller's, or one made here (wire.md 4.2).
pub const X_REQUEST_ID: &str = "x-request-id";
/// The same id.
pub const REQUEST_ID: &str = "request-id";
