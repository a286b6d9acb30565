//! `influxd-ctl truncate-shards [-delay <duration>]`: `POST /truncate-shards` at the bound node.

use clap::Args;

use crate::ctl::output::Output;
use crate::ctl::session::Session;
use crate::wire::go_duration;

#[derive(Debug, Args)]
pub(in crate::ctl) struct TruncateShards {
    /// Points later than this from now go into new shards: 90s, 1m30s
    #[arg(long, value_name = "DURATION", default_value = "1m0s", value_parser = delay)]
    delay: String,
}

impl TruncateShards {
    pub(super) async fn run(&self, session: &Session) -> Output {
        let fields = [("delay", self.delay.as_str())];
        // Idempotent: a truncated group ends before the time that a second request gives.
        let attempt = async || {
            session
                .try_form(&session.bind, "/truncate-shards", &fields)
                .await
                .map(|_| "Truncated shards.\n".to_owned())
        };
        let look = "influxd-ctl show-shards: which groups end early?";
        session.change(&session.bind, look, attempt).await.into()
    }
}

/// Checks the duration and returns it as typed: the node parses it as Go does.
pub(super) fn delay(text: &str) -> Result<String, String> {
    match go_duration::parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
