//! `influxd-ctl copy-shard <source> <destination> <id>`: `POST /copy-shard` at the bound node,
//! which answers when all is copied.

use super::Output;
use super::flags::CopyShard;
use super::request_once::{self, COPY_SHARD_TIMEOUT};
use super::session::Session;

pub(super) async fn run(session: &Session, asked: &CopyShard) -> Output {
    match copy(session, asked).await {
        Ok(done) => Output::done(done),
        Err(why) => Output::failed(why),
    }
}

async fn copy(session: &Session, asked: &CopyShard) -> Result<String, String> {
    let (source, dest, shard) = asked.checked().map_err(|why| session.said(&why))?;
    request_once::reach(session).await?;
    let id = shard.to_string();
    let fields = [
        ("src", source.as_str()),
        ("dest", dest.as_str()),
        ("shard", id.as_str()),
    ];
    let look =
        "influxd-ctl copy-shard-status shows copies under way, show-shards who owns the shard";
    request_once::give(
        session,
        &session.bind,
        "/copy-shard",
        &fields,
        COPY_SHARD_TIMEOUT,
        look,
    )
    .await?;
    Ok(format!("Copied shard {id} from {source} to {dest}\n"))
}
