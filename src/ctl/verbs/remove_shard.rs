//! `influxd-ctl remove-shard [-force] <host:port> <id>`: `POST /remove-shard` at the bound node.

use clap::Args;

use crate::base::ShardId;
use crate::ctl::addresses::data_address;
use crate::ctl::output::Output;
use crate::ctl::request_once::{self, COPY_SHARD_TIMEOUT};
use crate::ctl::session::Session;

#[derive(Debug, Args)]
pub(in crate::ctl) struct RemoveShard {
    /// Also if it is the last copy: its points are gone then
    #[arg(long)]
    force: bool,
    /// TCP address of the data node that loses its copy
    #[arg(required = true, value_name = "HOST:PORT")]
    source: Option<String>,
    /// ID of the shard, as show-shards prints it
    #[arg(required = true, value_name = "ID")]
    shard: Option<String>,
}

impl RemoveShard {
    pub(super) async fn run(&self, session: &Session) -> Output {
        self.remove(session).await.into()
    }

    async fn remove(&self, session: &Session) -> Result<String, String> {
        let (source, shard) = self.check().map_err(|why| session.line(&why))?;
        request_once::reach(session).await?;
        let id = shard.to_string();
        let mut fields = vec![("src", source.as_str()), ("shard", id.as_str())];
        fields.extend(self.force.then_some(("force", "true")));
        let look = "influxd-ctl show-shards: who owns the shard?";
        request_once::send(
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

    /// Returns source and shard.
    ///
    /// # Errors
    /// The problem, in the original's words.
    fn check(&self) -> Result<(String, ShardId), String> {
        let source = source_address(self.source.as_deref())?;
        Ok((source, shard_id(self.shard.as_deref())?))
    }
}

pub(super) fn source_address(text: Option<&str>) -> Result<String, String> {
    data_address(text.unwrap_or_default(), "srcAddr is required")
}

/// Parses the ID of a shard; leading zeros are allowed.
///
/// # Errors
/// The problem, in the original's words.
pub(super) fn shard_id(text: Option<&str>) -> Result<ShardId, String> {
    let text = text.unwrap_or_default();
    match text.parse() {
        _ if text.is_empty() => Err("shardID is required".to_owned()),
        Ok(0) => Err("shardID must be greater than 0".to_owned()),
        Ok(id) => Ok(ShardId(id)),
        Err(_) => Err(format!("error converting shardID to int: {text}")),
    }
}
