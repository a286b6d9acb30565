//! `influxd-ctl update-data <old> <new>`: `POST /update-data` at the bound node.

use super::Output;
use super::add_data::Added;
use super::flags::UpdateData;
use super::request_once::{self, DATA_NODE_TIMEOUT};
use super::session::{Session, what_at};

pub(super) async fn run(session: &Session, asked: &UpdateData) -> Output {
    let (old, new) = match (&asked.old, &asked.new) {
        (Some(old), Some(new)) => (old, new),
        (None, _) => return Output::failed(session.said("old-addr value is empty")),
        (_, None) => return Output::failed(session.said("new-addr value is empty")),
    };
    match update(session, old, new).await {
        // In lower case, as the current product has it.
        Ok(updated) => Output::done(format!(
            "updated data node {} to {}\n",
            updated.id, updated.tcp_addr
        )),
        Err(why) => Output::failed(why),
    }
}

async fn update(session: &Session, old: &str, new: &str) -> Result<Added, String> {
    let (at, fields) = (&session.bind, [("oldAddr", old), ("newAddr", new)]);
    let look = "influxd-ctl show says which address the node has";
    let answered = request_once::give(
        session,
        at,
        "/update-data",
        &fields,
        DATA_NODE_TIMEOUT,
        look,
    )
    .await?;
    answered
        .json()
        .map_err(|error| session.exited(&what_at(at, &error)))
}
