//! `influxd-ctl remove-shard [-force] <host:port> <id>`: `POST /remove-shard` at the bound node.

use super::Output;
use super::flags::RemoveShard;
use super::request_once::{self, COPY_SHARD_TIMEOUT};
use super::session::Session;

pub(super) async fn run(session: &Session, asked: &RemoveShard) -> Output {
    match remove(session, asked).await {
        Ok(done) => Output::done(done),
        Err(why) => Output::failed(why),
    }
}

async fn remove(session: &Session, asked: &RemoveShard) -> Result<String, String> {
    let (source, shard) = asked.checked().map_err(|why| session.said(&why))?;
    request_once::reach(session).await?;
    let id = shard.to_string();
    let mut fields = vec![("src", source.as_str()), ("shard", id.as_str())];
    fields.extend(asked.force.then_some(("force", "true")));
    let look = "influxd-ctl show-shards says who owns the shard";
    request_once::give(
        session,
        &session.bind,
        "/remove-shard",
        &fields,
        COPY_SHARD_TIMEOUT,
        look,
    )
    .await?;
    Ok(format!("Removed shard {id} from {source}\n"))
}
