//! `influxd-ctl copy-shard <source> <destination> <id>`: `POST /copy-shard` at the bound node,
//! which answers when the copy is complete.

use clap::Args;

use super::copy_shard_status;
use super::remove_shard::{shard_id, source_address};
use crate::base::ShardId;
use crate::ctl::addresses::data_address;
use crate::ctl::output::Output;
use crate::ctl::progress::Progress;
use crate::ctl::request_once::{self, COPY_SHARD_TIMEOUT};
use crate::ctl::session::Session;
use crate::wire::api::CopiedShard;

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
        match self.copy(session).await {
            Ok(output) => output,
            Err(why) => Output::failed(why),
        }
    }

    async fn copy(&self, session: &Session) -> Result<Output, String> {
        let (source, dest, shard) = self.check().map_err(|why| session.line(&why))?;
        request_once::reach(session).await?;
        let mut progress = Progress::of_stderr();
        let copied = order(session, &mut progress, &source, &dest, shard).await?;
        Ok(Output {
            notes: note(session, &dest, shard, copied).into_iter().collect(),
            ..Output::done(line(&source, &dest, shard) + "\n")
        })
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

/// Orders the copy of a shard once, and waits until it is complete.
///
/// # Errors
/// The line for stderr.
pub(super) async fn order(
    session: &Session,
    progress: &mut Progress,
    source: &str,
    dest: &str,
    shard: ShardId,
) -> Result<CopiedShard, String> {
    let id = shard.to_string();
    let fields = [
        ("src", source),
        ("dest", dest),
        ("shard", id.as_str()),
        ("report", "true"),
    ];
    let look = "influxd-ctl copy-shard-status, and show-shards: who owns the shard?";
    let sent = request_once::send(
        session,
        &session.bind,
        "/copy-shard",
        &fields,
        COPY_SHARD_TIMEOUT,
        look,
    );
    let under_way = async || copy_shard_status::progress(session, shard, dest).await;
    let answer = progress.while_running(sent, under_way).await?;
    // A meta node of an older version, or of another program, reports nothing.
    Ok(answer.json().unwrap_or_default())
}

/// The line for stdout about a copy that is complete.
pub(super) fn line(source: &str, dest: &str, shard: ShardId) -> String {
    format!("Copied shard {shard} from {source} to {dest}")
}

/// The line for stderr about a shard of which there was nothing to copy.
pub(super) fn note(
    session: &Session,
    dest: &str,
    shard: ShardId,
    copied: CopiedShard,
) -> Option<String> {
    copied.empty.then(|| {
        session.line(&format!(
            "no owner of shard {shard} holds a point of it, so there was nothing to copy; {dest} \
             owns it now too"
        ))
    })
}
