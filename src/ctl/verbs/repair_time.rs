//! `influxd-ctl repair-time`: `POST /repair-time` at the bound node.

use clap::Args;

use crate::ctl::output::Output;
use crate::ctl::session::Session;

#[derive(Debug, Args)]
pub(in crate::ctl) struct RepairTime {}

impl RepairTime {
    pub(super) async fn run(&self, session: &Session) -> Output {
        // A repetition finds the time right: that is what was asked for.
        let attempt = async || {
            session
                .try_form(&session.bind, "/repair-time", &[])
                .await
                .map(|_| "The catalog's time is right.\n".to_owned())
        };
        let look = "influxd-ctl show: is the warning gone?";
        session.change(&session.bind, look, attempt).await.into()
    }
}
