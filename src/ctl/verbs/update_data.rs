//! `influxd-ctl update-data <old> <new>`: `POST /update-data` at the bound node.

use clap::Args;

use super::add_data::Added;
use crate::ctl::addresses::data_address;
use crate::ctl::output::Output;
use crate::ctl::request_once::{self, DATA_NODE_TIMEOUT};
use crate::ctl::session::{Session, located};

const OLD_EMPTY: &str = "old-addr value is empty";
const NEW_EMPTY: &str = "new-addr value is empty";

#[derive(Debug, Args)]
pub(in crate::ctl) struct UpdateData {
    /// TCP address that the data node has in the cluster
    #[arg(required = true, value_name = "OLD", value_parser = |text: &str| data_address(text, OLD_EMPTY))]
    old: Option<String>,
    /// TCP address of the machine that takes its place
    #[arg(required = true, value_name = "NEW", value_parser = |text: &str| data_address(text, NEW_EMPTY))]
    new: Option<String>,
}

impl UpdateData {
    pub(super) async fn run(&self, session: &Session) -> Output {
        let (old, new) = match (&self.old, &self.new) {
            (Some(old), Some(new)) => (old, new),
            (None, _) => return Output::failed(session.line(OLD_EMPTY)),
            (_, None) => return Output::failed(session.line(NEW_EMPTY)),
        };
        // In lower case, as InfluxDB Enterprise prints it.
        update(session, old, new)
            .await
            .map(|updated| format!("updated data node {} to {}\n", updated.id, updated.tcp_addr))
            .into()
    }
}

async fn update(session: &Session, old: &str, new: &str) -> Result<Added, String> {
    let (at, fields) = (&session.bind, [("oldAddr", old), ("newAddr", new)]);
    let look = "influxd-ctl show: which address has the node?";
    let answer = request_once::send(
        session,
        at,
        "/update-data",
        &fields,
        DATA_NODE_TIMEOUT,
        look,
    )
    .await?;
    answer
        .json()
        .map_err(|error| session.exited(&located(at, &error)))
}
