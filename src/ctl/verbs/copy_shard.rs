//! `influxd-ctl copy-shard <source> <destination> <id>`: `POST /copy-shard` at the bound node,
//! which answers when the copy is complete.

use clap::Args;

use super::remove_shard::{shard_id, source_address};
use crate::base::ShardId;
use crate::ctl::addresses::data_address;
use crate::ctl::output::Output;
use crate::ctl::request_once::{self, COPY_SHARD_TIMEOUT};
use crate::ctl::session::Session;

#[derive(Debug, Args)]
pub(in crate::ctl) struct CopyShard {
    /// TCP address of a data node that has the shard
    #[arg(required = true, value_name = "SOURCE")]
    source: Option<String>,
    /// TCP address of the data node that gets it
    #[arg(required = true, value_name = "DESTINATION")]
    dest: Option<String>,
    /// ID of the shard, as show-shards prints it
    #[arg(required = true, value_name = "ID")]
    shard: Option<String>,
}

impl CopyShard {
    pub(super) async fn run(&self, session: &Session) -> Output {
        self.copy(session).await.into()
    }

    async fn copy(&self, session: &Session) -> Result<String, String> {
        let (source, dest, shard) = self.check().map_err(|why| session.line(&why))?;
        request_once::reach(session).await?;
        let id = shard.to_string();
        let fields = [
            ("src", source.as_str()),
            ("dest", dest.as_str()),
            ("shard", id.as_str()),
        ];
        let look = "influxd-ctl copy-shard-status, and show-shards: who owns the shard?";
        request_once::send(
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

    /// Returns source, destination and shard.
    ///
    /// # Errors
    /// The problem, in the original's words.
    fn check(&self) -> Result<(String, String, ShardId), String> {
        let source = source_address(self.source.as_deref())?;
        let dest = data_address(
            self.dest.as_deref().unwrap_or_default(),
            "destAddr is required",
        )?;
        // The original checks in this order.
        let shard = self.shard.as_deref().filter(|text| !text.is_empty());
        if shard.is_some() && source.eq_ignore_ascii_case(&dest) {
            return Err("destAddr and srcAddr are the same".to_owned());
        }
        Ok((source, dest, shard_id(shard)?))
    }
}
