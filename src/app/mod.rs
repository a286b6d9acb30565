//! The programs: start order, drain order, exit codes.
//!
//! Owns: `main` of both programs. Never: a rule of the domain. Order of a start: arguments →
//! configuration → logging → privileges → signals → listen on 8091 → directory → cluster (which
//! listens on 8089) → serve, until a signal or a failure → drain → exit code.

mod advice;
mod commands;
mod failure;
mod healthcheck;
mod listen;
mod node;
mod panics;
mod pidfile;
mod privileges;
mod report;
mod start;

use std::ffi::{OsStr, OsString};
use std::net::IpAddr;
use std::path::Path;

use crate::base::Address;
use crate::base::endpoint::META_HTTP_PORT;
use crate::config::args::{self, ProgramCommand};
use crate::config::{self, Flags};
use crate::ctl::{Host, LocalNode};

const LOCALHOST: &str = "localhost";

/// Runs the program that the arguments name: `influxd-ctl` if the program was called by that name
/// or with it as first argument, else `influxd-meta`. Returns the exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> i32 {
    let mut args = args.into_iter();
    let program = args.next().unwrap_or_default();
    let mut args: Vec<OsString> = args.collect();
    if Path::new(&program).file_name() == Some(OsStr::new("influxd-ctl")) {
        return ctl(args);
    }
    match args.first().and_then(|first| first.to_str()) {
        // `docker run image influxd-meta -config x`, as for images whose entrypoint is a shell.
        Some("influxd-meta" | "/usr/bin/influxd-meta") => drop(args.remove(0)),
        Some("influxd-ctl" | "/usr/bin/influxd-ctl") => return ctl(args.split_off(1)),
        _ => {}
    }
    i32::from(meta(args))
}

/// Runs `influxd-ctl`. Without `-bind` it asks the node that `healthcheck` asks. An address that
/// cannot be determined is the default one: the node may be on another host.
fn ctl(args: Vec<OsString>) -> i32 {
    let local_node = || {
        let inputs = config::inputs_of_node(Flags::default());
        let bind = config::http_bind(&inputs).unwrap_or_default();
        let is_any = |host: &String| host.parse().is_ok_and(|ip: IpAddr| ip.is_unspecified());
        let address = match (bind.host.filter(|host| !is_any(host)), bind.port) {
            (_, 0) => Address::new(LOCALHOST, META_HTTP_PORT),
            (None, port) => Address::new(LOCALHOST, port),
            (Some(host), port) => Address::new(&host, port),
        };
        LocalNode {
            address,
            secret: config::secret_for_requests(&inputs),
        }
    };
    let version = config::version::tool_line();
    crate::ctl::run(
        args,
        Host {
            version,
            local_node,
        },
    )
}

fn meta(args: Vec<OsString>) -> u8 {
    match args::parse(args) {
        Ok(ProgramCommand::Run(flags)) => start::run(flags),
        Ok(ProgramCommand::Config(command)) => commands::config(command),
        Ok(ProgramCommand::Version) => commands::version(),
        Ok(ProgramCommand::Healthcheck(command)) => healthcheck::run(&command),
        Err(usage) => commands::usage(&usage),
    }
}
