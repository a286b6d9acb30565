//! `influxd-ctl token [-exp <duration>]`: asks nobody.

use super::Output;
use super::flags::Token;
use super::session::Session;
use crate::auth::{Login, token};

pub(super) fn run(session: &Session, asked: &Token) -> Output {
    match &session.login {
        Login::Token { secret, .. } if secret.is_empty() => Output::failed(
            session.said("-secret is required: nobody takes a token that is signed with nothing"),
        ),
        Login::Token { user, secret } => {
            let expires = token::expiry(session.now(), asked.exp);
            Output::done(token::sign(secret, user, expires) + "\n")
        }
        _ => Output::failed(
            session.said("tokens can only be created when using bearer authentication"),
        ),
    }
}
