//! `influxd-ctl node-labels set|delete`: `POST /node-labels`. No news is good news.

use super::Output;
use super::flags::NodeLabels;
use super::session::Session;
use crate::base::NodeId;
use crate::wire::api::LabelsRequest;

pub(super) async fn run(session: &Session, asked: &NodeLabels) -> Output {
    let request = match asked {
        NodeLabels::Set(change) => LabelsRequest {
            node_id: NodeId(change.node_id),
            set: Some(change.labels.clone()),
            delete: None,
        },
        NodeLabels::Delete(change) => LabelsRequest {
            node_id: NodeId(change.node_id),
            set: None,
            delete: Some(change.labels.clone()),
        },
    };
    // Doing it twice is doing it once.
    let attempt = async || {
        session
            .try_post_json("/node-labels", &request)
            .await
            .map(drop)
    };
    match session.repeat(&session.bind, attempt).await {
        Ok(()) => Output::default(),
        Err(why) => Output::failed(why),
    }
}
