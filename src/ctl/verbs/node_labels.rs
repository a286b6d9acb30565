//! `influxd-ctl node-labels set|delete`: `POST /node-labels`. Prints nothing on success.

use std::collections::{BTreeMap, BTreeSet};

use clap::{Args, Subcommand};
use serde::de::DeserializeOwned;

use crate::base::NodeId;
use crate::ctl::output::Output;
use crate::ctl::session::Session;
use crate::wire::api::LabelsRequest;

#[derive(Debug, Args)]
pub(in crate::ctl) struct NodeLabels {
    #[command(subcommand)]
    change: Change,
}

#[derive(Debug, Subcommand)]
enum Change {
    /// Set these labels; others stay
    #[command(override_usage = "influxd-ctl [flags] \
        node-labels set -nodeid N -labels '{\"KEY\":\"VALUE\"}'")]
    Set(LabelChange<BTreeMap<String, String>>),
    /// Delete the labels with these keys
    #[command(
        override_usage = "influxd-ctl [flags] node-labels delete -nodeid N -labels '[\"KEY\"]'"
    )]
    Delete(LabelChange<BTreeSet<String>>),
}

#[derive(Debug, Args)]
struct LabelChange<T: Labels> {
    /// ID of the node, as `show` prints it
    #[arg(long = "nodeid", value_name = "N")]
    node_id: u64,
    /// JSON: an object of texts for set, an array of keys for delete
    #[arg(long, value_name = "JSON", value_parser = json::<T>)]
    labels: T,
}

trait Labels: DeserializeOwned + Clone + Send + Sync + 'static {
    /// Advice for a value that cannot be parsed.
    const ADVICE: &'static str;
}

impl Labels for BTreeMap<String, String> {
    const ADVICE: &'static str = "write a JSON object of texts, such as {\"az\":\"east\"}";
}

impl Labels for BTreeSet<String> {
    const ADVICE: &'static str = "write a JSON array of keys, such as [\"az\"]";
}

fn json<T: Labels>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| format!("{error}; {}", T::ADVICE))
}

impl NodeLabels {
    pub(super) async fn run(&self, session: &Session) -> Output {
        let request = match &self.change {
            Change::Set(change) => LabelsRequest {
                node_id: NodeId(change.node_id),
                set: Some(change.labels.clone()),
                delete: None,
            },
            Change::Delete(change) => LabelsRequest {
                node_id: NodeId(change.node_id),
                set: None,
                delete: Some(change.labels.clone()),
            },
        };
        // Idempotent.
        let attempt = async || {
            session
                .try_post_json("/node-labels", &request)
                .await
                .map(|_| String::new())
        };
        let look = "influxd-ctl show: which labels has the node?";
        session.change(&session.bind, look, attempt).await.into()
    }
}
