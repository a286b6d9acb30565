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
mod progress;
mod prompt;
mod request_once;
mod session;
mod status;
mod style;
mod table;
mod timestamps;
mod verbs;

use std::ffi::OsString;

use crate::auth::Secret;
use crate::base::Address;
use crate::runtime::Env;
use cli::NoCommand;
use global::Global;
use output::Output;
use session::Session;
use verbs::Verb;

/// Facts of this program and of its host that only the caller of [`run`] knows.
pub struct Host<L> {
    /// Line that `version` prints.
    pub version: String,
    /// Finds the meta node of this host, which is asked without `-bind`.
    pub local_node: L,
}

/// The meta node of this host, by its configuration.
pub struct LocalNode {
    /// Address of its HTTP API, with a default.
    pub address: Address,
    /// Its `internal-shared-secret`, if it has `auth-enabled` and this process may read the secret.
    pub secret: Option<Secret>,
}

/// Runs `influxd-ctl` with these arguments, without the program's name. Returns the exit code.
pub fn run(args: Vec<OsString>, host: Host<impl FnOnce() -> LocalNode>) -> i32 {
    let output = match cli::parse(args) {
        Ok((global, verb)) => match global.refused() {
            Ok(()) => {
                let local = (host.local_node)();
                let mut output = perform(&verb, &global, local);
                output.notes.extend(global.warnings());
                output
            }
            Err(why) => Output::failed(why),
        },
        // Help that was requested is data. (clap's own exit code for a failure would be 2.)
        Err(NoCommand::Help(text)) => Output::done(text),
        Err(NoCommand::Version) => Output::done(format!("{}\n", host.version)),
        Err(NoCommand::Wrong(why)) => Output::failed(why),
    };
    output.finish()
}

fn perform(verb: &Verb, global: &Global, local: LocalNode) -> Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return Output::failed(format!("{}: cannot start: {error}", verb.name())),
    };
    let output = runtime.block_on(async {
        let mut session = Session::new(verb.name(), &Env::real(), global, local);
        verb.run(&mut session).await
    });
    // A name lookup that hangs has its own thread. It must not delay the exit.
    runtime.shutdown_background();
    output
}
