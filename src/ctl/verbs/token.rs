//! `influxd-ctl token [-exp <duration>]`: prints a token. No node is asked.

use std::time::Duration;

use clap::Args;

use crate::auth::{Login, token};
use crate::ctl::global::parse_duration;
use crate::ctl::output::Output;
use crate::ctl::session::Session;

#[derive(Debug, Args)]
pub(in crate::ctl) struct Token {
    /// How long it is good for: 90s, 5m
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = parse_duration)]
    exp: Duration,
}

impl Token {
    pub(super) async fn run(&self, session: &Session) -> Output {
        match &session.login {
            Login::Token { secret, .. } if secret.is_empty() => Output::failed(
                session
                    .line("-secret is required: nobody takes a token that is signed with nothing"),
            ),
            Login::Token { user, secret } => {
                let expires = token::expiry(session.now(), self.exp);
                Output::done(token::sign(secret, user, expires) + "\n")
            }
            _ => Output::failed(
                session.line("tokens can only be created when using bearer authentication"),
            ),
        }
    }
}
