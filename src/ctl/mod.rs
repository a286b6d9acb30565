//! The admin tool `influxd-ctl`.
//!
//! Owns: the command line, the printed output, the exit code: 0, or 1 for any failure. Data goes to
//! stdout, messages to stderr. Never: anything a server does; it knows a cluster only through the
//! meta API of one node. Called by the programs in `bin`. A new command is one file in `verbs` and
//! one entry in its table.

mod addresses;
mod cli;
mod global;
mod go_flags;
mod local_nodes;
mod members;
mod output;
mod prompt;
mod request_once;
mod session;
mod status;
mod table;
mod timestamps;
mod verbs;

use std::ffi::OsString;

use clap::{CommandFactory, Parser};

use crate::base::Address;
use crate::runtime::Env;
use cli::{Cli, CtlCommand};
use global::Global;
use output::Output;
use session::Session;
use verbs::Verb;

/// Runs `influxd-ctl` with these arguments, without the program's name. `local` finds the meta node
/// to talk to without `-bind`. Returns the exit code.
pub fn run(args: Vec<OsString>, local: impl FnOnce() -> Address) -> i32 {
    let args = go_flags::from_go(&Cli::command(), args);
    let named = std::iter::once(OsString::from("influxd-ctl")).chain(args);
    let output = match Cli::try_parse_from(named) {
        Ok(cli) => perform(cli, local),
        // Help that was requested is data. (clap's own exit code for a failure would be 2.)
        Err(error) if !error.use_stderr() => Output::done(error.to_string()),
        Err(error) => Output::failed(error.to_string().trim_end()),
    };
    output.finish()
}

fn perform(cli: Cli, local: impl FnOnce() -> Address) -> Output {
    match &cli.command {
        None => Output::done(cli::help()),
        Some(CtlCommand::Other(words)) => other(words),
        Some(CtlCommand::Verb(verb)) => match cli.global.refused() {
            Ok(()) => {
                let bind = cli.global.bind.clone().unwrap_or_else(local);
                perform_verb(verb, &cli.global, bind)
            }
            Err(why) => Output::failed(why),
        },
    }
}

fn perform_verb(verb: &Verb, global: &Global, bind: Address) -> Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return Output::failed(format!("{}: cannot start: {error}", verb.name())),
    };
    let output = runtime.block_on(async {
        let mut session = Session::new(verb.name(), &Env::real(), global, bind);
        verb.run(&mut session).await
    });
    // A name lookup that hangs has its own thread. It must not delay the exit.
    runtime.shutdown_background();
    output
}

/// Handles commands that are not built yet, and unknown words.
fn other(words: &[OsString]) -> Output {
    let word = words
        .first()
        .map(|word| word.to_string_lossy())
        .unwrap_or_default();
    if word == "help" {
        return Output::done(cli::help());
    }
    if cli::NOT_YET.contains(&&*word) {
        return Output::failed(format!("{word}: not supported yet"));
    }
    Output::failed(format!(
        "unknown command \"{word}\"\nRun 'influxd-ctl help' for usage"
    ))
}
