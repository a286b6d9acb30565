//! `influxd-ctl truncate-shards [-delay <duration>]`: `POST /truncate-shards` at the bound node.

use super::Output;
use super::flags::TruncateShards;
use super::session::Session;

pub(super) async fn run(session: &Session, asked: &TruncateShards) -> Output {
    let fields = [("delay", asked.delay.as_str())];
    // A group that was truncated ends before the second time comes.
    let attempt = async || {
        session
            .try_form(&session.bind, "/truncate-shards", &fields)
            .await
            .map(drop)
    };
    match session.repeat(&session.bind, attempt).await {
        Ok(()) => Output::done("Truncated shards.\n".to_owned()),
        Err(why) => Output::failed(why),
    }
}
