//! `influxd-ctl`: one file per command.
//!
//! Owns: the command line, what is printed, the exit code: 0, or 1 for any failure. Data goes to
//! stdout, talk to stderr. Never: anything a server does; it knows a cluster only by what the meta
//! API of one node says. Called by the bins.

mod add_data;
mod add_meta;
mod copy_shard;
mod copy_shard_status;
mod flags;
mod join;
mod leave;
mod local_nodes;
mod members;
mod node_labels;
mod prompt;
mod remove_data;
mod remove_meta;
mod remove_shard;
mod request_once;
mod session;
mod show;
mod show_shards;
mod status;
mod table;
mod timestamps;
mod token;
mod truncate_shards;
mod update_data;

use std::ffi::OsString;
use std::io::Write;

use clap::Parser;

use crate::runtime::Env;
use flags::{Cli, CtlCommand};
use session::Session;

/// What a command has to say: `stdout` even when it failed, as far as it got.
#[derive(Debug, Default, PartialEq, Eq)]
struct Output {
    stdout: String,
    /// Lines for stderr that are no failure.
    notes: Vec<String>,
    /// Why the exit code is 1.
    failure: Option<String>,
}

impl Output {
    fn done(stdout: String) -> Self {
        Self {
            stdout,
            ..Self::default()
        }
    }

    fn failed(why: impl Into<String>) -> Self {
        Self {
            failure: Some(why.into()),
            ..Self::default()
        }
    }
}

/// Runs `influxd-ctl` with these arguments (without the program's name) and gives the exit code.
pub fn run(args: Vec<OsString>) -> i32 {
    let named = std::iter::once(OsString::from("influxd-ctl")).chain(flags::from_go(args));
    match Cli::try_parse_from(named) {
        Ok(cli) => finish(&perform(&cli)),
        // Asked-for help is data; everything else is a failure. (clap's own exit code would be 2.)
        Err(error) if !error.use_stderr() => finish(&Output::done(error.to_string())),
        Err(error) => finish(&Output::failed(error.to_string().trim_end())),
    }
}

fn perform(cli: &Cli) -> Output {
    let command = match &cli.command {
        None => return Output::done(flags::help()),
        Some(CtlCommand::Other(words)) => return other(words),
        Some(command) => command,
    };
    if let Err(why) = cli.global.refused() {
        return Output::failed(why);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return Output::failed(format!("{}: cannot start: {error}", command.name())),
    };
    let output = runtime.block_on(async {
        let session = Session::new(command.name(), &Env::real(), &cli.global);
        execute(command, session).await
    });
    // A look-up that hangs has a thread of its own, which must not hold up the exit.
    runtime.shutdown_background();
    output
}

async fn execute(command: &CtlCommand, mut session: Session) -> Output {
    match command {
        CtlCommand::Show(asked) => show::run(&session, asked.verbose).await,
        CtlCommand::AddMeta(asked) => add_meta::run(&session, asked).await,
        CtlCommand::RemoveMeta(asked) => remove_meta::run(&mut session, asked).await,
        CtlCommand::Join(asked) => join::run(&session, asked).await,
        CtlCommand::Leave(asked) => leave::run(&mut session, asked).await,
        CtlCommand::AddData(asked) => add_data::run(&session, asked).await,
        CtlCommand::RemoveData(asked) => remove_data::run(&session, asked).await,
        CtlCommand::UpdateData(asked) => update_data::run(&session, asked).await,
        CtlCommand::ShowShards(asked) => show_shards::run(&session, asked).await,
        CtlCommand::CopyShard(asked) => copy_shard::run(&session, asked).await,
        CtlCommand::CopyShardStatus => copy_shard_status::run(&session).await,
        CtlCommand::RemoveShard(asked) => remove_shard::run(&session, asked).await,
        CtlCommand::TruncateShards(asked) => truncate_shards::run(&session, asked).await,
        CtlCommand::NodeLabels(asked) => node_labels::run(&session, asked).await,
        CtlCommand::Token(asked) => token::run(&session, asked),
        CtlCommand::Other(words) => other(words),
    }
}

/// Commands that are not built yet, and words that are none.
fn other(words: &[OsString]) -> Output {
    let word = words
        .first()
        .map(|word| word.to_string_lossy())
        .unwrap_or_default();
    if word == "help" {
        return Output::done(flags::help());
    }
    if flags::NOT_YET.contains(&&*word) {
        return Output::failed(format!("{word}: not supported yet"));
    }
    Output::failed(format!(
        "unknown command \"{word}\"\nRun 'influxd-ctl help' for usage"
    ))
}

/// Prints and gives the exit code. A reader that has gone away is a failure, not a panic.
fn finish(output: &Output) -> i32 {
    let mut stdout = std::io::stdout().lock();
    let printed = stdout
        .write_all(output.stdout.as_bytes())
        .and_then(|()| stdout.flush());
    for line in output.notes.iter().chain(&output.failure) {
        say(line);
    }
    i32::from(printed.is_err() || output.failure.is_some())
}

/// To stdout, at once: what a command does while it does it.
fn tell(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// To stderr; who closed it does not want to know.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
